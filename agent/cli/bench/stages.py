"""The way of a frame, stage by stage, on one thread: every face goes the whole way, as a visitor's first shots do."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from agent.access.gate import Gate, GateSettings
from agent.bundle import Bundle
from agent.cli.bench.rows import Row
from agent.cli.output import counted
from agent.gallery.match import Gallery
from agent.gallery.space import Space
from agent.hardware.cameras import CameraOptions
from agent.hardware.cameras.video import VideoFile
from agent.stopwatch import Stopwatch
from agent.types import Embedding, Frame
from agent.vision.track import Track, Tracker

PEOPLE, TEMPLATES = 10_000, 5  # of the large gallery
WARM_UP = 5  # frames
LARGE_SEARCH = f"search {PEOPLE:,} x {TEMPLATES}"
TOTAL = "frame to decision"
STAGES = ("detect", "track", "align, measure", "encode", "search", LARGE_SEARCH, "gate", TOTAL)
ASKED_MS = {"detect": 3.0, "encode": 2.5, LARGE_SEARCH: 2.0, TOTAL: 12.0}


class Stages:
    """Times the stages of frames.

    Args:
        bundle: the models, to be used on one thread.
        gallery: who is enrolled.
    """

    def __init__(self, bundle: Bundle, gallery: Gallery) -> None:
        cv2.setNumThreads(1)
        self._eyes = bundle.eyes()
        dimension = self._eyes.encoder.dimension
        self._gallery, self._large = gallery, large_gallery(bundle.model_id, dimension, bundle.space)
        self._tracker, self._watch = Tracker(), Stopwatch()
        self._gate = Gate(GateSettings(), camera="bench", threshold=bundle.threshold(gallery.templates).cosine)
        self._single = 0  # frames with one face

    def rows(self, frames: Sequence[Frame]) -> list[Row]:
        """Returns a row for each stage, and one for all of them on the frames that show one face."""
        for number, frame in enumerate(frames):
            if number == WARM_UP:
                self._watch, self._single = Stopwatch(), 0
            self._look(frame)
        times = self._watch.percentiles()
        notes = {
            "detect": "letterbox, network, decoding",
            "search": f"{counted(self._gallery.templates, 'template')} enrolled here",
            TOTAL: f"{self._single} of {max(len(frames) - WARM_UP, 0)} frames show one face; without the large search",
        }
        return [self._row(name, times.get(name), notes.get(name, "")) for name in STAGES]

    @staticmethod
    def _row(name: str, times: tuple[float, float] | None, note: str) -> Row:
        if times is None:
            return Row(name, "ms", None, asked=ASKED_MS.get(name), note="no frame of the clip gets there")
        p50, p95 = (round(each, 3) for each in times)
        return Row(name, "ms", p50, p95, ASKED_MS.get(name), note)

    def _look(self, frame: Frame) -> None:
        began = time.perf_counter()
        with self._watch.stage("detect"):
            faces = self._eyes.faces(frame.image)
        with self._watch.stage("track"):
            tracks = self._tracker.update(faces, frame.at)
            for ended in self._tracker.take_ended():
                self._gate.leave(ended, frame.at)
        embeddings = [self._decide(frame, track) for track in tracks]
        if len(tracks) == 1:
            self._single += 1
            self._watch.add(TOTAL, (time.perf_counter() - began) * 1e3)
        for embedding in embeddings:
            with self._watch.stage(LARGE_SEARCH):
                self._large.nearest(embedding.vector)

    def _decide(self, frame: Frame, track: Track) -> Embedding:
        with self._watch.stage("align, measure"):
            crop = self._eyes.crop(frame.image, track.face)
        with self._watch.stage("encode"):
            embedding = self._eyes.embed(crop)
        with self._watch.stage("search"):
            match = self._gallery.nearest(embedding.vector)
        with self._watch.stage("gate"):
            visitor = self._tracker.confirm(track.id, embedding.vector)
            self._gate.see(visitor, frame.at, match, crop.quality)
        return embedding


def clip_frames(clip: Path, count: int) -> list[Frame]:
    """Returns the first frames of a clip, from its start again where it is too short.

    Raises:
        HardwareError: it is not there, or no video.
    """
    video = VideoFile(clip, CameraOptions(loop=True, as_fast_as_possible=True))
    try:
        frames = [frame for _ in range(count) if (frame := video.read()) is not None]
    finally:
        video.close()
    return frames


def large_gallery(model: str, dimension: int, space: Space) -> Gallery:
    """Returns people who are nobody, compared in `space`: random directions, the same ones each time."""
    count = PEOPLE * TEMPLATES
    vectors = np.random.default_rng(1).standard_normal((count, dimension), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    people = [f"p{i}" for i in range(PEOPLE)]
    return Gallery.build(model, people, vectors, np.arange(count) // TEMPLATES, space)
