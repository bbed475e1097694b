"""What the command line says about the configuration: --config, --set, --camera and the like."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from agent.cli.logs import start_logging
from agent.errors import ConfigError

if TYPE_CHECKING:
    from agent.config import Config

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The configuration. Default: $LATCHKEY_CONFIG, else agent.toml here, else /etc/latchkey/agent.toml.",
    ),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="TABLE.KEY=VALUE", help="One key of the configuration, as in --set camera.fps=5. Repeatable."
    ),
]


def load(
    file: Path | None, sets: Sequence[str] | None, overrides: Mapping[str, object] | None = None, *, quiet: bool = True
) -> Config:
    """Loads the configuration and starts to log as it says.

    Args:
        file: of --config.
        sets: of --set; win over the file.
        overrides: of other options; win over both, but for those that are None: not given.
        quiet: log warnings at most, unless the level is "debug": a command that answers is no service.
    """
    from agent.config import load_config

    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    config = load_config(file, parse_sets(sets or ()) | given)
    start_logging("warning" if quiet and config.log.level == "info" else config.log.level)
    return config


def parse_sets(assignments: Sequence[str]) -> dict[str, object]:
    """The values of "table.key=value", written as in TOML; text and paths need no quotes.

    Raises:
        ConfigError: one of them is not an assignment.
    """
    values: dict[str, object] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or "." not in key:
            raise ConfigError(f"--set {assignment}: want TABLE.KEY=VALUE, as in --set camera.fps=5")
        values[key.strip()] = _value(text.strip(), _kind(key.strip()))
    return values


def camera_overrides(source: str | None, backend: str | None) -> dict[str, object]:
    """What --camera and --backend mean: a folder is one of pictures, anything else is for OpenCV."""
    if source is None:
        return {"camera.backend": backend}
    folder = not source.isdecimal() and Path(source).is_dir()
    overrides: dict[str, object] = {"camera.backend": backend or ("files" if folder else "opencv")}
    if "@" not in source:
        overrides["camera.password_file"] = ""  # that of the source in the file
    return overrides | {"camera.source": source}


def _kind(dotted: str) -> Any:
    """The type of a key; None where there is no such key, which the configuration then says."""
    from agent.config import Config

    kind: Any = Config
    for name in dotted.split("."):
        field = getattr(kind, "model_fields", {}).get(name)
        if field is None:
            return None
        kind = field.annotation
    return kind


def _value(text: str, kind: Any) -> object:
    if kind is Path or Path in get_args(kind):
        return Path(text).expanduser() if text else ""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    quoted = text[:1] in {'"', "'"}
    return parsed["value"] if parsed.keys() == {"value"} and (kind is not str or quoted) else text
