"""Commands about what takes long, and what comes in parts; the log; enrolment at the door."""

from __future__ import annotations

from typing import Final

from agent.mqtt.message import Command

COMMANDS: Final[dict[str, type[Command]]] = {}
