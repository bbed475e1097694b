"""What arrives: peers are heard, commands wait, what is retained is nothing; and a flood gets few words."""

import pytest

from agent.mqtt.arrivals import BURST, Arrivals
from agent.mqtt.inbox import Inbox, Incoming
from agent.mqtt.topics import CommandTopic, Topics

TOPICS = Topics("hq", "door")
COMMAND = Incoming(TOPICS.command("ping"), b'{"id":"7"}', 10)


@pytest.fixture
def arrivals():
    return Arrivals(TOPICS, Inbox(max_messages=2))


def test_other_doors_are_heard_and_commands_wait(arrivals):
    heard = []
    arrivals.listen(["side"], heard.append)
    assert arrivals.others.is_set()
    said = Incoming(Topics("hq", "side").status, b"{}", 2, retained=True)
    assert said.topic in arrivals.begin()
    arrivals.listen(["side"], heard.append)
    assert not arrivals.others.is_set()
    assert arrivals.take(said) is None
    assert arrivals.take(COMMAND) is None
    assert heard == [None, said]
    assert arrivals.inbox.get(0) == COMMAND


def test_another_group_is_another_topic(arrivals):
    begun = arrivals.begin()
    arrivals.regroup(())
    assert not arrivals.others.is_set()
    arrivals.regroup(("west",))
    assert arrivals.others.is_set()
    west = set(arrivals.begin()) - set(begun)
    assert west == {"latchkey/v1/hq/@west/cmd/+", "latchkey/v1/hq/@west/cmd/+/+/part/+/+"}
    assert arrivals.topics.parse("latchkey/v1/hq/@west/cmd/ping") == CommandTopic("ping")
    arrivals.regroup(())
    assert arrivals.begin() == begun


def test_a_flood_is_told_busy_a_few_times_and_then_nothing(arrivals):
    answers = [arrivals.take(COMMAND) for _ in range(1000)]
    assert answers[:2] == [None, None]
    assert BURST <= sum(answer is not None for answer in answers) <= BURST + 20
    assert answers[2].topic == TOPICS.result("ping", "7")
    assert b'"busy"' in answers[2].payload


@pytest.mark.parametrize(
    "topic", [TOPICS.command("unlock"), TOPICS.credential, TOPICS.pair, TOPICS.part("enrol", "e1", 1, 1)]
)
def test_nothing_retained_is_taken_and_the_log_says_so_a_few_times(arrivals, topic, caplog):
    for _ in range(1000):
        assert arrivals.take(Incoming(topic, b"{}", 2, retained=True)) is None
    assert arrivals.inbox.get(0) is None
    assert BURST <= caplog.text.count("a retained command is ignored") <= BURST + 20
