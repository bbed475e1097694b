"""Enrolling, removing and identifying, over a real database; faces are blocks of colour."""

import dataclasses
import json
import threading
from datetime import UTC, datetime

import numpy as np
import pytest

from agent.bundle import open_bundle
from agent.config import load_config
from agent.config.people import Privacy
from agent.enrolment import Administration
from agent.errors import CommandError, EnrolmentRefused, PictureError, StoreFull
from agent.gallery.match import Gallery
from agent.hardware.backends import BACKENDS
from agent.members import consent
from agent.members.merge import rename
from agent.mqtt.telemetry import AuditEvent, event_body
from agent.register import Enrolment, Request, add_templates
from agent.store import events, people, receipts
from agent.store.db import open_db
from agent.store.templates import load_gallery
from tests.fakes import blocks, sites
from tests.fakes.blocks import BLUE, GREEN, RED, Block, paint, png
from tests.fakes.keys import KEY

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)


def photo(colour, tint=0, **more):
    return png(paint(Block(colour, tint=tint, **more)))


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    monkeypatch.setitem(BACKENDS["engine"], "ai-edge-litert", blocks.ENGINE)
    blocks.write_cards(tmp_path)
    models = {f"models.{name}": tmp_path / f"{name}.tflite" for name in ("encoder", "detector")}
    (tmp_path / "agent.toml").touch()
    told = {"device.data_dir": tmp_path, "privacy.require_consent": False, **models}
    return open_bundle(load_config(tmp_path / "agent.toml", told, {}), KEY)


@pytest.fixture
def db(bundle):
    with open_db(bundle.config.database_path, key=KEY) as db:
        yield db


@pytest.fixture
def admin(bundle, db):
    return Administration(bundle, bundle.eyes(), db, boot_id="boot", now=lambda: NOW)


def audit(db):
    bodies = [event.body for event in events.recent(db, 100)]
    return [(body["action"], body["subject"], body["details"]["templates"]) for body in bodies]


def test_a_person_is_enrolled_with_an_audit_event(admin, db):
    done = admin.enrol("anna", "Anna", [photo(RED), photo(RED, 9)], by="mqtt", command_id="c1")
    assert done == {"person": "anna", "name": "Anna", "added": 2, "templates": 2}
    (event,) = events.unsent(db)
    assert (event.kind, event.at, event.boot_id) == ("audit", NOW, "boot")
    said = {key: event.body[key] for key in ("action", "subject", "details", "by", "command_id")}
    assert said == {
        "action": "enrolled",
        "subject": "anna",
        "details": {"templates": 2},
        "by": "mqtt",
        "command_id": "c1",
    }
    AuditEvent.model_validate_json(json.dumps(event_body(event, site="home", device="door", historical=False)))


def test_pictures_may_be_pixels(admin):
    assert admin.enrol("anna", None, [paint(Block(RED))], by="cli")["name"] == "anna"


def test_more_photos_are_added_and_the_name_stays(admin, db):
    admin.enrol("anna", "Anna", [photo(RED)], by="cli")
    assert admin.enrol("anna", None, [photo(RED, 9)], by="cli") == {
        "person": "anna",
        "name": "Anna",
        "added": 1,
        "templates": 2,
    }
    assert audit(db) == [("enrolled", "anna", 1), ("enrolled", "anna", 1)]


def test_the_same_again_adds_nothing(admin):
    photos = [photo(RED), photo(RED, 9)]
    admin.enrol("anna", None, photos, by="mqtt", command_id="c1")
    again = admin.enrol("anna", "Anna", photos, by="mqtt", command_id="c1")
    assert again == {"person": "anna", "name": "Anna", "added": 0, "templates": 2}


def test_a_refusal_changes_nothing(admin, db):
    with pytest.raises(EnrolmentRefused) as refused:
        admin.enrol("anna", None, [photo(RED), photo(GREEN), photo(RED, 9)], by="cli")
    assert (refused.value.code, refused.value.photo) == ("different_people", 1)
    assert people.list_people(db) == []
    assert audit(db) == []


def test_the_same_face_under_another_name_is_refused(admin):
    admin.enrol("anna", None, [photo(RED)], by="cli")
    with pytest.raises(EnrolmentRefused, match="enrolled already as anna"):
        admin.enrol("bob", None, [photo(RED, 9)], by="cli")


def test_another_face_under_the_same_name_is_refused_unless_it_replaces(admin, db):
    admin.enrol("anna", None, [photo(RED), photo(RED, 9)], by="cli")
    with pytest.raises(EnrolmentRefused, match="another person than the anna enrolled before"):
        admin.enrol("anna", None, [photo(GREEN)], by="cli")
    done = admin.enrol("anna", None, [photo(GREEN)], replace=True, by="cli")
    assert (done["added"], done["templates"]) == (1, 1)
    assert audit(db)[-1] == ("replaced", "anna", 1)
    assert admin.identify(photo(RED))["faces"][0]["verdict"] == "unknown"


def test_replacing_still_refuses_the_face_of_somebody_else(admin):
    admin.enrol("anna", None, [photo(RED)], by="cli")
    admin.enrol("bob", None, [photo(GREEN)], by="cli")
    with pytest.raises(EnrolmentRefused, match="enrolled already as bob"):
        admin.enrol("anna", None, [photo(GREEN, 9)], replace=True, by="cli")


def test_replacing_somebody_new_is_enrolling(admin, db):
    admin.enrol("anna", None, [photo(RED)], replace=True, by="cli")
    assert audit(db) == [("enrolled", "anna", 1)]


@pytest.mark.parametrize(
    ("person", "name"), [("../etc", None), ("", None), ("anna\n", None), ("anna", ""), ("anna", "A\x1b[31m")]
)
def test_names_that_would_not_do(admin, person, name):
    with pytest.raises(CommandError) as refused:
        admin.enrol(person, name, [photo(RED)], by="mqtt")
    assert refused.value.code == "bad_request"


def test_a_face_that_was_enrolled_meanwhile_under_another_name_is_noticed(bundle, db):
    with open_db(db.path, key=KEY) as other:
        rival = Administration(bundle, bundle.eyes(), other, boot_id="other")
        eyes, looks = bundle.eyes(), []

        class Slow:
            def look(self, image):
                if not looks:
                    rival.enrol("bob", None, [photo(RED, 9)], by="cli")
                looks.append(image)
                return eyes.look(image)

        with pytest.raises(EnrolmentRefused, match="enrolled already as bob"):
            Administration(bundle, Slow(), db, boot_id="boot").enrol("anna", None, [photo(RED)], by="mqtt")
    assert [person.id for person in people.list_people(db)] == ["bob"]


def test_people_who_never_stand_still_are_given_up(bundle, db):
    eyes = bundle.eyes()

    class Restless:
        def look(self, image):
            people.add_person(db, "bob", name=f"{people.gallery_version(db)}", at=NOW)
            return eyes.look(image)

    with pytest.raises(CommandError) as refused:
        Administration(bundle, Restless(), db, boot_id="boot").enrol("anna", None, [photo(RED)], by="mqtt")
    assert refused.value.code == "busy"


def test_changes_are_made_by_who_may_write(bundle, db):
    writers = []

    def write(change):
        done = []

        def work():
            writers.append(threading.current_thread())
            with open_db(db.path, key=KEY) as own:
                done.append(change(own))

        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
        return done[0]

    admin = Administration(bundle, bundle.eyes(), db, write=write, boot_id="boot")
    admin.enrol("anna", None, [photo(RED)], by="mqtt")
    assert admin.remove("anna", by="mqtt")["templates"] == 1
    assert len(writers) == 2
    assert threading.current_thread() not in writers


def test_what_the_writer_says_comes_through(bundle, db):
    def full(change):
        raise StoreFull("no room")

    with pytest.raises(StoreFull):
        Administration(bundle, bundle.eyes(), db, write=full, boot_id="b").enrol("anna", None, [photo(RED)], by="mqtt")


def test_a_person_is_removed_with_an_audit_event(admin, db):
    admin.enrol("anna", None, [photo(RED), photo(RED, 9)], by="cli")
    done = admin.remove("anna", by="mqtt", command_id="c2")
    assert done == {"person": "anna", "templates": 2, "receipt": receipts.get(db, "anna").id}
    assert audit(db)[-1] == ("removed", "anna", 2)
    with pytest.raises(CommandError) as refused:
        admin.remove("anna", by="mqtt")
    assert refused.value.code == "unknown_person"
    assert len(audit(db)) == 2


def test_everybody_is_listed(admin):
    admin.enrol("bob", "Bob", [photo(GREEN)], by="cli")
    admin.enrol("anna", None, [photo(RED)], by="cli")
    listed = admin.list()
    assert listed["model"] == blocks.MODEL
    assert [person["id"] for person in listed["people"]] == ["anna", "bob"]
    assert listed["people"][1] == {
        "id": "bob",
        "name": "Bob",
        "badge": None,
        "state": "active",
        "groups": [],
        "templates": 1,
        "models": [blocks.MODEL],
        "enrolled_at": "2026-11-22T06:00:00.000Z",
    }


def test_faces_are_identified_as_people_come_and_go(admin, db, bundle):
    both = png(paint(Block(RED, x=40), Block(BLUE, x=300, px=160)))
    assert [face["reason"] for face in admin.identify(both)["faces"]] == ["empty_gallery"] * 2
    admin.enrol("anna", None, [photo(RED)], by="cli")
    with open_db(db.path, key=KEY) as other:
        Administration(bundle, bundle.eyes(), other, boot_id="other").enrol("bob", None, [photo(GREEN)], by="cli")
    faces = admin.identify(both)["faces"]
    assert [(face["verdict"], face["reason"]) for face in faces] == [("unknown", "unknown"), ("known", "match")]
    assert (faces[1]["person"], faces[1]["second"]) == ("anna", "bob")


def test_what_is_no_picture_is_not_identified(admin):
    with pytest.raises(PictureError):
        admin.identify(b"GIF89a")


class TestWithout:
    def test_the_others_keep_their_templates(self):
        vectors = np.eye(5, dtype=np.float32)
        gallery = Gallery.build("m", ["a", "b", "c"], vectors, [0, 1, 1, 2, 2])
        rest = gallery.without("b")
        assert rest.people == ("a", "c")
        assert rest.nearest(vectors[4]).person == "c"
        assert rest.nearest(vectors[1]).similarity == 0
        assert gallery.without("z") is gallery

    def test_nobody_may_be_left(self):
        rest = Gallery.build("m", ["a"], np.eye(1, 3, dtype=np.float32), [0]).without("a")
        assert rest.nearest(np.eye(1, 3, dtype=np.float32)[0]).person is None


def test_a_request_from_the_command_line_has_no_command_id():
    assert Request("cli", NOW, "boot").command_id is None


class TestSite:
    """With a site file nobody is enrolled again, and everything is compared in its space."""

    @pytest.fixture
    def others(self, bundle, tmp_path):
        """The same terminal, calibrated to people who are all rather red."""
        config = bundle.config
        site = sites.write(tmp_path / "site.json")
        return open_bundle(config.model_copy(update={"models": config.models.model_copy(update={"site": site})}), KEY)

    def test_those_enrolled_before_are_known(self, admin, others, db):
        admin.enrol("anna", None, [photo(RED)], by="cli")
        calibrated = Administration(others, others.eyes(), db, boot_id="boot")
        (face,) = calibrated.identify(photo(RED))["faces"]
        assert (face["person"], face["similarity"]) == ("anna", 1.0)
        assert face["threshold"] == pytest.approx(others.threshold(1).cosine, abs=1e-4)
        assert calibrated.enrol("anna", None, [photo(RED)], by="cli")["added"] == 0

    def test_templates_stay_as_the_encoder_made_them(self, bundle, others, db):
        Administration(others, others.eyes(), db, boot_id="boot").enrol("anna", None, [photo(RED)], by="cli")
        (seen,) = bundle.eyes().look(paint(Block(RED)))
        assert load_gallery(db, bundle.template_model).vectors[0] == pytest.approx(seen.embedding.vector)

    def test_who_is_alike_is_decided_there(self, bundle, others, db):
        one, other = (190, 60, 60), (200, 120, 60)
        (a,), (b,) = (bundle.eyes().look(paint(Block(colour))) for colour in (one, other))
        vectors = np.stack([a.embedding.vector, b.embedding.vector])
        raw, placed = float(vectors[0] @ vectors[1]), float(np.prod(others.space(vectors), axis=0).sum())
        assert placed < raw - 0.01
        calibrated = Administration(others, others.eyes(), db, boot_id="boot")
        calibrated.enrol("anna", None, [photo(one)], by="cli")
        with pytest.raises(EnrolmentRefused, match=f"enrolled already as anna: similarity {placed:.3f}"):
            calibrated.enrol("bob", None, [photo(other)], by="cli")


class TestConsent:
    """Nobody's face is kept who has not agreed to it."""

    @pytest.fixture
    def admin(self, bundle, db):
        config = bundle.config.model_copy(update={"privacy": Privacy()})
        bundle = dataclasses.replace(bundle, config=config)
        return Administration(bundle, bundle.eyes(), db, boot_id="boot", now=lambda: NOW)

    def test_it_is_asked_for_before_any_photo_is_looked_at(self, admin, db):
        with pytest.raises(CommandError, match="anna has not agreed to be recognised") as refused:
            admin.enrol("anna", None, [b"no picture"], by="mqtt")
        assert refused.value.code == "no_consent"
        assert people.list_people(db) == []

    def test_it_is_noted_with_the_photos_in_one_transaction(self, admin, db):
        assert admin.enrol("anna", None, [photo(RED)], consent="notice 1", by="mqtt")["templates"] == 1
        assert people.get_person(db, "anna").consent.text == "notice 1"
        with pytest.raises(EnrolmentRefused):
            admin.enrol("bob", None, [photo(RED, 9)], consent="notice 1", by="mqtt")
        assert people.get_person(db, "bob") is None

    def test_once_given_it_holds_until_it_is_taken_back(self, admin, db):
        admin.enrol("anna", None, [photo(RED)], consent="notice 1", by="mqtt")
        assert admin.enrol("anna", None, [photo(RED, 9)], by="mqtt")["templates"] == 2
        assert consent.withdraw(db, "anna", Request("mqtt", NOW, "boot"))["templates"] == 2
        with pytest.raises(CommandError, match="has not agreed"):
            admin.enrol("anna", None, [photo(RED)], by="mqtt")

    def test_taken_back_while_the_photos_are_looked_at(self, admin, db, bundle):
        """Asked again in the transaction: what held before need not hold any more."""
        admin.enrol("anna", None, [photo(RED)], consent="notice 1", by="mqtt")
        enrolment = Enrolment("anna", None, [], replace=False, consent=None)
        new = dataclasses.replace(enrolment, new=[_template(bundle)])
        consent.withdraw(db, "anna", Request("mqtt", NOW, "boot"))
        version = people.gallery_version(db)
        with pytest.raises(CommandError, match="has not agreed"):
            add_templates(db, new, version=version, privacy=Privacy(), request=Request("mqtt", NOW, "boot"))

    def test_an_id_that_was_another_s_is_nobody_s(self, admin, db):
        admin.enrol("anna", None, [photo(RED)], consent="notice 1", by="mqtt")
        rename(db, "anna", "ann", Request("mqtt", NOW, "boot"))
        with pytest.raises(CommandError, match="anna was the id of ann"):
            admin.enrol("anna", None, [photo(GREEN)], consent="notice 1", by="mqtt")

    def test_the_list_comes_in_pages(self, admin, db):
        for person in ("anna", "ben", "cy"):
            people.add_person(db, person, name=None, at=NOW)
        first = admin.list(limit=2)
        assert ([one["id"] for one in first["people"]], first["more"]) == (["anna", "ben"], True)
        last = admin.list(after="ben", limit=2)
        assert ([one["id"] for one in last["people"]], last["more"]) == (["cy"], False)


def _template(bundle):
    (seen,) = bundle.eyes().look(paint(Block(RED)))
    return seen.embedding, seen.crop.quality
