"""Bundles of models and files of backups."""

import hashlib
import io
import json
import zipfile
from contextlib import ExitStack, suppress
from datetime import UTC, datetime

from agent.backup import stream
from agent.backup.content import read_manifest
from agent.errors import LatchkeyError
from agent.upgrade import manifest
from agent.upgrade.archive import MANIFEST, unpack
from tests.fakes.trust import OWNER
from tests.fuzz.target import Target

CARD = json.dumps({"id": "m-1", "sha256": hashlib.sha256(b"model").hexdigest()}).encode()
FILES = {"encoder.tflite": b"model", "encoder.json": CARD}


def bundle() -> bytes:
    described = manifest.described(FILES, {"encoder": "m-1"}, datetime(2026, 11, 26, tzinfo=UTC), "0.1.0")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, data in {MANIFEST: manifest.sign(described, OWNER).to_json(), **FILES}.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return made.getvalue()


def bundles(_stack: ExitStack):
    unpack(bundle())

    def feed(data):
        with suppress(LatchkeyError):
            unpack(data)

    return feed


def backups(_stack: ExitStack):
    """The header of a file, and the manifest as it lies inside."""

    def feed(data):
        with suppress(LatchkeyError):
            stream.recipient_of(io.BytesIO(data))
        with suppress(LatchkeyError):
            read_manifest(io.BytesIO(data))

    return feed


HEAD = json.dumps({"to": "x25519", "recipient": "0" * 16, "ephemeral": "A" * 43 + "="}).encode()
BACKUPS = [
    stream.MAGIC + len(HEAD).to_bytes(2, "big") + HEAD,
    (2).to_bytes(4, "big") + b"{}",
    (60).to_bytes(4, "big") + b'{"version": 1, "files": [{"name": "latchkey.db", "size": 1}]}',
]
TARGETS = (
    Target("bundles", bundles, [bundle()], share=20),
    Target("backups", backups, BACKUPS, share=40, longest=1024),
)
