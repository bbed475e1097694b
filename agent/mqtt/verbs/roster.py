"""Commands about what the fleet wants this device to hold."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from agent.mqtt.message import Command, Person


class RosterCommand(Command):
    """Asks how far the device has read the roster of its site, and what of it is not in force."""

    reads: ClassVar[bool] = True

    limit: Annotated[int, Field(ge=1, le=1000)] = 100  # problems that are told


class RosterPersonCommand(Command):
    """Asks for the body of a document that puts a person, as this device knows them, into the roster."""

    reads: ClassVar[bool] = True

    person: Person
    before: dict[str, Any] | None = None  # the body that the roster has


COMMANDS: Final[dict[str, type[Command]]] = {"roster": RosterCommand, "roster_person": RosterPersonCommand}
