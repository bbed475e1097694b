"""The clip that comes with Latchkey, of people who do not exist."""

from __future__ import annotations

from pathlib import Path

import agent
from agent.hardware.cameras import CameraOptions, Clock, utc_now
from agent.hardware.cameras.video import VideoFile

CLIP = Path(agent.__file__).parent / "demo" / "clip.mp4"


def open_demo(options: CameraOptions, now: Clock = utc_now) -> VideoFile:
    """Return the bundled clip as a camera. It has no source to choose."""
    return VideoFile(CLIP, options, now)
