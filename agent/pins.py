"""PINs and card numbers: what is kept instead of them, and which PINs are too easy.

A PIN is kept as a scrypt hash with its parameters, in the PHC string format: N = 2^14, r = 8, p = 1, which takes 16 MiB
and 40 ms of a desktop's core. That is a fifth of what OWASP asks for passwords (Password Storage Cheat Sheet: p = 5):
the door waits for it, a board may be five times slower, and a PIN for duress takes as long again. No hash makes up for
four digits in the hands of a thief with time: the file is readable by the agent alone, and guesses at the door are
locked out.

A card number is looked up, so it cannot have a salt of its own: it is kept as HMAC-SHA256 with a key that does not
stand in the database.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import unicodedata
from base64 import b64decode, b64encode
from binascii import Error
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Self

COST_LOG2: Final = 14  # N = 2^14
BLOCK: Final = 8  # r
PARALLEL: Final = 1  # p
SALT_BYTES: Final = 16
HASH_BYTES: Final = 32
MOST_COST_LOG2: Final = 18  # of a hash that is checked: 256 MiB, and a row that was tampered with cannot ask for more
FEWEST_DIGITS: Final = 4
MOST_DIGITS: Final = 12
SHORTEST_CARD: Final = 4  # characters
LONGEST_CARD: Final = 256  # a QR code's text

_PHC = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})")
_SEPARATORS = re.compile(r"[\s:._-]+")


@dataclass(frozen=True, slots=True)
class Pins:
    """The hashes of somebody's PINs."""

    pin: str = field(repr=False)
    duress: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, pin: str, duress: str | None = None, *, badge: str | None = None) -> Self:
        """Returns the hashes, see `check_policy`. Slow on purpose: not in a transaction."""
        check_policy(pin, duress, badge=badge)
        return cls(hash_pin(pin), None if duress is None else hash_pin(duress))


def hash_pin(pin: str) -> str:
    """Returns what is kept of a PIN: another text each time."""
    salt = os.urandom(SALT_BYTES)
    digest = _scrypt(pin, salt, (COST_LOG2, BLOCK, PARALLEL), HASH_BYTES)
    return f"$scrypt$ln={COST_LOG2},r={BLOCK},p={PARALLEL}${_unpadded(salt)}${_unpadded(digest)}"


def check_pin(pin: str, hash: str) -> bool:  # noqa: A002 - what it is
    """Returns whether this is the PIN that `hash` was made of; takes as long either way.

    Raises:
        ValueError: `hash` was not made by `hash_pin`.
    """
    found = _PHC.fullmatch(hash)
    if not found or int(found[1]) > MOST_COST_LOG2:
        raise ValueError("not the hash of a PIN: set the PIN again")
    cost = int(found[1]), int(found[2]), int(found[3])
    try:
        salt, digest = (b64decode(text + "=" * (-len(text) % 4), validate=True) for text in found.groups()[3:])
        return hmac.compare_digest(_scrypt(pin, salt, cost, len(digest)), digest)
    except (Error, ValueError) as error:
        raise ValueError("not the hash of a PIN: set the PIN again") from error


def check_policy(pin: str, duress: str | None = None, *, badge: str | None = None) -> None:
    """Refuses a PIN that is among the first to be tried, and a duress PIN that a slip of the finger would enter.

    Args:
        pin: the digits.
        duress: the digits that open and raise a silent alarm; None for none.
        badge: the person's badge number, which others can read.

    Raises:
        ValueError: saying what is wanted; never the digits.
    """
    for what, digits in (("PIN", pin), ("duress PIN", duress)):
        if digits is not None and (problem := _weakness(digits, badge)):
            raise ValueError(f"the {what} {problem}: choose another one")
    if duress is not None and _one_slip_apart(pin, duress):
        raise ValueError(
            "the duress PIN is the PIN, or one slip of the finger away from it: choose one that differs in two digits"
        )


def digest_card(number: str, key: bytes) -> str:
    """Returns what is kept of a card's number or a QR code's text, the same for all ways to write it.

    Args:
        number: as read; capitals, spaces, dots, colons, dashes and underscores make no difference.
        key: secret; not in the database.

    Raises:
        ValueError: it is no number; never says it.
    """
    return hmac.digest(key, _plain_card(number).encode(), "sha256").hex()


def card_hint(number: str) -> str:
    """Returns the last characters, for people to tell cards apart: a quarter of it, four at most."""
    plain = _plain_card(number)
    return plain[-min(4, len(plain) // 4) :]


def _plain_card(number: str) -> str:
    plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", number)).upper()
    if not SHORTEST_CARD <= len(plain) <= LONGEST_CARD or not plain.isprintable():
        raise ValueError(
            f"a card number has {SHORTEST_CARD} to {LONGEST_CARD} printable characters beside separators, "
            f"this one has {len(plain)}: read the card again"
        )
    return plain


def _weakness(digits: str, badge: str | None) -> str | None:
    """What is wrong with a PIN, if anything."""
    if not re.fullmatch(rf"[0-9]{{{FEWEST_DIGITS},{MOST_DIGITS}}}", digits):
        return f"has to have {FEWEST_DIGITS} to {MOST_DIGITS} digits and nothing else"
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(digits)}
    if len(steps) == 1 and steps <= {0, 1, 9}:
        return "is one digit over and over" if steps == {0} else "counts up or down"
    if any(digits == digits[:size] * (len(digits) // size) for size in range(2, len(digits) // 2 + 1)):
        return "repeats itself"
    return "is the badge number" if digits == badge else None


def _one_slip_apart(one: str, other: str) -> bool:
    """True if they are equal, or one digit typed wrong, too often or not at all, or two swapped, makes them so."""
    if len(one) == len(other):
        swaps = (one[:at] + one[at + 1] + one[at] + one[at + 2 :] for at in range(len(one) - 1))
        return sum(this != that for this, that in zip(one, other, strict=True)) <= 1 or other in swaps
    shorter, longer = sorted((one, other), key=len)
    return any(longer[:at] + longer[at + 1 :] == shorter for at in range(len(longer)))


def _scrypt(pin: str, salt: bytes, cost: tuple[int, int, int], length: int) -> bytes:
    log2, block, parallel = cost
    most = 128 * block * (2**log2 + parallel + 2) + 2**20  # bytes: RFC 7914, 2; the rest is for OpenSSL's own
    return hashlib.scrypt(pin.encode(), salt=salt, n=2**log2, r=block, p=parallel, dklen=length, maxmem=most)


def _unpadded(data: bytes) -> str:
    return b64encode(data).decode().rstrip("=")
