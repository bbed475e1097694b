"""New models, backup and restoring from an admin's desk: the real agent, its own models, a real broker."""

import json
import re
import time

import pytest

from agent.bundle import STAFF
from agent.privacy.forgetting import remove
from agent.register import Request
from agent.store.audit import verify
from agent.store.db import open_db
from tests.end_to_end.pictures import make_pictures
from tests.end_to_end.terminal import Terminal
from tests.fakes import bundles
from tests.fakes.desks import Desk
from tests.fakes.terminal import forget_logging
from tests.test_backup import NOW

NEWER = "latchkey-door-2-5eed0000"


@pytest.fixture
def terminal(tmp_path, mosquitto):
    made = Terminal(
        tmp_path / "door",
        mqtt__enabled=True,
        mqtt__port=mosquitto.port,
        security__keep_crops=True,
        detector__motion_gate=False,
    )
    made.show([make_pictures().empty])
    made.start()
    yield made
    made.close()


@pytest.fixture
def desk(tmp_path, mosquitto, monkeypatch, capsys):
    yield Desk(tmp_path, mosquitto.port, monkeypatch, capsys, site="test")
    forget_logging()


def staff(name):
    return sorted(STAFF.glob(f"{name}-*.jpg"))[:2]


def models(desk):
    told = json.loads(desk("models", "--json").out)["door"]
    assert told["ok"], told
    return told["data"]


def people(desk):
    return sorted(each["id"] for each in json.loads(desk("people", "list", "--json").out))


def test_a_model_is_updated_and_rolled_back_while_everybody_stays_enrolled(terminal, desk, tmp_path):
    assert desk("enrol", "ada", *staff("ada")).code == 0
    before = models(desk)
    bundles.real(tmp_path / "made", NEWER)
    made = desk("bundle", tmp_path / "made" / "encoder.tflite", "--out", tmp_path / "new.bundle")
    assert made.code == 0, made.err
    done = desk("update-model", "door", tmp_path / "new.bundle")
    assert (done.code, done.err) == (0, "")
    assert f"door: {NEWER}, 2 templates made anew" in done.out
    terminal.started[0].wait_said("agent looks", times=2)
    after = models(desk)
    assert (after["encoder"], after["previous"], after["proved"]) == (NEWER, "configured", False)
    assert after["templates"] == {NEWER: 2}
    assert gap_seconds(terminal.started[0].said()) < 15  # a machine that does much else
    assert desk("enrol", "bruno", *staff("bruno")).code == 0
    back = desk("rollback-model", "door")
    assert back.code == 0, back.err
    terminal.started[0].wait_said("agent looks", times=3)
    assert models(desk)["encoder"] == before["encoder"]
    assert models(desk)["templates"] == {before["encoder"]: 4}
    again = desk("rollback-model", "door")
    assert (again.code, "no models to go back to" in again.err) == (1, True)


def test_models_that_fail_on_the_device_change_nothing(terminal, desk, tmp_path):
    (tmp_path / "bad").write_bytes(bundles.real(tmp_path / "made", change=lambda card: card.pop("golden")))
    before = models(desk)
    refused = desk("update-model", "door", tmp_path / "bad")
    assert (refused.code, "no golden vectors" in refused.err) == (1, True)
    assert models(desk) == before
    assert terminal.started[0].said().count("agent looks") == 1


def test_a_device_is_backed_up_and_goes_back_and_who_was_forgotten_stays_so(terminal, desk, tmp_path):
    assert desk("enrol", "ada", *staff("ada")).code == 0
    assert desk("enrol", "clara", *staff("clara")).code == 0
    done = desk("backup", "door", tmp_path / "door.backup")
    assert done.code == 0, done.err
    assert "a backup key was made" in done.err
    assert b"clara" not in (tmp_path / "door.backup").read_bytes()
    assert desk("people", "remove", "ada", "-y").code == 0
    assert desk("enrol", "bruno", *staff("bruno")).code == 0
    restored = desk("restore", "door", tmp_path / "door.backup", "--yes")
    assert restored.code == 0, restored.err
    assert "test/door is back as of" in restored.out
    terminal.started[0].wait_said("agent looks", times=2)
    assert people(desk) == ["clara"]
    with open_db(terminal.database) as db:
        assert verify(db) is None
        actions = [event.body["action"] for event in terminal.recorded("audit")]
        assert "restored" in actions
        remove(db, "clara", Request("cli", NOW, "b"))
    changed = bytearray((tmp_path / "door.backup").read_bytes())
    changed[-1] ^= 1
    (tmp_path / "door.backup").write_bytes(changed)
    broken = desk("restore", "door", tmp_path / "door.backup", "--yes")
    assert (broken.code, "get the file again" in broken.err) == (1, True)


def gap_seconds(said):
    """How long the agent did not look, by its log."""
    stops = re.search(r"^(\S+ \S+) .*agent stops: other models", said, re.MULTILINE).group(1)
    looks = re.findall(r"^(\S+ \S+) .*agent looks", said, re.MULTILINE)[1]
    read = [time.mktime(time.strptime(at[:19], "%Y-%m-%d %H:%M:%S")) + float(f"0.{at[20:23]}") for at in (stops, looks)]
    return read[1] - read[0]
