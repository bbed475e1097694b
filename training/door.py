"""The models that are bundled and come before an encoder, as a door uses them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from agent.hardware.engines.litert import LiteRtModel
from agent.vision.aligner import Aligner
from agent.vision.detect import Detector

MODELS = Path(__file__).parents[1] / "agent" / "models"
DETECTOR = MODELS / "detector.tflite"


@cache
def door_detector() -> Detector:
    """Returns the detector."""
    return Detector(LiteRtModel(DETECTOR, sha256=None))


@cache
def door_aligner() -> Aligner:
    """Returns the aligner."""
    return Aligner(LiteRtModel(MODELS / "aligner.tflite", sha256=None))
