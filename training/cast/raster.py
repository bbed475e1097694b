"""Surfaces to pixels: a z-buffer rasteriser in numpy, fast because it draws all triangles of a surface at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.types import Floats

FAR = np.float32(1e6)
NEAR = 5.0  # cm: nothing nearer is drawn
Indices: TypeAlias = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A surface with what covers it. Maps are sampled at `uv`, in their own pixels."""

    vertices: Floats  # (V, 3) cm
    triangles: Indices  # (T, 3)
    uv: Floats  # (V, 2)
    paint: Floats  # (H, W, 4) linear colour and gloss
    normal: Floats  # (H, W, 4) outward normal and opacity
    on_head: bool = True  # turns with the head, not with the shoulders
    hollow: bool = False  # seen from both sides, may be transparent


def part(
    position: Floats,
    paint: Floats,
    opacity: Floats | float = 1.0,
    *,
    every: int = 1,
    on_head: bool = True,
    hollow: bool = False,
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
        paint=paint,
        normal=normal,
        on_head=on_head,
        hollow=hollow,
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
    corners, away = points[what.triangles], depth[what.triangles]  # (T, 3, 2), (T, 3)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area: Floats = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]  # twice; positive: seen from outside
    front = (np.abs(area) if what.hollow else area) > 1e-6
    chosen = np.flatnonzero(front & (away[:, 0] > NEAR))
    chosen = chosen[np.argsort(-away[chosen, 0])]  # far ones first: the nearer overwrite them
    out = tuple(np.full(shape, value, np.float32) for value in (FAR, -1.0, -1.0))
    triangle, x, y, weights = _covered(corners[chosen], area[chosen], shape)
    attributes = np.concatenate([away[..., None], what.uv[what.triangles]], axis=-1)[chosen]  # (T, 3, 3)
    values = [_blend(attributes[..., channel], triangle, weights) for channel in range(3)]
    flat = y * shape[1] + x
    if what.hollow:  # what is behind a hole must not be hidden by it
        opacity = what.normal[(values[2] + 0.5).astype(np.int32), (values[1] + 0.5).astype(np.int32), 3]
        solid = np.flatnonzero(opacity > 0.3)
        flat, values = flat[solid], [value[solid] for value in values]
    for target, value in zip(out, values, strict=True):
        target.ravel()[flat] = value
    return out[0], out[1], out[2]


def _covered(corners: Floats, area: Floats, shape: tuple[int, int]) -> tuple[Indices, Indices, Indices, list[Floats]]:
    """The pixels in each triangle of (T, 3, 2): which triangle, x, y, and the weights of its last two corners."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    low = np.maximum(np.ceil(np.minimum(np.minimum(a, b), c)), 0).astype(np.int32)
    high = np.minimum(np.floor(np.maximum(np.maximum(a, b), c)), [shape[1] - 1, shape[0] - 1]).astype(np.int32)
    size = np.maximum(high - low + 1, 0)
    count = size[:, 0] * size[:, 1]
    triangle = np.repeat(np.arange(len(count), dtype=np.int32), count)
    within = np.arange(len(triangle), dtype=np.int32) - (np.cumsum(count) - count).astype(np.int32)[triangle]
    row = within // size[triangle, 0]
    column = within - row * size[triangle, 0]
    x, y = column.astype(np.float32), row.astype(np.float32)  # from the corner of each triangle's box
    a, b, c = (corners[:, k] - low.astype(np.float32) for k in range(3))
    weights = []
    # barycentric weights are planes over the picture: weight = gx * x + gy * y - g . a
    for gx, gy in ((c[:, 1] - a[:, 1], a[:, 0] - c[:, 0]), (a[:, 1] - b[:, 1], b[:, 0] - a[:, 0])):
        gx, gy = gx / area, gy / area  # noqa: PLW2901
        weights.append(gx[triangle] * x + gy[triangle] * y - (gx * a[:, 0] + gy * a[:, 1])[triangle])
    inside = np.flatnonzero((weights[0] >= -1e-3) & (weights[1] >= -1e-3) & (weights[0] + weights[1] <= 1.001))
    triangle = triangle[inside]
    at = low[triangle]
    return triangle, at[:, 0] + column[inside], at[:, 1] + row[inside], [weight[inside] for weight in weights]


def _blend(corner_values: Floats, triangle: Indices, weights: list[Floats]) -> Floats:
    """Values (N,) at points in triangles, from those at their corners (T, 3)."""
    first, second, third = corner_values[:, 0], corner_values[:, 1], corner_values[:, 2]
    toward = weights[0] * (second - first)[triangle] + weights[1] * (third - first)[triangle]
    return np.asarray(first[triangle] + toward, np.float32)


def sample(maps: Floats, u: Floats, v: Floats) -> Floats:
    """Maps (H, W, C) at the points `u`, `v` (N,) -> (N, C), bilinear."""
    wide = 256  # remap wants a picture, not a row
    where = np.zeros((2, -(-len(u) // wide) * wide), np.float32)
    where[0, : len(u)], where[1, : len(u)] = u, v
    where = where.reshape(2, -1, wide)
    found = cv2.remap(maps, where[0], where[1], cv2.INTER_LINEAR) if len(u) else np.zeros((0, maps.shape[2]))
    return np.asarray(found.reshape(-1, maps.shape[2])[: len(u)], np.float32)
