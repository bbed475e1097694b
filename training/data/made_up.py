"""People who were never photographed, drawn in a millisecond each: what the preset `tiny` and the tests train on.

Who somebody is lies in the shapes of the face: its outline, eyes, brows, nose, mouth, hair. What changes from picture
to picture is light, background, a little of the pose, expression, grain. That changes more pixels than another person
does, so that comparing pixels tells people apart badly and a small net can learn to. `training/cast` renders people
whom one would believe, in many times the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.vision.align import SIZE
from training.data.collection import Collection
from training.data.splits import split

Picture: TypeAlias = NDArray[np.uint8]
Colour: TypeAlias = NDArray[np.float64]
_FINE = 4  # bits of a pixel's fraction in OpenCV's coordinates
_EYES, _NOSE, _MOUTH = 51.6, 71.7, 92.3  # rows of the template's landmarks
_APART = 17.6  # half the distance of its eyes


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Who somebody is. Numbers are drawn from 0..1 and mean what `draw` makes of them."""

    skin: Colour  # (3,) RGB
    hair: Colour
    iris: Colour
    shape: NDArray[np.float64]  # (14,)


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What is only so in one picture."""

    background: Colour
    turn: float  # -1..1, how far inner parts are shifted sideways
    smile: float  # -1..1
    lids: float  # 0..1, how far the eyes are closed


def person(random: np.random.Generator) -> Person:
    """Returns somebody new."""
    tone = random.uniform(0.35, 1.0)
    skin = np.array([235, 190, 160]) * tone + random.normal(0, 8, 3)
    hair = np.array([(30, 25, 25), (90, 60, 35), (190, 150, 90), (150, 150, 150)][random.integers(4)])
    iris = np.array([(70, 45, 25), (70, 110, 150), (80, 110, 60)][random.integers(3)])
    return Person(skin, hair + random.normal(0, 10, 3), iris + random.normal(0, 8, 3), random.random(14))


def draw(who: Person, random: np.random.Generator) -> Picture:
    """Returns (112, 112, 3) uint8 RGB of a person, at some moment."""
    moment = Moment(
        random.uniform(20, 235, 3), random.uniform(-1, 1), random.uniform(-1, 1), float(random.random() ** 3)
    )
    picture = np.full((SIZE, SIZE, 3), moment.background, np.float64).astype(np.uint8)
    _head(picture, who)
    for side in (-1, 1):
        _eye(picture, who, moment, side)
    _nose(picture, who, moment)
    _mouth(picture, who, moment)
    _fringe(picture, who)
    return _photograph(picture, random)


def _head(picture: Picture, who: Person) -> None:
    wide, long, jaw, mane = 32 + 14 * who.shape[0], 46 + 12 * who.shape[1], who.shape[2], who.shape[3]
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    x, y = np.cos(turn), np.sin(turn)
    x = np.where(y > 0, x * (1 - 0.4 * (1 - jaw) * y), x)  # a chin narrow or broad
    skull = np.stack([56 + wide * x, 62 + long * y], 1)
    hair = np.stack([56 + (wide + 3 + 10 * mane) * x, 58 + (long + 4 + 6 * mane) * np.minimum(y, 0.2 + 0.8 * mane)], 1)
    _fill(picture, hair, who.hair)
    _fill(picture, np.array([(56 - 0.5 * wide, 95), (56 + 0.5 * wide, 95), (62 + wide, 130), (50 - wide, 130)]),
          who.skin * 0.8)  # fmt: skip
    _fill(picture, skull, who.skin)


def _eye(picture: Picture, who: Person, moment: Moment, side: int) -> None:
    wide, high = 5.5 + 4 * who.shape[4], (2.0 + 3.0 * who.shape[5]) * (1 - 0.7 * moment.lids)
    x, y = 56 + side * (_APART - 2 + 4 * who.shape[6]) + 2 * moment.turn, _EYES
    slant = side * (who.shape[7] - 0.5) * 24  # degrees
    _oval(picture, (x, y), (wide, high), (235, 235, 230), slant)
    _oval(picture, (x + moment.turn, y), (min(high, 3.4), min(high, 3.4)), who.iris, 0)
    _oval(picture, (x + moment.turn, y), (min(high, 1.5), min(high, 1.5)), (10, 10, 10), 0)
    lift = 7 + 6 * who.shape[8] + moment.smile
    inner, outer = (x - side * wide, y - lift), (x + side * (wide + 2), y - lift + 3 * (who.shape[7] - 0.5) * 4)
    _line(picture, [inner, ((inner[0] + outer[0]) / 2, min(inner[1], outer[1]) - 2), outer], who.hair * 0.8,
          1 + round(3 * who.shape[9]))  # fmt: skip


def _nose(picture: Picture, who: Person, moment: Moment) -> None:
    wide, x = 4 + 6 * who.shape[10], 56 + 4 * moment.turn
    tip = _NOSE + 4 * (who.shape[11] - 0.5)
    bridge = [(56 + moment.turn - wide / 3, _EYES + 2), (x - wide / 2, tip - 5), (x - wide, tip + 2)]
    _line(picture, [*bridge, (x, tip + 4), (x + wide, tip + 2)], who.skin * 0.72, 1)
    for side in (-1, 1):
        _oval(picture, (x + side * wide * 0.5, tip + 2.5), (1.6, 1.0), who.skin * 0.45, 0)


def _mouth(picture: Picture, who: Person, moment: Moment) -> None:
    wide, thick, x = 10 + 8 * who.shape[12], 2 + 4 * who.shape[13], 56 + 2.5 * moment.turn
    bend = np.linspace(-1, 1, 9)
    corner = _MOUTH - 3 * moment.smile
    middle = _MOUTH + 2 * moment.smile
    y = middle + (corner - middle) * bend**2
    lip = thick * (1 - bend**2)
    outline = np.concatenate([np.stack([x + wide * bend, y - lip], 1), np.stack([x + wide * bend, y + lip], 1)[::-1]])
    _fill(picture, outline, who.skin * (0.85, 0.55, 0.55))
    _line(picture, np.stack([x + wide * bend, y], 1), who.skin * 0.4, 1)


def _fringe(picture: Picture, who: Person) -> None:
    """Hair over the forehead, parted anywhere."""
    low, part = 8 + 22 * who.shape[3] * who.shape[1], 26 + 60 * who.shape[2]
    wide = 34 + 14 * who.shape[0]
    _fill(picture, np.array([(56 - wide, 40), (56 - wide, 0), (56 + wide, 0), (56 + wide, 40), (part, low)]), who.hair)


def _photograph(picture: Picture, random: np.random.Generator) -> Picture:
    """Another place, light from a side, another white, blur and grain."""
    angle, zoom = np.radians(random.normal(0, 4)), np.exp(random.normal(0, 0.05))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * zoom
    middle = np.array([56, 60]) + random.normal(0, 2, 2) - turn @ np.array([56, 60])
    moved = cv2.warpAffine(
        picture, np.column_stack([turn, middle]), (SIZE, SIZE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    line = np.linspace(-1, 1, SIZE, dtype=np.float32)
    from_where = random.uniform(0, 2 * np.pi)
    ramp = np.float32(np.cos(from_where)) * line[None, :] + np.float32(np.sin(from_where)) * line[:, None]
    light = np.float32(random.uniform(0.45, 1.1)) * (1 + np.float32(random.uniform(0, 0.5)) * ramp)
    white = random.normal(1, 0.08, 3).astype(np.float32)
    blurred = cv2.GaussianBlur(moved, (0, 0), random.uniform(0.5, 1.6))
    grain = random.standard_normal((SIZE, SIZE, 1), np.float32) * np.float32(random.uniform(1, 7))
    return np.asarray(np.clip(blurred * (light[..., None] * white) + grain, 0, 255), np.uint8)


def made_up(people: int = 40, pictures: int = 8, *, seed: int = 0, share: float = 0.25) -> Collection:
    """Returns `people` x `pictures` drawn faces; the same for the same seed, whoever else is drawn.

    Args:
        people: how many identities.
        pictures: of each.
        seed: another one draws others.
        share: of the people, for validation.
    """
    drawn, labels = [], []
    for number in range(people):
        random = np.random.default_rng((seed, number))
        who = person(random)
        drawn += [draw(who, random) for _ in range(pictures)]
        labels += [number] * pictures
    whole = Collection(
        samples=drawn,
        identity=np.array(labels, np.int64),
        names=tuple(f"made-up-{number:04d}" for number in range(people)),
        group=np.full(len(drawn), "made up"),
        teacher=None,
        train=np.arange(len(drawn)),
        val=np.empty(0, np.int64),
    )
    return split(whole, share, seed=seed)


def _fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.asarray(np.round(points * (1 << _FINE)), np.int32)


def _fill(picture: Picture, outline: NDArray[np.float64], colour: Colour) -> None:
    cv2.fillPoly(picture, [_fixed(outline)], np.clip(colour, 0, 255).tolist(), cv2.LINE_AA, _FINE)


def _line(picture: Picture, points: object, colour: Colour, width: int) -> None:
    path = _fixed(np.array(points, np.float64))
    cv2.polylines(picture, [path], False, np.clip(colour, 0, 255).tolist(), width, cv2.LINE_AA, _FINE)


def _oval(
    picture: Picture, middle: tuple[float, float], axes: tuple[float, float], colour: object, degrees: float
) -> None:
    centre, size = _fixed(np.array(middle)).tolist(), np.maximum(_fixed(np.array(axes)), 1).tolist()
    shade = np.clip(np.array(colour, np.float64), 0, 255).tolist()
    cv2.ellipse(picture, centre, size, degrees, 0, 360, shade, -1, cv2.LINE_AA, _FINE)
