"""Eyes and brows, painted onto the skin."""

from __future__ import annotations

import numpy as np

from agent.types import Floats
from training.cast.fields import bump, line, linear, mix, noise, step
from training.cast.identity import Expression, Identity
from training.cast.shape import Surface

IRIS_RADIUS = 0.6  # cm; 11.7 mm across is the mean of adults


def paint_eyes(paint: Floats, at: Surface, who: Identity, face: Expression) -> Floats:
    """`paint` (H, W, 4), linear colour and gloss, with both eyes on it."""
    painted = paint.copy()
    for side in (-1, 1):
        reach = sorted((side * (who.eyes.apart - 2.2), side * (who.eyes.apart + 2.7)))
        window, near = at.cut((reach[0], reach[1]), (-2.4, 2.2))
        colour, gloss = _eye(paint[window][..., :3], paint[window][..., 3], near, who, face, side)
        painted[window][..., :3], painted[window][..., 3] = colour, gloss
    return painted


def lid_heights(along: Floats, who: Identity, face: Expression) -> tuple[Floats, Floats]:
    """Upper and lower lid above the eye's axis; `along` is -1 at the inner corner, 1 at the outer."""
    across = np.clip(1.0 - np.abs(along) ** 2.3, 0.0, None)
    e = who.eyes
    opened = (1.0 - face.blink) * (1.0 - 0.25 * face.smile) * (1.0 + 0.15 * face.raise_brows)
    upper = e.opening * across ** (0.85) * (1.0 - 0.12 * along)
    lower = -(0.62 * e.opening + 0.08) * across * (1.0 + 0.12 * along) * (1.0 - 0.35 * face.smile)
    return lower + (upper - lower) * opened, lower


def _eye(
    colour: Floats, gloss: Floats, at: Surface, who: Identity, face: Expression, side: int
) -> tuple[Floats, Floats]:
    e = who.eyes
    dx, dy = at.x * side - e.apart, at.y  # dx grows outwards
    tilt = np.radians(e.tilt)
    along = (dx * np.cos(tilt) + dy * np.sin(tilt)) / e.width
    above = dy * np.cos(tilt) - dx * np.sin(tilt)
    upper, lower = lid_heights(along, who, face)
    inside = step(above, lower - 0.03, lower + 0.05) * step(above, upper + 0.03, upper - 0.05)
    inside = inside * (np.abs(along) < 1.0) * at.front
    colour = _lids(colour, along, above, upper, lower, who, face)
    ball = _eyeball(at.x - side * e.apart, dy, along, above, upper, who, face)
    colour = colour + (ball - colour) * inside[..., None]
    lash = np.exp(-(((above - upper) / (0.055 + 0.05 * e.lashes)) ** 2)) * step(np.abs(along), 1.08, 0.95)
    lash_low = 0.45 * np.exp(-(((above - lower) / 0.05) ** 2)) * step(np.abs(along), 1.0, 0.8)
    wing = e.lashes * line(along, above, [(0.9, 0.0), (1.15, 0.1 + 0.1 * e.lashes)], 0.07)
    dark = np.clip(lash * (0.75 + 0.25 * e.lashes) + lash_low + wing, 0, 1) * at.front
    colour = mix(colour, linear((0.13, 0.09, 0.08)), dark * 0.88)
    return colour, np.maximum(gloss, inside)


def _lids(
    colour: Floats, along: Floats, above: Floats, upper: Floats, lower: Floats, who: Identity, face: Expression
) -> Floats:
    e = who.eyes
    near = step(np.abs(along), 1.35, 0.9)
    crease_y = np.maximum(upper, 0.25 * e.opening) * 0.9 + e.crease * (1.0 - 0.35 * along**2) * (1 - 0.3 * face.blink)
    crease = np.exp(-(((above - crease_y) / 0.1) ** 2)) * near
    socket = bump(along, above, (-0.2, 0.55), (1.1, 0.7))
    bags = bump(along, above, (-0.15, float(lower.min()) - 0.55), (0.95, 0.28))
    shadow = 0.5 * crease + 0.14 * socket + 0.32 * e.bags * bags + 0.25 * e.lashes * socket
    return colour * (1.0 - np.clip(shadow, 0, 0.8)[..., None] * np.array([0.75, 0.9, 0.95], np.float32))


def _eyeball(
    x: Floats, y: Floats, along: Floats, above: Floats, upper: Floats, who: Identity, face: Expression
) -> Floats:
    iris = linear(who.eyes.iris)
    white = linear((0.87, 0.84, 0.82)) * (1.0 - 0.35 * np.clip(np.abs(along), 0, 1)[..., None] ** 3)
    white = mix(white, linear((0.80, 0.52, 0.48)), step(along, -0.72, -0.98))
    gx, gy = face.gaze
    r = np.hypot(x - gx, y - 0.06 - gy) / IRIS_RADIUS
    around = np.arctan2(y - gy, x - gx)
    spokes = 1.0 + 0.18 * np.sin(around * 23 + who.seed) + 0.1 * np.sin(around * 41)
    tint = iris * (spokes * (0.75 + 0.5 * r))[..., None] * (1.0 - 0.65 * step(r, 0.78, 1.0)[..., None])
    ball = mix(white, np.zeros(3, np.float32), np.zeros_like(r))
    ball = ball + (tint - ball) * step(r, 1.06, 0.96)[..., None]
    ball = ball * (1.0 - 0.97 * step(r, 0.46, 0.36))[..., None]
    ball = ball * (1.0 - 0.55 * np.exp(-np.clip(upper - above, 0, None) / 0.17))[..., None]
    spark = bump(x, y, (gx - 0.17, gy + 0.24), (0.12, 0.12)) + 0.25 * bump(x, y, (gx + 0.2, gy - 0.15), (0.12, 0.1))
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
