"""Bundles of models: of blocks, which any engine of the tests runs, and of the real models under another id."""

import hashlib
import json

from agent.config.tables import BUNDLED_MODELS
from agent.upgrade.archive import pack
from tests.fakes.blocks import TABLE
from tests.fakes.trust import OWNER
from tests.test_backup import NOW

NEWER = "latchkey-encoder-2-b10c0001"


def blocks(folder, model=NEWER, *, key=OWNER, detector=False, minimum="0.1.0", **card):
    """The bytes of a bundle; its files are of a few bytes, for engines that need none."""
    folder.mkdir(parents=True, exist_ok=True)
    models = {}
    for kind, id_ in (("encoder", model), *([("detector", "latchkey-detector-2-b10c0001")] if detector else [])):
        data = f"{kind} {model}".encode()
        fields = {"id": id_, "sha256": hashlib.sha256(data).hexdigest(), "fmr": TABLE, **card}
        (folder / f"{kind}.tflite").write_bytes(data)
        (folder / f"{kind}.json").write_text(json.dumps(fields))
        models[kind] = folder / f"{kind}.tflite"
    return pack(models, key, NOW, minimum)


def real(folder, model="latchkey-door-2-5eed0000", *, change=lambda fields: None, spoil=lambda data: data, key=OWNER):
    """The same of the encoder that comes with Latchkey: by another name, with changes to the card and the file."""
    folder.mkdir(parents=True, exist_ok=True)
    fields = json.loads((BUNDLED_MODELS / "encoder.json").read_text())
    data = spoil((BUNDLED_MODELS / "encoder.tflite").read_bytes())
    fields |= {"id": model, "sha256": hashlib.sha256(data).hexdigest()}
    change(fields)
    (folder / "encoder.tflite").write_bytes(data)
    (folder / "encoder.json").write_text(json.dumps(fields))
    return pack({"encoder": folder / "encoder.tflite"}, key, NOW)
