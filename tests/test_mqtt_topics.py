"""Topics: made, read back, and which response topics are harmless."""

import pytest

from agent.errors import ConfigError
from agent.mqtt.topics import CommandTopic, CredentialTopic, PartTopic, PeerTopic, Topics

TOPICS = Topics("hq", "front-door")
PREFIX = "latchkey/v1/hq/front-door"


def test_topics_are_those_of_the_contract():
    assert TOPICS.status == f"{PREFIX}/status"
    assert TOPICS.health == f"{PREFIX}/health"
    assert TOPICS.door == f"{PREFIX}/state/door"
    assert TOPICS.event("access") == f"{PREFIX}/event/access"
    assert TOPICS.command("enrol") == f"{PREFIX}/cmd/enrol"
    assert TOPICS.part("enrol", "7", 1, 3) == f"{PREFIX}/cmd/enrol/7/part/1/3"
    assert TOPICS.progress("enrol", "7") == f"{PREFIX}/cmd/enrol/7/progress"
    assert TOPICS.result("enrol", "7") == f"{PREFIX}/cmd/enrol/7/result"
    assert TOPICS.result("enrol", None) == f"{PREFIX}/cmd/enrol/invalid/result"


@pytest.mark.parametrize("level", ["", "a/b", "a+", "#", "a b", "$SYS", "a\x00", "a\n"])
def test_a_name_that_cannot_be_a_level_is_a_configuration_error(level):
    with pytest.raises(ConfigError, match="site"):
        Topics(level, "door")
    with pytest.raises(ConfigError, match="name"):
        Topics("hq", level)


@pytest.mark.parametrize(
    ("topic", "meaning"),
    [
        ("cmd/ping", CommandTopic("ping")),
        ("cmd/Unknown-1", CommandTopic("Unknown-1")),
        ("cmd/öffne dich", CommandTopic("invalid")),
        ("cmd/" + "x" * 33, CommandTopic("invalid")),
        ("cmd/", CommandTopic("invalid")),
        ("cmd/enrol/7/part/1/3", PartTopic("enrol", "7", 1, 3)),
        ("cmd/enrol/7/part/x/99999", PartTopic("enrol", "7", 0, 0)),
        ("cmd/enrol/ü/part/1/3", PartTopic("enrol", None, 1, 3)),
        ("cmd/update_model/7/part/2/64", PartTopic("update_model", "7", 2, 64)),
        ("cmd/ü/7/part/1/3", PartTopic("invalid", "7", 1, 3)),
        ("cmd/enrol/7/8/part/1/3", None),
        ("cmd/ping/7/result", None),
        ("cmd/ping/7/progress", None),
        ("in/credential", CredentialTopic()),
        ("in/credential/x", None),
        ("status", None),
    ],
)
def test_parse(topic, meaning):
    assert TOPICS.parse(f"{PREFIX}/{topic}") == meaning


def test_parts_and_commands_of_our_own_making_are_read_back():
    assert TOPICS.parse(TOPICS.part("enrol", "a_B-9", 2, 20)) == PartTopic("enrol", "a_B-9", 2, 20)
    assert TOPICS.parse(TOPICS.command("list")) == CommandTopic("list")


@pytest.mark.parametrize(
    ("topic", "harmless"),
    [
        ("replies/me", True),
        (f"{PREFIX}/cmd/ping/7/result", True),
        (f"{PREFIX}/status", False),
        (f"{PREFIX}/event/access", False),
        (f"{PREFIX}/cmd/enrol", False),
        ("latchkey/v1/hq/other/cmd/enrol", False),
        ("$SYS/broker", False),
        ("replies/+", False),
        ("replies/#", False),
        ("a\nb", False),
        ("", False),
        ("x" * 257, False),
    ],
)
def test_a_requester_cannot_make_us_write_where_only_we_may(topic, harmless):
    assert TOPICS.may_answer_on(topic) is harmless


def test_what_other_devices_say_is_told_from_what_is_said_to_us():
    side = Topics("hq", "side")
    assert TOPICS.peers(["side"]) == (side.status, side.door, side.zone, side.passage)
    assert TOPICS.peer(side.passage) == PeerTopic("side", "passage")
    assert TOPICS.peer(side.door) == PeerTopic("side", "door")
    for topic in (TOPICS.passage, Topics("branch", "side").passage, side.health, side.command("ping"), "x"):
        assert TOPICS.peer(topic) is None


def test_parts_for_a_group_are_heard_by_its_devices():
    topics = Topics("hq", "front-door", ("doors",))
    assert topics.parse("latchkey/v1/hq/@doors/cmd/enrol/7/part/1/3") == PartTopic("enrol", "7", 1, 3)
    assert "latchkey/v1/hq/@all/cmd/+/+/part/+/+" in topics.subscriptions
