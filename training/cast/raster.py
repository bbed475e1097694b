"""Surfaces to pixels: a z-buffer rasteriser in numpy, fast because it draws all triangles of a surface at once."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.types import Floats

FAR = np.float32(1e6)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A surface with what covers it. Maps are sampled at `uv`, in their own pixels."""

    vertices: Floats  # (V, 3) cm
    triangles: NDArray[np.int32]  # (T, 3)
    uv: Floats  # (V, 2)
    paint: Floats  # (H, W, 4) linear colour and gloss
    normal: Floats  # (H, W, 4) outward normal and opacity
    on_head: bool = True  # turns with the head, not with the shoulders
    hollow: bool = False  # seen from both sides, may be transparent


def part(
    position: Floats, paint: Floats, opacity: Floats | float = 1.0, *,
    every: int = 1, on_head: bool = True, hollow: bool = False,
) -> Part:
    """A part from its maps (H, W, ...); the mesh takes one in `every` rows and columns."""
    rows, columns = position.shape[:2]
    down = np.unique(np.append(np.arange(0, rows, every), rows - 1))
    across = np.unique(np.append(np.arange(0, columns, every), columns - 1))
    v, u = np.meshgrid(down, across, indexing="ij")
    corner = (np.arange(len(down) - 1)[:, None] * len(across) + np.arange(len(across) - 1)[None, :]).ravel()
    right, below = corner + 1, corner + len(across)
    triangles = np.vstack([np.stack([corner, right, below], 1), np.stack([right, below + 1, below], 1)])
    clear = np.broadcast_to(np.asarray(opacity, np.float32), (rows, columns))[v, u].ravel()
    triangles = triangles[clear[triangles].max(axis=1) > 0.02]
    normal = np.empty((rows, columns, 4), np.float32)
    normal[..., :3], normal[..., 3] = normals(position), opacity
    return Part(
        vertices=np.ascontiguousarray(position[v, u].reshape(-1, 3), np.float32),
        triangles=triangles.astype(np.int32),
        uv=np.stack([u.ravel(), v.ravel()], 1).astype(np.float32),
        paint=paint, normal=normal, on_head=on_head, hollow=hollow,
    )


def coat(colour: Floats, gloss: Floats | float) -> Floats:
    """Colour (H, W, 3) or (3,) and gloss as one map (H, W, 4)."""
    level = np.broadcast_to(np.float32(gloss), colour.shape[:2])[..., None]
    return np.concatenate([colour, level], axis=-1, dtype=np.float32)


def normals(position: Floats) -> Floats:
    """Unit normals (H, W, 3) of a surface: down its columns crossed with along its rows."""
    down = np.gradient(position, axis=0)
    along = np.gradient(position, axis=1)
    cross = np.cross(down, along)
    return np.asarray(cross / np.maximum(np.linalg.norm(cross, axis=-1, keepdims=True), 1e-6), np.float32)


def rasterise(points: Floats, depth: Floats, what: Part, shape: tuple[int, int]) -> tuple[Floats, Floats, Floats]:
    """Depth, u and v (H, W) of the nearest point of a part per pixel; depth FAR and u, v -1 where there is none.

    `points` (V, 2) are its vertices in pixels, x right, y down; `depth` (V,) is cm from the camera.
    """
    corners = points[what.triangles]  # (T, 3, 2)
    away = depth[what.triangles]  # (T, 3)
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    low = np.maximum(np.ceil(np.minimum(np.minimum(a, b), c)), 0).astype(np.int32)
    high = np.floor(np.maximum(np.maximum(a, b), c))
    size = np.maximum(np.minimum(high, [shape[1] - 1, shape[0] - 1]).astype(np.int32) - low + 1, 0)
    seen = np.abs(area) > 1e-6 if what.hollow else area > 1e-6
    chosen = np.flatnonzero(seen & (size[:, 0] * size[:, 1] > 0) & (away[:, 0] > 5.0))
    chosen = chosen[np.argsort(-away[chosen, 0])]  # far ones first: the nearer overwrite them
    out = [np.full(shape, value, np.float32) for value in (FAR, -1.0, -1.0)]
    if len(chosen):
        attributes = np.concatenate([away[..., None], what.uv[what.triangles]], axis=-1)[chosen]
        _fill(out, corners[chosen], area[chosen], attributes, low[chosen], size[chosen],
              what.normal[..., 3] if what.hollow else None)  # fmt: skip
    return out[0], out[1], out[2]


def _fill(
    out: list[Floats], corners: Floats, area: Floats, attributes: Floats,
    low: NDArray[np.int32], size: NDArray[np.int32], opacity: Floats | None,
) -> None:
    count = size[:, 0] * size[:, 1]
    index = np.repeat(np.arange(len(count), dtype=np.int32), count)
    within = np.arange(len(index), dtype=np.int32) - (np.cumsum(count) - count).astype(np.int32)[index]
    row = within // size[index, 0]
    column = within - row * size[index, 0]
    x, y = column.astype(np.float32), row.astype(np.float32)  # from the corner of each triangle's box
    # barycentric weights are planes over the picture: weight = gx * x + gy * y + g0
    a, b, c = (corners[:, k] - low.astype(np.float32) for k in range(3))
    g1 = (np.stack([c[:, 1] - a[:, 1], a[:, 0] - c[:, 0]], 1) / area[:, None]).astype(np.float32)
    g2 = (np.stack([a[:, 1] - b[:, 1], b[:, 0] - a[:, 0]], 1) / area[:, None]).astype(np.float32)
    w1, w2 = ((g[:, 0][index] * x + g[:, 1][index] * y) - (g * a).sum(1)[index] for g in (g1, g2))
    inside = np.flatnonzero((w1 >= -1e-3) & (w2 >= -1e-3) & (w1 + w2 <= 1.001))
    index = index[inside]
    flat = (low[:, 1][index] + row[inside]) * out[0].shape[1] + low[:, 0][index] + column[inside]
    w1, w2 = w1[inside], w2[inside]
    values = []
    for channel in range(3):
        first, second, third = (attributes[:, k, channel] for k in range(3))
        values.append(first[index] + w1 * (second - first)[index] + w2 * (third - first)[index])
    if opacity is not None:  # what is behind a hole must not be hidden by it
        solid = opacity[(values[2] + 0.5).astype(np.int32), (values[1] + 0.5).astype(np.int32)] > 0.3
        flat, values = flat[solid], [value[solid] for value in values]
    for target, value in zip(out, values, strict=True):
        target.ravel()[flat] = value


def sample(maps: Floats, u: Floats, v: Floats) -> Floats:
    """Maps (H, W, C) at `u`, `v` (h, w) -> (h, w, C), bilinear; 0 outside."""
    return np.asarray(cv2.remap(maps, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.float32)
