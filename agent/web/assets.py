"""The files of the page, read and compressed once: nothing outside this list can be asked for."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

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


NEVER: Final = re.compile(r"\s*q=0(\.0{0,3})?\s*", re.IGNORECASE)  # RFC 9110, 12.4.2


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    content: bytes
    packed: bytes  # the same by gzip
    media_type: str
    digest: str


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


def load_kiosk() -> dict[str, Asset]:
    """Returns all files by the path under `/kiosk` that they are asked by; the page itself by ""."""
    files = {f"languages/{file.name}": _asset(file) for file in LANGUAGES.glob("*.json")}
    return load_folder(FOLDER / "page", "kiosk.html") | files


def load_folder(folder: Path, page: str) -> dict[str, Asset]:
    """Returns the files of a folder and of those in it by their paths from there; the file `page` also by ""."""
    files = sorted(file for file in folder.rglob("*") if file.suffix in _TYPES)
    found = {file.relative_to(folder).as_posix(): _asset(file) for file in files}
    return found | {"": found[page]}


def served(assets: Mapping[str, Asset], request: Request, name: str | None = None) -> Response:
    """Returns a file, by default that which the path of a request names; or that it is none, or has not changed."""
    asset = assets.get(request.path_params.get("name", "") if name is None else name)
    if asset is None:
        return JSONResponse({"error": "there is no such file"}, 404)
    packed = _takes_gzip(request.headers.get("accept-encoding", ""))
    etag = f'"{asset.digest}-gzip"' if packed else f'"{asset.digest}"'  # RFC 9110, 8.8.3: each is told from the other
    headers = {"ETag": etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if packed:
        return Response(asset.packed, media_type=asset.media_type, headers=headers | {"Content-Encoding": "gzip"})
    return Response(asset.content, media_type=asset.media_type, headers=headers)


def _asset(file: Path) -> Asset:
    content = file.read_bytes()
    packed = gzip.compress(content, mtime=0)
    return Asset(content, packed, _TYPES[file.suffix], hashlib.sha256(content).hexdigest()[:16])


def _takes_gzip(accepted: str) -> bool:
    codings = (each.partition(";") for each in accepted.split(","))
    return any(name.strip().lower() == "gzip" and not NEVER.fullmatch(weight) for name, _, weight in codings)
