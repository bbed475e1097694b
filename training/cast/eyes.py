"""Eyes and brows, painted onto the skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.types import Floats
from training.cast.fields import bump, line, linear, mix, noise, step
from training.cast.identity import Expression, Identity
from training.cast.shape import Surface

IRIS_RADIUS = 0.6  # cm; 11.7 mm across is the mean of adults


@dataclass(frozen=True, slots=True, eq=False)
class Almond:
    """One eye's own coordinates, all (H, W)."""

    x: Floats  # cm from its middle, to the image's right
    y: Floats
    along: Floats  # -1 at the inner corner, 1 at the outer
    above: Floats  # cm above the line between the corners
    upper: Floats  # where the lids are, likewise
    lower: Floats


def paint_eyes(paint: Floats, at: Surface, who: Identity, face: Expression) -> Floats:
    """`paint` (H, W, 4), linear colour and gloss, with both eyes on it."""
    painted = paint.copy()
    for side in (-1, 1):
        reach = sorted((side * (who.eyes.apart - 2.2), side * (who.eyes.apart + 2.7)))
        window, near = at.cut((reach[0], reach[1]), (-2.4, 2.2))
        painted[window] = _eye(painted[window], near, who, face, side)
    return painted


def _almond(at: Surface, who: Identity, face: Expression, side: int) -> Almond:
    e, tilt = who.eyes, np.radians(who.eyes.tilt)
    out = at.x * side - e.apart  # grows outwards
    along = np.asarray((out * np.cos(tilt) + at.y * np.sin(tilt)) / e.width, np.float32)
    above = np.asarray(at.y * np.cos(tilt) - out * np.sin(tilt), np.float32)
    across = np.clip(1.0 - np.abs(along) ** 2.3, 0.0, None)
    opened = (1.0 - face.blink) * (1.0 - 0.25 * face.smile) * (1.0 + 0.15 * face.raise_brows)
    upper = e.opening * across**0.85 * (1.0 - 0.12 * along)
    lower = -(0.62 * e.opening + 0.08) * across * (1.0 + 0.12 * along) * (1.0 - 0.35 * face.smile)
    return Almond(at.x - side * e.apart, at.y, along, above, lower + (upper - lower) * opened, lower)


def _eye(paint: Floats, at: Surface, who: Identity, face: Expression, side: int) -> Floats:
    e, eye = who.eyes, _almond(at, who, face, side)
    along, above, upper, lower = eye.along, eye.above, eye.upper, eye.lower
    inside = step(above, lower - 0.03, lower + 0.05) * step(above, upper + 0.03, upper - 0.05)
    inside = inside * (np.abs(along) < 1.0) * at.front
    colour = _lids(paint[..., :3], eye, who, face)
    colour = colour + (_eyeball(eye, who, face) - colour) * inside[..., None]
    lash = np.exp(-(((above - upper) / (0.055 + 0.05 * e.lashes)) ** 2)) * step(np.abs(along), 1.08, 0.95)
    lash_low = 0.45 * np.exp(-(((above - lower) / 0.05) ** 2)) * step(np.abs(along), 1.0, 0.8)
    wing = e.lashes * line(along, above, [(0.9, 0.0), (1.15, 0.1 + 0.1 * e.lashes)], 0.07)
    dark = np.clip(lash * (0.75 + 0.25 * e.lashes) + lash_low + wing, 0, 1) * at.front
    colour = mix(colour, linear((0.13, 0.09, 0.08)), dark * 0.88)
    return np.concatenate([colour, np.maximum(paint[..., 3], inside)[..., None]], axis=-1, dtype=np.float32)


def _lids(colour: Floats, eye: Almond, who: Identity, face: Expression) -> Floats:
    e, along, above = who.eyes, eye.along, eye.above
    fold = e.crease * (1.0 - 0.35 * along**2) * (1 - 0.3 * face.blink)
    crease_y = np.maximum(eye.upper, 0.25 * e.opening) * 0.9 + fold
    crease = np.exp(-(((above - crease_y) / 0.1) ** 2)) * step(np.abs(along), 1.35, 0.9)
    socket = bump(along, above, (-0.2, 0.55), (1.1, 0.7))
    bags = bump(along, above, (-0.15, float(eye.lower.min()) - 0.55), (0.95, 0.28))
    shadow = np.clip(0.5 * crease + 0.14 * socket + 0.32 * e.bags * bags + 0.25 * e.lashes * socket, 0, 0.8)
    return np.asarray(colour * (1.0 - shadow[..., None] * np.array([0.75, 0.9, 0.95], np.float32)), np.float32)


def _eyeball(eye: Almond, who: Identity, face: Expression) -> Floats:
    iris, (gx, gy) = linear(who.eyes.iris), face.gaze
    ball = linear((0.87, 0.84, 0.82)) * (1.0 - 0.35 * np.clip(np.abs(eye.along), 0, 1)[..., None] ** 3)
    ball = mix(ball, linear((0.80, 0.52, 0.48)), step(eye.along, -0.72, -0.98))  # the inner corner is red
    r = np.hypot(eye.x - gx, eye.y - 0.06 - gy) / IRIS_RADIUS
    around = np.arctan2(eye.y - gy, eye.x - gx)
    spokes = 1.0 + 0.18 * np.sin(around * 23 + who.seed) + 0.1 * np.sin(around * 41)
    tint = iris * (spokes * (0.75 + 0.5 * r) * (1.0 - 0.65 * step(r, 0.78, 1.0)))[..., None]
    ball = ball + (tint - ball) * step(r, 1.06, 0.96)[..., None]
    pupil, lid = 0.97 * step(r, 0.46, 0.36), 0.55 * np.exp(-np.clip(eye.upper - eye.above, 0, None) / 0.17)
    ball = ball * ((1.0 - pupil) * (1.0 - lid))[..., None]
    spark = bump(eye.x, eye.y, (gx - 0.17, gy + 0.24), (0.12, 0.12))
    spark = spark + 0.25 * bump(eye.x, eye.y, (gx + 0.2, gy - 0.15), (0.12, 0.1))
    return mix(ball, linear((0.95, 0.95, 0.95)), np.clip(spark, 0, 1) * 0.9)


def brow_cover(at: Surface, who: Identity, face: Expression) -> Floats:
    """How much of the skin (H, W) the brows' hair covers."""
    e = who.eyes
    shape = (at.y.shape[0], at.y.shape[1])
    strands = noise(who.seed + 3, shape, (shape[0] / 5, shape[1] / 2.5))
    wander = noise(who.seed + 4, shape, (shape[0] / 17, shape[1] / 18))
    inner = e.apart - 0.48 * e.brow_length
    out = np.abs(at.x) - inner
    t = np.clip(out / e.brow_length, -0.2, 1.2)
    uneven = 0.06 * np.sign(at.x) * np.cos(who.seed * 1.7)
    middle = e.brow_height + 0.45 * face.raise_brows + np.tan(np.radians(e.brow_tilt)) * (out - 0.4 * e.brow_length)
    middle = middle + e.brow_arch * (1 - ((t - 0.62) / 0.62) ** 2) + uneven
    half = 1.35 * e.brow_thickness * (0.75 + 0.45 * t) * step(t, 1.15, 0.4) + 0.05
    edge = np.abs(at.y - middle) / half + 0.1 * wander
    cover = step(edge, 1.25, 0.45) * step(t, -0.08, 0.12) * step(t, 1.05, 0.85)
    return np.asarray(np.clip(cover * (1.0 + 0.16 * strands) * e.brow_density, 0, 1) * at.front, np.float32)
