"""Hair: a shell around the head with an opening for the face."""

from __future__ import annotations

import numpy as np

from agent.types import Floats
from training.cast.fields import linear, noise, step
from training.cast.identity import Expression, HairStyle, Identity
from training.cast.raster import Part, coat, part
from training.cast.shape import angles, head_knots, rings

ROWS, COLUMNS = 256, 320
HIGH, DEEP = 30.0, -60.0  # lines above and below all heads: nowhere and everywhere


def hair_line(angle: Floats, who: Identity) -> Floats:
    """The height above which hair grows, (1, W), by the angle around the head."""
    h = who.hair
    away = np.degrees(np.abs(angle))
    temple = h.line - 0.9 + 2.6 * h.receding
    at = [0, 18, 36, 52, 62, 70, 80, 104, 116, 180]
    y = [h.line + 0.4 * h.receding, h.line + 0.9 * h.receding, temple, 2.8, 0.6, -1.8, 1.9, 1.9, -5.0, -6.5]
    if h.style in (HairStyle.FRINGE, HairStyle.BOB):
        low = who.eyes.brow_height + 1.1
        y = [low, low, low - 0.2, low - 0.6, 0.4, -1.8, 1.9, 1.9, -5.0, -6.5]
    if h.style in (HairStyle.BOB, HairStyle.LONG):
        y[4:] = [-1.0, *[DEEP] * 5]
    return np.interp(away, at, y).astype(np.float32)


def growth(angle: Floats, y: Floats, who: Identity, softness: float = 0.45) -> Floats:
    """How much of the head (H, W) is covered by hair, 0..1."""
    if who.hair.style is HairStyle.BALD:
        return np.zeros_like(y)
    rows, columns = y.shape
    tufts, strands = (
        noise(who.seed + 21, (rows, columns), (5, columns / 9)),
        noise(who.seed + 22, (rows, columns), (9, columns / 2.2)),
    )
    ragged = 0.25 * tufts + 0.22 * strands
    return step(y - hair_line(angle, who) + ragged, -softness, softness)


def scalp(angle: Floats, y: Floats, who: Identity) -> Floats:
    """How dark the roots make the skin (H, W), 0..1."""
    grown = np.maximum(step(y, 0.0, 2.0), step(np.abs(angle), 1.4, 1.6) * step(y, -6.5, -4.0))  # not on the cheeks
    cover = growth(angle, y, who, 0.6) * grown
    rows, columns = y.shape
    stubble = noise(who.seed + 23, (rows, columns), (rows / 2, columns / 2))
    if who.hair.style is HairStyle.BUZZ:
        return np.asarray(cover * np.clip(0.8 + 0.1 * stubble, 0, 0.95), np.float32)
    return np.asarray(cover * 0.93, np.float32)


def hair_parts(who: Identity) -> list[Part]:
    """The hair that stands out from the head, behind and in front; nothing for the bald and the shorn."""
    style = who.hair.style
    if style in (HairStyle.BALD, HairStyle.BUZZ):
        return []
    angle = angles(COLUMNS)
    falls = style in (HairStyle.BOB, HairStyle.LONG)
    position = _curtain(angle, who) if falls else rings(head_knots(who, Expression()), ROWS, angle)
    cover = growth(angle, position[..., 1], who)
    if falls:
        cover = np.asarray(cover * (1 - _opening(angle, position[..., 1], who)), np.float32)
    shape = (ROWS, COLUMNS)
    curly = style is HairStyle.AFRO
    strands = noise(who.seed + 24, shape, (70, 90) if curly else (7, COLUMNS / 2.6))
    locks = noise(who.seed + 25, shape, (26, 30) if curly else (4, 26))
    out = position - np.array([0.0, 1.0, -1.0], np.float32)
    out /= np.linalg.norm(out, axis=-1, keepdims=True)
    apart = step(position[..., 1], 12.0, 8.5)  # strands meet at the crown
    thick = _thickness(angle, position[..., 1], who) * (1 + 0.1 * locks * apart) + 0.05 * strands * apart
    taper = 0.35 + 0.65 * step(position[..., 1] - hair_line(angle, who), 0.0, 2.2)
    position = position + out * (thick * (taper if not falls else 1.0))[..., None]
    sheen = np.clip(1.0 + 0.28 * strands + 0.16 * locks, 0.25, 2.0)
    colour = linear(who.hair.colour) * sheen[..., None]
    gloss = 0.1 if curly else 0.28
    # in two, so that the ragged edge in front does not hide the hair behind it
    behind = np.flatnonzero(np.abs(angle[0]) > np.pi * 0.42)
    behind = np.roll(behind, len(behind) // 2)  # in the order they stand in, across the nape
    before = np.flatnonzero(np.abs(angle[0]) < np.pi * 0.45)
    position = np.asarray(position, np.float32)
    return [
        part(position[:, which], coat(colour[:, which], gloss), cover[:, which], every=5, hollow=True)
        for which in (behind, before)
    ]


def _thickness(angle: Floats, y: Floats, who: Identity) -> Floats:
    h = who.hair
    if h.style is HairStyle.AFRO:
        return (1.8 + 2.2 * h.volume) * step(y, -3.0, 5.0) + 0.6
    crown = step(y, 2.0, 10.5)
    swept = 1.0 + 0.35 * np.tanh(3 * np.sin(angle) * np.sign(h.parting))
    base = 0.55 + 1.1 * h.volume * crown * swept
    if h.style is HairStyle.BUN:
        return 0.35 + 0.5 * h.volume * crown
    return np.asarray(base, np.float32)


def _curtain(angle: Floats, who: Identity) -> Floats:
    """Hair that hangs down: rings from the crown to its ends."""
    knots = head_knots(who, Expression())[:6].tolist()
    wide, volume = who.skull.width, who.hair.volume
    end = -8.0 - 1.5 * volume if who.hair.style is HairStyle.BOB else -21.0
    flare = 0.5 + 0.9 * volume
    for share in (0.3, 0.6, 0.9, 1.0):
        knots.append([end * share, wide + flare * (0.5 + 0.5 * share), 6.0 - 3.0 * share, 8.5, -1.5])
    knots.append([end - 0.3, 0.0, 0.0, 0.0, -1.5])
    return rings(np.array(knots, np.float32), ROWS, angle)


def _opening(angle: Floats, y: Floats, who: Identity) -> Floats:
    """Where the face looks out, 0..1."""
    edge = 54.0 + 5.0 * np.sin(y * 0.35 + who.seed) + 4.0 * np.sign(who.hair.parting) * np.sign(angle)
    return step(np.degrees(np.abs(angle)), edge + 4.0, edge - 4.0) * step(y, hair_line(angle, who) + 0.3, 0.3 - HIGH)
