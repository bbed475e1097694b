"""What a head comes with: ears, neck, glasses, and the body below."""

from __future__ import annotations

import numpy as np

from agent.types import Floats
from training.cast.fields import linear, mix, noise, step
from training.cast.identity import GlassesStyle, Identity
from training.cast.raster import Part, coat, part
from training.cast.shape import Surface, angles, rings


def ear(who: Identity, side: int) -> Part:
    """One ear: a thin egg, hollow in the middle; `side` -1 is the image's left."""
    around = np.linspace(-np.pi, np.pi, 40, dtype=np.float32)[None, :]
    polar = np.linspace(0.0, np.pi, 30, dtype=np.float32)[:, None]
    r = np.sin(polar)
    up, back = r * np.cos(around), r * np.sin(around)
    back = back * (1.0 + 0.22 * up)
    bowl = 1.0 - 0.95 * np.exp(-((r / 0.55) ** 2))
    out = np.cos(polar) * np.where(polar < np.pi / 2, 0.25 + 0.75 * bowl, 1.0) * np.ones_like(around)
    size = who.skull.ear
    axes = np.array([[0.0, 1.0, -0.12], [0.42 * side, 0.12, -0.9], [0.85 * side, 0.0, 0.5]], np.float32)
    scale = np.array([3.1 * size, 1.75 * size, 0.55], np.float32)
    local = np.stack(np.broadcast_arrays(up, back, out), axis=-1) * scale
    position = local @ axes + np.array([side * (who.skull.width * 1.0 - 0.1), -0.9, -1.9], np.float32)
    shade = 1.0 - 0.55 * np.exp(-((r / 0.42) ** 2)) * (polar < np.pi / 2) - 0.22 * np.exp(-(((r - 0.72) / 0.09) ** 2))
    tone = linear(who.skin.tone) * np.array([1.0, 0.86, 0.82], np.float32)
    colour = tone * (shade * np.ones_like(around))[..., None]
    return part(np.asarray(position, np.float32), coat(colour, 0.15), hollow=True)


def neck(who: Identity) -> Part:
    """From inside the head down into the collar."""
    wide = who.skull.neck
    knots = [
        [-3.0, 0, 0, 0, -2.0],
        [-4.0, wide * 0.9, 4.5, 5.0, -2.0],
        [-10.0, wide * 0.95, 5.0, 5.2, -2.0],
        [-13.5, wide * 1.02, 5.2, 5.6, -2.4],
        [-15.8, wide * 1.45, 6.0, 7.0, -2.8],
        [-17.8, wide * 1.9, 6.8, 8.0, -3.0],
        [-20.0, wide * 1.7, 5.5, 7.0, -3.0],
        [-20.5, 0, 0, 0, -3.0],
    ]
    position = rings(np.array(knots, np.float32), 64, angles(64))
    x, y = position[..., 0], position[..., 1]
    blotches = 1.0 + 0.04 * noise(who.seed + 31, (64, 64), (12, 12))
    cords = np.exp(-(((np.abs(x) + 0.33 * (y + 16.0) - 1.6) / 0.5) ** 2)) * step(y, -9.0, -13.0)
    colour = linear(who.skin.tone) * ((blotches - 0.1 * cords) * 0.95)[..., None]
    return part(position, coat(colour, 0.12), on_head=False)


def torso(who: Identity) -> Part:
    """Shoulders, chest and hips, with a neckline; arms are hinted at."""
    broad = 17.5 + 1.2 * (who.skull.neck - 5.0)
    knots = [
        [-13.6, 0, 0, 0, -2.5],
        [-14.0, who.skull.neck * 1.15, 5.6, 6.2, -2.5],
        [-16.2, broad * 0.55, 6.5, 7.5, -2.8],
        [-18.6, broad * 0.95, 7.6, 8.5, -3.0],
        [-22.5, broad * 1.18, 9.0, 9.5, -3.0],
        [-32.0, broad * 1.25, 11.0, 10.0, -3.0],
        [-48.0, broad * 1.22, 10.5, 9.5, -3.0],
        [-66.0, broad * 1.2, 10.0, 9.5, -3.0],
        [-72.0, broad * 1.0, 9.5, 9.0, -3.0],
        [-73.0, 0, 0, 0, -3.0],
    ]
    shape = (160, 160)
    position = rings(np.array(knots, np.float32), shape[0], angles(shape[1]), 2.4)
    x, y = position[..., 0], position[..., 1]
    folds = noise(who.seed + 32, shape, (22, 10))
    weave = noise(who.seed + 33, shape, (80, 80))
    arm = np.exp(-(((np.abs(x) - broad * 0.86) / 0.9) ** 2)) * step(y, -26.0, -34.0)
    position[..., 2] += 0.35 * folds * step(y, -18.0, -26.0)
    colour = linear(who.clothes) * np.clip(1.0 + 0.05 * folds + 0.03 * weave - 0.45 * arm, 0.2, 2)[..., None]
    open_to = -15.2 - 4.5 * who.collar
    shirt = np.abs(x) * (0.75 if who.collar > 0.5 else 0.45) + open_to
    bare = step(y - shirt, -0.15, 0.15) * step(np.abs(x), 1.5 * who.skull.neck, 1.2 * who.skull.neck)
    bare = bare * (position[..., 2] > 0)
    seam = np.exp(-(((y - shirt + 0.5) / 0.3) ** 2)) * (position[..., 2] > 0)
    colour = colour * (1.0 - 0.35 * seam)[..., None]
    return part(position, coat(mix(colour, linear(who.skin.tone), bare), 0.03), 1.0 - bare,
                every=4, on_head=False, hollow=True)  # fmt: skip


def legs(who: Identity) -> list[Part]:
    """Trousers, seen only from afar."""
    cloth = np.array([0.03, 0.03, 0.04], np.float32) + 0.1 * linear(who.clothes)[::-1]
    parts = []
    for side in (-1, 1):
        knots = [
            [-60.0, 0, 0, 0, -3.0],
            [-65.0, 10.5, 9.5, 9.5, -3.0],
            [-100.0, 8.0, 8.0, 8.0, -3.0],
            [-150.0, 6.5, 6.5, 6.5, -3.0],
            [-151.0, 0, 0, 0, -3.0],
        ]
        position = rings(np.array(knots, np.float32), 24, angles(24))
        position[..., 0] += side * 9.5
        parts.append(part(position, coat(np.broadcast_to(cloth, (24, 24, 3)), 0.02), on_head=False))
    return parts


def glasses(who: Identity, at: Surface) -> list[Part]:
    """Frames on the nose, arms to the ears."""
    if who.glasses is GlassesStyle.NONE:
        return []
    power, thick, high, colour = {
        GlassesStyle.ROUND: (2.0, 0.16, 2.15, (0.12, 0.08, 0.06)),
        GlassesStyle.SQUARE: (4.0, 0.24, 1.75, (0.05, 0.05, 0.06)),
        GlassesStyle.THIN: (2.8, 0.08, 1.7, (0.45, 0.42, 0.38)),
    }[who.glasses]
    bridge = np.abs(at.x) + np.abs(at.y - 0.2) + 10 * (1 - at.front)
    front = float(at.position.reshape(-1, 3)[int(np.argmin(bridge)), 2]) + 0.25
    centre, wide = who.eyes.apart + 0.1, 2.45
    wires = []
    turn = np.linspace(0, 2 * np.pi, 49, dtype=np.float32)
    for side in (-1, 1):
        x = centre + wide * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** (2 / power)
        y = -0.25 + high * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** (2 / power)
        wires.append((np.stack([side * x, y, front - 0.035 * x**2], 1), (0.0, 0.0, 1.0)))
        hinge = centre + wide
        arm = [[hinge, 0.4, front - 0.035 * hinge**2], [who.skull.width + 0.55, 0.6, 2.0], [who.skull.width, 0.4, -2.0]]
        wires.append((np.array(arm) * [side, 1, 1], (0.0, 1.0, 0.0)))
    inner = centre - wide
    wires.append((np.array([[-inner, 0.2, front], [0, 0.45, front + 0.15], [inner, 0.2, front]]), (0.0, 0.0, 1.0)))
    return [_wire(path.astype(np.float32), thick, colour, up) for path, up in wires]


def _wire(path: Floats, radius: float, colour: tuple[float, float, float], up: tuple[float, float, float]) -> Part:
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = np.cross(along, np.array(up, np.float32))
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-6)
    other = np.cross(along, side)
    turn = np.linspace(0, 2 * np.pi, 7, dtype=np.float32)[None, :, None]
    position = path[:, None] + radius * (np.cos(turn) * side[:, None] + np.sin(turn) * other[:, None])
    paint = coat(np.broadcast_to(linear(colour), position.shape), 0.5)
    return part(position.astype(np.float32), paint, hollow=True)
