"""Turning: no similarity changes under one key, and none is left under two."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.bundle import STAFF, open_bundle
from agent.config import Config
from agent.gallery.anchors import Anchors
from agent.gallery.match import Gallery
from agent.gallery.space import AS_ENCODED, Space
from agent.seal.keys import SiteKey
from agent.seal.turning import Turn, TurnedEncoder, rotation
from agent.types import Embedding
from agent.vision.pictures import decode_picture
from tests.fakes.keys import KEY, OTHER

GOLDEN = [
    [-0.14921765786, -0.453734431601, -0.878555152601],
    [0.659658180921, 0.616205160258, -0.4302816343],
    [0.736603811372, -0.643751711494, 0.207360938996],
]
GOLDEN_DIGESTS = {16: "33d5335bd3dc27c9", 256: "64c25d5647fd25ea"}
keys = st.binary(min_size=32, max_size=32).map(SiteKey)


def units(seed, count, dimension):
    vectors = np.random.default_rng(seed).standard_normal((count, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def staff():
    """What the bundled encoder makes of the bundled pictures, plain and turned by two keys."""
    pictures = [decode_picture(file.read_bytes()) for file in sorted(STAFF.glob("*.jpg"))]
    plain, one, other = (open_bundle(Config(), key).eyes() for key in (None, KEY, OTHER))
    crops = [plain.crop(picture, plain.faces(picture)[0]) for picture in pictures]
    return [[eyes.embed(crop) for crop in crops] for eyes in (plain, one, other)]


@given(keys, st.integers(1, 80))
@settings(max_examples=50, deadline=None)
def test_a_rotation_is_orthogonal(key, dimension):
    q = rotation(key.turn_key, dimension)
    assert np.abs(q.T @ q - np.eye(dimension)).max() < 1e-12


@given(keys, st.integers(0, 2**32), st.integers(2, 300))
@settings(max_examples=30, deadline=None)
def test_no_similarity_changes(key, seed, dimension):
    vectors, turn = units(seed, 20, dimension), Turn(key, dimension)
    turned = turn(vectors)
    assert np.abs(turned @ turned.T - vectors @ vectors.T).max() < 1e-5
    assert turned.dtype == np.float32
    assert np.abs(turn.back(turned) - vectors).max() < 1e-5


def test_one_vector_is_turned_as_many_are():
    vectors, turn = units(1, 5, 256), Turn(KEY, 256)
    assert np.stack([turn(vector) for vector in vectors]) == pytest.approx(turn(vectors), abs=1e-6)


def test_the_rotation_of_a_key_is_the_same_for_ever_and_everywhere():
    """A change here makes every template of every installation a stranger's."""
    assert rotation(KEY.turn_key, 3) == pytest.approx(np.array(GOLDEN), abs=1e-9)
    digests = {
        dimension: hashlib.sha256(np.round(rotation(KEY.turn_key, dimension) * 1e5).astype("<i4").tobytes()).hexdigest()
        for dimension in (16, 256)
    }
    assert {dimension: digest[:16] for dimension, digest in digests.items()} == GOLDEN_DIGESTS


def test_the_rotation_of_each_dimension_is_another():
    assert np.abs(rotation(KEY.turn_key, 8)[:7, :7] - rotation(KEY.turn_key, 7)).max() > 0.1


def test_galleries_of_two_keys_are_strangers():
    """The same faces under two keys: cosines like those of random vectors, N(0, 1 / D)."""
    dimension = 256
    vectors = units(2, 2000, dimension)
    cosines = (Turn(KEY, dimension)(vectors) * Turn(OTHER, dimension)(vectors)).sum(axis=1)
    assert abs(cosines.mean()) < 4 / np.sqrt(dimension * len(vectors)) + 0.05  # one pair of rotations: a shared trace
    assert cosines.std() == pytest.approx(1 / np.sqrt(dimension), rel=0.1)
    traces = [np.trace(rotation(bytes([i]) * 32, 64).T @ rotation(bytes([i + 1]) * 32, 64)) for i in range(60)]
    assert np.std(traces) == pytest.approx(1.0, abs=0.3)  # that of a random rotation, whatever D (Diaconis 1994)


class TestRealFaces:
    def test_no_similarity_changes(self, staff):
        plain, turned, _ = (np.stack([one.vector for one in embeddings]) for embeddings in staff)
        assert np.abs(turned @ turned.T - plain @ plain.T).max() < 1e-5

    def test_the_same_face_under_another_key_is_a_stranger(self, staff):
        _, one, other = (np.stack([one.vector for one in embeddings]) for embeddings in staff)
        assert np.abs(one @ other.T).max() < 5 / np.sqrt(one.shape[1])

    def test_embeddings_say_which_key_turned_them(self, staff):
        plain, one, other = (embeddings[0].model for embeddings in staff)
        assert (one, other) == (f"{plain}~{KEY.id}", f"{plain}~{OTHER.id}")

    @pytest.mark.parametrize("anchored", [False, True], ids=["", "anchors"])
    @pytest.mark.parametrize("method", ["as encoded", "mean", "mean and matrix"])
    def test_matches_are_the_same(self, staff, method, anchored):
        plain, turned, _ = ([one.vector for one in embeddings] for embeddings in staff)
        dimension = len(plain[0])
        rng = np.random.default_rng(4)
        mean = (0.05 * rng.standard_normal(dimension)).astype(np.float32)
        matrix = (np.eye(dimension) + 0.02 * rng.standard_normal((dimension, dimension))).astype(np.float32)
        space = {"as encoded": AS_ENCODED, "mean": Space(mean), "mean and matrix": Space(mean, matrix)}[method]
        if anchored:
            near = np.stack(plain)[:, None] + 0.1 * rng.standard_normal((len(plain), 5, dimension))
            near = near.reshape(-1, dimension)
            space = space.normalised(Anchors(near / np.linalg.norm(near, axis=1, keepdims=True), 4, 1.0, 1.5))
        names = [f"p{i}" for i in range(len(plain))]
        one = Gallery.build("m", names, np.stack(plain), range(len(names)), space)
        other = Gallery.build("m", names, np.stack(turned), range(len(names)), Turn(KEY, dimension).space(space))
        for a, b in zip(plain, turned, strict=True):
            expected, got = one.ranked(a, 5), other.ranked(b, 5)
            assert [name for name, _ in got] == [name for name, _ in expected]
            assert [cosine for _, cosine in got] == pytest.approx([cosine for _, cosine in expected], abs=1e-5)


def test_an_encoder_is_turned():
    class Plain:
        dimension = 4

        def __call__(self, crop):
            return Embedding(np.eye(4, dtype=np.float32)[int(crop[0, 0, 0])], "encoder-1")

    turned = TurnedEncoder(Plain(), KEY)
    seen = turned(np.full((112, 112, 3), 2, np.uint8))
    assert (turned.dimension, seen.model) == (4, KEY.model("encoder-1"))
    assert seen.vector == pytest.approx(rotation(KEY.turn_key, 4)[2], abs=1e-6)
