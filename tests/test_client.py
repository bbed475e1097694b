"""The client: many devices over one line; who answers is known by the key."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from agent.app import Agent
from agent.client import Admin, NoAnswer, Profile, Standing, Untrusted, known
from agent.errors import CommandError, ConfigError
from agent.trust.keys import SigningKey
from tests.fakes.agents import Terminals, empty_stage
from tests.fakes.devices import Device, device
from tests.fakes.trust import OWNER

DEVICE_KEY, OTHER_KEY = SigningKey(bytes(32)), SigningKey(bytes([1]) * 32)
OK = {"ok": True, "data": {}}


def pong(_):
    return {"ok": True, "data": {"pong": True}}


@pytest.fixture(name="profile")
def profile_fixture(tmp_path, mosquitto):
    broker = {"host": mosquitto.host, "port": mosquitto.port, "tls": False}
    return Profile.make(tmp_path / "admin", {"site": "hq", "broker": broker})


def test_it_speaks_mqtt_3_1_1(tmp_path, mosquitto):
    broker = {"host": mosquitto.host, "port": mosquitto.port, "tls": False, "protocol": 311}
    older = Profile.make(tmp_path / "older", {"site": "hq", "broker": broker})
    with device(mosquitto.port, "front", ping=pong), Admin(older, OWNER) as admin:
        assert admin.ask("front", "ping").ok


def test_over_tls_with_a_certificate_of_its_own(tmp_path, mosquitto_tls, certificates):
    def profile(name, files):
        broker = {"host": "localhost", "port": mosquitto_tls.port, "ca": files.ca, "cert": files.cert, "key": files.key}
        return Profile.make(tmp_path / name, {"site": "hq", "broker": broker})

    with Admin(profile("ours", certificates.admin), OWNER) as admin:
        assert admin.devices() == []
    with (
        Admin(profile("stranger", certificates.stranger), OWNER) as admin,
        pytest.raises(NoAnswer, match="no connection"),
    ):
        admin.devices(0.5)


def test_two_real_devices(profile, mosquitto, tmp_path, monkeypatch):
    stage = empty_stage(monkeypatch)
    stage.goes_on = True
    make = Terminals(tmp_path, monkeypatch)

    def terminal(name, groups):
        told = {"device__site": "hq", "device__name": name, "device__groups": (groups,)}
        reach = {"mqtt__enabled": True, "mqtt__host": "127.0.0.1", "mqtt__port": mosquitto.port}
        return make(**told, **reach, device__data_dir=tmp_path / name, camera__as_fast_as_possible=False)

    with Agent(terminal("front", "ground")), Agent(terminal("side", "roof")), Admin(profile, OWNER) as admin:
        result = admin.ask("front", "ping")
        assert (result.device, result.ok, result.standing) == ("front", True, Standing.UNVERIFIED)
        assert [(status.device, status.state) for status in admin.devices()] == [
            ("front", "online"),
            ("side", "online"),
        ]
        everywhere = admin.ask_all("@all", "person_set", person="anna", create=True, groups=["staff"], badge="7")
        assert [result.value()["groups"] for result in everywhere.values()] == [["staff"], ["staff"]]
        assert admin.ask("hq/side", "person_set", person="anna", badge=None).value()["badge"] is None
        assert {name: result.ok for name, result in admin.ask_all("@roof", "ping", wait_seconds=1).items()} == {
            "side": True
        }
        assert admin.ask_all(["front", "side"], "person", person="anna")["front"].value()["badge"] == "7"
        refused = admin.ask("front", "person", person="nobody")
        assert (refused.ok, refused.code) == (False, "unknown_person")
        with pytest.raises(CommandError, match="front: nobody is enrolled"):
            refused.value()


class TestWhoIsThere:
    def test_no_broker(self, profile, mosquitto):
        mosquitto.kill()
        with Admin(profile, OWNER) as admin, pytest.raises(NoAnswer, match="no connection to the broker at 127"):
            admin.ask("front", "ping", wait_seconds=0.5)

    def test_a_device_that_nobody_knows(self, profile, mosquitto):
        with device(mosquitto.port, "front"), Admin(profile, OWNER) as admin:
            with pytest.raises(
                NoAnswer, match="frnt: nothing was sent: the broker knows no such device of hq, but front"
            ):
                admin.ask("frnt", "ping", wait_seconds=0.5)
            with pytest.raises(ConfigError, match="one device is wanted here, not a group"):
                admin.ask("@all", "ping")

    def test_a_device_that_is_offline(self, profile, mosquitto):
        late = pytest.raises(NoAnswer, match=r"nothing was sent: it is offline, and was not online within 0.5 s")
        with device(mosquitto.port, "front", ping=pong) as front:
            front.status("offline")
            front.line.wait_taken()
            with Admin(profile, OWNER) as admin, late:
                admin.ask("front", "ping", wait_seconds=0.5)
            assert front.told == []

    def test_a_device_that_comes_later_is_waited_for(self, profile, mosquitto):
        front = Device(mosquitto.port, "front", ping=pong)
        with front.line, Admin(profile, OWNER) as admin:
            coming = threading.Timer(0.3, front.status, ["online"])
            coming.start()
            assert admin.ask("front", "ping").ok
            coming.join()

    def test_a_device_that_does_not_answer(self, profile, mosquitto):
        late = pytest.raises(NoAnswer, match=r"ping: front: no result within 0.5 s: whether it was done is not known")
        with device(mosquitto.port, "front", ping=lambda _: None), Admin(profile, OWNER) as admin, late:
            admin.ask("front", "ping", wait_seconds=0.5)

    def test_a_broker_that_does_not_take_commands(self, make_mosquitto, tmp_path):
        access = tmp_path / "acl"
        access.write_text("topic readwrite latchkey/#\ntopic deny latchkey/v1/hq/front/cmd/lock\n")
        broker = make_mosquitto(f"allow_anonymous true\nacl_file {access}")
        broker.start()
        told = {"site": "hq", "broker": {"host": broker.host, "port": broker.port, "tls": False}}
        refused = pytest.raises(
            NoAnswer, match=r"nothing was done: the broker does not take .*/cmd/lock: Not authorized"
        )
        with device(broker.port, "front", ping=pong), Admin(Profile.make(tmp_path / "b", told), OWNER) as admin:
            with refused:
                admin.ask("front", "lock")
            assert admin.ask("front", "ping").ok


class TestGroups:
    def test_who_is_not_there_has_a_result_that_says_so(self, profile, mosquitto):
        port = mosquitto.port
        with (
            device(port, "a", groups=["doors"], lock=lambda _: OK) as first,
            device(port, "b", groups=["doors"], lock=lambda _: None),
            device(port, "c", groups=["doors"]) as gone,
            device(port, "d", groups=["other"]),
            Admin(profile, OWNER) as admin,
        ):
            gone.status("stopped")
            gone.line.wait_taken()
            found = admin.ask_all("@doors", "lock", wait_seconds=1.0)
            assert {name: (result.ok, result.code) for name, result in found.items()} == {
                "a": (True, None),
                "b": (False, "no_answer"),
                "c": (False, "offline"),
            }
            assert first.told[0][1]["target"] == "hq/@doors"
            assert admin.members("@doors") == ["a", "b", "c"]
            assert admin.ask_all("@nobody", "lock") == {}

    def test_a_name_that_no_device_has_is_told_from_one_that_is_away(self, profile, mosquitto):
        with device(mosquitto.port, "front") as front, Admin(profile, OWNER) as admin:
            front.status("stopped")
            front.line.wait_taken()
            found = admin.ask_all(["front", "frnt"], "lock")
            assert {result.code for result in found.values()} == {"offline"}
            assert found["front"].message == "not online: nothing was sent to it"
            assert found["frnt"].message == "nothing was sent: the broker knows no such device of hq, but front"

    def test_a_device_that_does_not_say_its_groups_is_no_member_but_may_answer(self, profile, mosquitto):
        with device(mosquitto.port, "old", groups=["doors"], lock=lambda _: OK) as old, Admin(profile, OWNER) as admin:
            old.status("online", groups=None)
            old.line.wait_taken()
            assert admin.members("@doors") == []  # whoever enrols at a group enrols nobody elsewhere
            assert admin.ask_all("@doors", "lock", wait_seconds=1.0)["old"].ok


class TestSignatures:
    @pytest.fixture(autouse=True)
    def front_is_known(self, profile):
        known.trust(profile.devices_file, "hq/front", DEVICE_KEY.public)
        known.trust(profile.devices_file, "elsewhere/front", OTHER_KEY.public)

    def test_what_the_device_has_signed_is_verified(self, profile, mosquitto):
        with device(mosquitto.port, "front", key=DEVICE_KEY, ping=pong), Admin(profile, OWNER) as admin:
            result = admin.ask("front", "ping")
            assert (result.ok, result.standing) == (True, Standing.VERIFIED)
            assert admin.devices()[0].standing is Standing.VERIFIED

    @pytest.mark.parametrize("key", [None, OTHER_KEY], ids=["unsigned", "signed by another"])
    def test_another_in_its_place_is_not_told_anything(self, profile, mosquitto, key):
        with device(mosquitto.port, "front", key=key, ping=pong) as liar, Admin(profile, OWNER) as admin:
            with pytest.raises(Untrusted, match="nothing was sent: what says to be front does not sign"):
                admin.ask("front", "ping", wait_seconds=0.5)
            assert liar.told == []

    def test_a_forged_result_is_no_result_and_the_right_one_still_counts(self, profile, mosquitto):
        with device(mosquitto.port, "front", key=DEVICE_KEY) as front, Admin(profile, OWNER) as admin:

            def lie_then_answer(body):
                front.result("ping", body["id"], key=OTHER_KEY, ok=False, code="failed")
                return pong(body) if body.get("x") is None else None

            front.answers["ping"] = lie_then_answer
            assert admin.ask("front", "ping").standing is Standing.VERIFIED
            front.answers["ping"] = lambda body: front.result("ping", body["id"], key=OTHER_KEY, ok=True)
            with pytest.raises(Untrusted, match="an answer came that it has not signed"):
                admin.ask("front", "ping", wait_seconds=0.5)
            assert admin.ask_all("@all", "ping", wait_seconds=0.5)["front"].code == "untrusted"

    def test_a_result_of_another_command_is_not_taken_for_this_one(self, profile, mosquitto):
        with device(mosquitto.port, "front", key=DEVICE_KEY) as front, Admin(profile, OWNER) as admin:

            def replay(body):
                told = {"id": "earlier", "verb": "ping", "ok": True, "device_key": DEVICE_KEY.public.id}
                earlier = front.topics.result("ping", "earlier")
                from agent.trust.statement import canonical, signed_news

                payload = canonical(signed_news(earlier, told, DEVICE_KEY))
                front.line.send(front.topics.result("ping", body["id"]), payload)

            front.answers["ping"] = replay
            with pytest.raises(Untrusted):
                admin.ask("front", "ping", wait_seconds=0.5)


class TestNoise:
    @pytest.mark.parametrize(
        ("level", "payload"),
        [
            ("status", b""),
            ("status", b"[]"),
            ("status", b"\xff"),
            ("status", b'{"state": 1, "groups": 7}'),
            ("health", b'{"at": 1e999}'),
            ("cmd/ping/x/result", b"null"),
            ("cmd/ping/x/progress", b'{"done": "many"}'),
            ("event/access", b"{" * 100_000),
            ("pair/x/answer", b"{}"),
            ("x" * 1000, b"{}"),
        ],
    )
    def test_nobody_falls_over_it(self, profile, mosquitto, level, payload):
        hears = ["health", "event/+", "pair/+/answer"]
        with device(mosquitto.port, "front", ping=pong) as front, Admin(profile, OWNER, hears=hears) as admin:
            admin.devices()
            front.line.send(f"latchkey/v1/hq/noise/{level}", payload)
            front.line.send(f"{front.topics.prefix}/cmd/ping/x/result", b'{"ok": "yes"}')
            assert admin.ask("front", "ping").ok

    def test_nothing_that_a_broker_kept_is_a_result(self, profile, mosquitto):
        with device(mosquitto.port, "front", ping=lambda _: None) as front:
            front.line.send(f"{front.topics.prefix}/cmd/ping/c1/result", b'{"ok": true}', retain=True)
            front.line.wait_taken()
            with Admin(profile, OWNER) as admin, pytest.raises(NoAnswer):
                admin.ask("front", "ping", command_id="c1", wait_seconds=0.5)


class TestBrokenConnections:
    def test_a_command_is_sent_again_when_the_broker_is_back(self, profile, mosquitto):
        """The same id again does nothing twice; what only asks gets a new id."""
        with (
            device(mosquitto.port, "front", ping=lambda _: None, lock=lambda _: None) as front,
            Admin(profile, OWNER) as admin,
        ):

            def lose():
                deadline = time.monotonic() + 30
                while not front.told and time.monotonic() < deadline:
                    time.sleep(0.01)
                front.answers |= {"lock": lambda _: OK}
                mosquitto.restart()
                front.line.wait_ready()
                front.status("online")

            losing = threading.Thread(target=lose)
            losing.start()
            assert admin.ask("front", "lock", wait_seconds=15).ok
            losing.join()
            assert len({body["id"] for _, body in front.told}) == 1 < len(front.told)

    @pytest.mark.parametrize(("verb", "signatures"), [("unlock", 1), ("lock", 2)])
    def test_what_opens_a_door_lives_no_longer_for_being_sent_again(self, profile, mosquitto, verb, signatures):
        with device(mosquitto.port, "front") as front, Admin(profile, OWNER) as admin:

            def born_again(_):
                front.answers[verb] = lambda _: OK
                front.status("online")

            front.answers[verb] = born_again
            assert admin.ask("front", verb).ok
            assert len(front.told) == 2
            assert len({body["id"] for _, body in front.told}) == 1
            assert len({body["signature"] for _, body in front.told}) == signatures

    def test_a_question_is_asked_again_under_another_id(self, profile, mosquitto):
        with device(mosquitto.port, "front", person=lambda _: None) as front, Admin(profile, OWNER) as admin:

            def born_again(_):
                front.answers["person"] = pong
                front.status("online")

            front.answers["person"] = born_again
            assert admin.ask("front", "person", person="anna").ok
            assert len({body["id"] for _, body in front.told}) == 2


class TestArguments:
    @pytest.mark.parametrize(
        ("verb", "arguments", "wrong"),
        [
            ("remove", {"person": "a/b"}, "remove: person"),
            ("unlock", {"seconds": -1}, "unlock: seconds"),
            ("ping", {"x": object()}, "object is no JSON"),
            ("ping", {"x": float("nan")}, "ping: "),
        ],
    )
    def test_what_will_not_do_is_not_sent(self, profile, mosquitto, verb, arguments, wrong):
        with device(mosquitto.port, "front") as front, Admin(profile, OWNER) as admin:
            with pytest.raises(CommandError, match=wrong):
                admin.ask("front", verb, **arguments)
            assert front.told == []

    def test_a_verb_of_a_newer_device_is_left_to_it(self, profile, mosquitto):
        with device(mosquitto.port, "front", juggle=pong) as front, Admin(profile, OWNER) as admin:
            at = datetime.now(UTC) + timedelta(seconds=5)
            assert admin.ask("front", "juggle", photo=b"x", not_after=at, groups={"b", "a"}).ok
            body = front.told[0][1]
            assert (body["photo"], body["not_after"], body["groups"]) == ("eA==", at.isoformat(), ["a", "b"])
            assert body["target"] == "hq/front"

    def test_it_is_too_large(self, profile, mosquitto):
        refused = pytest.raises(CommandError, match="at most 8,388,608")
        with device(mosquitto.port, "front"), Admin(profile, OWNER) as admin, refused:
            admin.ask("front", "juggle", photo=bytes(7_000_000))
