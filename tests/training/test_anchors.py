"""The mean faces on a card: of whom they are made, and that nobody's own is among them."""

import numpy as np
import pytest

from agent.gallery.space import AS_ENCODED
from training.anchors import EACH, MOST, NEAREST, draw, make_anchors
from training.data.collection import Collection
from training.evaluation.cohorts import cohort_rows
from training.evaluation.pairs import impostor_pairs
from training.evaluation.pictures import Embedded


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def collection(large=3400, small=300, named=60, val=20):
    """Two groups without names, people with names, and others of them to validate on."""
    count = large + small + named + val
    identity = np.full(count, -1)
    identity[large + small :] = np.arange(named + val) // 2
    group = np.array(["utk"] * large + ["humans"] * small + ["celeba"] * (named + val))
    names = tuple(f"p{i}" for i in range(identity.max() + 1))
    train, held = np.arange(count - val), np.arange(count - val, count)
    return Collection(np.zeros((count, 1, 1, 3), np.uint8), identity, names, group, None, train, held)


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(2)
    centres = {"utk": rng.standard_normal(32), "humans": rng.standard_normal(32), "celeba": rng.standard_normal(32)}
    group = collection().group
    return unit(rng.standard_normal((len(group), 32)) + np.stack([centres[str(one)] for one in group]))


def test_nobody_of_whom_rates_are_told_is_drawn():
    faces = collection()
    rows = draw(faces)
    told = np.concatenate([*cohort_rows(faces.group, faces.identity, np.zeros(len(faces), bool)).values()])
    assert len(told) == 2000 + 300
    assert not set(rows) & (set(told) | set(faces.val))
    assert (np.diff(rows) > 0).all()
    assert len(rows) == 1400 + 60


def test_of_a_large_group_some_are_drawn():
    faces = collection(large=2000 + MOST + 700)
    rows = draw(faces)
    assert (faces.group[rows] == "utk").sum() == MOST
    assert (faces.group[rows] == "celeba").sum() == 60


def test_an_anchor_is_the_mean_of_several(vectors):
    asked = []

    def embed(rows):
        asked.append(rows)
        return vectors[rows]

    anchors = make_anchors(collection(), embed, count=40)
    (rows,) = asked
    assert NEAREST <= len(anchors.vectors) <= 40
    assert np.linalg.norm(anchors.vectors, axis=1) == pytest.approx(1)
    nearest = (unit(vectors[rows]) @ anchors.vectors.T).argmax(axis=1)
    assert np.bincount(nearest, minlength=len(anchors.vectors)).min() >= EACH / 2
    assert (vectors[rows] @ anchors.vectors.T).max() < 0.95  # nobody's own
    again = make_anchors(collection(), embed, count=40)
    assert np.array_equal(again.vectors, anchors.vectors)


def test_a_small_group_has_anchors_of_its_own(vectors):
    faces = collection()
    anchors = make_anchors(faces, lambda rows: vectors[rows], count=40)
    small = vectors[faces.group == "celeba"].mean(axis=0)
    assert (anchors.vectors @ (small / np.linalg.norm(small))).max() > 0.8


def test_of_few_faces_there_are_none(vectors):
    assert make_anchors(collection(), lambda rows: vectors[rows], count=1000) is None
    assert make_anchors(collection(large=2000, named=4), lambda rows: vectors[rows], count=1) is None


def test_where_no_face_was_found_nobody_is_alike(vectors):
    anchors = make_anchors(collection(), lambda rows: vectors[rows], count=40)
    shown = vectors[:3].copy()
    shown[1] = 0
    placed = Embedded(["a", "b", "c"], shown, np.array([True, False, True])).placed(AS_ENCODED.normalised(anchors))
    assert placed.vectors.shape == (3, 33)
    assert (placed.vectors @ placed.vectors.T)[1].tolist() == [0, 0, 0]
    assert placed.vectors[0] == pytest.approx(anchors.lifted(vectors[0]))


def test_the_mean_of_strangers_is_over_all_pairs(vectors):
    identity = np.arange(200) // 2
    found = impostor_pairs(vectors[:200], identity, floor=0.5)
    pairs = [float(vectors[i] @ vectors[j]) for i in range(200) for j in range(i) if identity[i] != identity[j]]
    assert found.pairs == len(pairs)
    assert found.mean == pytest.approx(sum(pairs) / len(pairs), abs=1e-5)
    assert found.nearest(3).mean == found.mean
