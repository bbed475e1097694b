"""`latchkey calibrate`, end to end: photos or the people enrolled, a site file, and a terminal that uses it."""

import json
import math
import stat
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from agent.bundle import open_bundle
from agent.cli.site_photos import enrolled_album, photo_album
from agent.config import load_config
from agent.seal.keyring import site_key
from agent.store.db import open_db
from agent.store.templates import enrol
from tests.fakes.blocks import Block, paint, png, write
from tests.fakes.terminal import Terminal, forget_logging


@pytest.fixture
def latchkey(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    yield Terminal(tmp_path, monkeypatch, capsys)
    forget_logging()


COLOURS = [
    tuple(round(130 + 60 * math.cos(2 * math.pi * (i / 12 + third))) for third in (0, 1 / 3, 2 / 3)) for i in range(12)
]


@pytest.fixture
def photos(tmp_path):
    """Twelve people, all colours of the wheel, three photos each."""
    for i, colour in enumerate(COLOURS):
        for tint in range(3):
            write(tmp_path / "people" / f"p{i:02}" / f"{tint}.png", Block(colour, tint=4 * tint))
    return tmp_path / "people"


def enrol_all(latchkey, photos):

    config = load_config(latchkey.config)
    key = site_key(config)
    eyes = open_bundle(config, key).eyes()
    with open_db(config.database_path, key=key) as db:
        for person in sorted(photos.iterdir()):
            seen = [eyes.look(cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB))[0] for file in person.iterdir()]
            templates = [(each.embedding, each.crop.quality) for each in seen]
            enrol(db, person.name, None, templates, datetime(2026, 11, 26, tzinfo=UTC))


class TestFromPhotos:
    def test_a_site_file_is_made_and_used(self, latchkey, photos):
        made = latchkey("calibrate", photos, "--out", "site.json")
        assert made.code == 0, made.err
        assert made.out.startswith("12 people, 36 photos, encoder latchkey-encoder-1-b10c0000")
        assert "Too few people" in made.out
        assert "Most alike" in made.out
        assert f'[models] site = "{latchkey.folder / "site.json"}"' in made.out
        site = json.loads((latchkey.folder / "site.json").read_text())
        assert (site["people"], site["photos"], site["fmr"]["impostor_pairs"]) == (12, 36, 66)
        assert "p00" not in json.dumps(site)
        checked = latchkey("check", "--json", "--set", "models.site=site.json")
        text = next(each for each in checked.json["checks"] if each["name"] == "rates")["text"]
        assert "12 people" in text

    def test_for_programs(self, latchkey, photos):
        told = latchkey("calibrate", photos, "--json").json
        assert told["site"] == "site.json"
        assert "space" not in told
        assert told["figures"]["methods"][0]["method"] == "as encoded"

    def test_only_owner_and_group_may_read_it(self, latchkey, photos):
        latchkey("calibrate", photos)
        assert stat.S_IMODE((latchkey.folder / "site.json").stat().st_mode) & 0o007 == 0

    def test_photos_that_cannot_be_used_are_named_and_left_out(self, latchkey, photos):
        (photos / "p00" / "bad.jpg").write_bytes(b"no picture")
        (photos / "p01" / "empty.png").write_bytes(png(paint()))
        write(photos / "p02" / "small.png", Block(COLOURS[2], px=40))
        (photos / "nobody").mkdir()
        made = latchkey("calibrate", photos)
        assert made.code == 0
        assert made.out.startswith("12 people, 36 photos")
        for words in ("bad.jpg", "empty.png: no face", "small.png: too small", "nobody: no pictures"):
            assert words in made.err

    def test_an_old_site_file_of_another_encoder_is_no_hindrance(self, latchkey, photos):
        (latchkey.folder / "old.json").write_text("{}")
        assert latchkey("calibrate", photos, "--set", "models.site=old.json").code == 0


class TestFromThoseEnrolled:
    def test_templates_are_enough(self, latchkey, photos):
        enrol_all(latchkey, photos)
        made = latchkey("calibrate")
        assert made.code == 0, made.err
        assert made.out.startswith("12 people, 36 photos")

    def test_the_same_as_from_their_photos(self, latchkey, photos):
        enrol_all(latchkey, photos)
        latchkey("calibrate", "--out", "a.json")
        latchkey("calibrate", photos, "--out", "b.json")
        one, other = (json.loads((latchkey.folder / name).read_text())["fmr"] for name in ("a.json", "b.json"))
        assert one["fmr"] == pytest.approx(other["fmr"], rel=1e-3)

    def test_it_learns_of_the_encoder_and_not_of_the_key(self, latchkey, photos):
        enrol_all(latchkey, photos)
        bundle = open_bundle(load_config(latchkey.config))
        enrolled, seen = enrolled_album(bundle), photo_album(bundle, photos)
        assert enrolled.names == seen.names
        apart = np.abs(enrolled.vectors[:, None] - seen.vectors[None]).max(axis=2)
        assert apart.min(axis=1).max() < 1e-5

    def test_nobody(self, latchkey):
        outcome = latchkey("calibrate")
        assert outcome.code == 1
        assert "nobody is enrolled yet: name a folder" in outcome.err


class TestMistakes:
    def test_four_people(self, latchkey, photos):
        for person in sorted(photos.iterdir())[4:]:
            for file in person.iterdir():
                file.unlink()
            person.rmdir()
        outcome = latchkey("calibrate", photos)
        assert outcome.code == 1
        assert "4 people with a usable photo are too few" in outcome.err
        assert not (latchkey.folder / "site.json").exists()

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("none",), "there is no such folder"),
            (("models",), "want a folder of photos in it for each person"),
            (("people", "--out", "no/site.json"), "there is no folder"),
        ],
    )
    def test_folders(self, latchkey, photos, arguments, words):
        outcome = latchkey("calibrate", *arguments)
        assert outcome.code == 1
        assert words in outcome.err

    def test_a_site_file_of_another_encoder_stops_the_agent(self, latchkey):
        (latchkey.folder / "site.json").write_text('{"kind": "latchkey-site", "version": 1, "model": "other"}')
        outcome = latchkey("run", "--set", "models.site=site.json")
        assert outcome.code == 2
        assert "was made with the encoder 'other'" in outcome.err
