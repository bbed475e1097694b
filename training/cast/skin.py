"""The colour of the head, point by point: skin, lips, nostrils, moles, stubble, and the eyes on top."""

from __future__ import annotations

import numpy as np

from agent.types import Floats
from training.cast.eyes import brow_cover
from training.cast.fields import bump, line, linear, mix, noise, pair, step
from training.cast.identity import BeardStyle, Expression, Identity
from training.cast.shape import Surface, beard_region, forehead_lines, mouth_y, smile_fold

BLOOD = np.array([0.62, 0.13, 0.10], np.float32)  # what redness mixes towards, linear


def paint_head(at: Surface, who: Identity, face: Expression, scalp: Floats) -> Floats:
    """Linear colour and gloss 0..1 of all but the eyes, (H, W, 4); `scalp` (H, W): where roots darken the skin."""
    colour, gloss = _complexion(at, who)
    hair = linear(who.hair.colour)
    middle = mouth_y(who)
    ahead, near = at.cut((-20, 20), (who.skull.chin - 2, 6.5))
    colour[ahead] = _lines(_marks(colour[ahead], near, who), near, who, face)
    mouth, near = at.cut((-4.5, 4.5), (middle - 4.0, middle + 2.0))
    colour[mouth], gloss[mouth] = _lips(colour[mouth], gloss[mouth], near, who, face)
    nose, near = at.cut((-4.5, 4.5), (-who.nose.length - 2.0, -who.nose.length + 2.0))
    colour[nose] = _nostrils(colour[nose], near, who)
    brows, near = at.cut((-9, 9), (0.4, 5.0))
    colour[brows] = mix(colour[brows], hair * 0.75, brow_cover(near, who, face) * 0.92)
    if who.hair.beard is not BeardStyle.NONE:
        jaw, near = at.cut((-20, 20), (-20, 0))
        colour[jaw], gloss[jaw] = _beard(colour[jaw], gloss[jaw], near, who)
    paint = np.empty((*gloss.shape, 4), np.float32)
    paint[..., :3], paint[..., 3] = mix(colour, hair * 0.8, scalp), gloss * (1 - 0.7 * scalp)
    return paint


def _complexion(at: Surface, who: Identity) -> tuple[Floats, Floats]:
    s, x, y = who.skin, at.x, at.y
    shape = (y.shape[0], y.shape[1])
    base = np.broadcast_to(linear(s.tone), (*shape, 3)).astype(np.float32)
    red = (
        0.5 * pair(x, y, (who.skull.width * 0.52, -3.4), (2.0, 1.8))
        + 0.45 * bump(x, y, (0.0, -who.nose.length), (1.5, 1.2))
        + 0.2 * bump(x, y, (0.0, who.skull.chin + 1.5), (1.6, 1.0))
        + 0.12 * noise(who.seed + 1, shape, (14, 16))
    )
    base = mix(base, BLOOD * base.mean() * 2.2, np.clip(red * s.ruddy * 0.55, 0, 0.6))
    blotches = 0.6 * noise(who.seed + 2, shape, (34, 40)) + 0.5 * noise(who.seed + 5, shape, (140, 160))
    base = base * (1.0 + (0.03 + 0.05 * s.mottled) * blotches)[..., None]
    pale = pair(x, y, (who.eyes.apart - 0.2, -1.6), (1.6, 0.7)) - 0.8 * pair(x, y, (1.5, -0.3), (0.6, 1.0))
    base = base * (1.0 + 0.07 * pale + 0.06 * bump(x, y, (0.0, 4.3), (3.5, 2.0)))[..., None]
    oily = 0.8 * bump(x, y, (0.0, -who.nose.length + 0.4), (0.9, 1.0)) + 0.5 * bump(x, y, (0.0, 4.2), (3.5, 2.2))
    oily = oily + 0.4 * pair(x, y, (4.2, -2.0), (1.3, 1.1)) + 0.35 * bump(x, y, (0, -1.5), (0.5, 2.0))
    pores = 1.0 + 0.2 * noise(who.seed + 6, shape, (150, 170))
    return base, np.asarray((0.12 + 0.3 * s.shine * np.clip(oily, 0, 1)) * pores, np.float32)


def _marks(colour: Floats, at: Surface, who: Identity) -> Floats:
    rng = np.random.default_rng(who.seed)
    for _ in range(who.skin.marks):
        where = (float(rng.uniform(-5, 5)), float(rng.uniform(-9, 5)))
        size = float(rng.uniform(0.1, 0.2))
        mole = bump(at.x, at.y, where, (size, size)) * at.front
        colour = mix(colour, linear((0.28, 0.17, 0.12)), np.clip(mole * 1.3, 0, 1) * 0.8)
    if who.skin.freckles > 0:
        rows, columns = at.y.shape
        specks = step(noise(who.seed + 7, (rows, columns), (rows / 3.2, columns / 3.2)), 1.1, 2.0)
        region = pair(at.x, at.y, (3.0, -2.0), (3.2, 2.0)) + 0.4 * bump(at.x, at.y, (0, 3), (5, 2.5))
        amount = np.clip(specks * region * at.front * who.skin.freckles, 0, 1) * 0.65
        colour = mix(colour, linear((0.55, 0.33, 0.22)), amount)
    return colour


def _lips(colour: Floats, gloss: Floats, at: Surface, who: Identity, face: Expression) -> tuple[Floats, Floats]:
    m, middle = who.mouth, mouth_y(who)
    half = m.width * (1.0 + 0.16 * face.smile - 0.08 * face.open)
    t = at.x / half
    across = np.clip(1.0 - t**2, 0.0, None)
    line_y = middle + (m.curl + 0.45 * face.smile) * t**2
    gap = 1.1 * face.open * across
    bow = (
        1.0 - m.bow * 0.35 * np.exp(-((at.x / 0.42) ** 2)) + 0.1 * m.bow * np.exp(-(((np.abs(at.x) - 0.75) / 0.5) ** 2))
    )
    top = line_y + m.upper * (across**0.8) * bow * (1 - 0.15 * face.smile)
    bottom = line_y - gap - m.lower * across**0.6 * (1 - 0.1 * face.smile)
    lips = step(at.y, top + 0.09, top - 0.09) * step(at.y, bottom - 0.12, bottom + 0.1) * (across > 0) * at.front
    tone = linear(who.skin.tone)
    rouge = tone * np.array([0.86, 0.42, 0.45], np.float32) + m.red**2 * np.array([0.10, 0.0, 0.02], np.float32)
    wrinkles = 1.0 + 0.06 * noise(who.seed + 8, (at.y.shape[0], at.y.shape[1]), (8, 220))
    colour = mix(colour, rouge * wrinkles[..., None], lips * np.clip(0.35 + 0.6 * m.red, 0, 0.95))
    inside = step(at.y, line_y + 0.03, line_y - 0.05) * step(at.y, line_y - gap - 0.03, line_y - gap + 0.05)
    inside = inside * (across > 0) * at.front * min(1.0, 6 * face.open)
    teeth = inside * step(at.y, line_y - 0.62, line_y - 0.45) * step(np.abs(t), 0.85, 0.6)
    colour = mix(mix(colour, linear((0.2, 0.07, 0.07)), inside), linear((0.83, 0.80, 0.74)), teeth * 0.9)
    seam = np.exp(-(((at.y - line_y) / 0.1) ** 2)) * step(np.abs(t), 1.07, 0.93) * at.front
    seam = seam * (1 - 0.7 * min(1.0, 3 * face.open))
    corner = pair(at.x, at.y, (half, float(middle + m.curl + 0.45 * face.smile)), (0.3, 0.22)) * at.front
    under = 0.22 * bump(at.x, at.y, (0.0, middle - m.lower - 0.4 - 1.1 * face.open), (1.6, 0.35))
    colour = colour * (1.0 - np.clip(0.72 * seam + 0.4 * corner + under, 0, 0.85))[..., None]
    return colour, np.asarray(np.maximum(gloss, lips * (0.3 + 0.25 * m.red)), np.float32)


def _nostrils(colour: Floats, at: Surface, who: Identity) -> Floats:
    n = who.nose
    holes = pair(at.x, at.y, (n.width * 0.46, -n.length - 0.22), (0.36, 0.15 + 0.1 * n.upturn))
    wing = [(n.width + 0.02, -n.length + 0.75), (n.width + 0.2, -n.length + 0.15), (n.width, -n.length - 0.4)]
    base = bump(at.x, at.y, (0.0, -n.length - 0.55), (n.width * 0.9, 0.3))
    return _darken(colour, 0.85 * holes + 0.3 * line(np.abs(at.x), at.y, wing, 0.16) + 0.22 * base)


def _lines(colour: Floats, at: Surface, who: Identity, face: Expression) -> Floats:
    age = who.skin.age
    fold = line(np.abs(at.x), at.y, smile_fold(who, face), 0.2)
    dark = (0.06 + 0.3 * age + 0.15 * face.smile) * fold
    dark = dark + (0.3 * age**1.5 + 0.08 * face.raise_brows) * forehead_lines(at.x, at.y, who, 0.1)
    return _darken(colour, dark * at.front)


def _darken(colour: Floats, amount: Floats) -> Floats:
    """Darker, and redder in the dark, as thin skin and its folds are."""
    return colour * (1.0 - np.clip(amount, 0, 0.9)[..., None] * np.array([0.85, 0.97, 1.0], np.float32))


def _beard(colour: Floats, gloss: Floats, at: Surface, who: Identity) -> tuple[Floats, Floats]:
    region = beard_region(at.x, at.y, who) * step(np.cos(at.angle), -0.1, 0.2)
    shape = (at.y.shape[0], at.y.shape[1])
    specks = noise(who.seed + 9, shape, (shape[0] / 2, shape[1] / 2))
    strands = noise(who.seed + 10, shape, (shape[0] / 9, shape[1] / 2.2))
    hair = linear(who.hair.colour)
    if who.hair.beard is BeardStyle.STUBBLE:
        cover = region * np.clip(0.28 + 0.2 * specks, 0, 1) * who.hair.beard_density
        return mix(colour, hair * 0.6 + 0.03, cover), gloss
    cover = np.clip(region * (0.95 + 0.12 * specks) * who.hair.beard_density * 1.1, 0, 1)
    tufts = hair * np.clip(1.0 + 0.35 * strands + 0.15 * specks, 0.3, 2)[..., None]
    return colour + (tufts - colour) * cover[..., None], gloss * (1 - 0.7 * cover)
