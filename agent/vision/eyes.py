"""All that is made of one picture: every face found, aligned, measured and encoded."""

from __future__ import annotations

from typing import Protocol, TypeVar

from agent.types import Crop, Embedding, Face, Image, Seen
from agent.vision.align import align
from agent.vision.aligner import Aligner
from agent.vision.detect import Detector
from agent.vision.quality import measure

Taken_contra = TypeVar("Taken_contra", contravariant=True)  # what embeddings are made of


class Encodes(Protocol[Taken_contra]):
    """Makes embeddings: `agent.vision.encode.Encoder`, or one whose vectors are turned by the key of the site."""

    @property
    def dimension(self) -> int:
        """D."""
        ...

    def __call__(self, taken: Taken_contra, /) -> Embedding:
        """The embedding of what the encoder takes: a (112, 112, 3) uint8 RGB aligned face, what a pen did."""
        ...


class Eyes:
    """A detector, an aligner and an encoder, used by one thread."""

    def __init__(self, detector: Detector, aligner: Aligner, encoder: Encodes[Image]) -> None:
        self.detector = detector
        self.aligner = aligner
        self.encoder = encoder

    def faces(self, image: Image, small: Image | None = None) -> list[Face]:
        """The faces of a (H, W, 3) uint8 RGB picture, the surest first, searched for in a smaller one if there is."""
        if small is None:
            return self.detector(image)
        x, y = image.shape[1] / small.shape[1], image.shape[0] / small.shape[0]
        return [face.scaled(x, y) for face in self.detector(small)]

    def crop(self, image: Image, face: Face) -> Crop:
        """A face, upright, to size and in its place, with its quality."""
        face = self.aligner(image, face)
        aligned = align(image, face.landmarks)
        return Crop(aligned, measure(face, aligned))

    def embed(self, crop: Crop) -> Embedding:
        """What the encoder makes of a crop."""
        return self.encoder(crop.image)

    def look(self, image: Image) -> list[Seen]:
        """Every face of a picture, encoded."""
        crops = [(face, self.crop(image, face)) for face in self.faces(image)]
        return [Seen(face, crop, self.embed(crop)) for face, crop in crops]
