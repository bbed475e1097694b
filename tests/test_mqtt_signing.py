"""What a device says is signed: in one place, for one topic, and verified by its key alone."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.mqtt.connection import Outgoing
from agent.mqtt.link import Link
from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.signing import Signer, genuine
from agent.mqtt.telemetry import DoorState, Health, Status
from agent.mqtt.topics import Topics
from agent.mqtt.wire import Result
from agent.trust.keys import SigningKey
from tests.fakes.trust import OWNER

TOPICS = Topics("hq", "door")
KEY, OTHER = SigningKey(bytes([7]) * 32), SigningKey(bytes([8]) * 32)
SIGNER = Signer(KEY, TOPICS.prefix)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


def signed(body, topic=TOPICS.status, **more):
    return SIGNER.signed(Outgoing(topic, json.dumps(body).encode(), **more)).payload


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=6))
def test_what_is_signed_verifies_and_says_what_it_said(body):
    heard = genuine(TOPICS.status, signed(body), KEY.public)
    assert heard is not None
    del heard["signature"]
    assert heard == {name: value for name, value in body.items() if name != "signature"} | {"device_key": KEY.public.id}


@given(st.data())
def test_a_changed_byte_is_not_genuine_or_means_the_same(data):
    body = {"state": "online", "n": 1.5, "list": [1, "ä"], "none": None}
    payload = signed(body)
    place = data.draw(st.integers(0, len(payload) - 1))
    changed = payload[:place] + bytes([data.draw(st.integers(0, 255))]) + payload[place + 1 :]
    heard = genuine(TOPICS.status, changed, KEY.public)
    assert heard is None or heard == json.loads(payload)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b'{"state":"online"}', id="unsigned"),
        pytest.param(b'{"state":"online","signature":7}', id="a number for a signature"),
        pytest.param(b'{"state":"online","signature":"AAAA"}', id="a short one"),
        pytest.param(signed({"a": 1})[:-1] + b',"a":2}', id="a name twice"),
    ],
)
def test_what_is_not_signed_is_not_genuine(payload):
    assert genuine(TOPICS.status, payload, KEY.public) is None


def test_a_signature_is_for_one_topic_and_of_one_key():
    payload = signed({"state": "online"})
    assert genuine(TOPICS.health, payload, KEY.public) is None
    assert genuine(Topics("hq", "side").status, payload, KEY.public) is None
    assert genuine(TOPICS.status, payload, OTHER.public) is None


def test_an_answer_that_goes_elsewhere_too_is_signed_as_the_answer_it_is():
    result = TOPICS.result("ping", "7")
    payload = signed({"ok": True}, "replies/me", said_on=result)
    assert genuine(result, payload, KEY.public)
    assert payload == signed({"ok": True}, result)


def test_what_goes_elsewhere_or_is_no_object_is_left_as_it_is():
    for message in (
        Outgoing("homeassistant/x", b'{"a":1}'),
        Outgoing(TOPICS.status, b""),
        Outgoing(TOPICS.status, b"[1]"),
    ):
        assert SIGNER.signed(message) is message


def test_what_cannot_be_signed_is_sent_all_the_same(caplog):
    message = Outgoing(TOPICS.event("access"), b'{"n": 9007199254740993}')
    assert SIGNER.signed(message) is message
    assert "sent without a signature" in caplog.text


def test_all_that_a_device_says_over_the_broker_is_signed_also_the_last_will(make_mosquitto, wait_for):
    """The listener is on the broker; the device's connection is cut without goodbye."""
    broker = make_mosquitto()
    broker.start()
    settings = LinkSettings("127.0.0.1", broker.port)
    link = Link(settings, TOPICS, boot_id="b1", version="0.1.0", model="m", signer=SIGNER)
    with Remote(settings, TOPICS, OWNER) as remote:
        remote.wait_ready()
        link.start()
        assert link.wait_connected(10)
        link.publish_health(Health(at="", boot_id="b1", uptime_seconds=1.5, outbox_depth=0))
        link.publish_door_state(DoorState(at="", locked=True))
        link.send(Outgoing(TOPICS.result("ping", "7"), Result(id="7", verb="ping", ok=True).to_json()))
        assert link.publish(TOPICS.event("access"), b'{"seq":1}', seq=1, epoch=1)
        heard = {}

        def hears(topic):
            while not remote.heard.empty():
                message = remote.heard.get()
                heard[message.topic] = message.payload
            return topic in heard

        topics = [TOPICS.health, TOPICS.door, TOPICS.result("ping", "7"), TOPICS.event("access"), TOPICS.status]
        for topic in topics:
            wait_for(lambda topic=topic: hears(topic))
            assert genuine(topic, heard[topic], KEY.public)
        assert Status.model_validate_json(heard.pop(TOPICS.status)).state == "online"
        with Remote(LinkSettings("127.0.0.1", broker.port, client_id="latchkey-hq-door"), TOPICS) as thief:
            thief.wait_ready()  # takes the name: the broker hangs up on the device, and says its last will
            wait_for(lambda: hears(TOPICS.status))
            assert genuine(TOPICS.status, heard[TOPICS.status], KEY.public)
    link.close()
