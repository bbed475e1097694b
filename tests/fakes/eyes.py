"""Eyes that see what a script says, and frames to go with it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from agent.gallery.match import Gallery
from agent.recognise import Known
from agent.types import Box, Crop, Embedding, Face, Frame, Quality
from agent.vision.align import SIZE, TEMPLATE

BEGAN = datetime(2026, 11, 22, 6, tzinfo=UTC)
FPS = 10
MODEL = "fake-encoder"
PEOPLE = ("anna", "ben", "carl", "dora", "erik")
GOOD = Quality(face_px=120, sharpness=60, yaw=0.0, exposure=120, contrast=40)


@dataclass(frozen=True)
class Visitor:
    """Somebody in a picture."""

    person: str
    x: float = 260
    y: float = 180
    px: float = 120
    quality: Quality = GOOD

    def face(self):
        marks = TEMPLATE / SIZE * self.px + (self.x, self.y)
        return Face(Box(self.x, self.y, self.px, self.px), marks.astype(np.float32), 0.9)


class FakeEyes:
    """Takes the place of `agent.vision.eyes.Eyes`: sees `script[n]`, a list of visitors, in the n-th frame."""

    def __init__(self, script):
        self.script = script
        self.looks = self.embedded = 0
        self._there = []

    def faces(self, image, small=None):
        self.looks += 1
        self._there = self.script[number_of(image)]
        return [visitor.face() for visitor in self._there]

    def crop(self, image, face):
        visitor = next(v for v in self._there if (v.x, v.y) == (face.box.x, face.box.y))
        return Crop(np.full((SIZE, SIZE, 3), PEOPLE.index(visitor.person), np.uint8), visitor.quality)

    def embed(self, crop):
        self.embedded += 1
        return Embedding(vector_of(PEOPLE[crop.image[0, 0, 0]]), MODEL)


def vector_of(person):
    return np.eye(len(PEOPLE), dtype=np.float32)[PEOPLE.index(person)]


def frames(count, *, first=0, paint=None):
    """Frames number `first` and on, black or as `paint(number)` says; the number is in the first pixel."""
    for n in range(first, first + count):
        image = np.zeros((48, 64, 3), np.uint8) if paint is None else paint(n).copy()
        image[0, 0] = (n // 256, n % 256, 0)
        yield Frame(image, BEGAN + timedelta(seconds=n / FPS), n, "camera")


def number_of(image):
    return int(image[0, 0, 0]) * 256 + int(image[0, 0, 1])


def known(*people, threshold=0.5):
    """Each of them enrolled with one template."""
    if not people:
        return Known(Gallery.empty(MODEL), threshold)
    vectors = np.stack([vector_of(person) for person in people])
    return Known(Gallery.build(MODEL, people, vectors, range(len(people))), threshold)
