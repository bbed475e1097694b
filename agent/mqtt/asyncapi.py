"""Writes the AsyncAPI 3 document of the device: `python -m agent.mqtt.asyncapi [--check]`.

https://www.asyncapi.com/docs/reference/specification/v3.0.0. Channels come from the table of topics in
`deploy/MQTT.md`, messages from the models; their bodies are the schemas in `deploy/schema`, by reference. It is told
from the device's side: it *sends* events and *receives* commands. What is tagged otherwise is told from a service's.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any, Final

from agent.generated import run
from agent.mqtt import contract
from agent.mqtt.contract import Row
from agent.mqtt.schema import FOLDER, MODELS, VERSION
from agent.mqtt.topics import ID_PATTERN, ROOT
from agent.mqtt.wire import COMMANDS
from agent.trust.roles import VERBS

FILE: Final = FOLDER.parent / "asyncapi.json"
SPECIFICATION: Final = "3.0.0"
VERBS_OWN: Final = "cmd/<verb>"  # the row that stands for a channel of each verb
JSON: Final = "application/json"
BYTES: Final = "application/octet-stream"

PARAMETERS: Final = {
    "site": "`[device] site`",
    "device": "`[device] name`",
    "target": "a device of the site, or `@<group>` for a group of devices, `@all` for all of them",
    "group": "a group of devices, as in `[device] groups`",
    "verb": "which command",
    "id": f"the command's `id`, `{ID_PATTERN}`; `invalid` where it could not be read",
    "n": "which part, from 1",
    "of": "how many parts there are",
    "who": "the name of a device, or made up by an admin's client",
}
"""What stands in braces in an address."""


def document() -> dict[str, Any]:
    """Returns the whole document."""
    page = contract.page()
    told = contract.examples(page)
    channels = _channels(contract.rows(page))
    spoken = {row.schema for row in channels.values()}  # what is none by itself is a part of others
    return {
        "asyncapi": SPECIFICATION,
        "info": {
            "title": "Latchkey",
            "version": f"{VERSION}.0.0",
            "description": "What a face-recognising door terminal says over MQTT, and what it can be told. "
            "MQTT.md explains it; commands are carried out because an admin's key has signed them.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": JSON,
        "servers": {
            "site": {
                "host": "broker.example:8883",
                "protocol": "secure-mqtt",
                "protocolVersion": "5.0",
                "description": "Any broker of MQTT 5 or 3.1.1; deploy/mosquitto has one with client certificates.",
                "security": [{"$ref": "#/components/securitySchemes/certificate"}],
            }
        },
        "channels": {name: _channel(name, row) for name, row in channels.items()},
        "operations": {name: _operation(name, row, set(channels)) for name, row in channels.items()},
        "components": {
            "messages": {_message_name(name, row): _message(name, row, told) for name, row in channels.items()},
            "schemas": {name: {"$ref": f"schema/{name}.json"} for name in MODELS if name not in spoken},
            "securitySchemes": {"certificate": {"type": "X509", "description": "the device's own, see MQTT.md"}},
        },
    }


def _channels(rows: list[Row]) -> dict[str, Row]:
    """The channels by name: a row of the table each, and a command of each verb."""
    found: dict[str, Row] = {}
    for row in rows:
        if row.topic == VERBS_OWN:
            found |= {f"cmd-{verb}": _of_verb(row, verb) for verb in COMMANDS}
        else:
            found[row.schema or _words(row.topic)] = row
    return found


def _of_verb(row: Row, verb: str) -> Row:
    told = " ".join((MODELS[f"cmd-{verb}"].__doc__ or "").split("\n\n")[0].split())
    return Row(f"cmd/{verb}", row.incoming, row.retained, told, f"cmd-{verb}")


def _words(topic: str) -> str:
    """A name for what has no schema: `cmd/enrol/<id>/part/<n>/<of>` is `cmd-enrol-part`."""
    return "-".join(level for level in topic.split("/") if not level.startswith("<"))


def _address(name: str, row: Row) -> str:
    device = "{target}" if name.startswith("cmd-") and row.schema else "{device}"
    topic = row.topic if row.topic.startswith(ROOT) else f"{ROOT}/{{site}}/{device}/{row.topic}"
    return re.sub(r"<(\w+)>", r"{\1}", topic)


def _channel(name: str, row: Row) -> dict[str, Any]:
    address = _address(name, row)
    message = _message_name(name, row)
    told = {each: PARAMETERS.get(each, f"see `<{each}>` in MQTT.md") for each in re.findall(r"{(\w+)}", address)}
    return {
        "address": address,
        "description": row.told,
        "parameters": {each: {"description": what} for each, what in told.items()},
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
    }


def _operation(name: str, row: Row, channels: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "action": "receive" if row.incoming else "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": row.told,
        "tags": [{"name": row.service}],
        "messages": [{"$ref": f"#/channels/{name}/messages/{_message_name(name, row)}"}],
        "bindings": {"mqtt": {"qos": 1, "retain": row.retained, "bindingVersion": "0.2.0"}},
    }
    if name.removeprefix("cmd-") in COMMANDS and "result" in channels:
        found["reply"] = {"channel": {"$ref": "#/channels/result"}}
        roles = ", ".join(sorted(VERBS[name.removeprefix("cmd-")]))
        found["description"] = f"Signed by a key of one of these roles: {roles}. Never retained."
    return found


def _message_name(name: str, row: Row) -> str:
    return row.schema or name


def _message(name: str, row: Row, told: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    if row.schema is None:
        return {"name": name, "contentType": BYTES, "payload": {"type": "string", "format": "binary"}}
    examples = [{"name": f"{row.schema}-{number}", "payload": body} for number, body in enumerate(told[row.schema], 1)]
    return {
        "name": row.schema,
        "title": MODELS[row.schema].__name__,
        "summary": row.told,
        "contentType": JSON,
        "payload": {"$ref": f"schema/{row.schema}.json"},
        "examples": examples,
    }


def render() -> str:
    """Returns the text of the file."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Writes the file, or with `--check` only compares; the exit status."""
    return run(arguments, FILE, render, "agent.mqtt.asyncapi")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
