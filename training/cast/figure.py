"""A person as a set of surfaces, made once per identity and expression."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from agent.types import Floats
from training.cast.body import ear, glasses, legs, neck, torso
from training.cast.eyes import paint_eyes
from training.cast.hair import hair_parts, scalp
from training.cast.identity import Expression, Identity
from training.cast.raster import Part, part
from training.cast.shape import Surface, head_surface, mouth_y
from training.cast.skin import paint_head

MESH_STEP = 6  # rows and columns of the maps per triangle: about 3 mm


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """All parts of a person, solid ones first, and where the five landmarks sit."""

    parts: tuple[Part, ...]
    landmarks: Floats  # (5, 3) cm: left and right eye, nose, left and right mouth corner, as in the image


def figure(who: Identity, face: Expression) -> Figure:
    """The person with that expression, rounded a little so that a moving face needs few of them."""
    rounded = Expression(
        smile=round(face.smile * 5) / 5,
        open=round(face.open * 5) / 5,
        blink=round(face.blink * 4) / 4,
        raise_brows=round(face.raise_brows * 3) / 3,
        gaze=(round(face.gaze[0] * 10) / 10, round(face.gaze[1] * 10) / 10),
    )
    return _figure(who, rounded)


@lru_cache(maxsize=32)
def _figure(who: Identity, face: Expression) -> Figure:
    at, head, marks = _head(who, replace(face, blink=0.0, gaze=(0.0, 0.0)))
    with_eyes = replace(head, paint=paint_eyes(head.paint, at, who, face))
    return Figure(parts=(with_eyes, *_rest(who)), landmarks=marks)


@lru_cache(maxsize=24)
def _head(who: Identity, face: Expression) -> tuple[Surface, Part, Floats]:
    """The head but for the eyes: they move more often than the rest."""
    at = head_surface(who, face)
    paint = paint_head(at, who, face, scalp(at.angle, at.y, who))
    return at, part(at.position, paint, every=MESH_STEP), _landmarks(at, who, face)


@lru_cache(maxsize=24)
def _rest(who: Identity) -> tuple[Part, ...]:
    plain = head_surface(who, Expression())
    solid = [ear(who, -1), ear(who, 1), neck(who), torso(who), *legs(who), *glasses(who, plain)]
    return (*solid, *hair_parts(who))


def _landmarks(at: Surface, who: Identity, face: Expression) -> Floats:
    half = who.mouth.width * (1.0 + 0.16 * face.smile - 0.08 * face.open)
    corner = mouth_y(who) + who.mouth.curl + 0.45 * face.smile
    wanted = [
        (-who.eyes.apart, 0.0),
        (who.eyes.apart, 0.0),
        (0.0, -who.nose.length + 0.5),
        (-half, corner),
        (half, corner),
    ]
    return np.array([_on_surface(at, x, y) for x, y in wanted], np.float32)


def _on_surface(at: Surface, x: float, y: float) -> Floats:
    away = (at.x - x) ** 2 + (at.y - y) ** 2 + 100 * (1 - at.front)
    return np.asarray(at.position.reshape(-1, 3)[int(np.argmin(away))], np.float32)


def looking_at_camera(face: Expression, yaw: float, pitch: float) -> Expression:
    """The expression with the eyes on the camera although the head is turned by so many degrees."""
    reach = 1.2 * 0.75  # cm: radius of the eyeball, and people do not make up for all of it
    x = float(np.clip(-reach * np.sin(np.radians(yaw)), -0.45, 0.45))
    y = float(np.clip(-reach * np.sin(np.radians(pitch)), -0.2, 0.2))
    return replace(face, gaze=(x, y))
