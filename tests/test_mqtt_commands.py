"""Commands over a real mosquitto: carried out once, answered always, and no message crashes the agent."""

import base64
import hashlib
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from queue import Empty

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.clerks.faces import photos_of
from agent.errors import (
    CommandError,
    ConfigError,
    EnrolmentRefused,
    LatchkeyError,
    ModelError,
    PictureError,
    StoreError,
    StoreFull,
)
from agent.mqtt.commands import Commander
from agent.mqtt.inbox import Incoming
from agent.mqtt.link import Link
from agent.mqtt.message import Code
from agent.mqtt.parts import Spool
from agent.mqtt.refusals import BURST
from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import Topics
from agent.mqtt.verbs.faces import EnrolCommand
from agent.mqtt.wire import COMMANDS, Result, code_of
from agent.seal.keys import SiteKey
from agent.seal.sealing import Seal
from tests.fakes.trust import OWNER, admission, signed

TOPICS = Topics("hq", "door")
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


PROTOCOLS = pytest.mark.parametrize("protocol", [5, 311])


class Office:
    """Handlers that note what they are asked, and a memory of results."""

    def __init__(self, folder):
        self.done = []
        self.memory = {}
        self.spool = Spool(folder / "parts", Seal(SiteKey(bytes(32))))
        self.error = None
        self.handlers = dict.fromkeys(COMMANDS, self.handle)

    def handle(self, command):
        if self.error is not None:
            raise self.error
        self.done.append(command)
        if isinstance(command, EnrolCommand):
            self.photos = tuple(photos_of(command, self.spool))
        return {"count": len(self.done)}

    def remember(self, command_id, verb, result, until):
        self.memory[command_id] = result


class Answers:
    """Stands in for the link where no broker is needed: an inbox by hand, answers in a list."""

    def __init__(self):
        self.topics = TOPICS
        self.sent = []
        self.inbox = self

    def get(self, _seconds):
        return self.message

    def send(self, message):
        self.sent.append(message)


class Locked:
    """An admission that cannot look up whose key it is."""

    def __init__(self, error):
        self.error = error

    def admit(self, *_):
        raise self.error


@pytest.fixture
def office(tmp_path):
    return Office(tmp_path)


def commander_of(link, office, **more):
    return Commander(
        link, office.handlers,
        **{"admission": admission(TOPICS), "recall": office.memory.get, "remember": office.remember,
           "now": lambda: NOW, "spool": office.spool, **more},
    )  # fmt: skip


@pytest.fixture
def ask(office):
    """Gives one message to a commander; returns its only answer."""
    link = Answers()
    commander = commander_of(link, office)

    def ask(topic, payload, *, size=None):
        body = payload if isinstance(payload, bytes) else signed(TOPICS, topic.split("/")[-1], payload, NOW)
        link.message = Incoming(topic, body, len(body) if size is None else size)
        link.sent.clear()
        commander.step()
        if not link.sent:
            return None
        (answer,) = link.sent
        result = Result.model_validate_json(answer.payload)
        assert answer.topic == TOPICS.result(result.verb, result.id)
        return result

    return ask


class TestRefusals:
    @pytest.mark.parametrize(
        ("verb", "payload", "refused"),
        [
            ("ping", b"", (None, "bad_request")),
            ("ping", b"garbage", (None, "bad_request")),
            ("ping", b"\xff\x00", (None, "bad_request")),
            ("ping", b"[" * 10_000, (None, "bad_request")),
            ("ping", b'{"id":' * 10_000, (None, "bad_request")),
            ("ping", b"[" * 1_000_000, (None, "too_large")),
            ("ping", b'{"id":' * 100_000, (None, "too_large")),
            ("ping", {"id": "7", "extra": 1}, ("7", "bad_request")),
            ("ping", {"id": "a/b"}, (None, "bad_request")),
            ("ping", {"id": {"id": "7"}}, (None, "bad_request")),
            ("enrol", {"id": "7"}, ("7", "bad_request")),
            ("enrol", {"id": "7", "person": ["anna"]}, ("7", "bad_request")),
            ("identify", {"id": "7", "photo": "?"}, ("7", "bad_request")),
            ("open-sesame", {"id": "7"}, ("7", "unknown_verb")),
            ("open-sesame", b"garbage", (None, "unknown_verb")),
            ("ping", {"id": "7", "not_after": "2026-11-22T05:59:59Z"}, ("7", "expired")),
            ("enrol", {"id": "7", "person": "anna", "parts": [sha256(b"1"), sha256(b"2")]}, ("7", "parts_missing")),
            ("enrol", {"id": "7", "person": "anna", "parts": 2}, ("7", "bad_request")),
            ("enrol", {"id": "7", "person": "anna", "parts": [sha256(b"1")], "split": [2]}, ("7", "bad_request")),
        ],
    )
    def test_coded_and_not_carried_out(self, ask, office, verb, payload, refused):
        result = ask(TOPICS.command(verb), payload)
        assert (result.verb, result.ok) == (verb, False)
        assert (result.id, result.code) == refused
        assert result.message
        assert not office.done
        assert not office.memory

    def test_ten_megabytes_on_every_command_topic(self, ask, office):
        for verb in COMMANDS:
            assert ask(TOPICS.command(verb), b"", size=10_000_000).code == Code.TOO_LARGE
        result = ask(TOPICS.part("enrol", "e1", 2, 3), b"", size=10_000_000)
        assert (result.code, result.id, result.verb, result.part) == (Code.TOO_LARGE, "e1", "enrol", 2)
        assert not office.done

    def test_topics_that_are_no_commands_are_passed_over(self, ask, caplog):
        assert ask(f"{TOPICS.prefix}/cmd/ping/7/result", b"{}") is None
        assert "not a command topic" in caplog.text

    def test_a_verb_that_cannot_be_a_topic_level_is_answered_as_invalid(self, ask):
        assert ask(TOPICS.command("x" * 40_000), {"id": "7"}).verb == "invalid"

    def test_parts_with_senseless_topics(self, ask):
        assert ask(TOPICS.part("enrol", "e1", 0, 3), b"photo").code == Code.BAD_REQUEST
        result = ask(f"{TOPICS.prefix}/cmd/enrol/e 1/part/1/3", b"photo")
        assert (result.code, result.id) == (Code.BAD_REQUEST, None)

    def test_a_verb_without_a_handler_is_unknown(self, ask, office):
        del office.handlers["enrol"]
        result = ask(TOPICS.command("enrol"), {"id": "7", "person": "anna"})
        assert result.code == Code.UNKNOWN_VERB
        assert " enrol," not in result.message.split("there are")[1]


class TestOnce:
    def test_the_same_id_is_answered_and_not_carried_out_again(self, ask, office):
        first = ask(TOPICS.command("remove"), {"id": "7", "person": "anna"})
        again = ask(TOPICS.command("remove"), {"id": "7", "person": "anna"})
        assert first.ok
        assert again == first.model_copy(update={"code": Code.SEEN_BEFORE})
        assert len(office.done) == 1

    def test_an_id_of_another_verb_is_refused(self, ask, office):
        ask(TOPICS.command("ping"), {"id": "7"})
        assert ask(TOPICS.command("list"), {"id": "7"}).code == Code.ID_REUSED
        assert len(office.done) == 1

    def test_a_refused_enrolment_is_remembered_too(self, ask, office):
        office.error = EnrolmentRefused("two_faces", "photo 2 shows two people", photo=1)
        first = ask(TOPICS.command("enrol"), {"id": "7", "person": "anna"})
        office.error = None
        assert ask(TOPICS.command("enrol"), {"id": "7", "person": "anna"}) == first
        assert (first.code, first.photo, first.message) == (Code.TWO_FACES, 1, "photo 2 shows two people")

    def test_a_full_disk_is_not_remembered(self, ask, office):
        office.error = StoreFull("no room")
        assert ask(TOPICS.command("remove"), {"id": "7", "person": "anna"}).code == Code.STORAGE_FAILED
        office.error = None
        assert ask(TOPICS.command("remove"), {"id": "7", "person": "anna"}).ok

    def test_done_is_done_even_if_it_cannot_be_remembered(self, ask, office, caplog):
        def remember(*_):
            raise StoreFull("no room")

        link = Answers()
        link.message = Incoming(TOPICS.command("ping"), signed(TOPICS, "ping", {"id": "7"}, NOW), 10)
        commander_of(link, office, remember=remember).step()
        assert b'"ok":true' in link.sent[0].payload
        assert "cannot be remembered" in caplog.text

    def test_in_time_is_in_time(self, ask):
        assert ask(TOPICS.command("ping"), {"id": "7", "not_after": "2026-11-22T07:00:00+01:00"}).ok


class TestParts:
    def test_parts_become_the_photos_of_the_command(self, ask, office):
        for number in (2, 1):
            assert ask(TOPICS.part("enrol", "e1", number, 2), b"photo%d" % number) is None
        body = {"id": "e1", "person": "anna", "parts": [sha256(b"photo1"), sha256(b"photo2")]}
        assert ask(TOPICS.command("enrol"), body).ok
        assert office.photos == (b"photo1", b"photo2")
        assert ask(TOPICS.command("enrol"), body).ok
        assert len(office.done) == 1
        assert office.spool.waiting_bytes == 0

    def test_a_photo_may_come_in_several_parts(self, ask, office):
        for number, piece in enumerate((b"pho", b"to1", b"photo2"), start=1):
            ask(TOPICS.part("enrol", "e1", number, 3), piece)
        hashes = [sha256(piece) for piece in (b"pho", b"to1", b"photo2")]
        assert ask(TOPICS.command("enrol"), {"id": "e1", "person": "anna", "parts": hashes, "split": [2, 1]}).ok
        assert office.photos == (b"photo1", b"photo2")

    def test_a_part_that_was_not_signed_is_no_photo(self, ask, office):
        ask(TOPICS.part("enrol", "e1", 1, 1), b"a photo of somebody else")
        body = {"id": "e1", "person": "anna", "parts": [sha256(b"photo1")]}
        assert ask(TOPICS.command("enrol"), body).code == Code.PARTS_MISSING
        assert not office.done

    def test_parts_of_no_command_there_is(self, ask):
        result = ask(TOPICS.part("open-sesame", "e1", 1, 1), b"x")
        assert (result.verb, result.id, result.code) == ("open-sesame", "e1", Code.UNKNOWN_VERB)

    def test_a_flood_of_parts_that_are_none_is_not_answered_one_by_one(self, office):
        """Anybody may send them: the answers would crowd out those that somebody waits for."""
        link = Answers()
        commander = commander_of(link, office, clock=lambda: 0.0)
        for number in range(1000):
            link.message = Incoming(f"{TOPICS.prefix}/cmd/enrol/c{number}/part/9/1", b"", 0)
            commander.step()
        assert len(link.sent) == BURST

    def test_a_missing_part_can_follow(self, ask, office):
        ask(TOPICS.part("enrol", "e1", 1, 2), b"photo1")
        body = {"id": "e1", "person": "anna", "parts": [sha256(b"photo1"), sha256(b"photo2")]}
        assert ask(TOPICS.command("enrol"), body).code == Code.PARTS_MISSING
        ask(TOPICS.part("enrol", "e1", 2, 2), b"photo2")
        assert ask(TOPICS.command("enrol"), body).ok


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CommandError("unknown_person", "nobody is called anna"), "unknown_person"),
        (CommandError("no such code", "..."), "failed"),
        (EnrolmentRefused("no_face", "..."), "no_face"),
        (PictureError("not a picture"), "not_a_picture"),
        (StoreError("locked"), "storage_failed"),
        (ModelError("damaged"), "failed"),
        (LatchkeyError("something"), "failed"),
        (ConfigError("something"), "failed"),
    ],
)
def test_errors_of_handlers_have_codes(ask, office, error, code):
    assert code_of(error) == code
    office.error = error
    result = ask(TOPICS.command("remove"), {"id": "7", "person": "anna"})
    assert (result.ok, result.code, result.message) == (False, code, str(error))


@pytest.mark.parametrize(("believed", "answers"), [(False, 0), (True, 1)])
def test_a_flood_of_acknowledgements_that_nobody_signed_counts_as_one(office, believed, answers):
    link = Answers()
    commander = commander_of(link, office, acknowledged=lambda _: believed, clock=lambda: 0.0)
    for _ in range(BURST):
        link.message = Incoming(f"{TOPICS.prefix}/event/ack", b"{}", 2)
        commander.step()
    link.message = Incoming(TOPICS.command("ping"), b"{}", 2)
    commander.step()
    assert len(link.sent) == answers


@pytest.mark.parametrize("topic", ["cmd/ping", "in/credential", "event/ack", "pair", "cmd/enrol/c1/part/1/1"])
def test_a_database_that_cannot_be_read_for_a_moment_does_nothing_and_crashes_nothing(office, topic, caplog):
    """Neither who may nor what was done before is known then; the door goes on."""
    link, locked = Answers(), StoreError("latchkey.db: another program has kept it locked")

    def fail(*_):
        raise locked

    verb = topic.rpartition("/")[2].replace("ack", "event_ack")
    more = {"at": NOW.isoformat(), "card": "1"} if verb == "credential" else {}
    link.message = Incoming(f"{TOPICS.prefix}/{topic}", signed(TOPICS, verb, {"id": "c1", **more}, NOW), 0)
    commander = commander_of(link, office, recall=fail, acknowledged=fail, pair=fail, admission=Locked(locked))
    commander.step()
    assert office.done == []
    answers = [
        Result.model_validate_json(message.payload).code for message in link.sent if "/cmd/ping/" in message.topic
    ]
    assert answers == [Code.STORAGE_FAILED] * (topic == "cmd/ping")
    assert ("not looked at" in caplog.text) == (topic in {"cmd/ping", "in/credential", "event/ack"})


def test_a_mistake_of_ours_crashes(ask, office):
    office.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        ask(TOPICS.command("ping"), {"id": "7"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = st.sampled_from(["id", "person", "photos", "photo", "parts", "not_after", "name", "replace"])
BODIES = st.one_of(
    st.binary(max_size=300),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(FIELDS, JSON | st.just("7") | st.just("anna"), max_size=6).map(
        lambda body: json.dumps(body).encode()
    ),
)
LEVELS = st.text(st.characters(exclude_characters="+#/\x00", exclude_categories=["Cs"]), max_size=40)
COMMAND_TOPICS = st.one_of(
    st.sampled_from([TOPICS.command(verb) for verb in COMMANDS]),
    LEVELS.map(TOPICS.command),
    st.builds(lambda id_, n, of: f"{TOPICS.prefix}/cmd/enrol/{id_}/part/{n}/{of}", LEVELS, LEVELS, LEVELS),
    st.builds(TOPICS.part, st.just("enrol"), st.just("7"), st.integers(0, 30), st.integers(0, 30)),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(COMMAND_TOPICS, BODIES)
def test_nothing_that_arrives_crashes_the_commander(tmp_path, topic, payload):
    office = Office(tmp_path)
    link = Answers()
    link.message = Incoming(topic, payload, len(payload))
    commander_of(link, office).step()
    for answer in link.sent:
        Result.model_validate_json(answer.payload)
        assert answer.topic.startswith(f"{TOPICS.prefix}/cmd/")


@pytest.fixture
def serve(office):
    """A link and a commander at work on a broker."""
    ending = threading.Event()
    started = []

    def serve(broker, protocol=5):
        link = Link(LinkSettings("127.0.0.1", broker.port, protocol), TOPICS, boot_id="b1", version="0.1.0", model="m")
        commander = commander_of(link, office, now=lambda: datetime.now(UTC))

        def work():
            while not ending.is_set():
                commander.step()

        thread = threading.Thread(target=work)
        link.start()
        thread.start()
        started.append((link, thread))
        assert link.wait_connected(10)
        return link

    yield serve
    ending.set()
    for link, thread in started:
        thread.join()
        link.close()


@pytest.fixture
def remote(mosquitto):
    with Remote(LinkSettings("127.0.0.1", mosquitto.port), TOPICS, OWNER) as remote:
        remote.wait_ready()
        yield remote


@PROTOCOLS
def test_commands_over_the_broker(mosquitto, serve, remote, office, protocol):
    serve(mosquitto, protocol)
    assert remote.request("ping").data == {"count": 1}
    photos = [bytes([number]) * 300_000 for number in range(3)]
    assert remote.request("enrol", person="anna", photos=photos).ok
    assert office.photos == tuple(photos)
    assert remote.request("identify", photo=photos[1]).ok
    assert office.done[-1].photo == photos[1]
    late = remote.request("remove", person="anna", not_after=datetime.now(UTC) - timedelta(seconds=1))
    assert late.code == Code.EXPIRED


def test_a_request_waits_for_the_device(mosquitto, serve, remote):
    """A broker forgets what nobody listens to yet."""
    starting = threading.Timer(0.5, serve, [mosquitto])
    starting.start()
    assert remote.request("ping").ok
    starting.join()


def result_for(remote, command_id, seconds=20.0):
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        message = remote.heard.get(timeout=left)
        if message.topic.endswith(f"/{command_id or 'invalid'}/result"):
            return Result.model_validate_json(message.payload)
    raise Empty


@PROTOCOLS
def test_garbage_and_ten_megabytes_over_the_broker_and_the_next_ping_is_answered(
    mosquitto, serve, remote, office, protocol
):
    serve(mosquitto, protocol)
    for verb in (*COMMANDS, "nonsense"):
        remote.send(TOPICS.command(verb), b"\x00garbage")
        assert result_for(remote, None).ok is False
        remote.send(TOPICS.command(verb), b"x" * 10_000_000)
        assert result_for(remote, None).code == (Code.TOO_LARGE if verb in COMMANDS else Code.UNKNOWN_VERB)
    remote.send(TOPICS.part("enrol", "e1", 1, 1), b"x" * 10_000_000)
    assert result_for(remote, "e1").code == Code.TOO_LARGE
    assert not office.done
    assert remote.request("ping").ok


class TestResponseTopic:
    @pytest.fixture
    def asker(self, mosquitto):
        """A client of MQTT 5 that asks for answers elsewhere."""
        got, subscribed = [], threading.Event()
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        client.on_message = lambda _client, _data, message: got.append(message)
        client.on_subscribe = lambda *_: subscribed.set()
        client.connect("127.0.0.1", mosquitto.port)
        client.subscribe([("replies/#", 1), (TOPICS.status, 1)])
        client.loop_start()
        assert subscribed.wait(10)

        def ask(payload, response_topic):
            properties = Properties(PacketTypes.PUBLISH)
            properties.ResponseTopic = response_topic
            properties.CorrelationData = b"\x00\xff42"
            client.publish(TOPICS.command("ping"), payload, qos=1, properties=properties)

        yield ask, got
        client.disconnect()
        client.loop_stop()

    def test_answers_come_there_as_well_with_the_correlation(self, mosquitto, serve, asker, remote, wait_for):
        serve(mosquitto)
        ask, got = asker
        ask(signed(TOPICS, "ping", {"id": "7"}, datetime.now(UTC)), "replies/me")
        wait_for(lambda: any(message.topic == "replies/me" for message in got))
        (answer,) = [message for message in got if message.topic == "replies/me"]
        assert answer.properties.CorrelationData == b"\x00\xff42"
        assert Result.model_validate_json(answer.payload).ok
        assert result_for(remote, "7").ok

    def test_also_for_what_has_no_id(self, mosquitto, serve, asker, wait_for):
        serve(mosquitto)
        ask, got = asker
        ask(b"garbage", "replies/me")
        wait_for(lambda: any(b"bad_request" in message.payload for message in got))

    def test_nobody_makes_us_overwrite_our_status(  # noqa: PLR0917 - fixtures
        self, mosquitto, serve, asker, remote, caplog, wait_for
    ):
        serve(mosquitto)
        ask, got = asker
        ask(signed(TOPICS, "ping", {"id": "8"}, datetime.now(UTC)), TOPICS.status)
        assert result_for(remote, "8").ok
        wait_for(lambda: "a response topic is refused" in caplog.text)  # logged after the answer
        assert not any(b'"id"' in message.payload for message in got)


def test_base64_in_json_over_the_broker(mosquitto, serve, remote, office):
    serve(mosquitto)
    photo = base64.b64encode(b"\xff\xd8photo").decode()
    remote.send(
        TOPICS.command("enrol"),
        signed(TOPICS, "enrol", {"id": "9", "person": "anna", "photos": [photo]}, datetime.now(UTC)),
    )
    assert result_for(remote, "9").ok
    assert office.photos == (b"\xff\xd8photo",)
