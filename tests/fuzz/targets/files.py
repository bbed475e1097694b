"""Files that are no text: photos, model cards and the site's file beside them, keys."""

import json
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.bundle import read_card, read_site
from agent.errors import LatchkeyError, ModelError, PictureError
from agent.homeassistant.discovery import announced
from agent.seal import key_file
from agent.vision.pictures import decode_picture, encode_picture
from agent.vision.selftest import read_golden
from tests.fakes.blocks import RED, Block, paint, png
from tests.fuzz.target import Target

MODELS = Path(__file__).parents[3] / "agent" / "models"
PICTURE = paint(Block(RED))


def _folder(stack: ExitStack) -> Path:
    """In memory: a file for each input would wear out a disk."""
    return Path(stack.enter_context(TemporaryDirectory(dir="/dev/shm")))


def photos(_stack: ExitStack):
    """JPEG, PNG, WebP or BMP, up to the pixels; small, for the limit of pixels has its own tests."""

    def feed(data):
        with suppress(PictureError):
            image = decode_picture(data, max_pixels=1_000_000)
            assert image.ndim == 3
            assert image.shape[2] == 3

    return feed


def cards(stack: ExitStack):
    """The card beside a model, and the site's file that belongs to it."""
    model = _folder(stack) / "encoder.tflite"
    card = read_card(MODELS / "encoder.tflite")

    def feed(data):
        model.with_suffix(".json").write_bytes(data)
        with suppress(ModelError):
            found = read_card(model)
            with suppress(ModelError):
                read_golden(found.fields)
        with suppress(ModelError):
            read_site(model.with_suffix(".json"), card)

    return feed


def keys(stack: ExitStack):
    """The site's key, and the topics that Home Assistant was told of."""
    file = _folder(stack) / "site.key"
    file.touch(mode=0o600)

    def feed(data):
        file.write_bytes(data)
        with suppress(LatchkeyError):
            key_file.read(file)
        assert all(topic.endswith("/config") for topic in announced(file))

    return feed


CARD = json.loads((MODELS / "encoder.json").read_text(encoding="utf-8"))
SMALL = {name: value for name, value in CARD.items() if len(json.dumps(value)) < 500}
GOLDEN = CARD["golden"] | {"crops": [crop | {"vector": crop["vector"][:48]} for crop in CARD["golden"]["crops"][:1]]}
SITE = {"kind": "latchkey-site", "version": 1, "model": CARD["id"], "people": 4, "photos": 9, "notes": []}
TARGETS = (
    Target("photos", photos, [png(PICTURE), encode_picture(PICTURE)], share=15, longest=4096),
    Target(
        "cards",
        cards,
        [
            json.dumps(SMALL | {"golden": GOLDEN}).encode(),
            json.dumps(SITE).encode(),
            b'{"id": "x", "sha256": "y", "dimension": 4}',
        ],
        share=20,
        longest=8192,
    ),
    Target("keys_of_files", keys, [b"0" * 64, b"homeassistant/device/a/latchkey_a/config\n"], share=10, longest=512),
)
