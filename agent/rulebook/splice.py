"""Changes a TOML text at one place and leaves every other character, comments above all, as it is.

What is taken out takes the comments on its own lines with it; those above it stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from agent.rulebook.arrays import rewritten
from agent.rulebook.lines import Lines, Path, Span
from agent.rulebook.written import key_text, one_line, pair_text, section_text

_UNDER_HEADERS: Final = frozenset(
    {("schedules",), ("zones",), ("doors",), ("shifts",), ("attendance", "keys"), ("attendance", "rounding")}
)
"""Tables whose tables have a header each, where they are new."""
_BESIDE: Final = re.compile(r" +(?=#)")
_BLANK_LINES: Final = re.compile(r"\A(?:[ \t]*\n)+")


def replace(text: str, lines: Lines, path: Path, old: Any, new: Any) -> str:
    """Returns the text with another value at a path that has one."""
    at = lines.values[path]
    written = text[at.start : at.end]
    if isinstance(old, list) and isinstance(new, list) and "\n" in written:
        return _put(text, at, rewritten(written, old, new))
    given = one_line(new, written)
    if beside := _BESIDE.match(text, at.end):  # comments stay below each other
        given = given.ljust(len(written) + len(beside[0]) - 1) + " "
        at = Span(at.start, beside.end())
    return _put(text, at, given)


def instead(text: str, places: Mapping[Span, str]) -> str:
    """Returns the text with something else at each of these places."""
    for span in sorted(places, reverse=True):
        text = _put(text, span, places[span])
    return text


def insert(text: str, lines: Lines, path: Path, value: Any) -> str:
    """Returns the text with a key that is in no table yet, or with a table that is not there.

    Args:
        text: TOML.
        lines: of it.
        path: of the key; no part of it may be within a value that is written as one.
        value: JSON.
    """
    parent, key = path[:-1], str(path[-1])
    if isinstance(value, dict) and (parent in _UNDER_HEADERS or path == ("attendance",)):
        return _section(text, lines, path, f"[{'.'.join(key_text(str(part)) for part in path)}]", value)
    for number, (opens, _) in enumerate(lines.sections):
        if opens == parent:
            return _line(text, _end_of(lines, number), pair_text(key, value))
    for each in reversed(lines.statements):  # `front.mode = "normal"` makes a table without a header
        above = lines.sections[each.section][0]
        if _within(each.path, parent) and len(above) < len(parent):
            names = [key_text(str(part)) for part in parent[len(above) :]]
            return _line(text, each.span.end, ".".join([*names, pair_text(key, value)]))
    return insert(text, lines, parent, {key: value})


def append(text: str, lines: Lines, table: str, number: int, value: dict[str, Any]) -> str:
    """Returns the text with one more `[[table]]`, as its element of that number."""
    header = f"[[{table}]]"
    return _section(text, lines, (table, number), header, value)


def remove(text: str, lines: Lines, path: Path) -> str:
    """Returns the text without a key or a table that is not within a value."""
    numbers = [number for number, (opens, _) in enumerate(lines.sections) if number and _within(opens, path)]
    gone = [Span(lines.sections[number][1].start, _end_of(lines, number)) for number in numbers]
    gone += [each.span for each in lines.statements if each.section not in numbers and _within(each.path, path)]
    for span in sorted(gone, reverse=True):
        text = _cut(text, span)
    return text


def _section(text: str, lines: Lines, path: Path, header: str, table: dict[str, Any]) -> str:
    """A table with its header, behind those of its kind; an element of an array behind the one before it."""
    alike = [number for number, (opens, _) in enumerate(lines.sections) if number and opens[:1] == path[:1]]
    body = section_text(header, table)
    if isinstance(path[-1], int):
        before = [number for number in alike if int(lines.sections[number][0][1]) < path[-1]]
        if alike and not before:
            at = lines.sections[alike[0]][1].start
            return _put(text, Span(at, at), f"{body}\n\n")
        alike = before
    if not alike:
        return f"{text.rstrip()}\n\n{body}\n".lstrip("\n")
    at = _after(text, _end_of(lines, alike[-1]))
    return _put(text, Span(at, at), f"\n\n{body}")


def _line(text: str, end: int, line: str) -> str:
    """A line behind the one in which something ends; at the top where nothing does."""
    if not end:
        return f"{line}\n{text}"
    start = text.rfind("\n", 0, end) + 1
    indent = text[start : len(text) - len(text[start:].lstrip(" \t"))]
    at = _after(text, end)
    return _put(text, Span(at, at), f"\n{indent}{line}")


def _end_of(lines: Lines, section: int) -> int:
    """Where the last statement below a header ends, or the header itself."""
    ends = (each.span.end for each in lines.statements if each.section == section)
    return max(ends, default=lines.sections[section][1].end)


def _after(text: str, at: int) -> int:
    """The end of the line, and of those on which the comment at its end goes on below itself."""
    end = _line_end(text, at)
    column = text[at:end].find("#") + at - text.rfind("\n", 0, at) - 1
    while text[at:end].lstrip(" \t").startswith("#") and text.startswith("#", end + 1 + column):
        if text[end + 1 : end + 1 + column].strip(" \t"):
            break
        at, end = end + 1, _line_end(text, end + 1)
    return end


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _within(path: Path, whole: Path) -> bool:
    return path[: len(whole)] == whole


def _cut(text: str, span: Span) -> str:
    """Without the lines of these characters; of the blank lines around them those above stay."""
    head, tail = text[: text.rfind("\n", 0, span.start) + 1], text[_after(text, span.end) + 1 :]
    if not head or head.endswith("\n\n"):
        tail = _BLANK_LINES.sub("", tail)
    return head + tail


def _put(text: str, span: Span, instead: str) -> str:
    return text[: span.start] + instead + text[span.end :]
