"""Opens a lost camera again.

open ──CameraLost, told once──► lost ──wait, open again──► open
                                  ▲         │ CameraLost, told each time; the wait doubles
                                  └─────────┘
"""

from __future__ import annotations

import dataclasses
import logging
import random
import threading
from collections.abc import Callable

from agent.errors import CameraLost, HardwareError
from agent.hardware.cameras import Camera
from agent.types import Frame

log = logging.getLogger(__name__)


class Reconnecting:
    """A camera that comes back: `read` after a loss waits and then opens the camera again, once per call.

    The waits double from `first_seconds` to `longest_seconds`, each shortened at random by up to a half, so that
    cameras that lost the same switch do not come back in step. No call waits longer than one wait and one opening,
    so that whoever reads shows signs of life. Frames are numbered on across losses.

    Args:
        open_camera: opens it. A `CameraLost` from the very first opening counts as a loss; any other
            `HardwareError` then is a wrong configuration and is raised here. Later, each counts as a loss.
        first_seconds: the first wait.
        longest_seconds: where the doubling ends.
        chance: returns a number in 0..1.
    """

    def __init__(
        self,
        open_camera: Callable[[], Camera],
        *,
        first_seconds: float = 0.5,
        longest_seconds: float = 10.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._open_camera = open_camera
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._chance = chance
        self._closed = threading.Event()
        self._lock = threading.Lock()  # of _camera, against a camera opened while being closed
        self._failures = 0
        self._next_seq = 0
        self._camera: Camera | None = None
        try:
            self._camera = open_camera()
        except CameraLost as lost:
            log.warning("camera does not answer yet: %s", lost)

    def read(self) -> Frame | None:
        """Return the next frame, or None when the source has ended or is closed.

        Raises:
            CameraLost: when the camera is lost, and for each attempt to open it again that fails.
        """
        camera = self._camera or self._reopen()
        if camera is None:
            return None
        try:
            frame = camera.read()
        except CameraLost:
            self._drop(camera)
            if self._closed.is_set():
                return None
            raise
        if frame is None:
            return None
        self._failures = 0
        seq, self._next_seq = self._next_seq, self._next_seq + 1
        return dataclasses.replace(frame, seq=seq)

    def close(self) -> None:
        """Close the camera and end any waiting. May be called again."""
        self._closed.set()
        with self._lock:
            camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()

    def _reopen(self) -> Camera | None:
        """Return the camera opened again, None once closed."""
        longest = min(self._longest_seconds, self._first_seconds * 2.0 ** min(self._failures, 30))
        if self._closed.wait(longest * (1.0 - 0.5 * self._chance())):
            return None
        self._failures += 1
        try:
            camera = self._open_camera()
        except HardwareError as error:
            raise CameraLost(str(error)) from error
        with self._lock:
            if not self._closed.is_set():
                self._camera = camera
                return camera
        camera.close()
        return None

    def _drop(self, camera: Camera) -> None:
        with self._lock:
            self._camera = None
        camera.close()
