"""What `deploy/MQTT.md` says, as programs read it: the examples of each message, and the table of topics.

What is signed is shown there without its envelope; here it has one, signed by a key that everybody knows.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from agent.mqtt import acknowledgement, credential
from agent.mqtt.envelope import LIFETIME
from agent.mqtt.topics import ROOT
from agent.trust.keys import SigningKey
from agent.trust.statement import signed_command

PAGE: Final = Path(__file__).resolve().parents[2] / "deploy" / "MQTT.md"
EXAMPLE_KEY: Final = SigningKey(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
"""The secret of the first test of RFC 8032, 7.1: whoever writes a client can compare."""
EXAMPLE_TARGET: Final = "hq/front-door"
EXAMPLE_ISSUED: Final = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
EXAMPLE_SOON: Final = timedelta(seconds=10)  # from `issued` to a `not_after` that the page gives

_COMMAND: Final = "cmd-"
_SIGNED: Final = {"in-credential": credential.VERB, "event-ack": acknowledgement.VERB}  # as commands are

_EXAMPLE = re.compile(r"<!-- ([\w-]+)\.json -->\n```json\n(.*?)```", re.DOTALL)
_TABLE = re.compile(r"^\| (?:(\w+) )?topic \| direction[^\n]*\n\|[-|]+\n", re.MULTILINE)
_VERBS = "| verb | fields"
_VERB = re.compile(r"^\| `([a-z_]+)` \| [^|\n]*\| ([^|\n]+?) \|$", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table of topics."""

    topic: str  # below the device's prefix, or from `latchkey/` on
    incoming: bool  # to the device, or the service
    retained: bool
    told: str  # what it is, for people
    schema: str | None  # the file's name without its ending; none: bytes
    service: str = "device"  # who says and hears it so; another than a device: `roster`


@dataclass(frozen=True, slots=True)
class Told:
    """What the page tells of verbs."""

    examples: Mapping[str, list[dict[str, Any]]]  # of their bodies, without an envelope
    data: Mapping[str, str]  # what is in the result


def page() -> str:
    """Returns the text of the page."""
    return PAGE.read_text(encoding="utf-8")


def examples(text: str) -> Mapping[str, list[dict[str, Any]]]:
    """Returns the examples of each message, by the name of its schema; where it is signed, so are they."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name, body in _EXAMPLE.findall(text):
        example = json.loads(body)
        verb = name.removeprefix(_COMMAND) if name.startswith(_COMMAND) else _SIGNED.get(name)
        found[name].append(example if verb is None else signed_example(verb, example))
    return found


def told_of_verbs(text: str) -> Told:
    """Returns what is told of each verb: its examples, and the line of its table."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name, body in _EXAMPLE.findall(text):
        if name.startswith(_COMMAND):
            found[name.removeprefix(_COMMAND)].append(json.loads(body))
    table = text[text.index(_VERBS) :].split("\n\n", 1)[0]
    return Told(found, dict(_VERB.findall(table)))


def signed_example(verb: str, body: dict[str, Any]) -> dict[str, Any]:
    """Returns a command as it goes over the wire."""
    issued = EXAMPLE_ISSUED
    if "not_after" in body:
        issued = datetime.fromisoformat(body["not_after"]) - EXAMPLE_SOON
    times = {"issued": _time(issued), "not_after": _time(issued + LIFETIME)}
    envelope = {"target": EXAMPLE_TARGET, "key": EXAMPLE_KEY.public.id}
    return signed_command(verb, {**times, **body, **envelope}, EXAMPLE_KEY)


def rows(text: str) -> list[Row]:
    """Returns the tables of topics, in their order: that of a device, and those of services such as `@roster`."""
    tables = ((head[1] or "", text[head.end() :].split("\n\n", 1)[0]) for head in _TABLE.finditer(text))
    return [_row(line, service) for service, table in tables for line in table.splitlines()]


def _row(line: str, service: str) -> Row:
    topic, direction, retained, told, schema = (cell.strip() for cell in line.strip("|").split("|"))
    names, schemas = _CODE.findall(topic), _CODE.findall(schema)
    return Row(
        topic=f"{ROOT}/<site>/@{service}/{names[0]}" if service else names[0],
        incoming=direction == "in",
        retained=retained.startswith("yes"),
        told=told,
        schema=schemas[0].removesuffix(".json") if schemas else None,
        service=service or "device",
    )


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
