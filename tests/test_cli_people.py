"""Enrolling, listing, removing and identifying from the command line, and the events that leaves."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from agent.mqtt.telemetry import timestamp
from agent.store import events
from agent.store.db import open_db
from tests.fakes import blocks
from tests.fakes.blocks import BLUE, GREEN, RED, Block
from tests.fakes.terminal import Terminal, forget_logging

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)


@pytest.fixture
def latchkey(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    yield Terminal(tmp_path, monkeypatch, capsys)
    forget_logging()


@pytest.fixture
def staff(latchkey):
    """Anna is red and has two photos, Bob is green and has one."""
    for path, block in {
        "staff/anna/1.png": Block(RED),
        "staff/anna/2.PNG": Block(RED, tint=9),
        "staff/bob/1.png": Block(GREEN),
        "staff/.trash/1.png": Block(BLUE),
    }.items():
        latchkey.photo(path, block)
    assert latchkey("enrol", "staff").code == 0
    return latchkey


class TestEnrol:
    def test_a_person_from_photos(self, latchkey):
        latchkey.photo("1.png", Block(RED))
        latchkey.photo("2.png", Block(RED, tint=9))
        outcome = latchkey("enrol", "anna", "1.png", "2.png", "--name", "Anna")
        assert (outcome.code, outcome.out, outcome.err) == (0, "anna: 2 photos added, 2 templates\n", "")
        assert latchkey("people", "show", "anna", "--json").json["name"] == "Anna"
        assert latchkey.database.stat().st_mode & 0o777 == 0o600

    def test_photos_may_be_in_a_folder(self, staff):
        staff.photo("more/deep/3.png", Block(RED, tint=18))
        assert staff("enrol", "anna", "more").out == "anna: 1 photo added, 3 templates\n"

    def test_a_refusal_names_the_file(self, latchkey):
        latchkey.photo("good.png", Block(RED))
        latchkey.photo("nobody.png")
        latchkey.photo("small.png", Block(RED, px=40))
        outcome = latchkey("enrol", "anna", "good.png", "nobody.png", "small.png")
        told = "latchkey: nobody.png: no face was found; small.png: too small: 40 px, need 64\n"
        assert (outcome.code, outcome.out, outcome.err) == (1, "", told)
        assert latchkey("people", "list", "--json").json == []

    def test_other_photos_replace_only_when_asked(self, staff):
        staff.photo("new.png", Block(BLUE))
        outcome = staff("enrol", "anna", "new.png")
        assert outcome.code == 1
        assert "new.png: another person than the anna enrolled before" in outcome.err
        assert staff("enrol", "anna", "new.png", "--replace").out == "anna: 1 photo added, 1 template\n"

    def test_a_folder_with_a_folder_for_each(self, latchkey):
        latchkey.photo("staff/anna/1.png", Block(RED))
        latchkey.photo("staff/bob/1.png", Block(GREEN))
        latchkey.photo("staff/bob/2.png")
        latchkey.photo("staff/cy/1.png", Block(RED, tint=9))
        latchkey.photo("staff/dee dee/1.png", Block(BLUE))
        (latchkey.folder / "staff" / "eve").mkdir()
        outcome = latchkey("enrol", "staff")
        assert outcome.code == 1
        assert outcome.out.splitlines()[:3] == [
            "anna: 1 photo added, 1 template",
            "bob: refused: 2.png: no face was found",
            "cy: refused: 1.png: enrolled already as anna: similarity 0.998",
        ]
        assert outcome.out.splitlines()[3].startswith("dee dee: refused: 'dee dee' is not a person id")
        assert outcome.out.splitlines()[4].startswith("eve: refused: no pictures there")
        assert outcome.out.splitlines()[5] == "1 of 5 people enrolled, 4 refused"

    @pytest.mark.parametrize(
        ("arguments", "status", "told"),
        [
            (["anna"], 2, "no photos of anna were given"),
            (["empty", "--name", "Anna"], 2, "--name is for one person"),
            (["empty"], 1, "empty: want a folder of photos in it for each person"),
            (["anna", "none.png"], 1, "none.png: there is no such file or folder"),
            (["anna", "empty"], 1, "no pictures there"),
            (["../anna", "face.png"], 1, "is not a person id"),
            (["anna", "text.png"], 1, "text.png: not a picture"),
        ],
    )
    def test_mistakes(self, latchkey, monkeypatch, arguments, status, told):
        monkeypatch.setenv("COLUMNS", "200")
        (latchkey.folder / "empty").mkdir()
        (latchkey.folder / "text.png").write_text("hello")
        latchkey.photo("face.png", Block(RED))
        outcome = latchkey("enrol", *arguments)
        assert outcome.code == status
        assert told in outcome.err
        assert "Traceback" not in outcome.err

    def test_without_models_it_says_so(self, latchkey):
        latchkey.photo("1.png", Block(RED))
        (latchkey.folder / "models" / "encoder.json").unlink()
        outcome = latchkey("enrol", "anna", "1.png")
        assert outcome.code == 2
        assert "encoder.json: no card for encoder.tflite" in outcome.err

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files for others")
    def test_a_database_that_root_makes_belongs_to_the_folders_owner(self, latchkey):
        latchkey.photo("1.png", Block(RED))
        latchkey.database.parent.mkdir()
        os.chown(latchkey.database.parent, 12345, 12346)
        assert latchkey("enrol", "anna", "1.png").code == 0
        status = latchkey.database.stat()
        assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (12345, 12346, 0o600)


class TestPeople:
    def test_list(self, staff):
        listed = staff("people", "list", "--json").json
        assert [list(one) for one in listed] == [
            ["id", "name", "badge", "state", "groups", "templates", "models", "enrolled_at"]
        ] * 2
        assert [(one["id"], one["templates"], one["models"]) for one in listed] == [
            ("anna", 2, [blocks.MODEL]),
            ("bob", 1, [blocks.MODEL]),
        ]
        lines = staff("people", "list").out.splitlines()
        assert [line.split()[:4] for line in lines] == [
            ["id", "name", "badge", "state"],
            ["anna", "anna", "active", "2"],
            ["bob", "bob", "active", "1"],
        ]

    def test_show(self, staff):
        assert f"models: {blocks.MODEL}\n" in staff("people", "show", "bob").out
        assert staff("people", "show", "bob", "--json").json["templates"] == 1

    def test_remove_asks(self, staff, monkeypatch):
        for answer, status in ("n\n", 1), ("", 1), ("y\n", 0):
            read, write = os.pipe()
            os.write(write, answer.encode())
            os.close(write)
            with os.fdopen(read) as keyboard:
                monkeypatch.setattr("sys.stdin", keyboard)
                outcome = staff("people", "remove", "anna")
            assert outcome.code == status
            assert "Remove anna (anna) and 2 templates?" in outcome.err
        assert outcome.out == "anna removed: 2 templates\n"

    def test_remove_without_asking(self, staff):
        done = staff("people", "remove", "anna", "--yes", "--json").json
        assert (done["person"], done["templates"]) == ("anna", 2)
        assert staff("receipts", "show", "anna", "--json").json["receipt"] == done["receipt"]
        assert [one["id"] for one in staff("people", "list", "--json").json] == ["bob"]

    def test_remove_needs_no_models(self, staff):
        for card in (staff.folder / "models").iterdir():
            card.unlink()
        assert staff("people", "remove", "anna", "--yes").code == 0

    @pytest.mark.parametrize("verb", ["show", "remove"])
    def test_somebody_unknown(self, staff, verb):
        outcome = staff("people", verb, "zoe")
        assert (outcome.code, outcome.err) == (1, "latchkey: nobody is enrolled as 'zoe'\n")

    @pytest.mark.parametrize("verb", [["list"], ["show", "anna"], ["remove", "anna", "-y"]])
    def test_without_a_database(self, latchkey, verb):
        outcome = latchkey("people", *verb)
        assert outcome.code == 2
        assert outcome.err.startswith(f"latchkey: there is no database at {latchkey.database}")
        assert not latchkey.database.exists()


class TestIdentify:
    def test_every_face_with_all_that_was_weighed(self, staff):
        staff.photo("hall.png", Block(RED, x=40, tint=4), Block(BLUE, x=300, px=160), Block(GREEN, x=550, px=40, y=20))
        (picture,) = staff("identify", "hall.png", "--json").json
        assert list(picture) == ["path", "faces", "error"]
        assert (picture["path"], picture["error"]) == ("hall.png", None)
        assert [face["reason"] for face in picture["faces"]] == ["unknown", "match", "poor_quality"]
        face = picture["faces"][1]
        assert list(face) == [
            "box", "landmarks", "score", "quality", "rejection", "person", "similarity", "second", "second_similarity",
            "margin", "threshold", "verdict", "reason", "detail",
        ]  # fmt: skip
        assert (face["person"], face["second"], face["verdict"]) == ("anna", "bob", "known")
        assert face["box"] == pytest.approx([40, 180, 120, 120], abs=1)

    def test_in_words(self, staff):
        staff.photo("hall.png", Block(RED, x=40, tint=4), Block(BLUE, x=300, px=160))
        staff.photo("empty.png")
        outcome = staff("identify", "hall.png", "empty.png")
        lines = outcome.out.splitlines()
        assert outcome.code == 0
        assert [lines[0], lines[3]] == ["hall.png: 2 faces", "empty.png: 0 faces"]
        assert lines[1].startswith("  unknown (unknown): -0.")
        assert lines[2].startswith("  anna: 1.000 to anna, need 0.512")
        assert lines[2].endswith("120x120 px at 40,180")

    def test_what_cannot_be_read_is_told_and_the_rest_goes_on(self, staff):
        (staff.folder / "a.png").write_text("hello")
        staff.photo("b.png", Block(RED))
        outcome = staff("identify", "a.png", "b.png", "--json")
        assert outcome.code == 1
        assert [(len(each["faces"]), each["error"] is None) for each in outcome.json] == [(0, False), (1, True)]
        assert staff("identify", "a.png").err.startswith("latchkey: a.png: not a picture")

    def test_without_a_database(self, latchkey):
        latchkey.photo("a.png", Block(RED))
        assert latchkey("identify", "a.png").code == 2
        assert not latchkey.database.exists()


class TestEvents:
    def test_what_was_done_here(self, latchkey, monkeypatch):
        monkeypatch.setenv("SUDO_USER", "olga")
        staff = latchkey
        for name, colour in (("anna", RED), ("bob", GREEN)):
            staff.photo(f"some/{name}/1.png", Block(colour))
        assert staff("enrol", "some").code == 0
        staff("people", "remove", "bob", "-y")
        told = staff("events", "--json").json_lines
        assert [list(event)[:5] for event in told] == [["seq", "id", "kind", "at", "boot_id"]] * 3
        assert [(event["seq"], event["action"], event["subject"], event["by"]) for event in told] == [
            (1, "enrolled", "anna", "cli:olga"),
            (2, "enrolled", "bob", "cli:olga"),
            (3, "removed", "bob", "cli:olga"),
        ]
        lines = staff("events").out.splitlines()
        enrolled, removed = (line.split(" ", 3)[3] for line in lines[1:])
        assert enrolled == "enrolled bob: templates 1; by cli:olga"
        receipt = told[2]["details"]["receipt"]
        deleted = "deleted (people 1, templates 1)"
        assert removed == f"removed bob: {deleted}, receipt {receipt}, templates 1; by cli:olga"

    def test_decisions_in_words(self, latchkey):
        latchkey.database.parent.mkdir()
        with open_db(latchkey.database) as db:
            events.append(
                db, "access", NOW, "b", {"outcome": "denied", "reason": "unknown", "person": None, "detail": "0.1"}
            )
            events.append(
                db, "alarm", NOW, "b", {"alarm": "held_open", "state": "raised", "detail": "", "person": None}
            )
        lines = latchkey("events").out.splitlines()
        assert lines[0].endswith(" denied unknown: unknown: 0.1")
        assert lines[1].endswith(" alarm held_open raised")
        assert latchkey("events", "--json").json_lines[0]["at"] == timestamp(NOW)

    @pytest.mark.parametrize(
        ("options", "seqs"),
        [
            ([], range(1181, 1201)),
            (["--limit", 3], range(1198, 1201)),
            (["--limit", 0], []),
            (["--since", 0], range(1, 1201)),
            (["--since", 1190], range(1191, 1201)),
            (["--since", 100, "--limit", 2], [101, 102]),
            (["--since", 5000], []),
        ],
    )
    def test_which_ones(self, latchkey, options, seqs):
        latchkey.database.parent.mkdir()
        with open_db(latchkey.database) as db, db.transaction():
            for number in range(1200):
                events.append(db, "audit", NOW, "b", {"number": number})
        assert [event["seq"] for event in latchkey("events", "--json", *options).json_lines] == list(seqs)

    def test_new_ones_as_they_come(self, staff):
        command = [sys.executable, "-m", "agent.cli", "events", "-f", "--json", "--limit", "1", "-c", str(staff.config)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
            seqs = [json.loads(following.stdout.readline())["seq"]]
            with open_db(staff.database) as db, db.transaction():
                for number in range(2):
                    events.append(db, "audit", NOW, "b", {"number": number})
            seqs += [json.loads(following.stdout.readline())["seq"] for _ in range(2)]
            following.send_signal(signal.SIGINT)
            assert (following.wait(30), seqs) == (130, [2, 3, 4])

    def test_without_a_database(self, latchkey):
        assert latchkey("events").code == 2


def test_json_is_utf8(latchkey):
    latchkey.photo("1.png", Block(RED))
    latchkey("enrol", "anna", "1.png", "--name", "Änne")
    out = latchkey("people", "list", "--json").out
    assert "Änne" in out
    assert json.loads(out)[0]["name"] == "Änne"
