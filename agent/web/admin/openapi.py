"""Writes the OpenAPI document of the page for admins: `python -m agent.web.admin.openapi [--check]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from agent.generated import run
from agent.mqtt import contract
from agent.web.admin.document import document
from agent.web.admin.site import operations

FILE: Final = Path(__file__).resolve().parents[3] / "deploy" / "openapi.json"


def render() -> str:
    """Returns the text of the file: the document that the page serves, with what `deploy/MQTT.md` tells of verbs."""
    told = contract.told_of_verbs(contract.page())
    return json.dumps(document(operations(), told=told), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Writes the file, or with `--check` only compares; the exit status."""
    return run(arguments, FILE, render, "agent.web.admin.openapi")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
