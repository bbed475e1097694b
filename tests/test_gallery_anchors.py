"""How common a face is, what that does to a comparison, and cards that say it wrongly."""

import base64
import json

import numpy as np
import pytest

from agent.errors import ModelError
from agent.gallery.anchors import KEY, Anchors, read_anchors
from agent.gallery.match import Gallery
from agent.gallery.space import AS_ENCODED, Space


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


RNG = np.random.default_rng(6)
ANCHORS = Anchors(unit(RNG.standard_normal((20, 8))).astype(np.float64), nearest=3, base=1.0, weight=1.5)
VECTORS = unit(RNG.standard_normal((9, 8)))
CARD = {"dimension": 8, KEY: ANCHORS.as_card()}


def naive(vector, anchors=ANCHORS):
    """How common a vector is, and where it goes, number by number."""
    cosines = sorted(
        sum(float(a) * float(b) for a, b in zip(vector, anchor, strict=True)) for anchor in anchors.vectors
    )
    common = sum(cosines[-anchors.nearest :]) / anchors.nearest
    whole = [*map(float, vector), max(0.0, anchors.base - anchors.weight * common)]
    length = sum(each * each for each in whole) ** 0.5
    return common, [each / length for each in whole]


def test_it_equals_naive_loops():
    for vector, common, lifted in zip(VECTORS, ANCHORS.common(VECTORS), ANCHORS.lifted(VECTORS), strict=True):
        expected = naive(vector)
        assert common == pytest.approx(expected[0])
        assert lifted == pytest.approx(expected[1], abs=1e-6)


def test_a_vector_alone_is_bit_for_bit_what_it_is_among_others():
    many = unit(RNG.standard_normal((3000, 8)))
    together = ANCHORS.lifted(many)
    assert together.dtype == np.float32
    assert together.shape == (3000, 9)
    assert all(np.array_equal(ANCHORS.lifted(many[i]), together[i]) for i in (0, 1023, 1024, 2999))
    assert ANCHORS.lifted(many[:0]).shape == (0, 9)


def test_who_is_more_common_than_can_be_is_not_moved_the_other_way():
    crowded = Anchors(np.repeat(VECTORS[:1].astype(np.float64), 5, axis=0), nearest=5, base=1.0, weight=1.5)
    assert crowded.lifted(VECTORS[0]) == pytest.approx([*VECTORS[0], 0.0])


def crowd():
    """Strangers at large, strangers who have a part of their vectors in common, and anchors of both."""
    rng = np.random.default_rng(3)
    at_large, shared = rng.standard_normal((1200, 64)), rng.standard_normal(64)
    alike = rng.standard_normal((1200, 64)) + 0.5 * shared
    groups = [rng.standard_normal((150, 64)), rng.standard_normal((150, 64)) + 0.5 * shared]
    return unit(at_large), unit(alike), Anchors(unit(np.concatenate(groups)).astype(np.float64), 8, 1.0, 1.5)


def strangers(space, vectors):
    placed = space(vectors)
    return (placed @ placed.T)[np.triu_indices(len(placed), 1)]


def test_one_threshold_holds_for_those_who_are_alike_too():
    at_large, alike, anchors = crowd()
    excess = []
    for space in (AS_ENCODED, AS_ENCODED.normalised(anchors)):
        threshold = np.quantile(strangers(space, at_large), 1 - 1e-4)
        excess.append(float((strangers(space, alike) >= threshold).mean()) / 1e-4)
    assert excess[0] > 50
    assert excess[1] < excess[0] / 10


class TestSpace:
    def test_anchors_move_as_vectors_do(self):
        mean, matrix = (RNG.standard_normal(8) / 4).astype(np.float32), RNG.standard_normal((8, 8)).astype(np.float32)
        space = Space(mean, matrix)
        moved = space.normalised(ANCHORS)
        at = ANCHORS.at(space(ANCHORS.vectors.astype(np.float32)).astype(np.float64))
        assert moved(VECTORS) == pytest.approx(at.lifted(space(VECTORS)), abs=1e-6)
        assert moved.dimension == 8

    def test_without_anchors_it_is_the_same_space(self):
        space = Space(np.zeros(8, np.float32))
        assert space.normalised(None) is space
        assert AS_ENCODED.normalised(ANCHORS).dimension == 8

    def test_a_gallery_compares_what_is_normalised(self):
        people = [f"p{i}" for i in range(9)]
        gallery = Gallery.build("m", people, VECTORS, range(9), AS_ENCODED.normalised(ANCHORS))
        probe = unit(VECTORS[4] + 0.3 * VECTORS[2])
        expected = {who: float(np.dot(naive(v)[1], naive(probe)[1])) for who, v in zip(people, VECTORS, strict=True)}
        assert dict(gallery.ranked(probe, 9)) == pytest.approx(expected, abs=1e-6)
        assert gallery.nearest(VECTORS[4]).similarity == pytest.approx(1.0)
        assert gallery.without("p4").nearest(VECTORS[2]).person == "p2"
        assert gallery.only("p3").nearest(VECTORS[3]).similarity == pytest.approx(1.0)

    def test_a_gallery_takes_probes_as_the_encoder_makes_them(self):
        gallery = Gallery.build("m", ["anna"], VECTORS[:1], [0], AS_ENCODED.normalised(ANCHORS))
        with pytest.raises(ValueError, match=r"shape \(8,\)"):
            gallery.nearest(ANCHORS.lifted(VECTORS[0]))

    def test_nobody(self):
        assert Gallery.empty("m", AS_ENCODED.normalised(ANCHORS)).nearest(VECTORS[0]).person is None


class TestCard:
    def test_what_is_written_is_read(self):
        read = read_anchors(json.loads(json.dumps(CARD)))
        assert (read.nearest, read.base, read.weight) == (3, 1.0, 1.5)
        assert (read.vectors * ANCHORS.vectors).sum(axis=1) == pytest.approx(1, abs=1e-4)
        assert np.linalg.norm(read.vectors, axis=1) == pytest.approx(1)

    def test_a_card_without_has_none(self):
        assert read_anchors({"dimension": 8}) is None

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"anchors": "not base64!"}, "cannot be read"),
            ({"anchors": base64.b64encode(bytes(9)).decode()}, "cannot be read"),
            ({"anchors": base64.b64encode(bytes(80)).decode()}, "without a direction"),
            ({"anchors": ""}, "of 0 anchors"),
            ({"anchors": base64.b64encode(b"\1" * 8 * 5000).decode()}, "of 5000 anchors"),
            ({"anchors": 7}, "cannot be read"),
            ({"nearest": 0}, "0 of 20 anchors"),
            ({"nearest": 21}, "21 of 20 anchors"),
            ({"nearest": "many"}, "cannot be read"),
            ({"base": 0}, "base above 0"),
            ({"base": float("nan")}, "base above 0"),
            ({"base": 1e6}, "neither above 10"),
            ({"weight": 11}, "neither above 10"),
            ({"weight": -1}, "weight of 0 or more"),
            ({"weight": float("inf")}, "weight of 0 or more"),
        ],
    )
    def test_what_is_none_is_refused(self, changes, words):
        with pytest.raises(ModelError, match=words):
            read_anchors({**CARD, KEY: {**CARD[KEY], **changes}})

    @pytest.mark.parametrize("told", [[], "text", 3, {}])
    def test_another_kind_of_thing_is_refused(self, told):
        with pytest.raises(ModelError, match="cannot be read"):
            read_anchors({"dimension": 8, KEY: told})

    @pytest.mark.parametrize("dimension", [0, -8, 8.0, "8", True, None])
    def test_a_card_without_a_dimension_is_refused(self, dimension):
        with pytest.raises(ModelError, match="cannot be read"):
            read_anchors({**CARD, "dimension": dimension})
