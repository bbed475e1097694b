"""Commands about privacy: forget, export, retention, the audit."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, Field

from agent.mqtt.message import LARGEST, Command, Person, Time
from agent.privacy.chain import Anchor

Rows = Annotated[int, Field(ge=1, le=1000)]


def _anchor(text: str) -> str:
    return str(Anchor.parse(text))


Anchored = Annotated[str, AfterValidator(_anchor)]


class ForgetCommand(Command):
    """Forgets a person: templates, PIN, cards, groups, consents, and the name in all that happened."""

    person: Person
    reason: Annotated[str, Field(max_length=500)] = ""
    attendance: Literal["keep", "pseudonymise", "delete"] | None = None


class ExportPersonCommand(Command):
    """Asks for what is held about a person; of each kind the latest rows."""

    reads: ClassVar[bool] = True

    person: Person


class RetentionCommand(Command):
    """Forgets now what has been kept long enough, or tells what that would be."""

    dry_run: bool = False
    at: Time | None = None  # what the sender's clock says: vouches for the device's


class ReceiptsCommand(Command):
    """Asks for the receipts of deletions, the latest."""

    reads: ClassVar[bool] = True

    person: Person | None = None
    limit: Rows = 100


class AuditCommand(Command):
    """Asks for rows of the audit and its head, and whether the chain holds."""

    reads: ClassVar[bool] = True

    after: Annotated[int, Field(ge=0, le=LARGEST)] = 0
    limit: Rows = 100
    verify: bool = False
    anchor: Anchored | None = None


COMMANDS: Final[dict[str, type[Command]]] = {
    "forget": ForgetCommand,
    "export_person": ExportPersonCommand,
    "retention": RetentionCommand,
    "receipts": ReceiptsCommand,
    "audit": AuditCommand,
}
