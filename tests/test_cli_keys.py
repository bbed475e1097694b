"""`latchkey keys`: the key by command."""

import io
import json
import sqlite3

import pytest

from agent.seal.keys import SiteKey
from agent.store.db import agent_lock
from tests.fakes import blocks
from tests.fakes.blocks import BLUE, RED, Block
from tests.fakes.keys import KEY, OTHER
from tests.fakes.terminal import Terminal, forget_logging


@pytest.fixture
def latchkey(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("LATCHKEY_SITE_KEY", raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    yield Terminal(tmp_path, monkeypatch, capsys)
    forget_logging()


@pytest.fixture
def enrolled(latchkey):
    """Anna, enrolled with her crop, under a key that the command has made."""
    assert latchkey("enrol", "anna", latchkey.photo("a.png", Block(RED)), "--set", "security.keep_crops=true").code == 0
    return latchkey


def key_file(latchkey):
    return latchkey.folder / "data" / "site.key"


def write(latchkey, key):
    (latchkey.folder / "copy").write_text(f"{key.text}\n")
    return latchkey.folder / "copy"


class TestShow:
    def test_there_is_none_at_first_and_none_is_made(self, latchkey):
        told = latchkey("keys", "show", "--json").json
        assert told == {"key": None, "from": None, "database": None, "templates": 0, "crops": 0}
        assert "key: none\n" in latchkey("keys", "show").out
        assert not key_file(latchkey).exists()

    def test_the_fingerprint_but_not_the_key(self, enrolled):
        outcome = enrolled("keys", "show", "--json")
        key = SiteKey.parse(key_file(enrolled).read_text(), "file")
        assert outcome.json == {
            "key": key.id,
            "from": str(key_file(enrolled)),
            "database": key.id,
            "templates": 1,
            "crops": 1,
        }
        assert key.text not in outcome.out + enrolled("keys", "show").out

    def test_a_lost_key_is_told(self, enrolled):
        key_file(enrolled).unlink()
        for command in (["keys", "show"], ["enrol", "anna", enrolled.folder / "a.png"], ["identify", "a.png"], ["run"]):
            outcome = enrolled(*command)
            assert (outcome.code, outcome.out) == (2, "")
            assert "restore that key (`latchkey keys import`)" in outcome.err
        assert not key_file(enrolled).exists()
        checked = {each["name"]: each for each in enrolled("check", "--json").json["checks"]}
        assert checked["key"]["state"] == "failed"


class TestCreate:
    def test_it_is_made_once(self, latchkey):
        assert "keep a copy" in latchkey("keys", "create").out
        key = key_file(latchkey).read_text()
        again = latchkey("keys", "create")
        assert (again.code, key_file(latchkey).read_text()) == (2, key)
        assert "there is a site key already" in again.err

    def test_in_the_place_of_a_lost_one(self, enrolled):
        key_file(enrolled).unlink()
        assert enrolled("keys", "create").code == 2
        (enrolled.folder / "data" / "unknown").mkdir()
        (enrolled.folder / "data" / "unknown" / "1.sealed").touch()
        outcome = enrolled("keys", "create", "--replace-lost", "--yes")
        told = "1 template, 0 cards, 0 signatures, 1 picture of unknown people forgotten"
        assert (outcome.code, told in outcome.out) == (0, True)
        assert enrolled("people", "show", "anna", "--json").json["templates"] == 0
        assert enrolled("enrol", "anna", enrolled.folder / "a.png").code == 0

    def test_not_unless_confirmed(self, enrolled, monkeypatch):
        key_file(enrolled).unlink()
        monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
        asked = enrolled("keys", "create", "--replace-lost")
        assert asked.code == 1
        for lost in ("templates", "cards", "signatures", "second factors", "pictures of unknown people"):
            assert lost in asked.err


class TestCopies:
    def test_exported_and_imported_elsewhere(self, enrolled):
        exported = enrolled("keys", "export", "--yes").out
        assert SiteKey.parse(exported, "out").text == key_file(enrolled).read_text().strip()
        key_file(enrolled).unlink()
        (enrolled.folder / "copy").write_text(exported)
        assert enrolled("keys", "import", enrolled.folder / "copy").code == 0
        assert enrolled("identify", enrolled.folder / "a.png", "--json").json[0]["faces"][0]["person"] == "anna"

    def test_not_printed_unless_asked_twice(self, enrolled):
        outcome = enrolled("keys", "export")
        assert (outcome.code, outcome.out) == (2, "")
        assert key_file(enrolled).read_text().strip() not in outcome.err

    def test_there_is_none_to_export(self, latchkey):
        assert "there is no site key yet" in latchkey("keys", "export", "--yes").err

    def test_imported_from_stdin(self, latchkey, monkeypatch):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY.text}\n"))
        assert latchkey("keys", "import", "-").out == f"key {KEY.id} in {key_file(latchkey)}\n"

    def test_not_over_another_key(self, enrolled):
        outcome = enrolled("keys", "import", write(enrolled, OTHER))
        assert (outcome.code, "latchkey keys reissue --key" in outcome.err) == (2, True)

    def test_not_where_another_one_is_needed(self, enrolled):
        key_file(enrolled).unlink()
        outcome = enrolled("keys", "import", write(enrolled, OTHER))
        assert (outcome.code, f"but the site's key here is {OTHER.id}" in outcome.err) == (2, True)
        assert not key_file(enrolled).exists()

    @pytest.mark.parametrize("name", ["missing", "a.png"])
    def test_a_file_that_is_none(self, enrolled, name):
        key_file(enrolled).unlink()
        outcome = enrolled("keys", "import", enrolled.folder / name)
        assert (outcome.code, "Traceback" in outcome.err) == (2, False)


class TestReissue:
    def test_everybody_is_known_without_being_met(self, enrolled):
        before = key_file(enrolled).read_text()
        told = enrolled("keys", "reissue", "--json").json
        assert told["templates"] == 1
        assert key_file(enrolled).read_text() != before
        assert enrolled("keys", "show", "--json").json["database"] == told["new"]
        assert enrolled("identify", enrolled.folder / "a.png", "--json").json[0]["faces"][0]["person"] == "anna"

    def test_with_the_key_of_another_device(self, enrolled):
        outcome = enrolled("keys", "reissue", "--key", write(enrolled, OTHER))
        assert f"key {OTHER.id} in the place of" in outcome.out
        assert "1 template sealed and turned anew" in outcome.out

    def test_not_while_the_agent_runs(self, enrolled):
        with agent_lock(enrolled.database):
            outcome = enrolled("keys", "reissue")
        assert (outcome.code, "another agent" in outcome.err) == (2, True)


class TestReembed:
    def test_a_new_encoder_sees_the_kept_crops(self, enrolled):
        enrolled("enrol", "ben", enrolled.photo("b.png", Block(BLUE)))  # without a crop
        blocks.write_cards(enrolled.folder / "models", "latchkey-encoder-2-00000000")
        told = enrolled("keys", "reembed", "--json").json
        assert told == {"model": "latchkey-encoder-2-00000000", "templates": 1, "damaged": 0, "of_other_models": 1}
        (face,) = enrolled("identify", enrolled.folder / "a.png", "--json").json[0]["faces"]
        assert face["person"] == "anna"
        assert face["similarity"] > 0.99
        with sqlite3.connect(enrolled.database) as sql:
            (body,) = sql.execute("SELECT body FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        assert (json.loads(body)["action"], json.loads(body)["subject"]) == ("reembedded", "anna")
        again = enrolled("keys", "reembed")
        assert "0 templates made anew" in again.out
        assert "1 template of other models left, without a crop" in again.out

    def test_a_crop_that_is_no_picture_stays(self, enrolled):
        from agent.store.db import open_db
        from agent.store.sealing import Whose, put

        key = SiteKey.parse(key_file(enrolled).read_text(), "file")
        with open_db(enrolled.database, key=key) as db, db.transaction():
            put(db, db.seal, 1, Whose("anna", blocks.MODEL), bytes(12), b"no picture")
        blocks.write_cards(enrolled.folder / "models", "latchkey-encoder-2-00000000")
        told = enrolled("keys", "reembed", "--json").json
        assert (told["templates"], told["damaged"]) == (0, 1)


class TestCheck:
    def look(self, latchkey):
        return next(each for each in latchkey("check", "--json").json["checks"] if each["name"] == "key")

    def test_there_is_none_yet(self, latchkey):
        assert self.look(latchkey)["text"] == f"{key_file(latchkey)}: none yet, made at the first start"

    def test_all_opens(self, enrolled):
        assert self.look(enrolled)["text"].endswith("site.key, opens 1 template")

    def test_tampering_is_a_warning(self, enrolled):
        with sqlite3.connect(enrolled.database) as sql:
            sql.execute("UPDATE templates SET vector = zeroblob(41)")
        found = self.look(enrolled)
        assert (found["state"], "1 template changed since sealed: anna" in found["text"]) == ("warning", True)
