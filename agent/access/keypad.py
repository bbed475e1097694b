"""What is typed at a door: from a line of a keypad, a reader or the keypad page to a credential.

4711#        a PIN, after the face or the card
1042*4711#   a badge number and its PIN
*4711        the same two with Enter, for keypads without a `#`
1042*4711
0123456789   a card, or the text of a QR code: whatever else there is
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from agent.types import Credential

LONGEST: Final = 64  # characters of a card's number or a QR code

_BADGE, _DIGITS = "[0-9]{1,20}", "[0-9]{1,16}"
_WITH_HASH = re.compile(f"(?:({_BADGE})?\\*)?({_DIGITS})#")
_WITHOUT = re.compile(f"({_BADGE})?\\*({_DIGITS})")


def parse(text: str, at: datetime) -> Credential:
    """Returns the credential that was typed.

    Args:
        text: a line without its end; spaces around it do not count.
        at: when it came, UTC.

    Raises:
        ValueError: it is none; the message does not repeat it, for it may be half of a PIN.
    """
    line = text.strip()
    if found := _WITH_HASH.fullmatch(line) or _WITHOUT.fullmatch(line):
        badge, pin = found.groups()
        return Credential(at, badge=badge, pin=pin)
    if not line or len(line) > LONGEST:
        raise ValueError(f"a credential has 1 to {LONGEST} characters, not {len(line)}")
    if not (line.isascii() and line.isprintable()):
        raise ValueError("a credential is letters, digits and signs of ASCII")
    if set(line) <= set("0123456789*#") and not line.isdigit():
        raise ValueError("a PIN is typed as PIN# or BADGE*PIN#, with digits only")
    return Credential(at, card=line)
