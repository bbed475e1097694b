"""What happens in the clip, frame by frame: who comes, stands before the door, and goes.

    empty hall . first staff member . stranger . second staff member . staff and stranger side by side .
    somebody who only walks past . empty hall

Between two visits the hall is empty long enough for every track to end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from training.cast.identity import Expression, Identity, Light, Pose
from training.cast.people import Cast
from training.cast.picture import FOCAL, Actor

FPS = 15
HEIGHT = 480
COMING, GOING = 22, 10  # frames from the picture's edge to the door, and from there out of the picture
EMPTY = 24  # frames, 1.6 s
DAY = Light(azimuth=-35, elevation=35, key=0.68, ambient=0.46)
DUSK = Light(azimuth=40, elevation=22, key=0.62, ambient=0.36, warmth=0.8)
DULL = Light(azimuth=-15, elevation=55, key=0.5, ambient=0.56, warmth=-0.4)

Move = Callable[[int], Pose]


@dataclass(frozen=True, slots=True)
class Visit:
    """One person's way through the picture: frames `first` to `last`; near the door from `near` to `until`."""

    person: str
    who: Identity
    first: int
    last: int
    near: int | None
    until: int | None
    move: Move  # from the frame's number to the pose
    smile: float = 0.0

    def actor(self, frame: int) -> Actor | None:
        """How they are seen in a frame; None while they are away."""
        if not self.first <= frame <= self.last:
            return None
        pose, before = self.move(frame), self.move(frame - 1)
        scale = FOCAL * HEIGHT / pose.distance
        # a quarter of the frame's time the shutter is open
        motion = (0.25 * scale * (pose.x - before.x), 0.25 * scale * (before.y - pose.y))
        return Actor(self.who, pose, self._face(frame), motion=motion)

    def _face(self, frame: int) -> Expression:
        into = frame - self.first
        blink = {0: 0.5, 1: 1.0, 2: 0.5}.get((into + 7) % 38, 0.0)
        talking = 0.3 if 30 <= into % 60 < 36 else 0.0
        smile = self.smile * float(np.clip((into - 20) / 12, 0, 1))
        return Expression(smile=smile, blink=blink, open=talking * (1 - smile))


@dataclass(frozen=True, slots=True)
class Story:
    """The whole clip."""

    frames: int
    visits: tuple[Visit, ...]
    lights: tuple[tuple[int, Light], ...]  # from which frame on which light; it changes over the second before

    def light(self, frame: int) -> Light:
        """The light in a frame."""
        now = self.lights[0][1]
        for start, light in self.lights[1:]:
            now = _between(now, light, float(np.clip((frame - start + FPS) / FPS, 0, 1)))
        return now

    def actors(self, frame: int) -> list[Actor]:
        """Who is in a frame."""
        return [actor for visit in self.visits if (actor := visit.actor(frame)) is not None]


def story(cast: Cast) -> Story:
    """The storyline, with that cast."""
    (ada, bruno, _), (first_stranger, second_stranger) = cast.staff, cast.strangers
    visits = [_at_door(ada, 22, stay=56, smile=0.4, come=-1, go=1)]
    t = visits[-1].last + EMPTY
    visits.append(_at_door(first_stranger, t, stay=66, come=1, go=-1))
    t = visits[-1].last + EMPTY
    dusk = t - 4
    visits.append(_at_door(bruno, t, stay=56, smile=0.9, come=1, go=1, distance=72))
    t = visits[-1].last + EMPTY
    dull = t - 4
    visits.append(_at_door(ada, t, stay=72, come=-1, go=-1, x=-19, distance=86))
    visits.append(_at_door(second_stranger, t + 3, stay=67, come=1, go=1, x=19, distance=89, smile=0.2))
    t = visits[-2].last + EMPTY
    visits.append(_walk_past(cast.passer_by, t))
    frames = visits[-1].last + EMPTY
    return Story(frames, tuple(visits), ((0, DAY), (dusk, DUSK), (dull, DULL)))


def shown(pose: Pose) -> bool:
    """Whether a frame shows the face: it is not cut by the picture's edge and not seen from behind."""
    half = 640 / 2 / (FOCAL * HEIGHT) * pose.distance  # cm to the picture's edge
    return abs(pose.x) + 7.0 < half and abs(pose.yaw) < 75


def _at_door(
    person: tuple[str, Identity],
    first: int,
    *,
    stay: int,
    come: int,
    go: int,
    x: float = 0.0,
    distance: float = 68.0,
    smile: float = 0.0,
) -> Visit:
    name, who = person
    near = first + COMING
    until = near + stay
    sway = 2.0 + (who.seed % 7) / 7  # seconds

    def move(frame: int) -> Pose:
        seconds = frame / FPS
        here = Pose(
            yaw=7 * np.sin(2 * np.pi * seconds / (1.9 * sway)) - 0.25 * x,
            pitch=2 + 4 * np.sin(2 * np.pi * seconds / (1.3 * sway) + 1),
            roll=3 * np.sin(2 * np.pi * seconds / (2.3 * sway) + 2),
            x=x + 1.2 * np.sin(2 * np.pi * seconds / (1.7 * sway)),
            y=2.0 + 0.5 * np.sin(2 * np.pi * seconds / sway),
            distance=distance + 1.5 * np.sin(2 * np.pi * seconds / (2.1 * sway)),
        )
        if frame < near:  # from afar at one side, in a curve
            left = (near - frame) / COMING
            step = abs(np.sin(2 * np.pi * seconds)) * 2.0 * min(1.0, 3 * left)
            return replace(
                here, x=here.x + come * 185 * left**1.5, distance=here.distance + 200 * left**1.1,
                yaw=here.yaw - come * 28 * left**0.7, y=here.y + step,
            )  # fmt: skip
        gone = max(0, frame - until) / GOING
        return replace(
            here, x=here.x + go * 95 * gone**2.2, distance=here.distance + 12 * gone,
            yaw=here.yaw + go * 45 * min(1.0, 1.6 * gone),
        )  # fmt: skip

    return Visit(name, who, first, until + GOING, near, until, move, smile)


def _walk_past(person: tuple[str, Identity], first: int) -> Visit:
    name, who = person
    frames, distance = 52, 300.0
    half = 640 / 2 / (FOCAL * HEIGHT) * distance + 35

    def move(frame: int) -> Pose:
        seconds, done = frame / FPS, (frame - first) / frames
        look = np.exp(-(((done - 0.5) / 0.2) ** 2))  # a glance at the camera on the way
        return Pose(
            yaw=float(62 - 30 * look), pitch=0, roll=2 * float(np.sin(2 * np.pi * seconds)),
            x=half * (2 * done - 1), y=2 + 2 * abs(float(np.sin(2 * np.pi * seconds))), distance=distance, body=0.9,
        )  # fmt: skip

    return Visit(name, who, first, first + frames, None, None, move)


def _between(a: Light, b: Light, part: float) -> Light:
    names = ("azimuth", "elevation", "key", "ambient", "warmth")
    return Light(*(getattr(a, name) * (1 - part) + getattr(b, name) * part for name in names))
