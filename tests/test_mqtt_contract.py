"""deploy/MQTT.md: its examples are valid, its tables complete."""

import json
import re
from pathlib import Path

import pytest

from agent.mqtt.envelope import OF_COMMANDS, Envelope
from agent.mqtt.message import Code
from agent.mqtt.schema import MODELS
from agent.mqtt.topics import Topics
from agent.mqtt.wire import COMMANDS
from agent.trust.roles import VERBS
from agent.types import Alarm, Reason

PAGE = (Path(__file__).parents[1] / "deploy" / "MQTT.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"<!-- ([\w-]+)\.json -->\n```json\n(.*?)```", PAGE, re.DOTALL)


def first_column(heading):
    """The code words in the first column of the table whose head begins so."""
    rows = PAGE.split(f"| {heading} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [re.match(r"\| `([^`]+)`", row).group(1) for row in rows]


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_an_example_is_what_its_schema_says(name, text):
    message = MODELS[name].model_validate_json(text)
    if not name.startswith(("cmd", "event")):
        assert json.loads(message.to_json()) == json.loads(text)


def test_every_message_has_an_example_and_every_json_block_is_checked():
    assert {name for name, _ in EXAMPLES} == set(MODELS)
    assert PAGE.count("```json") == len(EXAMPLES)


def test_the_tables_are_complete():
    assert first_column("code") == [str(code) for code in Code]
    assert first_column("`reason`") == [str(reason) for reason in Reason]
    assert first_column("verb") == list(COMMANDS)
    assert first_column("`alarm`") == [str(alarm) for alarm in Alarm]


def test_every_verb_has_its_roles_and_no_field_that_is_of_the_envelope():
    assert set(VERBS) == {*COMMANDS, "credential", "event_ack"}
    for verb, model in COMMANDS.items():
        assert {*model.model_fields} & {*Envelope.model_fields, "verb"} <= {*OF_COMMANDS}, verb


def test_every_topic_is_in_the_table():
    topics = Topics("<site>", "<device>".replace(" ", ""))
    ours = [topics.status, topics.health, topics.door, topics.zone, topics.passage, topics.credential]
    ours += [topics.pair, topics.paired("<id>")]
    ours += [topics.snapshot]
    ours += [topics.ack]
    ours += [topics.event(kind) for kind in ("access", "attendance", "alarm", "audit")]
    ours += [topics.command("<verb>"), topics.result("<verb>", "<id>"), topics.progress("<verb>", "<id>")]
    ours += [topics.part("<verb>", "<id>", "<n>", "<of>")]
    assert sorted(first_column("topic")) == sorted(topic.removeprefix(f"{topics.prefix}/") for topic in ours)
