"""Writes the JSON schemas of all messages: `python -m agent.mqtt.schema [--check]`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

from agent.mqtt import contract
from agent.mqtt.acknowledgement import EventAck
from agent.mqtt.credential import CredentialMessage
from agent.mqtt.envelope import Envelope
from agent.mqtt.message import Command, Message
from agent.mqtt.pair import PairAnswer, PairMessage
from agent.mqtt.telemetry import AccessEvent, AlarmEvent, AttendanceEvent, AuditEvent, DoorState, Health, Status
from agent.mqtt.wire import COMMANDS, Progress, Result
from agent.mqtt.zone import Passage, ZoneState
from agent.roster import messages as roster
from agent.roster.bodies import BODIES
from agent.roster.document import Header

FOLDER: Final = Path(__file__).resolve().parents[2] / "deploy" / "schema"

MODELS: Final[dict[str, type[Message]]] = {
    **{f"cmd-{verb}": model for verb, model in COMMANDS.items()},
    "envelope": Envelope,
    "result": Result,
    "progress": Progress,
    "status": Status,
    "health": Health,
    "state-door": DoorState,
    "event-access": AccessEvent,
    "event-attendance": AttendanceEvent,
    "event-alarm": AlarmEvent,
    "event-audit": AuditEvent,
    "state-zone": ZoneState,
    "passage": Passage,
    "in-credential": CredentialMessage,
    "pair": PairMessage,
    "pair-answer": PairAnswer,
    "roster-head": roster.Head,
    "roster-put": roster.Put,
    "roster-ask": roster.Ask,
    "roster-answer": roster.Answer,
    "roster-pull": roster.Pull,
    "roster-page": roster.Page,
    "roster-document": Header,
    **{f"roster-body-{kind}": model for kind, model in BODIES.items()},
    "event-ack": EventAck,
}
"""File name without ending to the model."""


VERSION: Final = 1
"""That of the contract, `latchkey/v1`: within it, schemas only come to allow more."""


def render(name: str, examples: Mapping[str, list[dict[str, Any]]] | None = None) -> str:
    """Returns the text of a schema file: what is on the wire, with the examples of the page.

    Args:
        name: of the message, a key of `MODELS`.
        examples: of all messages; None reads them from the page.
    """
    told = contract.examples(contract.page()) if examples is None else examples
    schema = {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": f"urn:latchkey:v{VERSION}:{name}",
        **on_the_wire(name),
        "examples": told.get(name, []),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def on_the_wire(name: str) -> dict[str, Any]:
    """Returns the schema of a message; that of a command has its envelope, too."""
    model = MODELS[name]
    schema = model.model_json_schema()
    if not issubclass(model, Command):
        return schema
    envelope = Envelope.model_json_schema()
    needed = [*envelope["required"], *(field for field in schema["required"] if field not in Envelope.model_fields)]
    return {**schema, "properties": {**schema["properties"], **envelope["properties"]}, "required": needed}


def differing(folder: Path) -> list[str]:
    """Names of the files that are missing, superfluous, or not what the models say."""
    told = contract.examples(contract.page())
    wanted = {f"{name}.json": render(name, told) for name in MODELS}
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def write(folder: Path) -> None:
    """Makes the folder hold what the models say, and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in differing(folder):
        (folder / name).unlink(missing_ok=True)
    told = contract.examples(contract.page())
    for name in MODELS:
        (folder / f"{name}.json").write_text(render(name, told), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Writes the files, or with `--check` only compares; the exit status."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m agent.mqtt.schema [--check]", file=sys.stderr)
        return 2
    if not arguments:
        write(FOLDER)
    different = differing(FOLDER)
    for name in different:
        print(f"{FOLDER / name} is not what the models say: run python -m agent.mqtt.schema", file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
