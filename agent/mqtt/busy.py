"""What is answered where there is no room for a command."""

from __future__ import annotations

from agent.mqtt.connection import Outgoing
from agent.mqtt.inbox import Incoming
from agent.mqtt.message import Code
from agent.mqtt.topics import CommandTopic, PartTopic, Topics
from agent.mqtt.wire import recover_id, refusal


def turned_away(topics: Topics, message: Incoming) -> Outgoing | None:
    """Returns the answer to a command or a part that is not taken; None to what is never answered."""
    match topics.parse(message.topic):
        case CommandTopic(verb):
            result = refusal(verb, recover_id(message.payload), Code.BUSY, "too many commands wait; try again")
        case PartTopic(verb, command_id, number):
            result = refusal(verb, command_id, Code.BUSY, "too many parts wait; try again", part=number)
        case _:
            return None
    return Outgoing(topics.result(result.verb, result.id), result.to_json())
