"""What differs between two texts of rules, line by line."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

AROUND: Final = 2
"""Lines that are the same, shown above and below what differs."""
MOST_PAIRS: Final = 40_000
"""Of lines between two that are in both texts once. Beyond, all of them are told as gone and as new: comparing takes
time by the cube of their number, at worst 0.1 s."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of either text, or of both."""

    kind: Literal["same", "gone", "new", "skip"]  # skip: lines that are the same, not shown
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
    """What differs, as ranges of both: between the lines that each text has once, in the same order."""
    blocks, start, first = [], 0, 0
    for end, last in [*_anchors(before, after), (len(before), len(after))]:
        blocks += [
            (start + one, start + two, first + three, first + four)
            for one, two, three, four in _steps(before[start:end], after[first:last])
        ]
        start, first = end + 1, last + 1
    return blocks


def _anchors(before: list[str], after: list[str]) -> list[tuple[int, int]]:
    """Lines that are there once in either, as many as are in the same order (Bram Cohen's patience diff)."""
    once, times = Counter(before), Counter(after)
    where = {line: number for number, line in enumerate(after) if times[line] == 1}
    pairs = [(number, where[line]) for number, line in enumerate(before) if once[line] == 1 and line in where]
    ends: list[int] = []  # of the shortest rising rows of each length
    rows: list[tuple[int, int, int]] = []  # number of the pair before in its row, pair
    last: list[int] = []  # number of the pair that each end is
    for old, new in pairs:
        length = bisect_left(ends, new)
        ends[length : length + 1] = [new]
        last[length : length + 1] = [len(rows)]
        rows.append((last[length - 1] if length else -1, old, new))
    found, at = [], last[-1] if last else -1
    while at >= 0:
        at, old, new = rows[at]
        found.append((old, new))
    return found[::-1]


def _steps(old: list[str], new: list[str]) -> list[tuple[int, int, int, int]]:
    if len(old) * len(new) > MOST_PAIRS:
        return [(0, len(old), 0, len(new))]
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [(start, end, first, last) for what, start, end, first, last in steps if what != "equal"]
