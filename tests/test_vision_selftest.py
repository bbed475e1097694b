"""An encoder compared with what it said when it was made; no file is read here but the pictures."""

import base64

import numpy as np
import pytest

from agent.errors import ModelError
from agent.vision.align import TEMPLATE, align
from agent.vision.encode import Encoder
from agent.vision.selftest import Golden, read_golden, self_test, write_golden
from tests.fakes import blocks

PICTURE = np.random.default_rng(0).integers(0, 256, (140, 120, 3), np.uint8)


@pytest.fixture
def encoder(tmp_path):
    return Encoder(blocks.BlockEngine(tmp_path / "encoder.tflite"), "tested")


@pytest.fixture
def golden(encoder):
    return Golden("a.jpg", TEMPLATE + 4, encoder.vector(align(PICTURE, TEMPLATE + 4)))


def test_what_is_written_is_read(golden):
    (read,), least = read_golden({"golden": write_golden((golden,), 0.95)})
    assert (read.picture, least) == ("a.jpg", 0.95)
    np.testing.assert_allclose(read.landmarks, golden.landmarks, atol=0.051)
    assert float(read.vector @ golden.vector) > 0.9999
    assert np.linalg.norm(read.vector) == pytest.approx(1)


def test_an_encoder_that_says_the_same(encoder, golden):
    tested = self_test(encoder, (golden,), 0.99, {"a.jpg": PICTURE}.__getitem__)
    assert tested.good
    assert tested.cosines == {"a.jpg": pytest.approx(1)}


def test_one_that_says_something_else(encoder, golden):
    other = Golden("b.jpg", golden.landmarks, np.roll(golden.vector, 1))
    tested = self_test(encoder, (golden, other), 0.99, lambda _name: PICTURE)
    assert not tested.good
    assert tested.worst == "b.jpg"


def test_mirroring_is_left_out(encoder, golden, tmp_path):
    flipping = Encoder(blocks.BlockEngine(tmp_path / "encoder.tflite"), "tested", flip_average=True)
    assert self_test(flipping, (golden,), 0.9999, lambda _name: PICTURE).good


def test_a_card_of_another_encoder(encoder, golden):
    longer = Golden("a.jpg", golden.landmarks, np.ones(7, np.float32))
    with pytest.raises(ModelError, match="has 7 numbers, the encoder says 3"):
        self_test(encoder, (longer,), 0.9, lambda _name: PICTURE)


def test_a_card_without():
    assert read_golden({"id": "x"}) == ((), 0.0)


@pytest.mark.parametrize(
    "change",
    [
        {"vector": "not base64!"},
        {"vector": base64.b64encode(b"\0\0\0").decode()},
        {"vector": None},
        {"landmarks": [[1, 2]]},
        {"landmarks": "x"},
    ],
    ids=str,
)
def test_a_card_that_cannot_be_read(golden, change):
    table = write_golden((golden,), 0.9)
    table["crops"][0] |= change
    with pytest.raises(ModelError, match="cannot be read"):
        read_golden({"golden": table})
