"""The second factor: codes that an app on a phone shows (TOTP, RFC 6238), and eight codes for when the phone is lost.

A code counts once, and 30 s before and after its time, for clocks differ (RFC 6238, 5.2). Recovery codes have 50 bits
each and are kept as HMAC-SHA256 with the secret, which is sealed: from a copy of the database nobody can try them.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pyotp

STEP_SECONDS: Final = 30
EITHER_SIDE: Final = 1  # steps
DIGITS: Final = 6
RECOVERY_CODES: Final = 8
ISSUER: Final = "Latchkey"
_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no two look alike
_HALF: Final = 5  # letters
_READ: Final = str.maketrans("OIL", "011", "- ")


@dataclass(frozen=True, slots=True)
class Factor:
    """A second factor that is offered: it counts once a code of it was shown. Neither logged nor kept as it is."""

    secret: str = field(repr=False)  # base 32, RFC 4648

    @classmethod
    def new(cls) -> Factor:
        """Returns one that nobody has: 160 bits, RFC 4226, 4."""
        return cls(pyotp.random_base32())

    def uri(self, name: str, where: str) -> str:
        """Returns what the app takes, as a QR code or pasted.

        Args:
            name: of the account.
            where: the device, as the app will show it.
        """
        return pyotp.TOTP(self.secret, digits=DIGITS, interval=STEP_SECONDS).provisioning_uri(
            name=f"{name}@{where}", issuer_name=ISSUER
        )

    def step_of(self, code: str, at: datetime, last_step: int = 0) -> int | None:
        """Returns the step that a code is of; None where it is none of now, or not later than `last_step`."""
        now, typed = int(at.timestamp()) // STEP_SECONDS, code.replace(" ", "").encode(errors="replace")
        app = pyotp.TOTP(self.secret, digits=DIGITS, interval=STEP_SECONDS)
        found = None
        for step in range(now - EITHER_SIDE, now + EITHER_SIDE + 1):  # all of them, however the code is
            if hmac.compare_digest(app.at(step * STEP_SECONDS).encode(), typed) and step > last_step:
                found = step
        return found

    def digest(self, code: str) -> bytes:
        """Returns what is kept of a recovery code, the same for all ways to write it."""
        return hmac.digest(self.secret.encode(), code.upper().translate(_READ).encode(errors="replace"), "sha256")


def is_secret(text: str) -> bool:
    """Returns whether a text is the secret of a factor as `Factor.new` makes them."""
    return len(text) == 32 and all(letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" for letter in text)  # noqa: PLR2004


def recovery_codes() -> list[str]:
    """Returns fresh ones, as people write them."""
    return ["-".join(_letters() for _ in range(2)) for _ in range(RECOVERY_CODES)]


def _letters() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_HALF))
