"""Cameras give frames: what all of them offer, and what all of them are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeAlias

from agent.errors import ConfigError
from agent.types import Frame

Clock: TypeAlias = Callable[[], datetime]
"""Returns the time: UTC, aware."""

QUARTER_TURNS = (0, 90, 180, 270)


class Camera(Protocol):
    """A source of frames, read by one thread; another one may close it."""

    def read(self) -> Frame | None:
        """Return the next frame, waiting for it; None when the source has ended or is closed.

        Raises:
            CameraLost: the camera does not answer any more; opening it again may help.
        """
        ...

    def close(self) -> None:
        """Give the device back and let a waiting `read` return. May be called again."""
        ...


@dataclass(frozen=True, slots=True)
class CameraOptions:
    """What a camera is told. Each backend takes what it can use.

    Args:
        source: opencv: an index, a device path, a URL or a video file; files: a folder; picamera2: which camera;
            "" for the first camera.
        name: stands in every frame.
        width: of the picture in pixels, before turning. Asked of a live camera, not of a recording.
        height: likewise.
        fps: frames per second, asked of a live camera and given to a folder. A video knows its own.
        rotation: turns a live camera's picture clockwise, degrees: 0, 90, 180 or 270.
        loop: whether a recording starts again at its end.
        as_fast_as_possible: whether a recording is read without waiting. Its timestamps are the same either way.
        start: the instant of a recording's first frame; None for the time it is opened at.
    """

    source: str = ""
    name: str = "camera"
    width: int = 640
    height: int = 480
    fps: float = 10.0
    rotation: int = 0
    loop: bool = False
    as_fast_as_possible: bool = False
    start: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse what no camera can do."""
        if self.rotation not in QUARTER_TURNS:
            raise ConfigError(f"a camera turns by 0, 90, 180 or 270 degrees, not {self.rotation}")
        if min(self.width, self.height) < 1 or not self.fps > 0:
            raise ConfigError(f"no camera gives {self.width}x{self.height} pixels at {self.fps} frames per second")


OpenCamera: TypeAlias = Callable[[CameraOptions, Clock], Camera]
"""How a camera is made: the class or function behind a name in the table of backends."""


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)
