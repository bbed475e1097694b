"""What somebody who is being enrolled at the door is told, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

OVER: Final = "over"
"""In the place of a hint: whoever was guided may go."""
CONSENT: Final = "consent"
"""In the place of a hint: the person is to read the text, and to say whether they agree."""
SIGN: Final = "sign"
"""In the place of a hint: the person is to sign on the screen."""
SIGN_AGAIN: Final = "sign_again"
"""The same; one of the signatures was not like the others, and does not count."""
ENROLLED: Final = "enrolled"
CANCELLED: Final = "cancelled"


@dataclass(frozen=True, slots=True)
class Guidance:
    """What the person at the door is told, and how far it is."""

    hint: str  # a Hint, or one of the words above
    done: int
    of: int
    session: int = 0  # which it is: an answer to another one is none to this
    why: str | None = None  # with OVER: ENROLLED, or the code of the refusal
