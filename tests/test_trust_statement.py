"""What is signed: the vectors of deploy/MQTT.md, and its ten lines of Python."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.mqtt.topics import Topics
from agent.trust.keys import Admin, PublicKey, SigningKey, packed, unpacked
from agent.trust.roles import Role
from agent.trust.statement import (
    COMMAND,
    canonical,
    command_text,
    news_text,
    read_json,
    signed_command,
    signed_news,
    verifies,
)
from tests.fakes.trust import admission

PAGE = (Path(__file__).parents[1] / "deploy" / "MQTT.md").read_text(encoding="utf-8")
COMMAND_VECTOR, NEWS_VECTOR = (
    dict(line.split(maxsplit=1) for line in block.splitlines())
    for block in re.findall(r"```vector\n(.*?)\n```", PAGE, re.DOTALL)
)
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("vector", [COMMAND_VECTOR, NEWS_VECTOR], ids=["command", "news"])
def test_the_key_of_a_vector(vector):
    key = SigningKey(bytes.fromhex(vector["secret"]))
    assert (key.public.text, key.public.id) == (vector["public"], vector["key"])


def test_the_vector_of_a_command():
    key, body = SigningKey(bytes.fromhex(COMMAND_VECTOR["secret"])), json.loads(COMMAND_VECTOR["body"])
    assert command_text("unlock", body) == COMMAND + COMMAND_VECTOR["text"].encode()
    assert signed_command("unlock", body, key)["signature"] == COMMAND_VECTOR["signature"]


def test_the_vector_of_news():
    key, body = SigningKey(bytes.fromhex(NEWS_VECTOR["secret"])), json.loads(NEWS_VECTOR["body"])
    topic = NEWS_VECTOR["topic"]
    assert news_text(topic, body) == f"latchkey news 1\n{topic}\n{NEWS_VECTOR['text']}".encode()
    assert signed_news(topic, body, key)["signature"] == NEWS_VECTOR["signature"]


def test_the_ten_lines_of_python_sign_what_a_device_takes():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {}
    exec(code, names)  # noqa: S102 - our own page
    body = json.loads(COMMAND_VECTOR["body"])
    del body["key"]
    key = SigningKey(bytes.fromhex(COMMAND_VECTOR["secret"]))
    payload = names["sign"]("unlock", body, key.secret)
    office = admission(Topics("hq", "front-door"), anna=(key, Role.OWNER))
    assert office.admit("unlock", payload, NOW).by == "mqtt:anna"


def test_the_example_of_an_envelope_is_signed():
    (text,) = re.findall(r"<!-- envelope.json -->\n```json\n(.*?)```", PAGE, re.DOTALL)
    body = read_json(text.encode())
    key = PublicKey.parse(COMMAND_VECTOR["public"])
    assert verifies(key, command_text("lock", body), body["signature"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AAAA",
        packed(bytes(33)),
        packed(bytes(32))[:-1],
        packed(bytes(32)) + "\n",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",
        "ä" * 44,
    ],
)
def test_of_each_key_there_is_one_text(text):
    with pytest.raises(ValueError, match=r"base64"):
        unpacked(text, 32)


@pytest.mark.parametrize("first", [0x00, 0x01, 0xEC, 0xED, 0xEE])
@pytest.mark.parametrize("sign", [0x00, 0x80])
def test_a_key_that_everybody_can_sign_for_is_none(first, sign):
    rest = (b"\xff" * 30 + b"\x7f") if first > 1 else bytes(31)
    with pytest.raises(ValueError, match="everybody can sign for"):
        PublicKey(bytes([first]) + rest[:-1] + bytes([rest[-1] | sign]))


def test_a_key_that_is_no_point_of_the_curve_verifies_nothing():
    admin = Admin(PublicKey(b"\xff" * 32), "eve", Role.OWNER)
    assert not verifies(admin.key, b"text", packed(bytes(64)))


@pytest.mark.parametrize("payload", [b"", b"1", b"null", b"{", b'{"a":Infinity}', b'{"a":1,"a":1}', b"\xff{}"])
def test_what_parsers_do_not_agree_on_is_no_body(payload):
    with pytest.raises(ValueError, match=r"."):
        read_json(payload)


def test_what_has_no_canonical_text_is_refused():
    for value in (float("nan"), 2**53, "\ud800"):
        with pytest.raises(ValueError, match=r"."):
            canonical(value)


def test_secrets_are_not_shown():
    assert "secret" not in repr(SigningKey(bytes(32)))
