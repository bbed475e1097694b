"""The form of a head: rings around an axis, and the face's features pushed out of them.

A surface is a map of positions (H, W, 3): rows go down from the top of the head, columns around it. Columns are
denser in front, where the face is. Every other map of the surface (colour, gloss, ...) has the same rows and columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from agent.types import Floats
from training.cast.fields import bump, curve, line, noise, pair, step
from training.cast.identity import BeardStyle, Expression, Identity

ROWS, COLUMNS = 416, 448
Window: TypeAlias = tuple[slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Where each point of the head is, and where it was before the features were pushed out."""

    position: Floats  # (H, W, 3) cm
    x: Floats  # (H, W) frontal coordinates that features and colours are drawn in
    y: Floats
    front: Floats  # (H, W) 1 on the face, 0 at the sides and behind
    angle: Floats  # (1, W) radians around the axis, 0 in front, positive to the image's right

    def cut(self, x: tuple[float, float], y: tuple[float, float]) -> tuple[Window, Surface]:
        """The rows and columns of the face's front between these coordinates, and the surface there."""
        level = self.y[:, self.y.shape[1] // 2]
        rows = np.flatnonzero((level >= y[0]) & (level <= y[1]))
        row = slice(int(rows[0]), int(rows[-1]) + 1)
        near = (self.x[row] >= x[0]) & (self.x[row] <= x[1]) & (self.front[row] > 0)
        columns = np.flatnonzero(near.any(axis=0))
        window = (row, slice(int(columns[0]), int(columns[-1]) + 1))
        return window, Surface(
            self.position[window], self.x[window], self.y[window], self.front[window], self.angle[:, window[1]]
        )


def angles(columns: int, front_share: float = 0.6) -> Floats:
    """Angles (1, W) from -pi to pi; the smaller `front_share`, the less of them in front."""
    s = np.linspace(-1.0, 1.0, columns, dtype=np.float32)
    return np.asarray(np.pi * (front_share * s + (1 - front_share) * s**3), np.float32)[None, :]


def rings(knots: Floats, rows: int, angle: Floats, roundness: float = 2.15) -> Floats:
    """A closed surface (rows, W, 3) from rings given by knots (K, 5) as `fields.curve` describes them."""
    y, width, front, back, centre = (c[:, None] for c in curve(knots, np.linspace(0, 1, rows, dtype=np.float32)).T)
    side, ahead = np.sin(angle), np.cos(angle)
    x = width * np.sign(side) * np.abs(side) ** (2 / roundness)
    z = centre + np.where(ahead > 0, front, back) * np.sign(ahead) * np.abs(ahead) ** (2 / roundness)
    return np.asarray(np.stack(np.broadcast_arrays(x, y, z), axis=-1), np.float32)


def head_knots(who: Identity, face: Expression) -> Floats:
    """The head's rings from the crown to under the chin: y, half width, front, back, centre."""
    s = who.skull
    w, temple, jaw, lean = s.width, s.width * s.forehead, s.width * s.jaw, s.slope
    chin = s.chin - 0.7 * face.open
    tip = 1.4 + 1.6 * s.chin_width
    return np.array(
        [
            [12.0, 0, 0, 0, -1.8],
            [11.4, temple * 0.52, 4.0 - lean, 4.2, -1.8],
            [9.3, temple * 0.86, 7.6 - lean, 7.2, -1.6],
            [6.4, temple * 1.01, 9.4 - lean * 0.6, 8.6, -1.2],
            [3.2, temple * 1.03, 9.8 - lean * 0.2, 9.0, -1.0],
            [0.0, w * 1.02, 9.2, 8.6, -1.0],
            [chin * 0.24, w, 9.0, 7.8, -0.8],
            [chin * 0.46, w * 0.45 + jaw * 0.52, 9.0, 6.0, -0.5],
            [chin * 0.66, jaw * 0.93, 8.7, 4.2, 0.0],
            [chin * 0.83, jaw * 0.62 + tip * 0.35, 7.9, 3.0, 0.7],
            [chin * 0.955, tip * 1.12, 6.4, 2.4, 1.9],
            [chin, tip * 0.55, 4.2, 1.8, 2.8],
            [chin + 0.1, 0, 0, 0, 3.5],
        ],
        np.float32,
    )


def head_surface(who: Identity, face: Expression) -> Surface:
    """The head with its face, without ears and hair."""
    angle = angles(COLUMNS)
    base = rings(head_knots(who, face), ROWS, angle)
    x, y = base[..., 0], base[..., 1]
    front = step(np.cos(angle), 0.05, 0.55) * np.ones_like(y)
    crooked = 1.0 + 0.03 * np.sin(who.seed)  # no face is the same on both sides
    x_face = np.where(x > 0, x * crooked, x)
    position = base.copy()
    head = Surface(position=position, x=np.asarray(x_face, np.float32), y=y, front=front, angle=angle)
    window, ahead = head.cut((-20, 20), (-20, 20))
    position[(*window, 2)] += ahead.front * relief(ahead.x, ahead.y, who, face)
    return head


def relief(x: Floats, y: Floats, who: Identity, face: Expression) -> Floats:
    """How far the face's features stand out, in cm along z."""
    return (
        _sockets(x, y, who)
        + _nose(x, y, who)
        + _cheeks(x, y, who, face)
        + _mouth(x, y, who, face)
        + _beard(x, y, who)
        + _lines(x, y, who, face)
    )


def mouth_y(who: Identity) -> float:
    """The height of the line between the lips."""
    return -who.nose.length - who.mouth.drop


def _sockets(x: Floats, y: Floats, who: Identity) -> Floats:
    e, s = who.eyes, who.skull
    out = (
        -e.depth * pair(x, y, (e.apart - 0.2, 0.15), (1.7, 1.05))
        - 0.35 * e.depth * pair(x, y, (1.5, 0.3), (0.7, 1.0))
        + 0.5 * pair(x, y, (e.apart, -0.05), (1.15, 0.75))
        + s.brow_out * pair(x, y, (2.7, e.brow_height - 0.15), (2.0, 0.7))
        + 0.5 * s.brow_out * bump(x, y, (0.0, e.brow_height), (1.3, 0.9))
        + 0.18 * e.bags * pair(x, y, (e.apart - 0.1, -1.15), (1.1, 0.35))
        - 0.15 * e.bags * pair(x, y, (e.apart - 0.1, -1.65), (1.3, 0.25))
    )
    return np.asarray(out, np.float32)


def _nose(x: Floats, y: Floats, who: Identity) -> Floats:
    n = who.nose
    tip = -n.length + 0.5  # the tip stands above where the nose ends
    along = np.clip((0.4 - y) / (0.4 - tip), 0.0, 1.0)  # 0 between the eyes, 1 at the tip
    height = n.bridge + (n.tip - 0.35 - n.bridge) * along**1.3 + n.hump * np.exp(-(((along - 0.42) / 0.22) ** 2))
    below = np.clip(tip - y, 0.0, None) / (0.75 + 0.3 * n.upturn)
    height = height * step(y, 2.2, 0.0) * np.exp(-(below**2.5))
    half = n.bridge_width + (n.tip_width * 0.9 - n.bridge_width) * along
    ridge = np.clip(height, 0.0, None) * np.exp(-(np.abs(x / half) ** 2.2))
    ball = 0.4 * bump(x, y, (0.0, tip + 0.05), (n.tip_width * 0.85, 0.75))
    wing = pair(x, y, (n.width - 0.5, tip - 0.3), (0.62, 0.68)) * step(y, -n.length - 0.75, -n.length)
    groove = -0.25 * pair(x, y, (n.width + 0.3, tip - 0.25), (0.3, 0.8))
    nostril = -0.4 * pair(x, y, (n.width * 0.46, -n.length - 0.2), (0.36, 0.24))
    # the wings run into the ridge without an edge: a soft maximum
    return np.asarray((ridge**3 + (1.15 * wing) ** 3) ** (1 / 3) + ball + groove + nostril, np.float32)


def _cheeks(x: Floats, y: Floats, who: Identity, face: Expression) -> Floats:
    s, middle = who.skull, mouth_y(who)
    out = (
        s.cheekbone_out * pair(x, y, (s.width * 0.64, -2.2), (1.6, 1.1))
        + s.cheek_out * pair(x, y, (s.width * 0.56, middle + 1.2), (1.9, 2.0))
        + 0.45 * face.smile * pair(x, y, (s.width * 0.52, -3.2), (1.5, 1.3))
        + s.chin_out * bump(x, y, (0.0, s.chin + 1.5 - 0.7 * face.open), (1.0 + s.chin_width, 1.0))
        - 0.3 * bump(x, y, (0.0, middle - who.mouth.lower - 0.75 - 0.8 * face.open), (1.5, 0.4))
    )
    return np.asarray(out, np.float32)


def _mouth(x: Floats, y: Floats, who: Identity, face: Expression) -> Floats:
    m, middle = who.mouth, mouth_y(who)
    half = m.width * (1.0 + 0.16 * face.smile - 0.08 * face.open)
    across = np.clip(1.0 - (x / half) ** 2, 0.0, None)
    gap = 1.1 * face.open * across
    corners = (m.curl + 0.45 * face.smile) * (x / half) ** 2
    upper = y - middle - corners
    lower = y - middle - corners + gap
    out = (
        0.45 * bump(x, y, (0.0, middle + 0.2), (2.7, 1.7))
        + 0.42 * across * np.exp(-(((upper / m.upper - 0.55) / 0.6) ** 2))
        + 0.5 * across * np.exp(-(((lower / m.lower + 0.5) / 0.6) ** 2))
        - 0.35 * np.sqrt(across) * np.maximum(np.exp(-((upper / 0.16) ** 2)), np.exp(-((lower / 0.16) ** 2)))
        - 0.6 * step(np.minimum(-upper, lower), 0.0, 0.15) * (across > 0)
        - 0.12 * bump(x, y, (0.0, middle + m.upper + 0.75), (0.3, 0.6))
        - 0.2 * pair(x, y, (half + 0.25, middle + m.curl + 0.45 * face.smile), (0.35, 0.5))
    )
    return np.asarray(out, np.float32)


def smile_fold(who: Identity, face: Expression) -> list[tuple[float, float]]:
    """The fold from the wing of the nose past the corner of the mouth, on the right side."""
    half, middle = who.mouth.width * (1.0 + 0.16 * face.smile), mouth_y(who)
    return [(who.nose.width + 0.35, -who.nose.length + 0.5), (half + 0.45, middle + 1.0), (half + 0.7, middle - 0.3)]


def forehead_lines(x: Floats, y: Floats, who: Identity, width: float) -> Floats:
    """Three wrinkles across the forehead, 0..1."""
    wave = 0.15 * np.cos(x * 0.6 + who.seed)
    lines = sum(np.exp(-(((y - height - wave) / width) ** 2)) for height in (3.6, 4.5, 5.3))
    return np.asarray(lines * np.exp(-((x / 4.0) ** 4)), np.float32)


def _lines(x: Floats, y: Floats, who: Identity, face: Expression) -> Floats:
    age, side, corner = who.skin.age, np.abs(x), who.eyes.apart + 1.9
    crow = line(side, y, [(corner, 0.25), (corner + 1, 0.6)], 0.12)
    crow = crow + line(side, y, [(corner, -0.1), (corner + 1, -0.4)], 0.12)
    out = (
        -(0.06 + 0.2 * age + 0.16 * face.smile) * line(side, y, smile_fold(who, face), 0.32)
        - (0.05 * age + 0.05 * face.smile) * crow
        - (0.07 * age + 0.05 * face.raise_brows) * forehead_lines(x, y, who, 0.13)
        - 0.12 * age * line(side, y, [(0.55, 1.2), (0.6, 2.5)], 0.14)
    )
    return np.asarray(out, np.float32)


def beard_region(x: Floats, y: Floats, who: Identity) -> Floats:
    """Where the beard grows, 0..1."""
    middle, chin, m = mouth_y(who), who.skull.chin, who.mouth
    side = np.abs(x)
    lips = step(np.hypot(x / (m.width + 0.15), (y - middle) / (max(m.upper, m.lower) + 0.25)), 0.85, 1.1)
    lip_top = -who.nose.length - 0.75
    moustache = step(y, lip_top + 0.1, lip_top - 0.25) * step(y, middle - 0.7, middle + 0.1)
    moustache = moustache * step(side, m.width + 0.75, m.width + 0.05)
    goatee = step(side, m.width + 0.7, m.width - 0.2) * step(y, middle + 0.5, middle - 0.6)
    edge = middle + 0.6 + 0.16 * np.clip(side - m.width, 0, None) ** 2.2
    full = np.maximum(step(y, edge + 0.3, edge - 0.7), moustache)
    ring = line(side, y, [(m.width + 0.35, lip_top - 0.6), (m.width + 0.35, chin + 2.5)], 0.5)
    region = {
        BeardStyle.NONE: np.zeros_like(y),
        BeardStyle.STUBBLE: full,
        BeardStyle.MOUSTACHE: moustache,
        BeardStyle.GOATEE: np.maximum.reduce([moustache, goatee, ring]),
        BeardStyle.FULL: full,
    }[who.hair.beard]
    return np.asarray(region * lips, np.float32)


def _beard(x: Floats, y: Floats, who: Identity) -> Floats:
    if who.hair.beard in (BeardStyle.NONE, BeardStyle.STUBBLE):
        return np.zeros_like(y)
    tufts = noise(who.seed + 11, (y.shape[0], y.shape[1]), (60, 90))
    return np.asarray((0.35 + 0.08 * tufts) * beard_region(x, y, who) * who.hair.beard_density, np.float32)
