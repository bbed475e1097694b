"""Photos in parts, and what takes long: gone on with where it broke."""

import threading

import pytest

from agent.app import Agent
from agent.client import Admin, Profile, known
from agent.client.parts import PART_BYTES, ask_with_parts, cut, hashes_of
from agent.errors import CommandError, NoAnswer, Untrusted
from agent.trust.keys import SigningKey
from tests.fakes import blocks
from tests.fakes.agents import Terminals, empty_stage
from tests.fakes.blocks import RED, Block, paint
from tests.fakes.devices import device
from tests.fakes.trust import OWNER

PARTS = [b"one", b"two", b"three"]


@pytest.fixture(name="profile")
def profile_fixture(tmp_path, mosquitto):
    broker = {"host": mosquitto.host, "port": mosquitto.port, "tls": False}
    return Profile.make(tmp_path / "admin", {"site": "hq", "broker": broker})


@pytest.mark.parametrize(
    ("files", "parts", "split"),
    [
        ([], [], []),
        ([b""], [b""], [1]),
        ([b"abc"], [b"abc"], [1]),
        ([b"abcdefg", b"h"], [b"abc", b"def", b"g", b"h"], [3, 1]),
        ([b"abcdef"], [b"abc", b"def"], [2]),
    ],
)
def test_files_are_cut(files, parts, split):
    assert cut(files, 3) == (parts, split)


class Spool:
    """The device's side: says what is here, and refuses while something is missing."""

    def __init__(self, lose=()):
        self.lose, self.here, self.announced = set(lose), set(), None
        self.device = None

    def parts(self, body):
        self.announced = body["parts"]
        arrived = {int(topic.split("/")[-2]) for topic in self.device.parts}
        self.here = arrived - self.lose
        return {"ok": True, "data": {"here": sorted(self.here)}}

    def enrol(self, body):
        arrived = {int(topic.split("/")[-2]) for topic in self.device.parts} - self.lose
        self.lose = set()
        if len(arrived) < len(body["parts"]):
            return {"ok": False, "code": "parts_missing", "message": "some"}
        return {"ok": True, "data": {"parts": body["parts"]}}


class TestParts:
    @pytest.fixture
    def front(self, mosquitto):
        spool = Spool()
        with device(mosquitto.port, "front", parts=spool.parts, enrol=spool.enrol) as made:
            spool.device = made
            made.spool = spool
            yield made

    def test_they_are_announced_sent_and_named(self, profile, front):
        told = []
        with Admin(profile, OWNER) as admin:
            done = ask_with_parts(
                admin, "front", "enrol", PARTS, command_id="e1", told=lambda *n: told.append(n), person="anna"
            )
        assert done.value()["parts"] == hashes_of(PARTS) == front.spool.announced
        assert told == [(1, 3), (2, 3), (3, 3)]
        assert front.parts == {front.topics.part("enrol", "e1", n, 3): part for n, part in enumerate(PARTS, 1)}

    def test_what_is_there_is_not_sent_again(self, profile, front):
        front.parts = {front.topics.part("enrol", "e1", 2, 3): b"two"}
        before = dict(front.parts)
        with Admin(profile, OWNER) as admin:
            front.parts = _Counting(before)
            assert ask_with_parts(admin, "front", "enrol", PARTS, command_id="e1", person="anna").ok
            assert front.parts.set_count == 2

    def test_what_was_lost_is_sent_again(self, profile, front):
        front.spool.lose = {1}
        with Admin(profile, OWNER) as admin:
            assert ask_with_parts(admin, "front", "enrol", PARTS, command_id="e1", person="anna").ok
        assert [verb for verb, _ in front.told] == ["parts", "enrol"] * 2

    def test_what_is_said_of_a_part_is_no_answer_to_the_command(self, profile, front):
        """Anybody may send bad parts and have them refused."""

        def enrol(body):
            front.result("enrol", body["id"], ok=False, code="too_large", message="no room", part=1)
            return front.spool.enrol(body)

        front.answers["enrol"] = enrol
        with Admin(profile, OWNER) as admin:
            assert ask_with_parts(admin, "front", "enrol", PARTS, command_id="e1", person="anna").ok
            front.spool.lose, front.spool.enrol = {1}, lambda _: {"ok": False, "code": "parts_missing"}
            refused = ask_with_parts(admin, "front", "enrol", PARTS, command_id="e2", person="anna")
        assert (refused.code, refused.message) == ("parts_missing", "front: it has not got all parts of enrol: no room")

    def test_it_is_given_up_after_three_times(self, profile, front):
        front.answers["enrol"] = lambda _: {"ok": False, "code": "parts_missing", "message": "some"}
        with Admin(profile, OWNER) as admin:
            refused = ask_with_parts(admin, "front", "enrol", PARTS, command_id="e1", person="anna")
        assert (refused.ok, refused.code) == (False, "parts_missing")
        assert [verb for verb, _ in front.told].count("enrol") == 3


class _Counting(dict):
    def __init__(self, *args):
        super().__init__(*args)
        self.set_count = 0

    def __setitem__(self, key, value):
        self.set_count += 1
        super().__setitem__(key, value)


def test_a_large_photo_reaches_a_real_device_in_parts(profile, mosquitto, tmp_path, monkeypatch):
    stage = empty_stage(monkeypatch)
    stage.goes_on = True
    told = {"device__site": "hq", "device__name": "front", "camera__as_fast_as_possible": False}
    reach = {"mqtt__enabled": True, "mqtt__host": "127.0.0.1", "mqtt__port": mosquitto.port}
    photos = [blocks.png(paint(Block(RED, tint=tint))) + bytes(PART_BYTES) for tint in (0, 9)]
    parts, split = cut(photos)
    assert len(parts) > 2
    with Agent(Terminals(tmp_path, monkeypatch)(**told, **reach)), Admin(profile, OWNER) as admin:
        done = ask_with_parts(
            admin, "front", "enrol", parts, command_id="e1", person="anna", split=split, name="Anna"
        ).value()
        assert (done["person"], done["added"]) == ("anna", 2)


class TestJobs:
    def test_a_job_is_followed_to_its_end(self, profile, mosquitto):
        def start(body):
            threading.Thread(target=work, args=(body["id"],)).start()
            return {"ok": True, "data": {"job": "accepted"}}

        def work(id_):
            for done in (1, 2):
                front.progress("juggle", id_, state="running", done=done, of=2, note="ball")
            front.progress("juggle", id_, state="done", done=2, of=2, data={"balls": 2})

        with device(mosquitto.port, "front", juggle=start) as front, Admin(profile, OWNER) as admin:
            told = list(admin.run("front", "juggle", balls=2))
        assert [(each.state, each.done, each.of) for each in told] == [
            ("accepted", 0, None),
            ("running", 1, 2),
            ("running", 2, 2),
            ("done", 2, 2),
        ]
        assert told[-1].data == {"balls": 2}

    def test_silence_is_asked_about(self, profile, mosquitto, monkeypatch):
        monkeypatch.setattr("agent.client.jobs.ASK_SECONDS", 0.1)
        state = {"job": "running", "verb": "juggle", "done": 1, "of": 3}

        def job(_):
            return {"ok": True, "data": dict(state)} if len(front.told) < 4 else failed

        failed = {"ok": True, "data": state | {"job": "failed", "code": "interrupted", "message": "power"}}
        accepted = {"ok": True, "data": {"job": "accepted"}}
        with (
            device(mosquitto.port, "front", juggle=lambda _: accepted, job=job) as front,
            Admin(profile, OWNER) as admin,
        ):
            told = list(admin.run("front", "juggle"))
        assert [(each.state, each.code) for each in told] == [
            ("accepted", None),
            ("running", None),
            ("failed", "interrupted"),
        ]

    def test_nobody_waits_for_ever(self, profile, mosquitto, monkeypatch):
        from agent.client.jobs import follow

        monkeypatch.setattr("agent.client.jobs.ASK_SECONDS", 0.1)
        silent = pytest.raises(NoAnswer, match="has said nothing of j1 for")
        with device(mosquitto.port, "front", job=lambda _: None), Admin(profile, OWNER) as admin, silent:
            list(follow(admin, "front", "j1", silent_seconds=0.3))

    def test_a_device_that_got_another_key_meanwhile_is_told_as_such(self, profile, mosquitto, monkeypatch):
        """As where a backup of the device that was there before is put back."""
        from agent.client.jobs import follow

        monkeypatch.setattr("agent.client.jobs.ASK_SECONDS", 0.1)
        before = SigningKey(bytes(32))
        known.trust(profile.devices_file, "hq/front", before.public)
        told = pytest.raises(Untrusted, match="`latchkey admin devices trust front`, and `latchkey admin job front j1`")
        answer = {"ok": True, "data": {}}
        with device(mosquitto.port, "front", key=before, job=lambda _: answer) as front, Admin(profile, OWNER) as admin:
            admin.wait_online("front")
            front.status("stopped")
            front.key = OWNER
            front.status("online")
            with told:
                list(follow(admin, "front", "j1", silent_seconds=4.0))

    def test_what_is_refused_is_an_error_and_what_is_done_at_once_is_done(self, profile, mosquitto):
        refusal = {"ok": False, "code": "no_consent", "message": "nobody has agreed"}
        done = {"ok": True, "data": {"x": 1}}
        with (
            device(mosquitto.port, "front", a=lambda _: refusal, b=lambda _: done),
            Admin(profile, OWNER) as admin,
        ):
            with pytest.raises(CommandError, match="front: nobody has agreed"):
                list(admin.run("front", "a"))
            assert [(each.state, each.data) for each in admin.run("front", "b")] == [("done", {"x": 1})]


def test_events_come_as_they_happen(profile, mosquitto):
    with device(mosquitto.port, "front") as front, Admin(profile, OWNER, hears=["event/+"]) as admin:
        admin.devices()
        for seq in (1, 2):
            front.say("event/access", {"seq": seq})
        heard = admin.events(5)
        assert [next(heard).body["seq"] for _ in range(2)] == [1, 2]
        assert list(admin.events(0.05)) == []
