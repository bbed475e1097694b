"""A device that is opened holds no key, no face, no secret and no log; interrupted, it goes on."""

from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from agent.attendance.punch import Clock
from agent.audit import audit
from agent.config import Config
from agent.device_key import key_path
from agent.errors import StoreFull
from agent.privacy.wipe import finish, pending, wipe
from agent.recorder import Recorder
from agent.register import Request
from agent.seal.keyring import key_files
from agent.store import audit as chain
from agent.store import commands, events, people, templates
from agent.store.db import open_db
from agent.store.times import to_text
from agent.tamper import wipe_house
from agent.types import Embedding, Quality
from tests.fakes.keys import KEY

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
REQUEST = Request("tamper", NOW, "boot")
VECTOR = np.random.default_rng(1).normal(size=128).astype(np.float32)
VECTOR /= np.linalg.norm(VECTOR)


@pytest.fixture
def config(tmp_path):
    return Config.model_validate({"device": {"data_dir": tmp_path}})


@pytest.fixture
def db(config):
    with open_db(config.database_path, key=KEY) as db:
        templates.enrol(db, "anna", "Anna", [(Embedding(VECTOR, KEY.model("m")), Quality(120, 200, 0, 120, 50))], NOW)
        audit(db, "enrolled", "anna", REQUEST, {"templates": 1})
        db.sql.execute("INSERT INTO pins VALUES ('anna', 'the-hash', NULL, ?)", (to_text(NOW),))
        db.sql.execute("INSERT INTO cards VALUES ('the-digest', 'anna', '42', ?)", (to_text(NOW),))
        events.append(db, "access", NOW, "b", {"person": "anna", "detail": "the-detail"})
        commands.remember(db, "c", "list", '{"data":"the-answer"}', NOW)
        yield db


@pytest.fixture
def key(tmp_path):
    key = tmp_path / "site.key"
    key.write_bytes(b"k" * 65)
    return key


@pytest.fixture
def crop(tmp_path):
    (tmp_path / "unknown" / "today").mkdir(parents=True)
    (tmp_path / "unknown" / "today" / "1.jpg").write_bytes(b"x")
    (tmp_path / "parts" / "e1").mkdir(parents=True)
    (tmp_path / "parts" / "e1" / "1").write_bytes(b"a part of a photo")
    return tmp_path / "unknown"


def bytes_of(db):
    return b"".join(path.read_bytes() for path in db.path.parent.glob(db.path.name + "*"))


def test_keys_faces_secrets_pictures_and_the_log_are_gone(db, config, key, crop, tmp_path):
    sealed = db.rows("SELECT vector FROM templates")[0][0]
    done = wipe(db, config, [key, key.with_name("absent.key")], REQUEST, cause="tamper")
    assert done == {
        "keys": 1,
        "templates": 1,
        "signatures": 0,
        "pins": 1,
        "cards": 1,
        "sealing": 1,
        "standings": 0,
        "events": 2,
        "commands": 1,
        "jobs": 0,
        "accounts": 0,
        "sign_in_failures": 0,
        "screens": 0,
    }
    assert not key.exists()
    assert not crop.exists()
    assert not (tmp_path / "parts").exists()
    left = bytes_of(db)
    for each in (sealed[:16], b"the-hash", b"the-digest", b"the-detail", b"the-answer"):
        assert each not in left
    assert pending(config) is None


def test_who_was_enrolled_and_the_audit_stay_and_it_is_said(db, config, key):
    old = events.append(db, "alarm", NOW, "b", {"alarm": "held_open"})
    events.mark_sent(db, [old.seq], NOW)
    events.append(db, "alarm", NOW, "b", {"alarm": "tamper"})
    wipe(db, config, [key], REQUEST, cause="tamper")
    assert [person.id for person in people.list_people(db)] == ["anna"]
    assert [row.action for row in chain.since(db)] == ["enrolled", "wiped"]
    assert chain.verify(db) is None
    alarm, event = events.unsent(db)
    assert alarm.body == {"alarm": "tamper"}
    assert (event.body["action"], event.body["by"], event.body["details"]["keys"]) == ("wiped", "tamper", 1)


def test_the_keys_go_first_and_what_was_interrupted_goes_on_at_the_next_start(db, config, key, crop):
    db.sql.execute("CREATE TRIGGER full BEFORE DELETE ON templates BEGIN SELECT raise(ABORT, 'no room'); END")
    with pytest.raises(ValueError, match="no room"):
        wipe(db, config, [key], REQUEST, cause="tamper")
    assert not key.exists()
    assert pending(config) == "tamper"
    db.sql.execute("DROP TRIGGER full")
    assert finish(db, config, [key], REQUEST)
    assert db.rows("SELECT count(*) FROM templates") == [(0,)]
    assert not crop.exists()
    assert not finish(db, config, [key], REQUEST)


def test_a_full_disk_keeps_no_key(db, config):
    """The case is opened while nothing can be recorded: the rest goes at the next start."""
    keys = [*key_files(config), key_path(config)]
    for file in keys:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"k" * 65)
    recorder = Recorder(db, boot_id="boot", recorded=lambda _: None)
    recorder.healthy = False
    with pytest.raises(StoreFull):
        wipe_house(config, recorder, SimpleNamespace(clock=lambda: Clock.UNKNOWN))
    assert not any(file.exists() for file in keys)
    assert pending(config) == "tamper"
    assert finish(db, config, keys, REQUEST)
    assert db.rows("SELECT count(*) FROM templates") == [(0,)]


def test_a_key_is_overwritten_before_it_is_deleted(db, config, key, tmp_path):
    """A second name of the file shows what was in it at last."""
    (tmp_path / "seen").hardlink_to(key)
    wipe(db, config, [key], REQUEST, cause="tamper")
    assert (tmp_path / "seen").read_bytes() == bytes(65)
