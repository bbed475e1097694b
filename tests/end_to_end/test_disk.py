"""The disk is full: refused loudly, the door does as it is told, nothing is corrupt, and all is well again later."""

import time

import pytest

from tests.end_to_end.patience import wait_for
from tests.end_to_end.pictures import VISIT_FPS, visit
from tests.fakes.disks import SmallDisk, small_disk

REFUSED = "events cannot be recorded, trying again"
UNLOCKED = "door unlocked"


GRANTED = ("granted", "match", "ada")
OUTCOMES = {"stay_shut": ("denied", "storage_failed", "ada"), "open": GRANTED}


@pytest.fixture
def disk(tmp_path):
    """A file system of a few megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_disk(folder, kilobytes=4096) as made:
        if not isinstance(made, SmallDisk):
            pytest.skip("only root may mount a small file system to fill")
        yield made


@pytest.fixture
def terminal(make_terminal, mosquitto, disk):
    """One whose data is on that disk."""
    return make_terminal(
        mqtt__enabled=True, mqtt__port=mosquitto.port, device__data_dir=str(disk.path), door__pulse_seconds=0.3
    )


@pytest.mark.parametrize("policy", OUTCOMES)
def test_a_full_disk(terminal, disk, witness, pictures, policy):
    terminal.set(door__on_storage_failure=policy)
    terminal.seed(ada=pictures.ada)
    play = visit(pictures, "ada")
    terminal.show(play)
    running = terminal.start()
    wait_for(lambda: terminal.unsent() == 0 and terminal.decisions(), what="a decision that is told")
    disk.fill(None)
    running.wait_said(REFUSED)
    before = running.said().count(UNLOCKED)
    answers = {
        "remove": witness.request("remove", person="ada"),
        "enrol": witness.request("enrol", person="bruno", photos=[pictures.bruno]),
        "ping": witness.request("ping"),
    }
    assert {verb: answer.code for verb, answer in answers.items()} == {
        "remove": "storage_failed", "enrol": "storage_failed", "ping": None,
    }  # fmt: skip
    time.sleep(2.5 * len(play) / VISIT_FPS)  # two visitors at the least; nothing tells of them
    opened = running.said().count(UNLOCKED) - before
    assert opened >= 2 if policy == "open" else opened == 0
    recorded = len(terminal.recorded())

    disk.free(None)
    running.wait_said("events are recorded again")
    wait_for(lambda: terminal.decisions()[recorded + 3 :][-1:] == [GRANTED], what="new decisions")
    wait_for(lambda: witness.request("enrol", person="bruno", photos=[pictures.bruno]).ok, what="room to enrol")
    assert running.stop() == 0
    assert "event lost" not in running.said()
    assert "Traceback" not in running.said()
    witness.heard_all_of(terminal.check())
    first, *later = terminal.decisions()[recorded:]
    assert first == GRANTED  # decided when nobody knew yet
    assert OUTCOMES[policy] in later
