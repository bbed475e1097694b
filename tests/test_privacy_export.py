"""A person gets all that is held, and nothing of others."""

import base64
import json
import zipfile
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pytest

from agent.audit import audit
from agent.config import Config
from agent.errors import CommandError, StoreError
from agent.privacy.export import Template, crops, held, unsealed, write_zip
from agent.privacy.page import HEADINGS, page
from agent.privacy.redaction import Others
from agent.register import Request
from agent.seal.turning import Turn
from agent.store import events, places, templates
from agent.store.db import open_db
from agent.store.places import Fate
from agent.store.times import to_text
from agent.types import Embedding, Quality
from tests.fakes.keys import KEY

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
REQUEST = Request("cli:root", NOW, "boot", "c-1")
VECTOR = np.eye(16, dtype=np.float32)[0]  # as the encoder makes it
MARK = Others.MARK


@pytest.fixture
def config(tmp_path):
    return Config.model_validate({"device": {"data_dir": tmp_path, "site": "hq", "name": "front"}})


@pytest.fixture
def db(config):
    with open_db(config.database_path, key=KEY) as db:
        for person, name in (("anna", "Anna <b>A</b>"), ("ben", "Ben Bossert"), ("zoe", "Zoe Zech")):
            templates.enrol(
                db,
                person,
                name,
                [(Embedding(Turn(KEY, 16)(VECTOR), KEY.model("m")), Quality(120, 200, 0, 120, 50))],
                NOW,
            )
            audit(db, "enrolled", person, REQUEST, {"templates": 1})
            with db.transaction() as sql:
                sql.execute("INSERT INTO pins VALUES (?, 'the-hash', 'the-duress-hash', ?)", (person, to_text(NOW)))
                sql.execute("INSERT INTO cards VALUES (?, ?, '..42', ?)", (f"digest-{person}", person, to_text(NOW)))
                sql.execute(
                    "INSERT INTO corrections (id, person, void, by, why, made_at) VALUES (?, ?, 1, 'ben', ?, ?)",
                    (f"k-{person}", person, "asked by zoe and Ben Bossert", to_text(NOW)),
                )
        audit(db, "merged", "zoe", Request("ben", NOW, "b"), {"with": ["anna"]})
        access(db, person="anna", second="ben", companion="zoe", detail="0.71 to anna, need 0.52, before zoe")
        access(db, person="ben", second="anna", detail="0.71 to ben")
        access(db, person="zoe", companion="anna", detail="0.71 to zoe")
        yield db


def access(db, **body):
    events.append(db, "access", NOW, "b", {"reason": "match", "shown": ["face"], **body})


def test_it_holds_every_kind_that_there_is(db, config):
    everything = held(db, config, "anna", NOW, opened=unsealed(db))
    assert everything["counts"] == {
        "people": 1, "templates": 1, "pins": 1, "cards": 1, "corrections": 1, "events": 2, "audit": 2,
    }  # fmt: skip
    (template,) = everything["held"]["templates"]
    assert np.frombuffer(base64.b64decode(template["vector"]), "<f4") == pytest.approx(VECTOR, abs=1e-6)
    assert template["face_px"] == 120
    assert everything["held"]["people"][0]["name"] == "Anna <b>A</b>"
    assert (everything["site"], everything["device"], everything["at"]) == ("hq", "front", "2026-11-26T08:00:00.000Z")


def test_nobody_else_is_in_it(db, config):
    text = json.dumps(held(db, config, "anna", NOW))
    for other in ("ben", "Ben Bossert", "zoe", "Zoe Zech"):
        assert f'"{other}"' not in text
        assert f" {other}" not in text
    everything = held(db, config, "anna", NOW)["held"]
    first, second = everything["events"]
    assert (first["second"], first["companion"], first["detail"]) == (
        MARK,
        MARK,
        f"0.71 to anna, need 0.52, before {MARK}",
    )
    assert (second["person"], second["companion"]) == (MARK, "anna")
    assert everything["audit"][1] == {
        "number": 4,
        "at": "2026-11-26T08:00:00.000Z",
        "action": "merged",
        "subject": MARK,
        "by": MARK,
        "details": {"with": ["anna"]},
    }
    assert everything["corrections"][0]["why"] == f"asked by {MARK} and {MARK}"


def test_not_the_badge_or_an_earlier_name_of_who_went_first(db, config):
    access(db, person="zoe", companion="anna", badge="1042", name="Zoe Before")
    access(db, person="anna", badge="1043", name="Anna Before")
    *_, zoes, own = held(db, config, "anna", NOW)["held"]["events"]
    assert (zoes["badge"], zoes["name"]) == (MARK, MARK)
    assert (own["badge"], own["name"]) == ("1043", "Anna Before")


def test_secrets_are_told_of_and_not_handed_out(db, config):
    text = json.dumps(held(db, config, "anna", NOW))
    assert not any(secret in text for secret in ("the-hash", "the-duress-hash", "digest-anna", "vector"))
    assert held(db, config, "anna", NOW)["held"]["pins"][0]["hash"] == "(secret)"


def test_a_person_called_like_a_word_of_ours_gets_no_events_of_others(db, config):
    templates.enrol(
        db, "match", None, [(Embedding(Turn(KEY, 16)(VECTOR), KEY.model("m")), Quality(120, 200, 0, 120, 50))], NOW
    )
    assert "events" not in held(db, config, "match", NOW)["held"]


def test_a_small_answer_holds_the_latest(db, config):
    for _ in range(5):
        access(db, person="anna", detail="last")
    everything = held(db, config, "anna", NOW, limit=3)
    assert [event["detail"] for event in everything["held"]["events"]] == ["last"] * 3
    assert everything["counts"]["events"] == 7


def test_of_nobody_nothing_is_held(db, config):
    with pytest.raises(CommandError, match="nothing is held of 'nobody'"):
        held(db, config, "nobody", NOW)


class Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.words = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_is_whole_and_what_people_write_is_text(db, config):
    reader = Text()
    reader.feed(page(held(db, config, "anna", NOW, opened=unsealed(db))))
    assert reader.open == []
    assert "Anna <b>A</b>" in reader.words
    assert "Face templates (1)" in reader.words
    assert not any("AACAPw" in word for word in reader.words)  # the vector


def test_every_kind_has_a_heading(db):
    kinds = {table for table, _ in places.places(db, Fate.DELETED, Fate.ATTENDANCE, Fate.RECEIPT)}
    assert kinds <= HEADINGS.keys()


def test_the_file_holds_the_page_the_data_and_the_pictures(db, config, tmp_path):
    everything = held(db, config, "anna", NOW, opened=unsealed(db))
    out = tmp_path / "anna.zip"
    write_zip(out, everything, {"templates/1.jpg": b"picture"})
    assert out.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == ["index.html", "data.json", "templates/1.jpg"]
        assert json.loads(archive.read("data.json")) == everything
        assert archive.read("templates/1.jpg") == b"picture"
    assert list(tmp_path.glob(".anna.zip*")) == []


def test_the_pictures_that_templates_were_made_of_are_among_the_files(db, tmp_path):
    files = crops(db, ["anna"], lambda _, row: Template(b"", b"jpeg of %d" % row["id"]))
    assert files == {"templates/1.jpg": b"jpeg of 1"}
    assert crops(db, ["anna"], unsealed(db)) == {}
    write_zip(
        tmp_path / "x.zip", {"at": "2026-11-26T08:00:00Z", "person": "a", "held": {}, "site": "", "device": ""}, files
    )
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert archive.read("templates/1.jpg") == b"jpeg of 1"


def test_a_file_that_cannot_be_written_is_said(db, config, tmp_path):
    with pytest.raises(StoreError, match="want a file in a folder"):
        write_zip(tmp_path / "absent" / "anna.zip", held(db, config, "anna", NOW), {})
