"""Commands about rules."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from pydantic import Field

from agent.mqtt.message import LARGEST, Command
from agent.rulebook.parse import LONGEST_TEXT


class RulesCommand(Command):
    """Asks for the rules in force, or for those of a version."""

    reads: ClassVar[bool] = True

    version: Annotated[int, Field(ge=1, le=LARGEST)] | None = None


class RulesApplyCommand(Command):
    """Puts rules in force, all of them or none."""

    text: Annotated[str, Field(max_length=LONGEST_TEXT)]
    expect: Annotated[int, Field(ge=0, le=LARGEST)] | None = None


COMMANDS: Final[dict[str, type[Command]]] = {"rules": RulesCommand, "rules_apply": RulesApplyCommand}
