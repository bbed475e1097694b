"""Says what is wrong with a configuration: where, what was found, what is wanted, and what may have been meant."""

from __future__ import annotations

import reprlib
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from agent.config.tables import Config

_SECRET_WORDS = ("password", "passwd", "secret", "token")


def describe(error: ValidationError, file: Path | None, overridden: Collection[str]) -> str:
    """All problems, one a line, each with the file or the command line it comes from."""
    lines = []
    for detail in error.errors(include_url=False):
        names = tuple(str(part) for part in detail["loc"])
        origin = _origin(".".join(names), file, overridden)
        lines += [f"{origin}: {line}" for line in _sentences(detail, names)]
    return "\n".join(lines)


def _origin(dotted: str, file: Path | None, overridden: Collection[str]) -> str:
    if file is None or dotted in overridden:
        return "command line"
    both = any(key.startswith(f"{dotted}." if dotted else "") for key in overridden)
    return f"{file} with the command line" if both else str(file)


def _sentences(detail: ErrorDetails, names: tuple[str, ...]) -> list[str]:
    if detail["type"] == "table":  # may be about several tables: then it has no name
        return detail["msg"].splitlines()
    *tables, key = names
    table = ".".join(tables)
    match detail["type"]:
        case "extra_forbidden" if isinstance(detail["input"], dict):
            return [_unknown_table(table, key)]
        case "extra_forbidden":
            return [_unknown_key(table, key)]
        case "model_type" | "model_attributes_type":
            return [f"[{'.'.join(names)}] is a table; it cannot be {_shown(detail['input'])}"]
        case _:
            wanted = detail["msg"].removeprefix("Input should be ").removeprefix("Input should ")
            return [f"[{table}] {key} = {_shown(detail['input'])}: want {wanted}"]


def _shown(value: object) -> str:
    """The value, cut to a readable length; none that may be a URL with a password in it."""
    return "'...'" if "@" in str(value) else reprlib.repr(value)


def _unknown_table(parent: str, name: str) -> str:
    known = [table for table in _tables() if table.rpartition(".")[0] == parent]
    full = f"{parent}.{name}" if parent else name
    return f"unknown table [{full}]{_nearest(full, known, '[{}]')}"


def _unknown_key(table: str, key: str) -> str:
    where = f"unknown key '{key}' in [{table}]" if table else f"unknown key '{key}' outside a table"
    tables = _tables()
    if any(word in key.lower() for word in _SECRET_WORDS):
        return f"{where}; secrets stay out of this file: {_advice(table)}"
    homes = [name for name, keys in tables.items() if key in keys]
    if homes:
        return f"{where}; it belongs in [{homes[0]}]"
    if not table:
        return where
    known = get_close_matches(key, tables[table], n=len(tables[table]), cutoff=0.0)
    return where + (_nearest(key, known, "'{}'") or f"; its keys, the nearest first: {', '.join(known)}")


def _advice(table: str) -> str:
    if table in {"mqtt", "camera"}:
        return (
            f"use password_file, the variable LATCHKEY_{table.upper()}_PASSWORD "
            f"or the systemd credential {table}_password"
        )
    return "give them by a file, a variable or a systemd credential"


def _nearest(word: str, known: Iterable[str], form: str) -> str:
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean {form.format(near[0])}?" if near else ""


def _tables(model: type[BaseModel] = Config, prefix: str = "") -> dict[str, list[str]]:
    """The keys of every table, by its dotted name."""
    found: dict[str, list[str]] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            dotted = f"{prefix}{name}"
            found[dotted] = list(field.annotation.model_fields)
            found |= _tables(field.annotation, f"{dotted}.")
    return found
