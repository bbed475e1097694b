"""Fits threshold and space to a site's own people with any encoder, as `latchkey calibrate` does with the agent's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from agent.errors import LatchkeyError
from agent.gallery.anchors import read_anchors
from agent.gallery.calibration import Calibration, calibrate, thinned
from agent.gallery.held_out import held_out
from agent.gallery.threshold import FmrTable
from agent.hardware.engines.litert import LiteRtModel
from agent.types import Floats
from agent.vision.aligner import Aligner
from agent.vision.detect import Detector
from agent.vision.encode import Encoder
from agent.vision.eyes import Eyes
from agent.vision.photo_files import people_in, photos_below
from agent.vision.pictures import decode_picture
from agent.vision.quality import QualityLimits, judge
from training.data.errors import DataError
from training.writing import write_whole


def calibrate_site(
    folder: Path, models: Path, target: Path, *, runtime: str = "ai-edge-litert"
) -> tuple[dict[str, Any], Sequence[str]]:
    """Writes a site file.

    Args:
        folder: PERSON/photo.jpg.
        models: folder with detector.tflite, aligner.tflite, encoder.tflite and the encoder's card.
        target: the site file to be.
        runtime: runs the models.

    Returns:
        What was written, less the space; and what was wrong with photos that were left out.

    Raises:
        DataError: people, photos or the card cannot be used.
    """
    try:
        card = json.loads((models / "encoder.json").read_text(encoding="utf-8"))
        by = (FmrTable.from_card(card, "worst"), read_anchors(card))
        detector, aligner, encoder = (
            LiteRtModel(models / f"{name}.tflite", runtime=runtime, sha256=None)
            for name in ("detector", "aligner", "encoder")
        )
        eyes = Eyes(Detector(detector), Aligner(aligner), Encoder(encoder, card["id"]))
        vectors, people, troubles = encode_people(folder, eyes, QualityLimits())
        fitted: Calibration = calibrate(vectors, people, *by)
        figures = {"held_out": held_out(vectors, people, *by)}
    except (OSError, ValueError, KeyError, LatchkeyError) as error:
        raise DataError(f"{folder} cannot be calibrated on with {models}: {error}") from error
    site = fitted.site(card, f"{datetime.now(UTC):%Y-%m-%d}", len(people), figures).as_json()
    write_whole(target, json.dumps(site, indent=1, allow_nan=False) + "\n")
    return {key: value for key, value in site.items() if key != "space"} | {"method": fitted.method}, troubles


def encode_people(
    folder: Path, eyes: Eyes, limits: QualityLimits
) -> tuple[Floats, np.ndarray[Any, np.dtype[np.intp]], list[str]]:
    """Returns (N, D) vectors, (N,) whose they are, and what was wrong with the photos left out.

    The largest face of each photo in a folder's folders, where the door would look at it.

    Raises:
        DataError: there is none.
    """
    vectors, people, troubles = [], [], []
    persons = 0
    for person in people_in(folder):
        found = []
        for file in photos_below(person):
            try:
                seen = max(eyes.look(decode_picture(file.read_bytes())), key=lambda one: one.crop.quality.face_px)
            except OSError as error:
                troubles.append(f"{file}: cannot be read: {error.strerror}")
                continue
            except ValueError as error:  # of a picture that is none, and of max where there is no face
                troubles.append(f"{file}: {error if isinstance(error, LatchkeyError) else 'no face'}")
                continue
            if rejection := judge(seen.crop.quality, limits):
                troubles.append(f"{file}: {rejection.text}")
            else:
                found.append(seen.embedding.vector)
        vectors += found
        people += [persons] * len(found)
        persons += bool(found)
    if not vectors:
        raise DataError(f"{folder}: no usable photo: want PERSON/photo.jpg; {'; '.join(troubles[:3])}")
    numbers = np.array(people, np.intp)
    kept = thinned(numbers)
    return np.stack(vectors)[kept], numbers[kept], troubles
