"""Pictures of people: the camera, several people before a background, and what a sensor does to it all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from agent.types import Floats, Image
from training.cast.figure import Figure, figure, looking_at_camera
from training.cast.identity import FRONT, PLAIN, SOFT, Expression, Identity, Light, Pose
from training.cast.raster import FAR, Part, rasterise, sample
from training.cast.shade import Buffers, shade

PIVOT = np.array([0.0, -8.0, -2.0], np.float32)  # where the head turns on the neck, cm
FOCAL = 1.17  # of the door's camera, in image heights: 46 degrees high, 58 wide
PORTRAIT = 2.2  # of enrolment pictures
# linear light 0..4 in steps of 1/1024 to picture values: a soft shoulder, then sRGB as a power of 1 / 2.2
TONE_CURVE = (1.0 - np.exp(-1.25 * np.arange(4096, dtype=np.float32) / 1024)) ** (1 / 2.2)


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody in a picture."""

    who: Identity
    pose: Pose = FRONT
    face: Expression = PLAIN
    at_camera: bool = True  # the eyes follow the camera
    motion: tuple[float, float] = (0.0, 0.0)  # pixels moved while the shutter was open


@dataclass(frozen=True, slots=True)
class Sensor:
    """What the camera adds."""

    blur: float = 0.7  # pixels
    noise: float = 2.0  # grey levels
    seed: int = 0


SENSOR = Sensor()


def render(
    identity: Identity,
    pose: Pose = FRONT,
    light: Light = SOFT,
    *,
    face: Expression = PLAIN,
    size: tuple[int, int] = (320, 320),
    background: Image | None = None,
    focal: float = PORTRAIT,
    sensor: Sensor | None = SENSOR,
) -> Image:
    """One person, (H, W, 3) uint8 RGB; `size` is (width, height), `focal` in image heights."""
    if background is None:
        background = np.full((size[1], size[0], 3), (150, 152, 150), np.uint8)
    return scene([Actor(identity, pose, face)], background, light, focal=focal, sensor=sensor)


def scene(
    actors: Sequence[Actor],
    background: Image,
    light: Light = SOFT,
    *,
    focal: float = FOCAL,
    sensor: Sensor | None = SENSOR,
) -> Image:
    """Several people before a background, the far ones behind the near; (H, W, 3) uint8 RGB like the background."""
    picture = background.astype(np.float32) / 255
    for actor in sorted(actors, key=lambda a: -a.pose.distance):
        _draw(picture, actor, light, focal)
    return develop(picture, sensor)


def landmarks(
    identity: Identity,
    pose: Pose = FRONT,
    *,
    face: Expression = PLAIN,
    size: tuple[int, int] = (320, 320),
    focal: float = PORTRAIT,
) -> Floats:
    """Left eye, right eye, nose, left and right mouth corner in pixels, (5, 2) float32, as in the image."""
    points, _ = _project(_turn(figure(identity, face).landmarks, pose, pose.yaw, on_head=True), pose, size, focal)
    return points


def develop(picture: Floats, sensor: Sensor | None) -> Image:
    """The picture (0..1, as seen) as a sensor would record it."""
    if sensor is not None:
        picture = cv2.GaussianBlur(picture, (0, 0), sensor.blur) if sensor.blur > 0 else picture
        rng = np.random.default_rng(sensor.seed)
        grain = rng.standard_normal((*picture.shape[:2], 1), np.float32) * 0.8
        picture = picture + (sensor.noise / 255) * cv2.GaussianBlur(grain, (0, 0), 0.6)[..., None] * 1.6
    return np.asarray(np.clip(picture * 255 + 0.5, 0, 255), np.uint8)


def _smear(picture: Floats, motion: tuple[float, float]) -> Floats:
    length = float(np.hypot(*motion))
    if length < 1.0:
        return picture
    reach = int(np.ceil(length / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    for t in np.linspace(-0.5, 0.5, 4 * reach + 1):
        kernel[round(reach + t * motion[1]), round(reach + t * motion[0])] += 1
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.float32)


def rotation(yaw: float, pitch: float, roll: float) -> Floats:
    """(3, 3) matrix that turns a column vector; degrees as in `Pose`."""
    y, p, r = np.radians([yaw, pitch, roll])
    turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    nod = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    tip = np.array([[np.cos(r), np.sin(r), 0], [-np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return np.asarray(tip @ turn @ nod, np.float32)


def _turn(points: Floats, pose: Pose, yaw: float, *, on_head: bool) -> Floats:
    """Points (N, 3) of the person, turned, in front of the camera but not yet moved away from it."""
    matrix = rotation(pose.yaw, pose.pitch, pose.roll) if on_head else rotation(yaw * pose.body, 0, 0)
    return np.asarray((points - PIVOT) @ matrix.T + PIVOT, np.float32)


def _project(points: Floats, pose: Pose, size: tuple[int, int], focal: float) -> tuple[Floats, Floats]:
    away = np.maximum(pose.distance - points[:, 2], 1.0)
    scale = focal * size[1] / away
    x = size[0] / 2 + (points[:, 0] + pose.x) * scale
    y = size[1] / 2 - (points[:, 1] + pose.y) * scale
    return np.stack([x, y], axis=1).astype(np.float32), away.astype(np.float32)


def _draw(picture: Floats, actor: Actor, light: Light, focal: float) -> None:
    pose, size = actor.pose, (picture.shape[1], picture.shape[0])
    face = looking_at_camera(actor.face, pose.yaw, pose.pitch) if actor.at_camera else actor.face
    person = figure(actor.who, face)
    placed = [_turn(p.vertices, pose, pose.yaw, on_head=p.on_head) for p in person.parts]
    projected = [_project(points, pose, size, focal) for points in placed]
    everywhere = np.vstack([points for points, _ in projected])
    low = np.clip(np.floor(everywhere.min(axis=0)) - 2, 0, size).astype(int)
    high = np.clip(np.ceil(everywhere.max(axis=0)) + 2, 0, size).astype(int)
    if (high - low).min() < 2:
        return
    per_cm = focal * size[1] / pose.distance
    fine = float(np.clip(9.0 / per_cm, 1.0, 4.0))  # far people are drawn larger, so that their maps do not flicker
    window = (round((high[1] - low[1]) * fine), round((high[0] - low[0]) * fine))
    corner = low.astype(np.float32) - 0.5
    moved = [((points - corner) * np.float32(fine) - 0.5, away) for points, away in projected]
    seen = _gather(person, moved, pose, window)
    light_seen = _tone(shade(seen, light, per_cm * fine))
    alpha = seen.cover[..., None]
    layer = np.concatenate([light_seen * alpha, alpha], axis=-1)
    layer = cv2.resize(layer, (int(high[0] - low[0]), int(high[1] - low[1])), interpolation=cv2.INTER_AREA)
    layer = _smear(layer, actor.motion)
    target = picture[low[1] : high[1], low[0] : high[0]]
    target[:] = target * (1 - layer[..., 3:]) + layer[..., :3]


def _gather(person: Figure, moved: list[tuple[Floats, Floats]], pose: Pose, shape: tuple[int, int]) -> Buffers:
    seen = Buffers(
        paint=np.zeros((*shape, 4), np.float32),
        normal=np.zeros((*shape, 3), np.float32),
        depth=np.full(shape, FAR, np.float32),
        cover=np.zeros(shape, np.float32),
    )
    for what, (points, away) in zip(person.parts, moved, strict=True):
        _lay(seen, what, points, away, pose)
    return seen


def _lay(seen: Buffers, what: Part, points: Floats, away: Floats, pose: Pose) -> None:
    """Adds one part to the buffers, in the window it covers."""
    height, width = seen.depth.shape
    low = np.clip(np.floor(points.min(axis=0)), 0, [width, height]).astype(int)
    high = np.clip(np.ceil(points.max(axis=0)) + 1, 0, [width, height]).astype(int)
    if (high - low).min() < 1:
        return
    here = (slice(low[1], high[1]), slice(low[0], high[0]))
    depth, u, v = rasterise(points - low.astype(np.float32), away, what, (high[1] - low[1], high[0] - low[0]))
    rows, columns = np.nonzero(depth < seen.depth[here])
    u, v, depth = u[rows, columns], v[rows, columns], depth[rows, columns]
    rows, columns = rows + low[1], columns + low[0]
    normal, paint = sample(what.normal, u, v), sample(what.paint, u, v)
    matrix = _turn(PIVOT + np.eye(3, dtype=np.float32), pose, pose.yaw, on_head=what.on_head) - PIVOT
    facing, opacity = normal[:, :3] @ matrix, normal[:, 3]
    facing[facing[:, 2] < 0] *= -1
    if what.hollow:
        paint = _over(seen.paint[rows, columns], paint, opacity)
        facing = _over(seen.normal[rows, columns], facing, opacity)
        depth = np.where(opacity > 0.5, depth, seen.depth[rows, columns])
    seen.paint[rows, columns], seen.normal[rows, columns], seen.depth[rows, columns] = paint, facing, depth
    seen.cover[rows, columns] = np.maximum(seen.cover[rows, columns], opacity)


def _over(below: Floats, above: Floats, opacity: Floats) -> Floats:
    return np.asarray(below + (above - below) * opacity[:, None], np.float32)


def _tone(light: Floats) -> Floats:
    """Linear light to picture values 0..1."""
    return np.asarray(TONE_CURVE[np.clip(light * 1024, 0, len(TONE_CURVE) - 1).astype(np.int32)], np.float32)
