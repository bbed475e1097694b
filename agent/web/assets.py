"""The files of the page, read once: nothing outside this list can be asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.errors import ConfigError

FOLDER: Final = Path(__file__).parent
LANGUAGES: Final = FOLDER / "languages"
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    content: bytes
    media_type: str
    etag: str


def languages() -> list[str]:
    """Returns the codes of the languages that there are, English first."""
    found = sorted(file.stem for file in LANGUAGES.glob("*.json"))
    return sorted(found, key=lambda code: code != "en")


def check_language(code: str) -> None:
    """Refuses a language without a file.

    Raises:
        ConfigError: with those that there are.
    """
    if code not in languages():
        raise ConfigError(f"[web] language = {code!r} is not there; there are {', '.join(languages())}")


def load_assets() -> dict[str, Asset]:
    """Returns all files by the path under `/kiosk` that they are asked by; the page itself by ""."""
    files = {file.name: file for file in (FOLDER / "page").iterdir() if file.suffix in _TYPES}
    files |= {f"languages/{file.name}": file for file in LANGUAGES.glob("*.json")}
    found = {name: _asset(file) for name, file in files.items()}
    return found | {"": found["kiosk.html"]}


def _asset(file: Path) -> Asset:
    content = file.read_bytes()
    return Asset(content, _TYPES[file.suffix], f'"{hashlib.sha256(content).hexdigest()[:16]}"')
