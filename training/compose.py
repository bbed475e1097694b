"""Training pictures for the detector: photographs with faces and faces cut out, scaled, turned, pasted onto others."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.vision.align import TEMPLATE
from training.scenes import PIXELS, Drawn, Pictures, Scene

SWAP = [1, 0, 2, 4, 3]  # left and right of the five landmarks change places in a mirror
CUT_OUT_BOX = np.array([16.0, 8.9, 95.7, 119.1], np.float32)
"""Where an aligned crop's box is, in its pixels: the median over the scenes' faces that look at the camera."""
CUT_OUTS = 0.4  # of what is pasted
WHOLE, SEEN = 2 / 3, 0.15
"""A face of which less than `WHOLE` is to be seen is not asked about, one with less than `SEEN` is none."""
SMALLEST = 7.0  # pixels, square root of the box's area; smaller ones are not asked about
ELSEWHERE = 0.3
"""How often a place in a photograph is shown that need not be a face: hands, ears and emblems are mistaken for some."""
HIDDEN = 0.25  # of the faces a part is hidden
GAIN = 0.45
"""Deviation of the logarithm of the exposure: what misses a face in the dark keeps a door shut at night."""
NOISES = 32  # kept and used over and over: drawing one takes longer than all the rest


class Composer:
    """Makes training pictures: a background, then one to three photographs on it, each at a scale of its own.

    Args:
        scenes: photographs with faces.
        backgrounds: photographs without.
        seed: of all that is drawn.
        crops: (N, 112, 112, 3) uint8 RGB aligned faces, to be cut out and pasted as well: far more people than the
            scenes show. They lie on the template, so where their landmarks are is known as a whole, not one by one.
    """

    def __init__(
        self, scenes: list[Scene], backgrounds: list[PIXELS], *, seed: int, crops: Pictures | None = None
    ) -> None:
        self._scenes, self._backgrounds, self._crops = scenes, backgrounds, crops
        self._seed, self._random = seed, np.random.default_rng(seed)
        self._canvases: list[PIXELS] = []
        self._noises: list[NDArray[np.int16]] = []

    def begin(self, step: int) -> None:
        """Makes what is drawn from here on depend on the seed and this step alone, whatever was drawn before."""
        self._random = np.random.default_rng((self._seed, step))

    def draw(self, width: int, height: int) -> Drawn:
        """Returns a (height, width, 3) picture and its faces."""
        random = self._random
        canvas = self._background(width, height)
        nobody, none = np.zeros((0, 4), np.float32), np.zeros(0, bool)
        drawn = Drawn(canvas, nobody, np.zeros((0, 5, 2), np.float32), none, none)
        for _ in range(random.choice(5, p=[0.05, 0.25, 0.30, 0.25, 0.15])):
            scene, mask = self._photograph()
            matrix, mirrored = self._placement(scene, width, height)
            pasted = _paste(canvas, scene.picture, mask, matrix)
            drawn = _under(drawn, pasted)
            boxes, points = _move(scene, matrix, mirrored=mirrored)
            kept = _inside(boxes, width, height)
            sizes = np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(1))
            whole = (kept > WHOLE) & (sizes >= SMALLEST)
            new = Drawn(canvas, boxes, points, np.full(len(boxes), scene.exact), whole)
            drawn = _both(drawn, _only(new, kept > SEEN))
        self._hide(drawn)
        return drawn._replace(picture=self._weather(canvas))

    def _photograph(self) -> tuple[Scene, PIXELS | None]:
        """Returns what to paste next, and a mask of which of its pixels, None for all."""
        if self._crops is None or self._random.random() >= CUT_OUTS:
            scene = self._scenes[self._random.integers(len(self._scenes))]
            return scene, None
        picture = self._crops[int(self._random.integers(len(self._crops)))]
        boxes, points = CUT_OUT_BOX[None], TEMPLATE[None]
        return Scene("", picture, boxes, points, exact=False), self._cut_out(picture)

    def _cut_out(self, picture: PIXELS) -> PIXELS:
        """Returns the mask of a crop: never the same edges, or the net would find eyes by how far they are from them.

        What is black because it lay outside of the photograph is left out.
        """
        random = self._random
        mask = np.zeros(picture.shape[:2], np.uint8)
        left, right = random.uniform(0, 17), random.uniform(95, 112)
        top, bottom = random.uniform(0, 28), random.uniform(104, 112)
        if random.random() < 0.5:
            cv2.rectangle(mask, (int(left), int(top)), (int(right), int(bottom)), 255, -1)
        else:
            middle, axes = ((left + right) / 2, (top + bottom) / 2), (1.1 * (right - left), 1.1 * (bottom - top))
            cv2.ellipse(mask, (middle, axes, random.uniform(-10, 10)), 255, -1)
        dark = cv2.inRange(picture, (0, 0, 0), (7, 7, 7))
        if any(edge.any() for edge in _edges(dark)):
            count, parts = cv2.connectedComponents(dark)
            inside = np.full(count, 255, np.uint8)
            inside[np.concatenate(_edges(parts))] = 0
            inside[0] = 255  # what is not black
            mask &= inside[parts]
        return mask

    def _background(self, width: int, height: int) -> PIXELS:
        random = self._random
        if random.random() < 0.3:
            return np.full((height, width, 3), random.integers(0, 256, 3), np.uint8)
        spare = width + width // 4, height + height // 4
        if not self._canvases or self._canvases[0].shape[1::-1] != spare:
            self._canvases = [np.asarray(cv2.resize(b, spare, interpolation=cv2.INTER_AREA)) for b in self._backgrounds]
        x, y = (int(random.integers(s - t + 1)) for s, t in zip(spare, (width, height), strict=True))
        return self._canvases[random.integers(len(self._canvases))][y : y + height, x : x + width].copy()

    def _hide(self, drawn: Drawn) -> None:
        """Hides a part of some faces, as hands, microphones and sheets of paper do."""
        random = self._random
        for box in drawn.boxes[random.random(len(drawn.boxes)) < HIDDEN]:
            size = (box[2:] - box[:2]) * random.uniform(0.2, 0.5, 2)
            x, y = np.maximum(random.uniform(box[:2] - size / 2, box[2:] - size / 2), 0).astype(int)
            part = drawn.picture[y : y + int(size[1]), x : x + int(size[0])]
            part[:] = random.integers(0, 256, 3)

    def _placement(self, scene: Scene, width: int, height: int) -> tuple[NDArray[np.float64], bool]:
        """Returns a matrix that gives one face of the scene a size, drawn evenly on a log scale, and a place.

        Half of the time the size is one that a door asks about. Some heads lie on their side, some are cut off.
        """
        random = self._random
        box = scene.boxes[random.integers(len(scene.boxes))]
        size = float(np.sqrt((box[2] - box[0]) * (box[3] - box[1])))
        wanted = np.exp(random.uniform(np.log(random.choice([8, 0.2 * height])), np.log(0.85 * height)))
        zoom, angle = min(wanted / size, 4.0), np.radians(random.normal(0, 12 if random.random() < 0.8 else 40))
        mirrored = bool(random.random() < 0.5)
        cos, sin = np.cos(angle) * zoom, np.sin(angle) * zoom
        turn = np.array([[-cos if mirrored else cos, -sin], [-sin if mirrored else sin, cos]])
        reach = (0.45 if random.random() < 0.85 else 0.2) * wanted
        target = [random.uniform(min(reach, w / 2), max(w - reach, w / 2)) for w in (width, height)]
        middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
        if scene.exact and random.random() < ELSEWHERE:
            middle = random.uniform(0, 1, 2) * scene.picture.shape[1::-1]
        return np.column_stack([turn, np.array(target) - turn @ middle]), mirrored

    def _weather(self, picture: PIXELS) -> PIXELS:
        random = self._random
        if random.random() < 0.3:
            picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        if random.random() < 0.7:
            gain, gamma, lift = np.exp(random.normal(-0.1, GAIN)), np.exp(random.normal(0, 0.25)), random.normal(0, 10)
            table = np.clip(255 * (np.arange(256) / 255) ** gamma * gain + lift, 0, 255).astype(np.uint8)
            picture = cv2.LUT(picture, table)
        if random.random() < 0.25:
            picture = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.4, 1.6))
        if random.random() < 0.3:
            if not self._noises or self._noises[0].shape != picture.shape:
                normal = np.random.default_rng(self._seed).normal  # the same whichever picture is the first
                self._noises = [normal(0, 64, picture.shape).astype(np.int16) for _ in range(NOISES)]
            noise = self._noises[random.integers(NOISES)]
            picture = cv2.addWeighted(picture, 1, noise, random.uniform(2, 10) / 64, 0, dtype=cv2.CV_8U)
        return np.asarray(picture, np.uint8)


def _paste(canvas: PIXELS, picture: PIXELS, mask: PIXELS | None, matrix: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Pastes what `mask` (255 or 0; None: all) shows of a picture under the (2, 3) `matrix`.

    Returns (H, W) where it now lies. Only the part of the canvas that the picture reaches is touched.
    """
    (height, width), (h, w) = canvas.shape[:2], picture.shape[:2]
    corners = np.array([[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]]) @ matrix[:, :2].T + matrix[:, 2]
    low = np.clip(np.floor(corners.min(0)).astype(int), 0, (width, height))
    high = np.clip(np.ceil(corners.max(0)).astype(int) + 1, 0, (width, height))
    lies = np.zeros((height, width), np.uint8)
    if high[0] > low[0] and high[1] > low[1]:
        window = slice(low[1], high[1]), slice(low[0], high[0])
        matrix = np.column_stack([matrix[:, :2], matrix[:, 2] - low])
        size = int(high[0] - low[0]), int(high[1] - low[1])
        if mask is None:
            shown = cv2.fillConvexPoly(lies[window].copy(), np.rint(corners - low).astype(np.int32), 1)
        else:
            shown = np.asarray(_warp(mask, matrix, *size) > 127, np.uint8)
        lies[window] = shown
        cv2.copyTo(_warp(picture, matrix, *size), shown, canvas[window])
    return lies.view(np.bool_)


def _warp(picture: PIXELS, matrix: NDArray[np.float64], width: int, height: int) -> PIXELS:
    """Returns `picture` under the (2, 3) `matrix`, without skipping pixels where it shrinks."""
    zoom = float(np.hypot(*matrix[:, 0]))
    if zoom < 0.6:
        h, w = picture.shape[:2]
        size = max(1, round(w * zoom * 1.2)), max(1, round(h * zoom * 1.2))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        # numbers name the middles of pixels: p was (p + 1/2) w / width - 1/2 before
        x, y = w / size[0], h / size[1]
        matrix = matrix @ np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]])
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR), np.uint8)


def _under(drawn: Drawn, pasted: NDArray[np.bool_]) -> Drawn:
    """Returns the faces that are still to be seen after something was pasted over them."""
    free = np.array([_free(box, pasted) for box in drawn.boxes], np.float32)
    return _only(drawn._replace(whole=drawn.whole & (free > 0.85)), free > SEEN)


def _free(box: NDArray[np.float32], pasted: NDArray[np.bool_]) -> float:
    x0, y0, x1, y1 = np.clip(box, 0, None).astype(int)
    part = pasted[y0:y1, x0:x1]
    return 1 - float(part.mean()) if part.size else 0.0


def _only(drawn: Drawn, which: NDArray[np.bool_]) -> Drawn:
    picture, boxes, points, exact, whole = drawn
    return Drawn(picture, boxes[which], points[which], exact[which], whole[which])


def _both(first: Drawn, second: Drawn) -> Drawn:
    boxes, points = np.vstack([first.boxes, second.boxes]), np.concatenate([first.points, second.points])
    exact, whole = (np.concatenate(pair) for pair in zip(first[3:], second[3:], strict=True))
    return Drawn(first.picture, boxes, points, exact, whole)


def _move(
    scene: Scene, matrix: NDArray[np.float64], *, mirrored: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns the scene's boxes and landmarks after `matrix`.

    Boxes stay upright, around the ellipse that the turned face fills. The annotation counts from the corner of the
    first pixel: it lies half a pixel to the right and below of what it means, and so it has to in a mirror, or the net
    learns the mean of both.
    """
    turn = matrix[:, :2]
    shift = matrix[:, 2] + 0.5 - turn @ np.array([0.5, 0.5])
    middles = (scene.boxes[:, :2] + scene.boxes[:, 2:]) / 2 @ turn.T + shift
    halves = np.sqrt(((scene.boxes[:, 2:] - scene.boxes[:, :2]) / 2) ** 2 @ (turn**2).T)
    points = scene.points @ turn.T + shift
    points = points[:, SWAP] if mirrored else points
    return np.hstack([middles - halves, middles + halves]).astype(np.float32), points.astype(np.float32)


def _edges(picture: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    return picture[0], picture[-1], picture[:, 0], picture[:, -1]


def _inside(boxes: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Returns how much of each box is in the picture, 0..1."""
    cut = np.clip(boxes, 0, [width, height, width, height])
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return np.asarray((cut[:, 2:] - cut[:, :2]).prod(1) / area, np.float32)
