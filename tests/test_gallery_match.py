"""The search equals brute force, whatever the data."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.gallery.coarse import Coarse
from agent.gallery.match import Gallery
from agent.gallery.space import Space
from agent.types import Match


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def axes(*indices, dimension=4):
    return np.eye(dimension, dtype=np.float32)[list(indices)]


def brute_force(people, vectors, owners, probe):
    """Return every person with a template and their best cosine, nearest first, by naive loops."""
    best: dict[int, float] = {}
    for vector, owner in zip(vectors, owners, strict=True):
        cosine = sum(float(a) * float(b) for a, b in zip(vector, probe, strict=True))
        best[owner] = max(best.get(owner, -2.0), cosine)
    return [(people[owner], best[owner]) for owner in sorted(best, key=lambda owner: (-best[owner], owner))]


@st.composite
def galleries(draw):
    """Random and tightly clustered people, with uneven numbers of templates, and a probe near or far from them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    people, dimension = draw(st.integers(1, 25)), draw(st.sampled_from([1, 2, 3, 16, 64, 256]))
    counts = rng.integers(0, 5, people)
    counts[rng.integers(people)] += 1
    owners = rng.permutation(np.repeat(np.arange(people), counts))
    centres = rng.standard_normal((people, dimension))
    if draw(st.booleans()):  # everybody looks alike, and alike the probe
        centres = centres[:1] + 1e-3 * centres
    vectors = unit(
        centres[owners] + draw(st.sampled_from([0.0, 1e-4, 0.5])) * rng.standard_normal((len(owners), dimension))
    )
    probe = unit(rng.standard_normal(dimension))
    if draw(st.booleans()):
        probe = unit(vectors[0] + 0.1 * probe)
    return [f"person{i}" for i in range(people)], vectors, owners, probe


@settings(max_examples=150, deadline=None)
@given(galleries(), st.integers(1, 30))
def test_ranked_equals_naive_loops(case, k):
    people, vectors, owners, probe = case
    got = Gallery.build("m", people, vectors, owners).ranked(probe, k)
    expected = brute_force(people, vectors, owners, probe)
    assert len(got) == min(k, len(expected))
    assert [c for _, c in got] == pytest.approx([c for _, c in expected[:k]], abs=1e-6)
    best = dict(expected)
    assert all(cosine == pytest.approx(best[person], abs=1e-6) for person, cosine in got)  # each their own


@settings(max_examples=50, deadline=None)
@given(galleries())
def test_the_coarse_error_is_never_more_than_promised(case):
    _, vectors, _, probe = case
    coarse = Coarse(vectors)
    scores, slack = coarse.scores(probe)
    cosines = vectors.astype(np.float64) @ probe.astype(np.float64)
    assert scores.shape == cosines.shape
    assert np.all(np.abs(scores - cosines * float(coarse._scale) ** 2) <= slack)


def test_the_coarse_codes_stay_exact_where_every_product_is_as_large_as_it_can_be():
    vectors = np.tile(unit(np.ones(256)), (3, 1)) * np.float32(1.0009)  # the three lanes all add up the same way
    for sign in (1, -1):
        scores, slack = Coarse(vectors).scores(np.float32(sign) * vectors[0])
        code = np.rint(vectors[0] * Coarse(vectors)._scale).astype(int)
        assert scores.tolist() == [sign * int(code @ code)] * 3
        assert slack < 0.05 * abs(scores[0])


def test_ten_thousand_templates_equal_one_product():
    rng = np.random.default_rng(7)
    vectors, owners = unit(rng.standard_normal((10_001, 128))), np.arange(10_001) // 5
    gallery = Gallery.build("m", [f"p{i}" for i in range(2001)], vectors, owners)
    for probe in unit(rng.standard_normal((50, 128))):
        cosines = np.zeros(2001) - 1
        np.maximum.at(cosines, owners, vectors @ probe)
        first, second = np.argsort(-cosines)[:2]
        match = gallery.nearest(probe)
        assert (match.person, match.second) == (f"p{first}", f"p{second}")
        assert match.similarity == pytest.approx(cosines[first], abs=1e-6)
        assert match.margin == pytest.approx(cosines[first] - cosines[second], abs=1e-6)


def test_the_second_is_another_person_not_another_template():
    vectors = unit(np.array([[1, 0, 0], [0.99, 0.1, 0], [0.98, 0, 0.2], [0.6, 0.8, 0]]))
    match = Gallery.build("m", ["anna", "ben"], vectors, [0, 0, 0, 1]).nearest(vectors[0])
    assert (match.person, match.second) == ("anna", "ben")
    assert match.similarity == pytest.approx(1.0)
    assert match.margin == pytest.approx(0.4, abs=1e-6)


def test_one_person_alone_has_the_widest_margin():
    assert Gallery.build("m", ["anna"], axes(0), [0]).nearest(axes(0)[0]) == Match("anna", 1.0, None, 2.0)


def test_nobody_is_near_in_an_empty_gallery():
    gallery = Gallery.empty("m")
    assert gallery.nearest(axes(0)[0]) == Match(None, -1.0, None, 2.0)
    assert (gallery.people, gallery.templates, gallery.ranked(axes(0)[0], 3)) == ((), 0, [])


def test_a_person_without_templates_is_never_near():
    gallery = Gallery.build("m", ["ghost", "anna", "shade"], axes(0), [1])
    assert [person for person, _ in gallery.ranked(axes(1)[0], 3)] == ["anna"]


@pytest.mark.parametrize("people", [3, 17, 64])
def test_equally_similar_people_come_in_the_order_given(people):
    vector = unit(np.random.default_rng(3).standard_normal(256))
    names = [f"p{i}" for i in range(people)]
    gallery = Gallery.build("m", names, np.tile(vector, (people, 1)), range(people)[::-1])
    assert [person for person, _ in gallery.ranked(vector, people)] == names
    assert (gallery.nearest(vector).person, gallery.nearest(vector).second) == ("p0", "p1")
    assert gallery.nearest(vector).margin == 0.0


def test_ranked_gives_no_more_than_asked():
    gallery = Gallery.build("m", ["anna", "ben", "cleo"], axes(0, 1, 2), [0, 1, 2])
    assert [len(gallery.ranked(axes(0)[0], k)) for k in (0, 1, 2, 3, 9)] == [0, 1, 2, 3, 3]


def test_a_gallery_does_not_change():
    vectors = axes(0, 1)
    gallery = Gallery.build("m", ["anna", "ben"], vectors, [0, 1])
    vectors[:] = 0
    assert gallery.nearest(axes(0)[0]).person == "anna"
    with pytest.raises(ValueError, match="read-only"):
        gallery.vectors[0, 0] = 0
    with pytest.raises(ValueError, match="read-only"):
        gallery.owners[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        gallery.model = "other"
    assert (gallery.model, gallery.people, gallery.templates) == ("m", ("anna", "ben"), 2)


@pytest.mark.parametrize(
    ("people", "vectors", "owners", "words"),
    [
        pytest.param(["a"], axes(0)[0], [0], "want vectors", id="one vector instead of a matrix"),
        pytest.param(["a"], axes(0, 1), [0], "want vectors", id="fewer owners than vectors"),
        pytest.param(["a"], axes(0), [1], "indices into 1 people", id="an owner who is nobody"),
        pytest.param(["a"], axes(0), [-1], "indices into 1 people", id="a negative owner"),
        pytest.param(["a", "a"], axes(0), [0], "twice", id="a person twice"),
        pytest.param(["a"], 2 * axes(0), [0], "unit length", id="a long vector"),
        pytest.param(["a"], np.nan * axes(0), [0], "unit length", id="NaN"),
    ],
)
def test_a_wrong_gallery_is_refused(people, vectors, owners, words):
    with pytest.raises(ValueError, match=words):
        Gallery.build("m", people, vectors, owners)


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        pytest.param(axes(0, dimension=5)[0], r"shape \(4,\), got \(5,\)", id="another dimension"),
        pytest.param(axes(0), "shape", id="a matrix"),
        pytest.param(np.zeros(4), "unit length", id="zeros"),
        pytest.param(np.full(4, np.nan), "unit length", id="NaN"),
    ],
)
def test_a_wrong_probe_is_refused(probe, words):
    with pytest.raises(ValueError, match=words):
        Gallery.build("m", ["anna"], axes(0), [0]).nearest(probe)


class TestSpace:
    """Templates and probes come raw, and are compared where the site has them compared."""

    def gallery(self, seed=8, matrix=None):
        rng = np.random.default_rng(seed)
        vectors, owners = unit(rng.standard_normal((30, 16)) + 1), np.repeat(np.arange(10), 3)
        space = Space(vectors.mean(axis=0), matrix)
        return vectors, owners, space, Gallery.build("m", [f"p{i}" for i in range(10)], vectors, owners, space)

    @pytest.mark.parametrize("matrix", [None, np.diag(np.arange(1, 17)).astype(np.float32)], ids=["mean", "matrix"])
    def test_ranked_equals_naive_loops_over_placed_vectors(self, matrix):
        vectors, owners, space, gallery = self.gallery(matrix=matrix)
        probe = unit(np.random.default_rng(9).standard_normal(16) + 1)
        expected = brute_force(gallery.people, space(vectors), owners, space(probe))
        got = gallery.ranked(probe, 10)
        assert [person for person, _ in got] == [person for person, _ in expected]
        assert [cosine for _, cosine in got] == pytest.approx([cosine for _, cosine in expected], abs=1e-6)
        assert gallery.nearest(vectors[4]).similarity == pytest.approx(1.0)

    def test_what_all_share_no_longer_makes_strangers_alike(self):
        vectors, owners, _, gallery = self.gallery()
        raw = Gallery.build("m", gallery.people, vectors, owners)
        assert gallery.without("p0").nearest(vectors[0]).similarity < raw.without("p0").nearest(vectors[0]).similarity

    def test_without_somebody_the_others_are_where_they_were(self):
        vectors, _, space, gallery = self.gallery()
        rest = gallery.without("p4")
        assert rest.space is space
        assert np.array_equal(rest.vectors, np.delete(gallery.vectors, [12, 13, 14], axis=0))
        assert rest.nearest(vectors[0]).similarity == pytest.approx(1.0)

    def test_one_person_alone_is_where_that_one_was(self):
        vectors, _, space, gallery = self.gallery()
        alone = gallery.only("p2")
        assert (alone.people, alone.space) == (("p2",), space)
        assert np.array_equal(alone.vectors, gallery.of("p2"))
        assert alone.nearest(vectors[6]).similarity == pytest.approx(1.0)
        assert alone.nearest(vectors[0]).person == "p2"
        assert gallery.only("nobody").nearest(vectors[0]).person is None

    def test_templates_of_somebody(self):
        vectors, _, space, gallery = self.gallery()
        assert np.array_equal(gallery.of("p2"), space(vectors)[6:9])
        assert gallery.of("nobody").shape == (0, 16)

    def test_nobody(self):
        space = Space(np.zeros(4, np.float32))
        assert Gallery.empty("m", space).nearest(axes(0)[0]).person is None
