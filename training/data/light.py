"""Light and what a sensor makes of it. All take and return (S, S, 3) uint8 RGB."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Picture: TypeAlias = NDArray[np.uint8]
_LEVELS = np.arange(256) / 255
GRAIN = 256  # side of the tile that noise is cut out of: drawing it anew takes ten times as long


def relight(picture: Picture, random: np.random.Generator, *, gain: float, gamma: float, lift: float) -> Picture:
    """Another exposure and another contrast; see `Augmentation` for the three deviations."""
    brighter, bend, more = random.standard_normal(3) * (gain, gamma, lift)
    table = 255 * _LEVELS ** np.exp(bend) * np.exp(brighter) + more
    return np.asarray(cv2.LUT(picture, np.clip(table, 0, 255).astype(np.uint8)), np.uint8)


def backlight(picture: Picture, random: np.random.Generator, *, most: float) -> Picture:
    """A bright window behind: the face is darker, as the camera has to expose less, and one side glares.

    Args:
        picture: as always.
        random: chance.
        most: levels that the bright side gains, of 255.
    """
    angle, glare = random.uniform(0, 2 * np.pi), random.uniform(0.4, 1) * most
    darker = np.float32(random.uniform(0.3, 0.75))
    x, y = _grid(picture.shape[0])
    ramp = np.clip(np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y + np.float32(0.2), 0, 1)
    veil = (np.float32(glare) * ramp**2)[..., None]  # light scattered in the lens adds to everything
    return np.asarray(np.clip(picture * darker + veil, 0, 255), np.uint8)


def low_light(picture: Picture, random: np.random.Generator, *, darkest: float, noise: float) -> Picture:
    """Little light, and a camera that brightens up what it got: grain comes with it, less colour too.

    Args:
        picture: as always.
        random: chance.
        darkest: the least light, of what the picture had.
        noise: standard deviation of what the sensor adds, levels of 255.
    """
    light = np.exp(random.uniform(np.log(darkest), np.log(0.5)))
    gain = min(random.uniform(0.35, 1.0) / light, 6.0)  # automatic gain does not make up for all of it
    exposed = picture * np.float32(light)
    # Photons arrive by chance (variance as their number), and reading them out adds the same everywhere.
    grain = noise_of(picture.shape[0], random) * np.sqrt(np.float32(0.3) * exposed + np.float32(noise**2 / 4))
    seen = (exposed + grain) * np.float32(gain)
    grey = seen.mean(2, keepdims=True)
    seen = grey + (seen - grey) * np.float32(random.uniform(0.3, 1.0))
    return np.asarray(np.clip(seen, 0, 255), np.uint8)


def grey(picture: Picture) -> Picture:
    """No colour."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)


def infrared(picture: Picture, random: np.random.Generator) -> Picture:
    """Grey as a night camera sees: skin is light (the red channel is the nearest to it), the lamp is at the camera."""
    red = np.float32(random.uniform(0.6, 1.0))
    seen = cv2.transform(picture, np.array([[red, (1 - red) * 0.7, (1 - red) * 0.3]], np.float32))
    table = np.clip(255 * _LEVELS ** random.uniform(0.6, 1.0) * random.uniform(0.7, 1.15), 0, 255)
    lit = cv2.LUT(seen, table.astype(np.uint8))
    x, y = _grid(picture.shape[0])
    lamp = np.float32(1) - np.float32(random.uniform(0.0, 0.45)) * (x**2 + y**2)
    return np.asarray(cv2.cvtColor(np.clip(lit * lamp, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2RGB), np.uint8)


def noise_of(side: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Returns (side, side, 3) normal noise of deviation 1: somewhere out of a tile."""
    tile = _tile(max(GRAIN, 2 * side))
    y, x = random.integers(0, tile.shape[0] - side, 2)
    return tile[y : y + side, x : x + side]


@cache
def _tile(side: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((side, side, 3), np.float32)


@lru_cache(maxsize=8)
def _grid(side: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns (1, side) x and (side, 1) y from -1 to 1."""
    line = np.linspace(-1, 1, side, dtype=np.float32)
    return line[None, :], line[:, None]
