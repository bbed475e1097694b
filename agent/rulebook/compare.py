"""What differs between two texts of rules, line by line."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Final, NamedTuple

AROUND: Final = 2
"""Lines that are the same, shown above and below what differs."""
MOST_PAIRS: Final = 1_000_000
"""Of lines that are compared: under a second on a Pi. Beyond, everything between the first and the last difference is
told as gone and as new."""


class Line(NamedTuple):
    """A line of either text, or of both."""

    kind: str  # "same", "gone", "new"; "skip": lines that are the same, not shown
    number: int  # in the new text, of what is gone in the old one, from 1
    text: str


def compared(old: str, new: str) -> list[Line]:
    """Returns what differs, with a little around it; nothing where the texts are the same."""
    before, after = old.splitlines(), new.splitlines()
    if before == after:
        return []
    told: list[Line] = []
    shown = -AROUND  # the line of `after` that is told next, but for what is around
    for start, end, first, last in _blocks(before, after):
        below, above = shown + AROUND, max(0, first - AROUND)
        if above > below:
            told += [*_same(after, max(shown, 0), below), Line("skip", below + 1, "")]
        told += _same(after, above if above > below else max(shown, 0), first)
        told += [Line("gone", number + 1, before[number]) for number in range(start, end)]
        told += [Line("new", number + 1, after[number]) for number in range(first, last)]
        shown = last
    return [*told, *_same(after, shown, min(len(after), shown + AROUND))]


def _same(after: list[str], start: int, end: int) -> list[Line]:
    return [Line("same", number + 1, after[number]) for number in range(start, end)]


def _blocks(before: list[str], after: list[str]) -> list[tuple[int, int, int, int]]:
    """What differs, as ranges of both; what both begin and end with is not looked at again."""
    most = min(len(before), len(after))
    head = next((number for number in range(most) if before[number] != after[number]), most)
    most -= head
    tail = next((number for number in range(most) if before[-1 - number] != after[-1 - number]), most)
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    if len(old) * len(new) > MOST_PAIRS:
        return [(head, head + len(old), head, head + len(new))]
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [
        (head + start, head + end, head + first, head + last)
        for what, start, end, first, last in steps
        if what != "equal"
    ]
