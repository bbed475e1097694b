"""An account of the admin page."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from agent.trust.roles import Role

PEOPLE: Final = (Role.VIEWER, Role.ENROLLER, Role.OPERATOR, Role.SECURITY, Role.OWNER)
"""The roles that an account may have; a reader and a collector are no people."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in, as it is kept."""

    name: str  # trust.keys.KEY_NAME_PATTERN; the audit says `page:<name>`
    role: Role
    password: str = field(repr=False)  # Argon2id, PHC string format
    secret: bytes | None = field(repr=False)  # of the second factor, sealed; None: it is to be set again
    factor_at: datetime | None  # when that was set
    last_step: int  # the last 30 s for which a code was used; 0: none
    generation: int  # one more with each change after which nobody stays signed in
    added_at: datetime
    added_by: str
    changed_at: datetime
    changed_by: str
    signed_in_at: datetime | None = None
    disabled_at: datetime | None = None

    @property
    def by(self) -> str:
        """What the audit calls whoever does something by this account."""
        return f"page:{self.name}"
