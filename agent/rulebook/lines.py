"""Where things stand in a TOML text: the line of every table, key and element, and the characters that they are."""

from __future__ import annotations

import re
import tomllib
from contextlib import suppress
from typing import Final, NamedTuple, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""From the top of the text: ("grants", 0, "doors", 1)."""

MOST_PARTS: Final = 16  # of a dotted key
DEEPEST: Final = 16  # arrays and inline tables in each other

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+|\"(?:[^\"\\\n]|\\[^\n])*\"|'[^'\n]*'")
_SCALAR: Final = re.compile(
    r"\"{3}(?:[^\"\\]|\\[\s\S]|\"{1,2}(?!\"))*\"{3,5}"  # a quote or two may stand before the closing three
    r"|'{3}(?:[^']|'{1,2}(?!'))*'{3,5}"
    r"|\"(?:[^\"\\\n]|\\[^\n])*\"|'[^'\n]*'|[^\"'\[\]{},#\n]+"
)


class Span(NamedTuple):
    """Characters of a text."""

    start: int
    end: int  # not one of them


class Statement(NamedTuple):
    """A key and its value outside every other value."""

    path: Path
    section: int  # the number of the header that it stands below; 0 is the top of the text
    span: Span


class TooDeep(ValueError):
    """A text that is nested deeper than any rulebook.

    Args:
        line: where, from 1.
    """

    def __init__(self, line: int) -> None:
        super().__init__(f"nested deeper than {DEEPEST} levels, or a key of more than {MOST_PARTS} parts")
        self.line = line


class _Unreadable(Exception):
    """What follows is no TOML: `tomllib` says why."""


class Lines:
    """The line of every path of a text. Of a text that is no TOML: of those before the mistake.

    Attributes:
        values: where the value of a key, or an element, is written.
        names: where a key is written as such, in headers too.
        sections: what each header opens and where it is written; the first is the top of the text.
        statements: all of them, in order.
    """

    def __init__(self, text: str) -> None:
        """Reads all of it.

        Raises:
            TooDeep: it would take the TOML parser time and memory that grow with the square of its length.
        """
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0  # characters whose line ends are in `_line`
        self._last: dict[Path, int] = {}  # path of an array of tables -> the number of its newest
        self._found: dict[Path, int] = {}
        self.values: dict[Path, Span] = {}
        self.names: dict[Path, list[Span]] = {}
        self.sections: list[tuple[Path, Span]] = [((), Span(0, 0))]
        self.statements: list[Statement] = []
        with suppress(_Unreadable):
            self._document()

    def of(self, path: Path) -> int:
        """Returns the line of a path, from 1; that of what is around it, where it is not in the text itself."""
        while path and path not in self._found:
            path = path[:-1]
        return self._found.get(path, 1)

    def _document(self) -> None:
        table: Path = ()
        while self._skip(_BLANK) < len(self._text):
            start = self._at
            if not self._took("["):
                path = self._pair(table, 0)
                self.statements.append(Statement(path, len(self.sections) - 1, Span(start, self._end())))
                continue
            array = self._took("[")
            table = self._header(self._key(), array=array)
            self._want("]]" if array else "]")
            self.sections.append((table, Span(start, self._at)))

    def _header(self, key: list[tuple[str, Span]], *, array: bool) -> Path:
        path: Path = ()
        for number, (name, written) in enumerate(key, start=1):
            path = (*path, name)
            self._note(path)
            self.names.setdefault(path, []).append(written)
            if array and number == len(key):
                self._last[path] = self._last.get(path, -1) + 1
            if path in self._last:
                path = (*path, self._last[path])
        self._note(path)
        return path

    def _pair(self, table: Path, depth: int) -> Path:
        path = table
        for name, written in self._key():
            path = (*path, name)
            self._note(path)
            self.names.setdefault(path, []).append(written)
        self._want("=")
        self._value(path, depth)
        return path

    def _value(self, path: Path, depth: int) -> None:
        if depth > DEEPEST:
            raise TooDeep(self._here())
        start = self._skip(_SPACE)
        if self._took("["):
            self._elements(path, depth + 1)
        elif self._took("{"):
            self._inline(path, depth + 1)
        else:
            self._match(_SCALAR)
        self.values[path] = Span(start, self._end())

    def _elements(self, path: Path, depth: int) -> None:
        number = 0
        while self._skip(_BLANK) < len(self._text) and not self._took("]"):
            self._note((*path, number))
            self._value((*path, number), depth)
            number += 1
            self._skip(_BLANK)
            self._took(",")

    def _inline(self, path: Path, depth: int) -> None:
        while self._skip(_BLANK) < len(self._text) and not self._took("}"):
            self._pair(path, depth)
            self._skip(_BLANK)
            self._took(",")

    def _key(self) -> list[tuple[str, Span]]:
        names = []
        while True:
            start = self._skip(_SPACE)
            name = _unquoted(self._match(_NAME))
            names.append((name, Span(start, self._at)))
            if len(names) > MOST_PARTS:
                raise TooDeep(self._here())
            self._skip(_SPACE)
            if not self._took("."):
                return names

    def _end(self) -> int:
        """Where what was read last ends, without the blanks behind it."""
        while self._text[self._at - 1] in " \t":
            self._at -= 1
        return self._at

    def _note(self, path: Path) -> None:
        self._found.setdefault(path, self._here())

    def _here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if not found:
            raise _Unreadable
        self._at = found.end()
        return found.group()

    def _skip(self, pattern: re.Pattern[str]) -> int:
        self._match(pattern)
        return self._at

    def _took(self, mark: str) -> bool:
        taken = self._text.startswith(mark, self._at)
        self._at += len(mark) * taken
        return taken

    def _want(self, mark: str) -> None:
        self._skip(_SPACE)
        if not self._took(mark):
            raise _Unreadable


def _unquoted(name: str) -> str:
    """A key as it is meant."""
    if name[0] not in "\"'":
        return name
    try:
        return str(tomllib.loads(f"name = {name}")["name"])
    except tomllib.TOMLDecodeError:
        raise _Unreadable from None
