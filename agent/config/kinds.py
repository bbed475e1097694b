"""The kinds of value a configuration key can hold, each refusing what would only fail later."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, NoReturn
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError, PydanticUseDefault

TOPIC_LEVEL = re.compile(r"[\w.-]{1,64}")
"""A narrow reading of MQTT 5.0, 4.7.1: `/` separates levels, `+` and `#` are wildcards; the rest only confuses ACLs."""

TOPIC_LEVEL_WANTED = "1 to 64 letters, digits, '.', '_' or '-', for it becomes a level of the MQTT topic"


class Table(BaseModel):
    """One table of the file: an unknown key, a NaN or a value of the wrong type is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def refuse(problems: list[str]) -> None:
    """Raise all of these problems with a table at once, if there are any; each is a whole sentence."""
    if problems:
        raise PydanticCustomError("table", "{problems}", {"problems": "\n".join(problems)})


def _refuse_value(wanted: str) -> NoReturn:
    raise PydanticCustomError("wanted", "{wanted}", {"wanted": wanted})


def _topic_level(text: str) -> str:
    if not TOPIC_LEVEL.fullmatch(text):
        _refuse_value(TOPIC_LEVEL_WANTED)
    return text


def _host(text: str) -> str:
    if not text or "/" in text or any(character.isspace() for character in text):
        _refuse_value("a host name or an address alone; port and TLS have keys of their own")
    return text


def _path(value: object, info: ValidationInfo) -> object:
    """A path from TOML text: relative ones start at the folder of the file they stand in, empty text is the default."""
    if value == "":
        raise PydanticUseDefault
    if not isinstance(value, str | Path):
        _refuse_value("a path in quotes")
    try:
        path = Path(value).expanduser()
    except RuntimeError:
        _refuse_value("a path: there is no such user after '~'")
    if "\0" in str(path):
        _refuse_value("a path without a NUL")
    folder: Path = (info.context or {}).get("folder", Path())
    return (folder / path).absolute()


def _source(value: object) -> object:
    """A camera's index may be written as a number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Path):
        return str(value)
    return value


def _no_password(source: str) -> str:
    try:
        password = urlsplit(source).password
    except ValueError:
        _refuse_value("a camera's number, a path or a URL")
    if password:
        raise PydanticCustomError(
            "table",
            "[camera] source holds a password in the clear: leave only the user in it (rtsp://user@host/...) "
            "and give the password by password_file, LATCHKEY_CAMERA_PASSWORD or the systemd credential "
            "camera_password",
        )
    return source


TopicLevel = Annotated[str, AfterValidator(_topic_level)]
Host = Annotated[str, AfterValidator(_host)]
File = Annotated[Path, BeforeValidator(_path)]
OptionalFile = Annotated[Path | None, BeforeValidator(_path)]
Source = Annotated[str, Field(min_length=1), BeforeValidator(_source), AfterValidator(_no_password)]

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Days = Annotated[float, Field(ge=0, le=36_500)] | Literal["never"]
Share = Annotated[float, Field(ge=0, le=1)]
Probability = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Grey = Annotated[float, Field(ge=0, le=255)]
