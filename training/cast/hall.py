"""The place before the door: a hall with a wall, a floor, a doorway, a plant and a picture."""

from __future__ import annotations

import cv2
import numpy as np

from agent.types import Floats, Image
from training.cast.fields import bump, linear, noise, step
from training.cast.identity import SOFT, Colour, Light
from training.cast.shade import tints


def hall(size: tuple[int, int] = (640, 480), light: Light = SOFT, *, seed: int = 1) -> Image:
    """The empty hall (H, W, 3); `size` is (width, height). The lamp of `light` brightens its side of the wall."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = (x / width - 0.5) * 1.333 * np.float32(width / height / 1.333), 0.5 - y / height  # in image heights, y up
    colour = np.broadcast_to(linear((0.73, 0.72, 0.68)), (height, width, 3)).astype(np.float32)
    colour *= 1.0 + 0.02 * noise(seed, (height, width), (9, 12))[..., None]
    colour = _floor(colour, x, y, seed)
    colour = _box(colour, x, y, (0.34, -0.30, 0.60, 0.38), (0.40, 0.30, 0.22), soft=0.004)  # the door to the yard
    colour = _box(colour, x, y, (0.365, -0.29, 0.575, 0.355), (0.50, 0.37, 0.26), soft=0.003)
    colour = _box(colour, x, y, (0.385, -0.02, 0.40, 0.01), (0.75, 0.72, 0.66), soft=0.003)
    colour = _box(colour, x, y, (-0.50, 0.06, -0.24, 0.30), (0.24, 0.22, 0.20), soft=0.003)  # a framed picture
    colour = _box(colour, x, y, (-0.485, 0.075, -0.255, 0.285), (0.55, 0.63, 0.66), soft=0.003)
    colour = _box(colour, x, y, (-0.485, 0.075, -0.255, 0.15), (0.42, 0.50, 0.36), soft=0.02)
    colour = _plant(colour, x, y, seed)
    return _lit(colour, x, y, light)


def _floor(colour: Floats, x: Floats, y: Floats, seed: int) -> Floats:
    floor = step(y, -0.298, -0.303)[..., None]
    depth = 1.0 / np.maximum(-y, 0.05)
    tiles = ((np.floor(x * depth * 1.6) + np.floor(depth * 2.2)) % 2) * 0.05
    stone = (
        linear((0.45, 0.43, 0.41)) * (0.95 + tiles + 0.02 * noise(seed + 1, (len(y), x.shape[1]), (60, 40)))[..., None]
    )
    colour = colour + (stone - colour) * floor
    skirting = step(y, -0.303, -0.301) * step(y, -0.268, -0.271)
    return np.asarray(colour * (1 - 0.45 * skirting[..., None]), np.float32)


def _box(
    colour: Floats, x: Floats, y: Floats, edges: tuple[float, float, float, float], paint: Colour, *, soft: float
) -> Floats:
    left, bottom, right, top = edges
    inside = step(x, left - soft, left + soft) * step(x, right + soft, right - soft)
    inside = inside * step(y, bottom - soft, bottom + soft) * step(y, top + soft, top - soft)
    return np.asarray(colour + (linear(paint) - colour) * inside[..., None], np.float32)


def _plant(colour: Floats, x: Floats, y: Floats, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    pot = step(np.abs(x + 0.585) - 0.12 * (y + 0.62), 0.002, -0.004) * step(y, -0.24, -0.246) * step(y, -0.38, -0.37)
    colour = colour + (linear((0.50, 0.30, 0.22)) - colour) * pot[..., None]
    for _ in range(26):
        lean, reach = float(rng.uniform(-1.1, 1.1)), float(rng.uniform(0.10, 0.24))
        tip = (-0.585 + reach * np.sin(lean), -0.24 + reach * np.cos(lean))
        middle = ((-0.585 + tip[0]) / 2, (-0.24 + tip[1]) / 2)
        turned_x = (x - middle[0]) * np.cos(lean) - (y - middle[1]) * np.sin(lean)
        turned_y = (x - middle[0]) * np.sin(lean) + (y - middle[1]) * np.cos(lean)
        leaf = step(bump(turned_x, turned_y, (0.0, 0.0), (0.02, reach * 0.6)), 0.35, 0.55)
        green = linear((0.22, 0.36, 0.20)) * float(rng.uniform(0.6, 1.3))
        colour = colour + (green - colour) * leaf[..., None]
    return np.asarray(colour, np.float32)


def _lit(colour: Floats, x: Floats, y: Floats, light: Light) -> Image:
    key, ambient = tints(light)
    side = np.float32(np.sign(light.azimuth) * 0.55)
    pool = bump(x, y, (float(side), 0.35), (0.9, 0.8))[..., None]
    seen = colour * (0.85 * ambient + key * (0.28 + 0.42 * pool))
    picture = np.clip(1.0 - np.exp(-1.25 * seen), 0, 1) ** (1 / 2.2)
    return np.asarray(np.clip(cv2.GaussianBlur(picture, (0, 0), 1.6) * 255 + 0.5, 0, 255), np.uint8)
