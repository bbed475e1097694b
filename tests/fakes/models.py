"""Models without a network: what they answer is a function given to them."""

import numpy as np

from agent.vision.model import TensorSpec

STEPS = {"score": (0.1, 20), "box": (0.05, -100), "points": (0.04, 3), "pixels": (1 / 127.5, 0), "vector": (0.02, -5)}
"""What is in a tensor -> scale and zero point where it is int8."""


class FakeModel:
    """Implements `agent.vision.model.Model`; `given` is what it was called with."""

    def __init__(self, inputs, outputs, answer):
        self.inputs, self.outputs, self._answer = tuple(inputs), tuple(outputs), answer
        self.given = []

    def __call__(self, *arrays):
        for array, spec in zip(arrays, self.inputs, strict=True):
            assert (array.shape, array.dtype) == (spec.shape, spec.dtype)
        self.given.append(arrays)
        return [raw(value, spec) for value, spec in zip(self._answer(*arrays), self.outputs, strict=True)]


def tensor(shape, what, *, quantised, dtype=np.int8):
    if not quantised:
        return TensorSpec(what, shape, np.dtype(np.float32), 0.0, 0)
    scale, zero = STEPS[what]
    return TensorSpec(what, shape, np.dtype(dtype), scale, zero + (128 if dtype == np.uint8 else 0))


def raw(value, spec):
    """Real numbers as the tensor stores them."""
    value = np.asarray(value).reshape(spec.shape)
    if not spec.scale:
        return value.astype(np.float32)
    limits = np.iinfo(spec.dtype)
    return np.clip(np.rint(value / spec.scale) + spec.zero_point, limits.min, limits.max).astype(spec.dtype)


def detector(answer, *, quantised=False, size=(240, 320), order=range(9)):
    """A detector of (height, width) whose nine real maps are `answer()`: score, box, points of stride 8, 16, 32."""
    grids = [(1, -(-size[0] // stride), -(-size[1] // stride)) for stride in (8, 16, 32)]
    outputs = [
        tensor((*grid, n), what, quantised=quantised)
        for grid in grids
        for n, what in ((1, "score"), (4, "box"), (10, "points"))
    ]
    return FakeModel(
        [tensor((1, *size, 3), "pixels", quantised=quantised)],
        [outputs[i] for i in order],
        lambda _: [answer()[i] for i in order],
    )


def empty_maps(size=(240, 320), logit=-9.0):
    """Nine maps that see no face."""
    maps = []
    for stride in (8, 16, 32):
        grid = (1, -(-size[0] // stride), -(-size[1] // stride))
        maps += [np.full((*grid, 1), logit), np.zeros((*grid, 4)), np.zeros((*grid, 10))]
    return maps


def plant(maps, stride, row, column, *, box, points, logit=4.0):
    """Lets one cell see a face: `box` (x0, y0, x1, y1) and `points` (5, 2) in pixels of the model."""
    score, sides, offsets = maps[3 * (8, 16, 32).index(stride) :][:3]
    middle = np.array((column + 0.5, row + 0.5)) * stride
    score[0, row, column] = logit
    sides[0, row, column] = np.concatenate([middle - box[:2], np.array(box[2:]) - middle]) / stride
    offsets[0, row, column] = ((np.asarray(points) - middle) / stride).ravel()


def encoder(answer, *, quantised=False, side=112, dimension=8):
    """An encoder whose real output is `answer(pixels)`, (dimension,)."""
    return FakeModel(
        [tensor((1, side, side, 3), "pixels", quantised=quantised)],
        [tensor((1, dimension), "vector", quantised=quantised)],
        lambda pixels: [answer(pixels)],
    )
