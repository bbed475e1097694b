"""A rulebook that is being changed: its text, and what that says; both change together."""

from __future__ import annotations

import copy
from typing import Any, Final

from agent.errors import RulesRefused
from agent.rulebook import splice
from agent.rulebook.lines import Lines, Path
from agent.rulebook.parse import lines_of, read, scanned
from agent.rulebook.plain import plain
from agent.rulebook.uses import keys_of, values_of
from agent.rulebook.written import key_text, value_text

MOST_READ: Final = 4_000_000
"""Characters: a text is read again for each change. That is twenty changes of 200,000, in some seconds."""


class Sheet:
    """A text and what it says.

    Args:
        text: TOML, with the line ends of Unix.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines, raw = scanned(text)
        self._scanned = text
        self._read = 0  # characters
        self.book: dict[str, Any] = plain(raw)

    def is_true(self) -> bool:
        """Whether the text says what it is to say: whatever was changed, no other word means anything else now."""
        return bool(plain(read(self.text)) == self.book)

    def lines(self) -> Lines:
        """Returns where things stand in the text as it is now.

        Raises:
            RulesRefused: what was put into it makes it too long, or too deep; or it was read too often.
        """
        if self._scanned is not self.text:
            self._read += len(self.text)
            if self._read > MOST_READ:
                raise RulesRefused(["so many changes at once of rules as long as these take too long: make fewer"])
            self._lines, self._scanned = lines_of(self.text), self.text
        return self._lines

    def put(self, path: Path, value: Any) -> None:
        """Gives a key, or a table, a value; None takes it away."""
        if value is None:
            self.drop(path)
            return
        table, key = _at(self.book, path[:-1], make=True), path[-1]
        there = _has(table, key)
        if there and isinstance(table[key], dict) and isinstance(value, dict):
            for gone in [inner for inner in table[key] if inner not in value]:
                self.drop((*path, gone))
            for inner, one in value.items():
                self.put((*path, inner), one)
        elif there:
            self._replace(path, value)
        elif isinstance(table, dict):
            self._insert(path, _without_none(value))
        else:
            raise _nowhere(path)

    def drop(self, path: Path) -> None:
        """Takes a key, a table or an element away, if it is there."""
        if not _there(self.book, path):
            return
        table = _at(self.book, path[:-1])
        lines = self.lines()
        whole, before = self._around(lines, path)
        del table[path[-1]]
        if whole:
            self.text = splice.replace(self.text, lines, whole, before, _at(self.book, whole))
        else:
            self.text = splice.remove(self.text, lines, path)
            self._forget_empty(path)

    def add(self, name: str, value: dict[str, Any], at: int | None) -> None:
        """Adds an element to an array of tables: at the end, or before that one."""
        lines, old, value = self.lines(), self.book.get(name, []), _without_none(value)
        number = len(old) if at is None else min(at, len(old))
        self.book[name] = [*old[:number], value, *old[number:]]
        if (name,) in lines.values:
            self.text = splice.replace(self.text, lines, (name,), old, self.book[name])
        else:
            self.text = splice.append(self.text, lines, name, number, value)

    def rename(self, table: str, name: str, to: str) -> None:
        """Gives a table of a kind another name, wherever the rules speak of it."""
        if not _there(self.book, (table, name)):
            raise _nowhere((table, name))
        keys, values = [(table, name), *keys_of(self.book, table, name)], values_of(self.book, table, name)
        if name == to:
            return
        if any(_has(_at(self.book, path[:-1]), to) for path in keys):
            raise RulesRefused([f"[{table}] {to!r} is there already: choose another name"])
        lines = self.lines()
        places = {span: key_text(to) for path in keys for span in lines.names[path]}
        places |= {lines.values[path]: value_text(to) for path in values}
        self.text = splice.instead(self.text, places)
        for path in values:
            _at(self.book, path[:-1])[path[-1]] = to
        for path in reversed(keys):
            around = _at(self.book, path[:-1])
            entries = {to if key == name else key: one for key, one in around.items()}
            around.clear()
            around.update(entries)

    def _insert(self, path: Path, value: Any) -> None:
        lines = self.lines()
        whole, before = self._around(lines, path)
        _at(self.book, path[:-1])[path[-1]] = value
        if whole:
            self.text = splice.replace(self.text, lines, whole, before, _at(self.book, whole))
        else:
            self.text = splice.insert(self.text, lines, path, value)

    def _replace(self, path: Path, value: Any) -> None:
        table, lines = _at(self.book, path[:-1]), self.lines()
        old = table[path[-1]]
        if old == value and isinstance(old, bool) == isinstance(value, bool):
            return
        if path not in lines.values:
            raise RulesRefused([f"{_shown(path)} is written as tables: change them one by one"])
        self.text = splice.replace(self.text, lines, path, old, value)
        table[path[-1]] = value

    def _around(self, lines: Lines, path: Path) -> tuple[Path | None, Any]:
        """The value, written as one, that a path lies in, and what it is; None where headers and keys lead to it."""
        for size in range(1, len(path)):
            if path[:size] in lines.values:
                return path[:size], copy.deepcopy(_at(self.book, path[:size]))
        return None, None

    def _forget_empty(self, path: Path) -> None:
        """What was only there for what was in it is not there any more, nor an array of tables without one."""
        left = plain(read(self.text))
        for size in range(len(path) - 1, 0, -1):
            if not _at(self.book, path[:size]) and not _there(left, path[:size]):
                del _at(self.book, path[: size - 1])[path[size - 1]]


def _at(book: Any, path: Path, *, make: bool = False) -> Any:
    """What is at a path; tables that are not there are made if that is asked for, as TOML does."""
    for number, part in enumerate(path):
        if make and isinstance(book, dict) and isinstance(part, str):
            book = book.setdefault(part, {})
        elif _has(book, part):
            book = book[part]
        else:
            raise _nowhere(path[: number + 1])
    return book


def _has(table: Any, key: str | int) -> bool:
    if isinstance(table, list):
        return isinstance(key, int) and key < len(table)
    return isinstance(table, dict) and key in table


def _there(book: Any, path: Path) -> bool:
    for part in path:
        if not _has(book, part):
            return False
        book = book[part]
    return True


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(one) for key, one in value.items() if one is not None}
    return value


def _shown(path: Path) -> str:
    return ".".join(map(str, path))


def _nowhere(path: Path) -> RulesRefused:
    return RulesRefused([f"there is no {_shown(path)} in these rules: look at them again"])
