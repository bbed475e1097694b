"""The text that people agree to at the door, in each language there is a file of, read once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agent.errors import ConfigError

LONGEST: Final = 32 * 2**10  # bytes: ten pages, which nobody reads standing


def load_texts(pattern: Path | None, languages: Sequence[str], wanted: str) -> dict[str, bytes]:
    """Returns the text by language; nothing where there is no file at all.

    Args:
        pattern: the file, with `{language}` where the language's code stands, or one for all of them.
        languages: codes.
        wanted: the language that has to be there.

    Raises:
        ConfigError: it is not there, or a file is too long or no text.
    """
    if pattern is None:
        return {}
    files = {code: Path(str(pattern).replace("{language}", code)) for code in languages}
    if not files[wanted].is_file():
        raise ConfigError(f"[web] consent_file: there is no {files[wanted]}; it is shown in the language {wanted!r}")
    return {code: _text(file) for code, file in files.items() if file.is_file()}


def _text(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            read = opened.read(LONGEST + 1)
    except OSError as error:
        raise ConfigError(f"[web] consent_file: {file} cannot be read: {error.strerror}") from error
    if len(read) > LONGEST:
        raise ConfigError(f"[web] consent_file: {file} has more than {LONGEST} bytes, which nobody reads at a door")
    try:
        text = read.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise ConfigError(f"[web] consent_file: {file} is not in UTF-8: save it as that") from error
    if not text:
        raise ConfigError(f"[web] consent_file: {file} is empty")
    return text.encode()
