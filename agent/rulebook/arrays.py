"""Changes an array that is written over several lines: elements that stay keep their place, their line and comments."""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher
from typing import Any, Final

from agent.errors import RulesRefused
from agent.rulebook.lines import Lines, Span
from agent.rulebook.written import BY_HAND, one_line, value_text

MOST_ALIKE: Final = 5
"""Elements; no array of a rulebook has a reason for two."""
_COMMA: Final = re.compile(r"(?:[ \t\n]|#[^\n]*\n)*,")  # a comment has one end: "####" is not read in sixteen ways
_REST: Final = re.compile(r"[ \t]*(?:#[^\n]*)?(?=\n)")  # of a line that holds no other element
_INDENT: Final = re.compile(r"(?:^|\n)([ \t]*)$")


def rewritten(array: str, old: list[Any], new: list[Any]) -> str:
    """Returns the text of an array with other elements.

    Args:
        array: as it is written, from bracket to bracket.
        old: its elements.
        new: those that it is to have.

    Raises:
        RulesRefused: a comment would be lost, or there are so many alike that finding out which stay takes long.
    """
    before, after = [value_text(one) for one in old], [value_text(one) for one in new]
    if max(Counter(after).values(), default=0) > MOST_ALIKE:
        raise RulesRefused([BY_HAND])
    spans = _spans(array, len(old))
    indents = (_INDENT.search(array[: span.start]) for span in spans)
    indent = next((found[1] for found in indents if found), "    ")
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for what, start, end, first, last in reversed(steps):  # from the end: what stands before keeps its place
        if what == "equal":
            continue
        same = min(end - start, last - first)
        for number in reversed(range(start + same, end)):
            array = _without(array, spans[number])
        for text in reversed(after[first + same : last]):
            array = _with(array, spans[start + same - 1].end if start + same else None, text, indent)
        for number in reversed(range(same)):
            at = spans[start + number]
            given = one_line(new[first + number], array[at.start : at.end])
            array = array[: at.start] + given + array[at.end :]
    return array


def _spans(array: str, count: int) -> list[Span]:
    values = Lines(f"a={array}").values
    return [Span(*(place - 2 for place in values["a", number])) for number in range(count)]


def _without(array: str, at: Span) -> str:
    """Without one element and its comma; a line that was its own goes as a whole."""
    comma = _COMMA.match(array, at.end)
    between = array[at.end : comma.end() - 1] if comma else ""
    head, tail = array[: at.start], array[comma.end() if comma else at.end :]
    if "#" in between:
        return head + between + tail
    rest, indent = _REST.match(tail), _INDENT.search(head)
    if rest and indent:
        return head[: indent.start()] + tail[rest.end() :]
    return head.rstrip(" ") + tail if rest else head + tail.lstrip(" ")


def _with(array: str, behind: int | None, text: str, indent: str) -> str:
    """With one more, behind the element that ends there; None: as the first."""
    if behind is None:
        behind = 1
    elif comma := _COMMA.match(array, behind):
        behind = comma.end()
    else:
        array = f"{array[:behind]},{array[behind:]}"
        behind += 1
    if rest := _REST.match(array, behind):
        return f"{array[: rest.end()]}\n{indent}{text},{array[rest.end() :]}"
    return f"{array[:behind]} {text},{array[behind:]}"
