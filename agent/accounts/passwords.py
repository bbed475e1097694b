"""Passwords: what is kept instead of them, and which are too easy.

Argon2id (RFC 9106) with 46 MiB, one pass and one lane: the first line of OWASP's Password Storage Cheat Sheet. RFC
9106's own choice for little memory, 64 MiB, three passes and four lanes, takes all four cores of a Pi from the camera
for a second or so; this takes one of them for some tenths (estimated from 0.06 s of a server's core, not measured). The
page computes one at a time.

Length counts, not kinds of letters, and whoever picks one of the first that anybody would try is told so: NIST SP
800-63B, 5.1.1.2.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from itertools import pairwise
from typing import Final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from agent.errors import CommandError

MEMORY_KIB: Final = 47_104  # 46 MiB
PASSES: Final = 1
LANES: Final = 1
MOST_MEMORY_KIB: Final = 262_144  # of a hash that is checked: a row that was tampered with cannot ask for more
MOST_PASSES: Final = 10
FEWEST: Final = 12  # characters; NIST wants 8 at least, OWASP the same with a second factor
MOST: Final = 128  # NIST wants 64 to be possible
NOBODY: Final = "$argon2id$v=19$m=47104,t=1,p=1$bm9ib2R5IGhhcyB0aGlzLg$6hU2g6S8vNvTn2m8S1c4b8iJ3p5c0r9w2y4q7e1t3uA"
"""What is checked for a name that nobody has, so that it takes as long. No password makes it."""

_HASHER: Final = argon2.PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
_WORDS: Final = """
password passwort passwd pass word admin administrator root owner user guest test demo login signin secret
latch key latchkey door terminal access changeme change me default welcome willkommen letmein iloveyou love
you qwerty qwertz azerty asdf raspberry pi master super hello monkey dragon football baseball princess
sunshine summer winter spring autumn january february march april may june july august september october
november december the is my a and it i am this that please open company office house home abc xyz
"""
_LEET: Final = str.maketrans("013457@$!|", "oieastasii")
_ROWS: Final = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "qwertzuiop", "asdfghjkl", "zxcvbnm", "1234567890")
_FEWEST_KINDS: Final = 5  # of characters


def check_policy(password: str, *others: str) -> None:
    """Refuses a password that is among the first to be tried.

    Args:
        password: as typed.
        others: what an attacker knows: the account's name, the site's, the device's.

    Raises:
        CommandError: `bad_password`, saying what is wanted; never the password.
    """
    if problem := _weakness(_same(password), [other.casefold() for other in others]):
        raise CommandError("bad_password", f"the password {problem}: take four random words, or let a program make one")


def hash_password(password: str) -> str:
    """Returns what is kept of a password: another text each time. Slow on purpose."""
    return _HASHER.hash(_same(password))


def is_password(password: str, kept: str) -> bool:
    """Returns whether this is the password that `kept` was made of. Slow on purpose."""
    try:
        known = argon2.extract_parameters(kept)
        if known.memory_cost > MOST_MEMORY_KIB or known.time_cost > MOST_PASSES:
            return False
        return _HASHER.verify(kept, _same(password[: MOST + 1]))
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


def is_dated(kept: str) -> bool:
    """Returns whether a hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(kept)


def _same(password: str) -> str:
    """One text for all ways to type it, NIST SP 800-63B, 5.1.1.2; blanks around it are not seen, and do not count."""
    return unicodedata.normalize("NFKC", password).strip()


def _weakness(password: str, others: list[str]) -> str | None:
    """What is wrong with a password, if anything."""
    if not FEWEST <= len(password) <= MOST:
        return f"has {len(password)} characters, and is to have {FEWEST} to {MOST}"
    if not password.isprintable():
        return "holds characters that cannot be typed"
    low = password.casefold()
    if len(set(low)) < _FEWEST_KINDS or _repeats(low):
        return "repeats itself"
    if _is_a_run(low):
        return "runs along the keyboard or the alphabet"
    if _is_common(low, others):
        return "is made of words that everybody tries, or of the account's own name"
    return None


def _repeats(text: str) -> bool:
    return any(text == (text[:size] * len(text))[: len(text)] for size in range(1, len(text) // 2 + 1))


def _is_a_run(text: str) -> bool:
    """Whether nearly every character is beside the one before, in some row."""
    rows = [row for line in _ROWS for row in (line, line[::-1])]
    beside = sum(any(one + other in row for row in rows) for one, other in pairwise(text))
    return beside >= (len(text) - 1) * 3 / 4


def _is_common(text: str, others: list[str]) -> bool:
    words = {*_WORDS.split(), *others} - {""}
    plain, read = re.sub(r"[\W\d_]+", "", text), re.sub(r"[\W\d_]+", "", text.translate(_LEET))
    return any(_is_made_of(core, words) for core in (plain, read) if core)


def _is_made_of(text: str, words: Collection[str]) -> bool:
    """Whether words one after the other make a text.

    Not by a regular expression: it would try all ways to read "amyamyamy" as "amy" and as "a my", and the door with it.
    """
    ends = {0}
    for at in range(len(text)):
        if at in ends:
            ends |= {at + len(word) for word in words if text.startswith(word, at)}
    return len(text) in ends
