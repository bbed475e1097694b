"""Pictures of unknown people: of whom they are kept, sealed, few, gone when the key is; and who they turn out to be."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from ulid import ULID

from agent.bundle import open_bundle
from agent.enrolling import Enrolling
from agent.errors import CommandError, EnrolmentRefused
from agent.gallery.space import AS_ENCODED
from agent.privacy.retention import carry_out
from agent.seal.keyring import site_key
from agent.seal.keys import SiteKey
from agent.seal.reissue import reissue
from agent.seal.sealing import Seal
from agent.store.crops import kept_crops
from agent.store.db import open_db
from agent.types import Crop, Embedding, Event, Quality
from agent.unknown import album as albums
from agent.unknown.album import Album, folder
from agent.unknown.alike import groups
from agent.unknown.introduce import introduce
from agent.unknown.witness import VISITORS, Witness
from tests.fakes.agents import Terminals, enrol
from tests.fakes.blocks import BLUE, GREEN, RED, Block, paint
from tests.fakes.registers import audited, request

AT = datetime(2026, 11, 26, 6, 30, 15, tzinfo=UTC)
QUALITY = Quality(face_px=120.0, sharpness=50.0, yaw=0.1, exposure=120.0, contrast=40.0)


def crop(sharpness=50.0, tint=0, yaw=0.0):
    image = paint(Block(GREEN, px=112, x=0, y=0, tint=tint), size=(112, 112))
    return Crop(image, replace(QUALITY, sharpness=sharpness, yaw=yaw))


def vector(*numbers):
    told = np.array(numbers, np.float32)
    return Embedding(told / np.float32(np.linalg.norm(told)), "m")


def event(track, person=None, reason="unknown", kind="access", id_=None):
    body = {"track": track, "person": person, "reason": reason}
    return Event(id_ or str(ULID()), 1, kind, AT, "boot", body)


# Of whom


class Kept(list):
    def __call__(self, event_id, at, seen, embedding):
        self.append((event_id, seen.quality.sharpness))


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def witness(kept, monkeypatch):
    monkeypatch.setattr("agent.unknown.witness.STEP_SECONDS", 0.0)
    return Witness(kept)


def test_the_best_look_is_kept_once_the_visit_is_over(witness, kept):
    for looked in (crop(40), crop(90), crop(95, yaw=0.5), crop(60)):
        witness.saw(1, looked, vector(1, 0))
    told = event(1)
    witness.recorded(told)
    witness.recorded(event(1))  # the second try of the same visit
    witness.step()
    assert kept == []  # they may still be recognised
    witness.left(1, None)
    witness.step()
    assert kept == [(told.id, 90.0)]
    witness.left(1, None)
    witness.recorded(event(1))
    witness.step()
    assert len(kept) == 1


def test_a_refusal_that_is_recorded_after_they_have_gone_counts(witness, kept):
    witness.saw(1, crop(), vector(1, 0))
    witness.left(1, None)
    witness.recorded(event(1, reason="empty_gallery"))
    witness.step()
    assert len(kept) == 1


@pytest.mark.parametrize(
    "others",
    [
        pytest.param(lambda w: (w.recorded(event(1)), w.left(1, "anna")), id="recognised in the end"),
        pytest.param(
            lambda w: (w.recorded(event(1)), w.recorded(event(1, "anna", "match")), w.left(1, None)), id="let in"
        ),
        pytest.param(
            lambda w: (w.recorded(event(1, reason="ambiguous")), w.left(1, None)), id="like two who are enrolled"
        ),
        pytest.param(lambda w: (w.recorded(event(1, reason="inconsistent")), w.left(1, None)), id="like several"),
        pytest.param(lambda w: (w.recorded(event(1, kind="alarm")), w.left(1, None)), id="an alarm"),
        pytest.param(lambda w: (w.recorded(event(2)), w.left(1, None)), id="another visitor"),
        pytest.param(lambda w: w.recorded(event(1)), id="still there"),
        pytest.param(lambda w: w.left(1, None), id="passed by"),
    ],
)
def test_of_others_nothing_is_kept(witness, kept, others):
    witness.saw(1, crop(), vector(1, 0))
    others(witness)
    witness.step()
    assert kept == []


def test_so_many_visitors_are_remembered_at_most(witness, kept):
    for track in range(VISITORS + 1):
        witness.saw(track, crop(), vector(1, 0))
    for track in (0, VISITORS):
        witness.recorded(event(track))
        witness.left(track, None)
    witness.step()
    assert len(kept) == 1


# How


@pytest.fixture
def config(tmp_path, monkeypatch):
    return Terminals(tmp_path, monkeypatch)()


@pytest.fixture
def album(config):
    return Album(config, Seal(site_key(config)))


def files(config):
    return sorted(folder(config).iterdir())


def test_a_picture_is_sealed_and_says_event_and_time_alone(album, config):
    id_ = str(ULID())
    name = album.keep(id_, AT, crop(), vector(3, 4))
    (file,) = files(config)
    assert file.name == f"20261126T063015Z-{id_}.sealed"
    assert file.stat().st_mode & 0o077 == 0
    data = file.read_bytes()
    assert b"JFIF" not in data
    assert b"sharpness" not in data
    found = album.open(name)
    assert (found.event, found.at, found.quality) == (id_, AT, crop().quality)
    np.testing.assert_allclose(found.embedding.vector, [0.6, 0.8], rtol=1e-6)
    assert np.abs(found.crop().image.astype(int) - crop().image).mean() < 4


def test_what_was_renamed_changed_or_is_of_another_key_does_not_open(album, config):
    name = album.keep(str(ULID()), AT, crop(), vector(1, 0))
    (file,) = files(config)
    other = file.with_name(f"20261126T063015Z-{ULID()}.sealed")
    other.write_bytes(file.read_bytes())
    assert album.open(other.name.removesuffix(".sealed")) is None
    assert Album(config, Seal(SiteKey.new())).open(name) is None
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert album.open(name) is None
    assert album.open("../../etc/passwd") is None
    assert album.open(f"20261126T063015Z-{ULID()}") is None


def test_the_oldest_goes(album, monkeypatch):
    monkeypatch.setattr(albums, "MOST", 3)
    kept = [album.keep(str(ULID()), AT + timedelta(minutes=n), crop(), vector(1, 0)) for n in range(5)]
    assert album.names() == kept[:1:-1]
    assert album.delete([kept[4], kept[0], "../x"]) == 1
    assert album.names() == [kept[3], kept[2]]


def test_a_disk_that_takes_nothing_stops_nobody(album, config):
    folder(config).parent.mkdir(parents=True, exist_ok=True)
    folder(config).write_text("in the way")
    assert album.keep(str(ULID()), AT, crop(), vector(1, 0)) is None


def test_they_go_with_the_night_when_they_are_old(album, config):
    old, new = (album.keep(str(ULID()), AT + timedelta(minutes=n), crop(), vector(1, 0)) for n in range(2))
    (first, _), days = files(config), config.retention.unknown_days
    os.utime(first, (AT.timestamp(), AT.timestamp()))
    with open_db(config.database_path, key=site_key(config)) as db:
        done = carry_out(db, config, AT + timedelta(days=days, hours=1), request())
    assert done["removed"] == {"unknown": 1}
    assert album.names() == [new]
    assert album.open(old) is None


def test_another_key_for_the_site_leaves_none(album, config):
    enrol(config, "anna", RED)
    album.keep(str(ULID()), AT, crop(), vector(1, 0))
    reissue(config, request())
    assert files(config) == []


# Who they are


def test_those_who_look_alike_are_together(album):
    near = [vector(10, 1), vector(0, 1), vector(10, -1), vector(1, 10), vector(-1, 0)]
    strangers = [
        album.open(album.keep(str(ULID()), AT + timedelta(minutes=n), crop(), each)) for n, each in enumerate(near)
    ]
    found = groups(strangers, AS_ENCODED, 0.6)
    assert [[strangers.index(each) for each in group] for group in found] == [[0, 2], [1, 3], [4]]
    assert groups([], AS_ENCODED, 0.6) == []


@pytest.fixture
def house(tmp_path, monkeypatch):
    """Anna is known; the stranger has come twice, and somebody blue once."""
    config = Terminals(tmp_path, monkeypatch)(security__keep_crops=True, privacy__require_consent=True)
    enrol(
        config.model_copy(update={"privacy": config.privacy.model_copy(update={"require_consent": False})}), "anna", RED
    )
    bundle = open_bundle(config, site_key(config))
    eyes, album = bundle.eyes(), Album(config, Seal(bundle.key))
    names = []
    for n, block in enumerate((Block(GREEN), Block(GREEN, tint=20), Block(BLUE), Block(RED, tint=10))):
        (seen,) = eyes.look(paint(block))
        names.append(album.keep(str(ULID()), AT + timedelta(minutes=n), seen.crop, seen.embedding))
    with open_db(config.database_path, key=bundle.key) as db:
        enrolling = Enrolling(bundle, db, lambda change: change(db), boot_id="boot")
        yield (
            db,
            album,
            names,
            lambda pictures, person, **more: introduce(
                bundle, album, enrolling, pictures, person, by="page:olga", **more
            ),
        )


def test_somebody_is_enrolled_from_pictures_with_consent_and_the_pictures_are_gone(house):
    db, album, names, enrol_as = house
    done = enrol_as(names[:2], "cleo", name="Cleo", consent="photos 1")
    assert (done["person"], done["name"], done["added"]) == ("cleo", "Cleo", 2)
    assert ("enrolled", "cleo") in audited(db)
    assert album.names() == names[:1:-1]
    assert len(list(kept_crops(db, person="cleo"))) == 2


def test_a_picture_that_is_named_twice_is_one_template(house):
    _, album, names, enrol_as = house
    assert enrol_as([names[0], names[1], names[0]], "cleo", consent="photos 1")["added"] == 2
    assert album.names() == names[:1:-1]


@pytest.mark.parametrize(
    ("pictures", "person", "more", "refusal"),
    [
        pytest.param((0, 1), "cleo", {}, (CommandError, "consent"), id="without consent"),
        pytest.param(
            (0, 2), "cleo", {"consent": "t"}, (EnrolmentRefused, "another person than in photo"), id="two people"
        ),
        pytest.param(
            (3,), "cleo", {"consent": "t"}, (EnrolmentRefused, "enrolled already as anna"), id="somebody known"
        ),
        pytest.param((0,), "anna", {"consent": "t"}, (EnrolmentRefused, "another person than the anna"), id="not her"),
        pytest.param((0,), "no id!", {"consent": "t"}, (CommandError, "id"), id="no id"),
    ],
)
def test_the_rules_of_enrolment_hold(house, pictures, person, more, refusal):
    _, album, names, enrol_as = house
    error, says = refusal
    with pytest.raises(error, match=says):
        enrol_as([names[n] for n in pictures], person, **more)
    assert len(album.names()) == 4


def test_pictures_that_are_gone_or_of_another_encoder_are_refused_in_words(house):
    _, album, names, enrol_as = house
    album.delete(names[:1])
    with pytest.raises(CommandError, match="is gone: load the page again"):
        enrol_as(names[:1], "cleo", consent="t")
    other = album.keep(str(ULID()), AT, crop(), vector(1, 0))
    with pytest.raises(CommandError, match="encoded by m, which is not in use any more"):
        enrol_as([other], "cleo", consent="t")
