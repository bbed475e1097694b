"""Finds the configuration file, reads it, lays the command line's choices over it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from agent.config.problems import describe
from agent.config.tables import Config
from agent.errors import ConfigError

STANDARD_FILES = (Path("agent.toml"), Path("/etc/latchkey/agent.toml"))
_NOTHING: Mapping[str, object] = MappingProxyType({})


def load_config(
    path: Path | None = None,
    overrides: Mapping[str, object] = _NOTHING,
    environ: Mapping[str, str] = os.environ,
) -> Config:
    """Read the configuration.

    Args:
        path: the file asked for; None looks where `find_config` does.
        overrides: values by "table.key" that win over the file; a None among them was not given. A `Path` that is
            relative starts at the working directory, whereas relative text in the file starts at the file's folder.
        environ: where LATCHKEY_CONFIG is looked up.

    Raises:
        ConfigError: listing everything that is wrong, one problem a line.
    """
    file = find_config(path, environ)
    given = {key: value for key, value in overrides.items() if value is not None}
    tables = _overlay(_read(file) if file else {}, given)
    folder = file.absolute().parent if file else Path.cwd()
    try:
        return Config.model_validate(tables, context={"folder": folder})
    except ValidationError as error:
        raise ConfigError(describe(error, file, set(given))) from None


def find_config(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file asked for, or that of $LATCHKEY_CONFIG, or the first of the standard ones; None: defaults only."""
    if path is not None:
        return path
    if named := environ.get("LATCHKEY_CONFIG"):
        return Path(named)
    return next((file for file in STANDARD_FILES if os.path.lexists(file)), None)


def _read(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot read the configuration: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8 text (byte {error.start})") from None
    except (ValueError, RecursionError) as error:  # also a number of five thousand digits, a thousand brackets
        raise ConfigError(f"{file}: not valid TOML: {error}") from None


def _overlay(tables: dict[str, object], overrides: Mapping[str, object]) -> dict[str, object]:
    for dotted, value in overrides.items():
        *names, key = dotted.split(".")
        table = tables
        for name in names:
            inner = table.setdefault(name, {})
            if not isinstance(inner, dict):
                break  # the file has a value where a table belongs: reported when it is validated
            table = inner
        else:
            table[key] = value.absolute() if isinstance(value, Path) else value
    return tables
