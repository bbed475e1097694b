"""The encoder around its network: always a vector of unit length, whatever comes out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agent.errors import ModelError
from agent.vision.encode import Encoder, shrink
from tests.fakes import models

rng = np.random.default_rng(0)
CROP = rng.integers(0, 256, (112, 112, 3), np.uint8)
WEIGHTS = rng.normal(size=(8, 112 * 112 * 3)) / 100


def project(pixels):
    """Depends on every pixel, unlike on its mirror image."""
    return WEIGHTS[:, : pixels.size] @ pixels.astype(np.float64).ravel()


def embed(answer, crop=CROP, **options):
    flip = options.pop("flip_average", False)
    return Encoder(models.encoder(lambda _: answer, **options), "m", flip_average=flip)(crop).vector


@pytest.mark.parametrize("quantised", [False, True], ids=["float", "int8"])
def test_it_is_the_direction_of_the_networks_answer(quantised):
    answer = np.linspace(-1.5, 1.5, 8)
    encoder = Encoder(models.encoder(lambda _: answer, quantised=quantised), "enc-1")
    made = encoder(CROP)
    assert (made.model, encoder.model_id, encoder.dimension) == ("enc-1", "enc-1", 8)
    assert (made.vector.shape, made.vector.dtype) == ((8,), np.float32)
    assert made.vector @ answer / np.linalg.norm(answer) == pytest.approx(1, abs=1e-3 if quantised else 1e-6)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(np.zeros(8), id="zero"),
        pytest.param(np.full(8, 3e38), id="as large as float32 goes"),
        pytest.param(np.full(8, 1e-38), id="nearly nothing"),
        pytest.param(np.eye(8)[3] * 1e-44, id="smaller than normal"),
        pytest.param(np.array([1e30, *[1e-30] * 7]), id="from large to small"),
    ],
)
@pytest.mark.parametrize("flip", [False, True], ids=["one look", "flip average"])
def test_the_length_is_one(answer, flip):
    assert np.linalg.norm(embed(answer, flip_average=flip).astype(np.float64)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("answer", [np.zeros(8), np.full(8, 1e9), -np.full(8, 1e9)], ids=["zero", "high", "low"])
def test_the_length_is_one_where_int8_ends(answer):
    assert np.linalg.norm(embed(answer, quantised=True)) == pytest.approx(1, abs=1e-6)


@given(arrays(np.float32, 8, elements=st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_the_length_is_always_one(answer):
    assert np.linalg.norm(embed(answer).astype(np.float64)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_broken_network_is_told_and_not_compared(bad):
    with pytest.raises(ModelError, match="not usable"):
        embed(np.array([1.0, bad, *[0.0] * 6]))


@pytest.mark.parametrize("quantised", [False, True], ids=["float", "int8"])
@pytest.mark.parametrize("side", [112, 56])
def test_flip_averaging_does_not_know_left_from_right(quantised, side):
    encoder = Encoder(models.encoder(project, quantised=quantised, side=side), "m", flip_average=True)
    mirrored = np.ascontiguousarray(CROP[:, ::-1])
    np.testing.assert_array_equal(encoder(CROP).vector, encoder(mirrored).vector)
    plain = Encoder(models.encoder(project, quantised=quantised, side=side), "m")
    assert plain(CROP).vector @ plain(mirrored).vector < 0.99


def test_flip_averaging_is_the_mean_direction_of_both():
    model = models.encoder(project)
    plain = Encoder(model, "m")
    want = plain(CROP).vector + plain(np.ascontiguousarray(CROP[:, ::-1])).vector
    got = Encoder(model, "m", flip_average=True)(CROP).vector
    np.testing.assert_allclose(got, want / np.linalg.norm(want), atol=1e-6)


def test_the_same_crop_gives_the_same_vector():
    encoder = Encoder(models.encoder(project, quantised=True), "m", flip_average=True)
    assert encoder(CROP).vector.tobytes() == encoder(CROP.copy()).vector.tobytes()


def test_a_smaller_network_sees_the_whole_crop_smaller():
    model = models.encoder(lambda _: np.ones(8), side=56)
    Encoder(model, "m")(CROP)
    ((pixels,),) = model.given
    means = CROP.reshape(56, 2, 56, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(pixels[0], means / 127.5 - 1, atol=0.51 / 127.5)


def test_a_crop_of_the_right_size_is_left_alone():
    assert shrink(CROP, 112) is CROP
    assert shrink(CROP, 96).shape == (96, 96, 3)


def reshaped(inputs, outputs):
    return models.FakeModel(
        [models.tensor(shape, "pixels", quantised=False) for shape in inputs],
        [models.tensor(shape, "vector", quantised=False) for shape in outputs],
        None,
    )


@pytest.mark.parametrize(
    ("inputs", "outputs", "says"),
    [
        ([(1, 112, 96, 3)], [(1, 8)], "takes 96x112"),
        ([(1, 128, 128, 3)], [(1, 8)], "not up to 112x112"),
        ([(1, 112, 112, 3)], [(1, 8), (1, 8)], r"one \(1, D\) output"),
        ([(1, 112, 112, 3)], [(1, 8, 8)], r"one \(1, D\) output"),
        ([(1, 112, 112, 3)], [(4, 8)], r"one \(1, D\) output"),
        ([(1, 112, 112, 3)], [], r"one \(1, D\) output"),
        ([(1, 112, 112, 3)] * 2, [(1, 8)], "1 input"),
        ([], [(1, 8)], "1 input"),
        ([(1, 112, 112)], [(1, 8)], "not one RGB picture"),
    ],
)
def test_what_is_no_encoder_is_refused(inputs, outputs, says):
    with pytest.raises(ModelError, match=says):
        Encoder(reshaped(inputs, outputs), "m")
