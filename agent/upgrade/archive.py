"""The file of a bundle: a ZIP archive of stored files, read in memory and believed in nothing."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from agent.errors import CommandError, ModelError
from agent.mqtt.message import Code
from agent.trust.keys import SigningKey
from agent.upgrade.manifest import MOST_BYTES, Signed, described, read_signed, sign
from agent.version import VERSION

MANIFEST: Final = "bundle.json"
MOST_MANIFEST: Final = 65_536  # bytes
LARGEST: Final = MOST_BYTES + 2 * MOST_MANIFEST  # bytes of the file
_MOST_FILES: Final = 5
_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the first that ZIP knows: the same files make the same archive
_BROKEN: Final = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, struct.error),
    *(ValueError, KeyError, IndexError, EOFError, OSError, OverflowError, MemoryError),
)
"""What `zipfile` raises about bytes that are no archive."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a bundle holds; the files are those that the manifest lists, the manifest's signature is not looked at."""

    signed: Signed
    files: Mapping[str, bytes]


def pack(models: Mapping[str, Path], key: SigningKey, made_at: datetime, minimum: str = VERSION) -> bytes:
    """Returns the file of a bundle.

    Args:
        models: files with their cards beside them, by "encoder" and "detector".
        key: an owner's.
        made_at: now.
        minimum: version of Latchkey that they want.

    Raises:
        ModelError: a file cannot be read, or is not the one its card describes.
        CommandError: they are too large, or have no id that will do.
    """
    files: dict[str, bytes] = {}
    ids: dict[str, str] = {}
    for kind, path in models.items():
        model, card = _read(path), _read(path.with_suffix(".json"))
        ids[kind] = check_card(card, model, str(path))
        files |= {f"{kind}.tflite": model, f"{kind}.json": card}
    signed = sign(described(files, ids, made_at, minimum), key)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, data in {MANIFEST: signed.to_json(), **files}.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), data)
    return made.getvalue()


def unpack(data: bytes) -> Contents:
    """Returns what a bundle holds.

    Raises:
        CommandError: it is none, or its files are not those that it lists.
    """
    if len(data) > LARGEST:
        raise CommandError(Code.TOO_LARGE, f"a bundle has at most {LARGEST >> 20} MiB, this has {len(data)} bytes")
    try:
        found = _stored(data)
    except _BROKEN as error:
        raise CommandError(
            Code.BAD_BUNDLE, f"no bundle of models: {str(error)[:120] or type(error).__name__}"
        ) from None
    signed = read_signed(found.pop(MANIFEST, b""))
    listed = {entry.name: entry for entry in signed.manifest.files}
    if found.keys() != listed.keys():
        raise CommandError(Code.BAD_BUNDLE, "its files are not those that it lists: make it anew")
    for name, entry in listed.items():
        if len(found[name]) != entry.size or hashlib.sha256(found[name]).hexdigest() != entry.sha256:
            raise CommandError(Code.BAD_BUNDLE, f"{name} is not the file that was signed: get the bundle again")
    for kind, id_ in (("encoder", signed.manifest.encoder), ("detector", signed.manifest.detector)):
        if id_ is not None:
            try:
                said = check_card(found[f"{kind}.json"], found[f"{kind}.tflite"], f"{kind}.tflite")
            except ModelError as error:
                raise CommandError(Code.BAD_BUNDLE, str(error)) from None
            if said != id_:
                raise CommandError(Code.BAD_BUNDLE, f"its card calls the {kind} {said[:80]}, its manifest {id_}")
    return Contents(signed, found)


def check_card(card: bytes, model: bytes, name: str) -> str:
    """Returns the id that a card tells of its model.

    Raises:
        ModelError: it is no card, or of another model.
    """
    try:
        fields = json.loads(card)
        id_, sha256 = str(fields["id"]), str(fields["sha256"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelError(f"{name}: its card cannot be read: {error!r}"[:200]) from None
    if hashlib.sha256(model).hexdigest() != sha256:
        raise ModelError(f"{name} is not the file that its card describes: copy both again")
    return id_


def _stored(data: bytes) -> dict[str, bytes]:
    """The files of an archive, by name; nothing is inflated, and no name leads anywhere."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        names = [info.filename for info in infos]
        if len(infos) > _MOST_FILES or len(set(names)) != len(names):
            raise ValueError("too many files, or one twice")
        for info in infos:
            if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size or info.flag_bits & 1:
                raise ValueError("its files have to be stored, neither compressed nor encrypted")
        if sum(info.file_size for info in infos) > LARGEST:
            raise ValueError("its files are larger than the archive")
        return {info.filename: archive.read(info) for info in infos}


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ModelError(f"{path}: has more than {MOST_BYTES >> 20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}: a model lies beside its card (.json)") from error
