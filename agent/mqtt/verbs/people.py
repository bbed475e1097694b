"""Commands about people: who they are, their groups, PINs and cards."""

from __future__ import annotations

from typing import Final

from agent.mqtt.message import Command

COMMANDS: Final[dict[str, type[Command]]] = {}
