"""kill -9 in the middle of jobs and of parts, and floods of parts: what was accepted is told of, what came is there."""

import hashlib
import random

import pytest

from tests.end_to_end.patience import wait_for

NOISE = random.Random(5)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def terminal(make_terminal, mosquitto, pictures):
    terminal = make_terminal(mqtt__enabled=True, mqtt__port=mosquitto.port)
    terminal.show([pictures.empty])
    return terminal


def again(terminal, running, witness):
    """kill -9, and the next start."""
    births = [status["state"] for status in witness.on("status")].count("online")
    running.kill()
    running = terminal.start()
    wait_for(
        lambda: [status["state"] for status in witness.on("status")].count("online") > births, what="another birth"
    )
    return running


def test_a_job_that_died_with_the_agent_says_so(terminal, witness):
    running = terminal.start()
    live = {"id": "live-1", "person": "ada", "fields": {"seconds": 300.0}}
    assert witness.remote.request("enrol_live", **live).data == {"job": "accepted"}
    assert witness.request("jobs").data["jobs"][0]["verb"] == "enrol_live"
    progress = "cmd/enrol_live/live-1/progress"
    wait_for(lambda: len(witness.on(progress)) > 1, what="progress")
    running = again(terminal, running, witness)
    wait_for(lambda: witness.on(progress)[-1]["state"] == "failed", what="how it ended")
    assert witness.on(progress)[-1]["code"] == "interrupted"
    assert witness.request("job", id_of="live-1").data["code"] == "interrupted"
    repeated = witness.remote.request("enrol_live", **live)
    assert (repeated.code, repeated.data["job"]) == ("seen_before", "failed")
    assert running.stop() == 0
    terminal.check()


def test_parts_outlive_the_agent_and_the_rest_is_sent(terminal, witness, pictures):
    running = terminal.start()
    photo, topics = pictures.ada, witness.remote.topics
    halves = (photo[:1000], photo[1000:])
    hashes = tuple(map(sha256, halves))
    assert witness.request("parts", id_of="e1", parts=hashes).data == {"here": []}
    witness.remote.send(topics.part("enrol", "e1", 1, 2), halves[0])
    wait_for(lambda: witness.request("parts", id_of="e1").data == {"here": [1]}, what="the first part")
    running = again(terminal, running, witness)
    missing = witness.request("enrol", id="e1", person="ada", parts=hashes, split=(2,))
    assert (missing.code, "part 2 of 2" in missing.message) == ("parts_missing", True)
    assert witness.request("parts", id_of="e1", parts=hashes).data == {"here": [1]}
    witness.remote.send(topics.part("enrol", "e1", 2, 2), halves[1])
    assert witness.request("enrol", id="e1", person="ada", parts=hashes, split=(2,)).data["added"] == 1
    assert [path for path in (terminal.folder / "data" / "parts").rglob("*") if path.is_file()] == []
    assert running.stop() == 0


def test_a_flood_of_parts_drowns_nobody(terminal, witness, pictures):
    running = terminal.start()
    topics, hashes = witness.remote.topics, (sha256(pictures.ada),)
    witness.request("parts", id_of="e1", parts=hashes)
    witness.remote.send(topics.part("enrol", "e1", 1, 1), pictures.ada)
    for number in range(40):
        id_ = f"flood{number}" if number % 2 else "e1"
        witness.remote.send(topics.part("enrol", id_, 1, 1), NOISE.randbytes(3 * 2**20))
        if number % 4 == 0:
            assert witness.request("ping").ok
    assert witness.request("enrol", id="e1", person="ada", parts=hashes).ok
    kept = sum(path.stat().st_size for path in (terminal.folder / "data" / "parts").rglob("*") if path.is_file())
    assert kept <= 65 * 2**20
    assert running.stop() == 0
