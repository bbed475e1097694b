"""What hides a part of a face: glasses, a mask, anything. Drawn into (S, S, 3) uint8 RGB, which is returned."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Picture: TypeAlias = NDArray[np.uint8]
Marks: TypeAlias = NDArray[np.float64]  # (5, 2) pixels: eyes, nose, mouth corners; mirrored or not
_FINE = 4  # bits of a pixel's fraction in OpenCV's coordinates


def glasses(picture: Picture, marks: Marks, random: np.random.Generator) -> Picture:
    """Two round or square lenses with a bridge and temples, clear, with a glint, or dark."""
    eyes = marks[np.argsort(marks[:2, 0])]
    along = eyes[1] - eyes[0]
    distance = float(np.hypot(*along))
    down = np.array([-along[1], along[0]]) / distance
    half = np.array([random.uniform(0.34, 0.44), random.uniform(0.24, 0.38)]) * distance
    corner = random.uniform(2, 6)  # exponent of a superellipse: 2 is an oval, 6 nearly a rectangle
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    cos, sin = np.cos(turn), np.sin(turn)
    x = half[0] * np.sign(cos) * np.abs(cos) ** (2 / corner)
    y = half[1] * np.sign(sin) * np.abs(sin) ** (2 / corner)
    outline = x[:, None] * along / distance + y[:, None] * down  # (24, 2)
    middles = eyes + down * random.uniform(0.0, 0.12) * distance
    lenses = [_fixed(middle + outline) for middle in middles]
    _tint(picture, lenses, random)
    frame = _colour(random, int(random.choice([30, 30, 130])))
    width = max(1, round(random.uniform(0.02, 0.07) * distance))
    inner = [middles[0] + along / distance * half[0], middles[1] - along / distance * half[0]]
    outer = [middles[0] - along / distance * half[0], middles[1] + along / distance * half[0]]
    sides = [_fixed(np.stack([outer[0], outer[0] - 0.3 * along])), _fixed(np.stack([outer[1], outer[1] + 0.3 * along]))]
    cv2.polylines(picture, lenses, True, frame, width, cv2.LINE_AA, _FINE)
    cv2.polylines(picture, [_fixed(np.stack(inner)), *sides], False, frame, width, cv2.LINE_AA, _FINE)
    return picture


def _tint(picture: Picture, lenses: list[NDArray[np.int32]], random: np.random.Generator) -> None:
    """Clear glasses now and then reflect, sunglasses are dark."""
    chance = random.random()
    if chance > 0.5:
        return
    cover = picture.copy()
    colour = _colour(random, 40) if chance < 0.25 else (235, 240, 245)
    for lens in lenses:
        cv2.fillPoly(cover, [lens], colour, cv2.LINE_AA, _FINE)
    strength = random.uniform(0.6, 0.97) if chance < 0.25 else random.uniform(0.1, 0.4)
    cv2.addWeighted(cover, strength, picture, 1 - strength, 0, picture)


def mask(picture: Picture, marks: Marks, random: np.random.Generator) -> Picture:
    """A mask over mouth and nose, from a light blue one to any colour, with the shade of folds."""
    eyes, mouth = marks[np.argsort(marks[:2, 0])], marks[3:].mean(0)
    nose, across = marks[2], eyes[1] - eyes[0]
    distance = float(np.hypot(*across))
    across = across / distance
    down = np.array([-across[1], across[0]])
    top = nose - down * random.uniform(0.0, 0.3) * distance
    wide, low = random.uniform(0.95, 1.15) * distance, random.uniform(0.75, 0.95) * distance
    rim = [
        top,
        nose + across * 0.55 * wide - down * 0.02 * distance,
        nose + across * wide + down * 0.1 * distance,
        mouth + across * 0.85 * wide + down * 0.25 * distance,
        mouth + across * 0.4 * wide + down * low,
        mouth - across * 0.4 * wide + down * low,
        mouth - across * 0.85 * wide + down * 0.25 * distance,
        nose - across * wide + down * 0.1 * distance,
        nose - across * 0.55 * wide - down * 0.02 * distance,
    ]
    light = float(np.clip(picture.mean() * random.uniform(0.9, 1.6), 30, 240))
    cloth = [(0.75, 0.92, 1.05), (1.0, 1.0, 1.0), (0.15, 0.15, 0.17), random.uniform(0.2, 1.0, 3)]
    tone = np.array(cloth[int(random.integers(len(cloth)))]) * light
    cv2.fillPoly(picture, [_fixed(np.stack(rim))], np.clip(tone, 0, 255).tolist(), cv2.LINE_AA, _FINE)
    for height in np.linspace(0.15, 0.75, int(random.integers(0, 4))):
        fold = [mouth + side * across * 0.6 * wide + down * (height - 0.3) * distance for side in (-1, 1)]
        cv2.polylines(picture, [_fixed(np.stack(fold))], False, (tone * 0.85).tolist(), 1, cv2.LINE_AA, _FINE)
    return picture


def hide(picture: Picture, random: np.random.Generator) -> Picture:
    """A rectangle of one colour, an eighth to a third of the picture wide and high, anywhere."""
    side = picture.shape[0]
    w, h = random.integers(max(1, side // 8), max(2, side // 3), 2)
    x, y = random.integers(0, side - w), random.integers(0, side - h)
    picture[y : y + h, x : x + w] = random.integers(0, 256, 3)
    return picture


def _fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.asarray(np.round(points * (1 << _FINE)), np.int32)


def _colour(random: np.random.Generator, brightest: int) -> list[float]:
    """Returns a colour that is hardly one: frames and dark lenses are black, brown or grey nearly always."""
    tint = 1 + random.normal(0, 0.2, 3)
    return list(np.clip(random.uniform(0, brightest) * tint, 0, 255).tolist())
