"""Writes the JSON schemas of all messages: `python -m agent.mqtt.schema [--check]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from pydantic.json_schema import GenerateJsonSchema

from agent.mqtt.acknowledgement import EventAck
from agent.mqtt.credential import CredentialMessage
from agent.mqtt.message import Message
from agent.mqtt.telemetry import AccessEvent, AlarmEvent, AttendanceEvent, AuditEvent, DoorState, Health, Status
from agent.mqtt.wire import COMMANDS, Result
from agent.mqtt.zone import Passage, ZoneState

FOLDER: Final = Path(__file__).resolve().parents[2] / "deploy" / "schema"

MODELS: Final[dict[str, type[Message]]] = {
    **{f"cmd-{verb}": model for verb, model in COMMANDS.items()},
    "result": Result,
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
    "event-ack": EventAck,
}
"""File name without ending to the model."""


def render(model: type[Message]) -> str:
    """The text of a model's schema file."""
    schema = {"$schema": GenerateJsonSchema.schema_dialect, **model.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def differing(folder: Path) -> list[str]:
    """Names of the files that are missing, superfluous, or not what the models say."""
    wanted = {f"{name}.json": render(model) for name, model in MODELS.items()}
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def write(folder: Path) -> None:
    """Makes the folder hold what the models say, and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in differing(folder):
        (folder / name).unlink(missing_ok=True)
    for name, model in MODELS.items():
        (folder / f"{name}.json").write_text(render(model), encoding="utf-8")


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
