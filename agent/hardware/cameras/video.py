"""A video file as a camera."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import cv2

from agent.errors import HardwareError
from agent.hardware.cameras import CameraOptions, Clock, utc_now
from agent.hardware.cameras.pace import Pace
from agent.hardware.cameras.pixels import from_bgr
from agent.types import Frame

CREDIBLE_FPS = 240.0  # containers without a frame rate of their own state their time base, 1000 and more


class VideoFile:
    """Plays a file. Frame n is stamped start + n / fps, however fast it is read, so that a replay is the same again.

    Args:
        path: the file.
        options: `start`, `loop`, `as_fast_as_possible`, `name`; `fps` where the file does not say.
        now: asked once, for the start where none is given.

    Raises:
        HardwareError: there is no such file, or it is not a video.
    """

    def __init__(self, path: Path, options: CameraOptions, now: Clock = utc_now) -> None:
        if not path.is_file():
            raise HardwareError(f"{path}: there is no such video file")
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise HardwareError(f"{path}: not a video that OpenCV can read")
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        self._fps = fps if 0 < fps <= CREDIBLE_FPS else options.fps
        self._options = options
        self._start = options.start or now()
        self._pace = Pace(None if options.as_fast_as_possible else self._fps)
        self._lock = threading.Lock()  # closing while OpenCV decodes would take the memory from under it
        self._seq = 0

    def read(self) -> Frame | None:
        """Return the next frame when its time has come, None at the end."""
        if not self._pace.wait(self._seq):
            return None
        with self._lock:
            there, image = self._capture.read()
            if not there and self._options.loop:
                self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
                there, image = self._capture.read()
        if not there:
            return None
        seq, self._seq = self._seq, self._seq + 1
        at = self._start + timedelta(seconds=seq / self._fps)
        return Frame(image=from_bgr(image), at=at, seq=seq, camera=self._options.name)

    def close(self) -> None:
        """Close the file. May be called again."""
        self._pace.stop()
        with self._lock:
            self._capture.release()
