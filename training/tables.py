"""Tables of TOML files, checked as a whole; a file's mistakes are told with their places."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.errors import ConfigError


class Table(BaseModel):
    """A table of a preset: no key that is not known, nothing that changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


T = TypeVar("T", bound=Table)


def read(path: Path, kind: type[T]) -> T:
    """Returns what a TOML file says, with the file's name as its `name`.

    Raises:
        ConfigError: it cannot be read, or something in it is not as it should be; one line a problem.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    try:
        return kind.model_validate({"name": path.stem, **tables})
    except ValidationError as error:
        raise ConfigError("\n".join(_sentence(path, detail) for detail in error.errors())) from None


def _sentence(path: Path, detail: Any) -> str:
    where = ".".join(str(part + 1) if isinstance(part, int) else part for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{path}: {where}: no such key"
    if detail["type"] == "missing":
        return f"{path}: {where} is missing"
    said = detail["msg"].removeprefix("Value error, ")
    return f"{path}: {where}: {said}, not {detail['input']!r}" if where else f"{path}: {said}"
