"""Light on surfaces: soft skin, gloss, shadows and the darkness of hollows, all in the space of the picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from agent.types import Floats
from training.cast.identity import Light
from training.cast.raster import FAR

# how far light creeps around the edge of a shadow, by channel: red goes deepest into skin
WRAP = np.array([0.42, 0.26, 0.22], np.float32)


@dataclass(slots=True, eq=False)
class Buffers:
    """What is known of each pixel of a window before light falls on it."""

    paint: Floats  # (H, W, 4) linear colour, gloss
    normal: Floats  # (H, W, 3)
    depth: Floats  # (H, W) cm, FAR where nothing is
    cover: Floats  # (H, W) 0..1


def direction(light: Light) -> Floats:
    """Unit vector (3,) towards the lamp: x right, y up, z to the camera."""
    azimuth, elevation = np.radians(light.azimuth), np.radians(light.elevation)
    return np.array(
        [np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)], np.float32
    )


def tints(light: Light) -> tuple[Floats, Floats]:
    """Colour times strength of the lamp and of what comes from all sides."""
    warm = np.array([1.0 + 0.10 * light.warmth, 1.0, 1.0 - 0.16 * light.warmth], np.float32)
    cool = np.array([1.0 - 0.03 * light.warmth, 1.0, 1.0 + 0.05 * light.warmth], np.float32)
    return light.key * warm, light.ambient * cool


def shade(seen: Buffers, light: Light, pixels_per_cm: float) -> Floats:
    """Linear light (H, W, 3) that comes from each pixel."""
    shadow, hollow = _occlusion(seen, direction(light), pixels_per_cm)
    out = np.zeros((*seen.cover.shape, 3), np.float32)
    which = seen.cover > 0
    out[which] = _reflect(seen.paint[which], seen.normal[which], shadow[which], hollow[which], light)
    return out


def _reflect(paint: Floats, n: Floats, shadow: Floats, hollow: Floats, light: Light) -> Floats:
    """Light (N, 3) from points with colour and gloss (N, 4) and normal (N, 3), in part hidden (N,) from the light."""
    to_lamp = direction(light)
    key, ambient = tints(light)
    half = to_lamp + np.array([0, 0, 1], np.float32)
    towards = np.clip(n @ (half / np.linalg.norm(half)), 0, 1)
    lit = np.clip(((n @ to_lamp)[:, None] + WRAP) / (1 + WRAP), 0, 1)
    # where the lamp is hidden some red light still leaks in
    lit *= np.sqrt(np.sqrt(lit)) * (1 - (1 - shadow[:, None]) * np.array([0.80, 0.88, 0.9], np.float32))
    sky = 0.72 + 0.28 * n[:, 1] + 0.15 * n[:, 2]
    fill = 0.22 * np.clip(0.3 * n[:, 2] - 0.8 * np.sign(to_lamp[0]) * n[:, 0], 0, 1)
    colour = paint[:, :3] * (lit * key + ((sky + fill) * hollow)[:, None] * ambient)
    gloss = paint[:, 3]
    wet = np.clip((gloss - 0.8) * 5, 0, 1)
    broad = towards * towards * towards
    broad *= broad  # power 6
    sharp = broad * broad * towards * towards  # power 14
    wetter = sharp**8
    shine = gloss * ((0.05 * broad + 0.35 * sharp) * (1 - wet) + 0.12 * wetter * wet) * shadow
    edge = 1 - np.clip(n[:, 2], 0, 1)
    return np.asarray(colour + shine[:, None] * key + (0.025 * edge**3)[:, None] * ambient, np.float32)


def _occlusion(seen: Buffers, to_lamp: Floats, pixels_per_cm: float) -> tuple[Floats, Floats]:
    """How much of the lamp (H, W) and of the surroundings (H, W) each pixel sees, found on a smaller picture."""
    small = min(1.0, 4.0 / pixels_per_cm)
    depth = cv2.resize(seen.depth, None, fx=small, fy=small, interpolation=cv2.INTER_NEAREST)
    scale = pixels_per_cm * small  # pixels per cm now
    size = (seen.depth.shape[1], seen.depth.shape[0])
    both = []
    for value in (_lamp(depth, to_lamp, scale), _hollows(depth, scale)):
        soft = cv2.GaussianBlur(value, (0, 0), 0.35 * scale)
        both.append(np.asarray(cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR), np.float32))
    return both[0], both[1]


def _lamp(depth: Floats, to_lamp: Floats, scale: float) -> Floats:
    lit = np.ones_like(depth)
    height, width = depth.shape
    for reach in np.geomspace(0.6, 11.0, 14):  # cm towards the lamp
        dx, dy = reach * to_lamp[0] * scale, -reach * to_lamp[1] * scale
        shift = np.array([[1, 0, -dx], [0, 1, -dy]], np.float32)
        there = cv2.warpAffine(depth, shift, (width, height), flags=cv2.INTER_NEAREST, borderValue=float(FAR))
        ray = depth - reach * to_lamp[2]
        blocked = (there < ray - 0.25) & (there > ray - 2.5 - 0.5 * reach)
        lit[blocked] = 0.0
    return lit


def _hollows(depth: Floats, scale: float) -> Floats:
    solid = (depth < FAR / 2).astype(np.float32)
    known = np.where(solid > 0, depth, 0).astype(np.float32)
    dark = np.zeros_like(depth)
    for reach, strength in ((0.8, 0.30), (2.2, 0.16)):  # cm, darkness per cm
        near = cv2.GaussianBlur(solid, (0, 0), reach * scale)
        mean = cv2.GaussianBlur(known, (0, 0), reach * scale) / np.maximum(near, 1e-3)
        dark += strength * np.clip(known - mean, -0.6, 2.0)
    return np.asarray(np.clip(1 - dark, 0.35, 1.12), np.float32)
