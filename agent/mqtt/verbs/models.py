"""Commands about new models, backup and restoring."""

from __future__ import annotations

from typing import Final

from agent.mqtt.message import Command

COMMANDS: Final[dict[str, type[Command]]] = {}
