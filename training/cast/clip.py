"""Writes what the demo plays: the clip, the pictures its staff are enrolled with, and the script of it in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from agent.types import Image
from training.cast.director import FPS, Story, story
from training.cast.hall import hall
from training.cast.identity import Expression, Identity, Light, Pose
from training.cast.people import Cast, cast
from training.cast.picture import Sensor, render, scene
from training.errors import RunError
from training.writing import write_whole

SIZE = (640, 480)
PORTRAIT_SIZE = (480, 480)
# pose, light and face of the enrolment pictures: none of them is in the clip
PORTRAITS = (
    (Pose(yaw=0, pitch=1, y=1.5, distance=75), Light(azimuth=20, elevation=40), Expression()),
    (Pose(yaw=-13, y=1.5, distance=78), Light(azimuth=-55, elevation=25, key=0.8), Expression(smile=0.4)),
    (Pose(yaw=14, pitch=3, roll=2, y=1.5, distance=72), Light(azimuth=-5, elevation=60, key=0.6), Expression()),
    (Pose(yaw=3, pitch=-5, roll=-3, y=1.5, distance=70), Light(key=0.6, warmth=0.6), Expression(smile=0.8)),
)
WALLS = ((158, 160, 158), (176, 170, 160), (140, 150, 160), (168, 166, 170))


def frames(told: Story) -> Iterator[Image]:
    """The frames of the clip, one after the other."""
    halls: dict[Light, Image] = {}
    for number in range(told.frames):
        light = told.light(number)
        if light not in halls:
            halls = {light: hall(SIZE, light)}
        yield scene(told.actors(number), halls[light], light, sensor=Sensor(noise=1.4, seed=number))


def write_clip(path: Path, told: Story) -> None:
    """The clip as MPEG-4 part 2 in MP4: what every build of OpenCV reads. It appears when it is complete.

    Raises:
        RunError: it cannot be written.
    """
    unfinished = path.with_name(f"{path.stem}.unfinished{path.suffix}")
    writer = cv2.VideoWriter(str(unfinished), cv2.VideoWriter.fourcc(*"mp4v"), FPS, SIZE)
    if not writer.isOpened():
        raise RunError(f"{path}: cannot be written, or this OpenCV writes no MPEG-4: look at the folder")
    for frame in frames(told):
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    unfinished.replace(path)


def portrait(who: Identity, number: int) -> Image:
    """One enrolment picture, (480, 480, 3)."""
    pose, light, face = PORTRAITS[number]
    wall = np.full((PORTRAIT_SIZE[1], PORTRAIT_SIZE[0], 3), WALLS[number], np.uint8)
    return render(who, pose, light, face=face, size=PORTRAIT_SIZE, background=wall, sensor=Sensor(seed=number))


def write_portraits(folder: Path, people: Cast) -> dict[str, list[str]]:
    """The enrolment pictures of all staff; their names by person.

    Raises:
        RunError: one cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names: dict[str, list[str]] = {}
    for name, who in people.staff:
        for number in range(len(PORTRAITS)):
            file = folder / f"{name}-{number + 1}.jpg"
            picture = np.ascontiguousarray(portrait(who, number)[..., ::-1])
            if not cv2.imwrite(str(file), picture, [cv2.IMWRITE_JPEG_QUALITY, 90]):
                raise RunError(f"{file}: cannot be written: look at the folder and the disk")
            names.setdefault(name, []).append(f"{folder.name}/{file.name}")
    return names


def script(told: Story, people: Cast, pictures: dict[str, list[str]]) -> dict[str, object]:
    """What the clip shows, for the demo to check itself against."""
    roles = {name: "staff" for name, _ in people.staff} | {name: "stranger" for name, _ in people.strangers}
    roles[people.passer_by[0]] = "passer-by"
    return {
        "clip": "clip.mp4", "fps": FPS, "frames": told.frames, "width": SIZE[0], "height": SIZE[1],
        "people": [
            {
                "id": name, "role": role, "pictures": pictures.get(name, []),
                "visits": [
                    {"first": v.first, "last": v.last, "near": None if v.near is None else [v.near, v.until]}
                    for v in told.visits if v.person == name
                ],
            }
            for name, role in roles.items()
        ],
    }  # fmt: skip


def make(out: Path) -> None:
    """Clip, pictures and script, anew.

    Raises:
        RunError: one cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    people = cast()
    told = story(people)
    pictures = write_portraits(out / "staff", people)
    write_clip(out / "clip.mp4", told)
    write_whole(out / "clip.json", json.dumps(script(told, people, pictures), indent=1) + "\n")
