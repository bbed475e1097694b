"""Pixels into numbers and numbers out of tensors, over all that a model may want."""

import numpy as np
import pytest

from agent.errors import ModelError
from agent.vision.model import TensorSpec
from agent.vision.pixels import PixelTable, real

PICTURE = np.arange(4 * 64 * 3, dtype=np.int64).reshape(4, 64, 3).astype(np.uint8)  # every value thrice


def spec(dtype, scale=0.0, zero=0, shape=(1, 4, 64, 3)):
    return TensorSpec("in", shape, np.dtype(dtype), scale, zero)


def test_float_pixels_are_in_minus_one_to_one():
    made = PixelTable(spec(np.float32))(PICTURE)
    assert (made.shape, made.dtype) == ((1, 4, 64, 3), np.float32)
    np.testing.assert_allclose(made[0], (PICTURE / 127.5) - 1, atol=1e-7)
    assert (made.min(), made.max()) == (-1, 1)


@pytest.mark.parametrize(
    ("dtype", "scale", "zero"),
    [
        pytest.param(np.int8, 2 / 255, -1, id="int8, as a quantiser chooses it"),
        pytest.param(np.uint8, 2 / 255, 128, id="uint8"),
        pytest.param(np.int8, 0.001, 5, id="int8 too fine for the range: clipped"),
    ],
)
def test_quantised_pixels_against_a_naive_loop(dtype, scale, zero):
    made = PixelTable(spec(dtype, scale, zero))(PICTURE)
    limits = np.iinfo(dtype)
    exact = [(int(p) - 127.5) / 127.5 / scale + zero for p in PICTURE.ravel()]
    want = [min(max(number, limits.min), limits.max) for number in exact]
    assert made.dtype == dtype
    np.testing.assert_allclose(made.ravel(), want, atol=0.501)  # half a step


def test_no_two_values_of_a_pixel_become_one_where_all_fit():
    made = PixelTable(spec(np.int8, 0.007843137718737125, -1))(PICTURE)  # what the quantiser says in truth
    assert len(np.unique(made)) == 256


def test_the_size_is_the_models():
    table = PixelTable(spec(np.int8, 0.01))
    assert (table.height, table.width) == (4, 64)


@pytest.mark.parametrize("tensor", [spec(np.float32), spec(np.int8, 2 / 255, -1)], ids=["float32", "int8"])
def test_a_mirrored_view_of_a_picture(tensor):
    table = PixelTable(tensor)
    turned = np.ascontiguousarray(PICTURE[:, ::-1])
    np.testing.assert_array_equal(table(PICTURE[:, ::-1]), table(turned))


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        pytest.param(spec(np.int8, 0.01, shape=(1, 4, 4, 1)), "not one RGB picture", id="grey"),
        pytest.param(spec(np.int8, 0.01, shape=(2, 4, 4, 3)), "not one RGB picture", id="two pictures"),
        pytest.param(spec(np.int8, 0.01, shape=(1, 3)), "not one RGB picture", id="a vector"),
        pytest.param(spec(np.int8, 0.01, shape=()), "not one RGB picture", id="a number"),
        pytest.param(spec(np.int8), "int8, uint8 and float32 are possible", id="int8 without a scale"),
        pytest.param(spec(np.int16, 0.01), "int16", id="16 bits"),
    ],
)
def test_other_models_are_refused(bad, says):
    with pytest.raises(ModelError, match=says):
        PixelTable(bad)


@pytest.mark.parametrize(("dtype", "scale", "zero"), [(np.int8, 0.1, -7), (np.uint8, 0.02, 128), (np.float32, 0.0, 0)])
def test_what_raw_numbers_stand_for(dtype, scale, zero):
    raw = np.array([[0, 1, 100], [7, 50, 127]], dtype)
    want = raw.astype(float) if not scale else (raw.astype(float) - zero) * scale
    made = real(raw, spec(dtype, scale, zero))
    assert (made.shape, made.dtype) == (raw.shape, np.float32)
    np.testing.assert_allclose(made, want, rtol=1e-6)
