"""Faces are coloured squares here, and the models find squares and tell them apart: all but the real models."""

import hashlib
import json
from dataclasses import dataclass

import cv2
import numpy as np

from agent.gallery.anchors import KEY, Anchors
from agent.hardware.engines.litert import LiteRtModel
from agent.vision.align import SIZE, TEMPLATE
from agent.vision.model import TensorSpec

ENGINE = "tests.fakes.blocks:BlockEngine"
MODEL = "latchkey-encoder-1-b10c0000"
RED, GREEN, BLUE = (190, 60, 60), (60, 190, 60), (60, 60, 190)
WIDTH, HEIGHT = 320, 240
FLOAT = np.dtype(np.float32)
TABLE = {"similarity": [0.0, 0.3, 0.5, 0.7], "fmr": [0.5, 1e-2, 1e-5, 1e-8], "impostor_pairs": 10**10}


@dataclass(frozen=True)
class Block:
    """A face: `colour` says whose, `tint` makes another picture of them."""

    colour: tuple[int, int, int]
    px: int = 120
    x: int = 260
    y: int = 180
    tint: int = 0


def paint(*blocks, size=(640, 480)):
    """(H, W, 3) uint8 RGB, black around the blocks, which have a pattern so that they are sharp enough."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for block in blocks:
        pattern = np.random.default_rng(block.tint).integers(-40, 40, (12, 12, 1))
        square = np.clip(np.add(block.colour, (0, block.tint, 0)) + pattern, 10, 255).astype(np.uint8)
        square = cv2.resize(square, (block.px, block.px), interpolation=cv2.INTER_NEAREST)
        image[block.y : block.y + block.px, block.x : block.x + block.px] = square
    return image


def write(path, *blocks, **options):
    """Writes `paint` as a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(paint(*blocks, **options)))
    return path


def png(image):
    return cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()


def write_cards(folder, model=MODEL):
    """The cards of the models; the models themselves need no file."""
    folder.mkdir(exist_ok=True)
    sha256 = hashlib.sha256(model.encode()).hexdigest()
    for name, id_ in (("encoder", model), *((kind, f"latchkey-{kind}-1-b10c0000") for kind in ("detector", "aligner"))):
        (folder / f"{name}.json").write_text(json.dumps({"id": id_, "sha256": sha256, "fmr": TABLE}))


def normalise(card):
    """Gives the card at a path anchors: grey is common, a pure colour as common as can be."""
    fields = json.loads(card.read_text())
    anchors = Anchors(np.eye(3), nearest=1, base=1.0, weight=1.5)
    card.write_text(json.dumps(fields | {"dimension": 3, KEY: anchors.as_card()}))
    return anchors


class BlockEngine:
    """A model, by the name of its file. Signatures are compared by the real encoder: it is as quick."""

    def __new__(cls, path, sha256=None, **_):
        return LiteRtModel(path, sha256=sha256) if path.stem == "signature" else super().__new__(cls)

    def __init__(self, path, **_):
        self._kind = path.stem
        grids = [(1, -(-HEIGHT // stride), -(-WIDTH // stride)) for stride in (8, 16, 32)]
        takes, self.outputs = {
            "encoder": ((SIZE, SIZE), (spec(1, 3),)),
            "aligner": ((8, 8), (spec(1, 4),)),
        }.get(self._kind, ((HEIGHT, WIDTH), tuple(spec(*grid, n) for grid in grids for n in (1, 4, 10))))
        self.inputs = (spec(1, *takes, 3),)

    def __call__(self, pixels):
        if self._kind == "aligner":
            return [np.zeros((1, 4), np.float32)]  # squares are found where they are
        return [encode(pixels[0])] if self._kind == "encoder" else self._detect(pixels[0])

    def _detect(self, image):
        raw = [np.full(output.shape, -20 if output.shape[3] == 1 else 0, np.float32) for output in self.outputs]
        scores, boxes, points = raw[:3]  # of stride 8
        _, _, stats, _ = cv2.connectedComponentsWithStats((image.max(axis=2) > -0.95).astype(np.uint8))
        for x, y, width, height, area in stats[1:]:
            if area < 50:
                continue
            row, column = int((y + height / 2) // 8), int((x + width / 2) // 8)
            middle = np.array((column + 0.5, row + 0.5)) * 8
            scores[0, row, column] = 4
            boxes[0, row, column] = np.array((*(middle - (x, y)), *((x + width, y + height) - middle))) / 8
            marks = TEMPLATE / SIZE * (width, height) + (x, y)
            points[0, row, column] = ((marks - middle) / 8).ravel()
        return raw


def encode(crop):
    """(1, 3): by how much each colour is above their mean."""
    colour = crop.mean(axis=(0, 1))
    return (colour - colour.mean())[None].astype(np.float32)


def spec(*shape):
    return TensorSpec("", shape, FLOAT, 0.0, 0)
