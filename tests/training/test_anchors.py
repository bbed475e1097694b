"""The mean faces on a card: of whom they are made, and that nobody's own is among them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import agent
from agent.gallery.anchors import read_anchors
from agent.gallery.space import AS_ENCODED
from training.anchors import EACH, MOST, NEAREST, draw, make_anchors
from training.data.collection import Collection
from training.evaluation.cohorts import cohort_rows
from training.evaluation.pairs import impostor_pairs
from training.evaluation.pictures import Embedded


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def collection(*, large=3400, small=300, named=120, val=20, asked=True):
    """Two groups without names, people with two pictures each, and others of them to validate on.

    To the reference encoders, where they were asked, every tenth picture shows who is on the one before.
    """
    count = large + small + named + val
    identity = np.full(count, -1)
    identity[large + small :] = np.arange(named + val) // 2
    group = np.array(["utk"] * large + ["humans"] * small + ["celeba"] * (named + val))
    names = tuple(f"p{i}" for i in range(identity.max() + 1))
    train, held = np.arange(count - val), np.arange(count - val, count)
    teacher = unit(np.random.default_rng(4).standard_normal((count, 128)))
    teacher[9::10] = teacher[8::10]
    told = teacher.astype(np.float16) if asked else None
    return Collection(np.zeros((count, 1, 1, 3), np.uint8), identity, names, group, told, train, held)


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


def test_of_each_person_one_picture_is_drawn_also_where_nobody_has_a_name():
    faces = collection()
    rows = draw(faces)
    celebrities = rows[faces.group[rows] == "celeba"]
    assert faces.identity[celebrities].tolist() == list(range(60))
    nameless = set(rows[faces.identity[rows] < 0])
    assert not any({one - 1, one} <= nameless for one in range(9, len(faces), 10))
    told = np.concatenate([*cohort_rows(faces.group, faces.identity, np.zeros(len(faces), bool)).values()])
    free = np.setdiff1d(np.flatnonzero(faces.identity < 0), told)
    twice = sum({one - 1, one} <= set(free.tolist()) for one in range(9, len(faces), 10))
    assert twice > 50
    assert len(nameless) == len(free) - twice


def test_who_nobody_knows_is_not_drawn():
    faces = collection(asked=False)
    assert (faces.identity[draw(faces)] >= 0).all()
    assert len(draw(faces)) == 60


def test_of_a_large_group_some_are_drawn_and_more_where_the_others_are_small():
    faces = collection(large=2000 + 2 * MOST)
    rows = draw(faces, wanted=MOST)
    assert (faces.group[rows] == "utk").sum() == MOST
    assert (faces.group[rows] == "celeba").sum() == 60
    alone = draw(replace(faces, group=np.full(len(faces), "")), wanted=4096)
    assert len(alone) >= 4096


def test_an_anchor_is_the_mean_of_several(vectors):
    asked = []

    def embed(rows):
        asked.append(rows)
        return vectors[rows]

    faces = collection()
    anchors = make_anchors(faces, embed, count=40)
    (rows,) = asked
    assert NEAREST <= len(anchors.vectors) <= 40
    assert np.linalg.norm(anchors.vectors, axis=1) == pytest.approx(1)
    nearest = (unit(vectors[rows]) @ anchors.vectors.T).argmax(axis=1)
    assert np.bincount(nearest, minlength=len(anchors.vectors)).min() >= EACH / 2
    assert len({*faces.identity[rows][faces.identity[rows] >= 0]}) == 60  # a picture of each: 8 pictures are 8 people
    again = make_anchors(faces, embed, count=40)
    assert np.array_equal(again.vectors, anchors.vectors)


def test_a_small_group_has_anchors_of_its_own(vectors):
    faces = collection()
    anchors = make_anchors(faces, lambda rows: vectors[rows], count=40)
    small = vectors[faces.group == "celeba"].mean(axis=0)
    assert (anchors.vectors @ (small / np.linalg.norm(small))).max() > 0.8


def test_of_one_person_s_many_pictures_there_is_none(vectors):
    faces = collection(large=0, small=0, named=400, val=0)
    many = replace(faces, identity=np.arange(400) // 40, group=np.full(400, ""))
    assert len(draw(many)) == 10
    assert make_anchors(many, lambda rows: vectors[rows], count=10) is None


def test_of_few_people_there_are_none_and_it_is_said(vectors, caplog):
    assert make_anchors(collection(), lambda rows: vectors[rows], count=1000) is None
    assert "a card that normalises wants a picture of 8000 people each: 1" in caplog.text
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


def test_the_rates_of_our_encoder_are_of_normalised_similarities():
    card = json.loads((Path(agent.__file__).parent / "models" / "encoder.json").read_text())
    assert len(read_anchors(card).vectors) > 400
    for rates in card["fmr"], card["fmr"]["worst"]:
        assert rates["mean"] > 0.2  # by cosines alone strangers have 0 in the mean
