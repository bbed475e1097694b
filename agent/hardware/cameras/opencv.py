"""USB cameras, RTSP and HTTP streams and video files, all through OpenCV."""

from __future__ import annotations

import threading
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import cv2

from agent.errors import CameraLost, HardwareError
from agent.hardware.cameras import Camera, CameraOptions, Clock, utc_now
from agent.hardware.cameras.pixels import from_bgr
from agent.hardware.cameras.video import VideoFile
from agent.types import Frame

STREAM_TIMEOUT_MS = 5000  # to connect, and between two frames


def open_source(options: CameraOptions, now: Clock = utc_now) -> Camera:
    """Return the camera, stream or video file that `options.source` names.

    Raises:
        HardwareError: there is no such device or file, or it gives no pictures.
        CameraLost: the stream does not answer; it may later.
    """
    source = options.source or "0"
    if "://" in source:
        return LiveCapture(_stream(source), without_password(source), options, now)
    path = Path(source)
    if source.isdecimal() or path.is_char_device():
        return LiveCapture(_device(source, options), f"camera {source}", options, now)
    if source.startswith("/dev/"):
        raise HardwareError(f"{source}: there is no such camera; `ls /dev/video*` shows those there are")
    return VideoFile(path, options, now)


class LiveCapture:
    """A camera or stream that runs by itself; frames are stamped when they arrive.

    Args:
        capture: opened.
        label: the source in messages, without its password.
        options: `name` and `rotation`.
        now: stamps the frames.
    """

    def __init__(self, capture: cv2.VideoCapture, label: str, options: CameraOptions, now: Clock) -> None:
        self._capture = capture
        self._label = label
        self._options = options
        self._now = now
        self._closed = False
        self._lock = threading.Lock()  # closing while OpenCV waits for a frame would take it from under it
        self._seq = 0

    def read(self) -> Frame | None:
        """Return the next frame, None once closed."""
        with self._lock:
            if self._closed:
                return None
            there, image = self._capture.read()
            at = self._now()
        if self._closed:
            return None
        if not there:
            raise CameraLost(f"{self._label}: no picture comes any more; is it plugged in and switched on?")
        seq, self._seq = self._seq, self._seq + 1
        return Frame(image=from_bgr(image, self._options.rotation), at=at, seq=seq, camera=self._options.name)

    def close(self) -> None:
        """Give the camera back, after the picture being waited for. May be called again."""
        self._closed = True
        with self._lock:
            self._capture.release()


def without_password(url: str) -> str:
    """Return the URL for a message or the log: user and password left out."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def _stream(url: str) -> cv2.VideoCapture:
    timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, STREAM_TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, STREAM_TIMEOUT_MS]
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, timeouts)
    if not capture.isOpened():
        raise CameraLost(
            f"{without_password(url)}: the stream does not answer; is the address right, and the camera on?"
        )
    return capture


def _device(source: str, options: CameraOptions) -> cv2.VideoCapture:
    # /dev/v4l/by-id/... are links to /dev/videoN; OpenCV's V4L2 wants N
    number = source if source.isdecimal() else Path(source).resolve().name.removeprefix("video")
    capture = cv2.VideoCapture(int(number)) if number.isdecimal() else cv2.VideoCapture(source)
    if not capture.isOpened():
        raise HardwareError(
            f"camera {source}: cannot be opened; `ls /dev/video*` shows which there are, the user has to be in the"
            " group video, and no other program may be using it"
        )
    # wishes: V4L2 takes the nearest that the camera has
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, options.width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, options.height)
    capture.set(cv2.CAP_PROP_FPS, options.fps)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest picture rather than the oldest waiting one
    return capture
