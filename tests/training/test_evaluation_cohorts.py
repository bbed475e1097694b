import json
from dataclasses import replace

import numpy as np
import pytest

from agent.gallery.threshold import FmrTable
from agent.types import Box, Face
from agent.vision.align import TEMPLATE
from training.data.collection import Collection
from training.evaluation.bounds import upper_bound
from training.evaluation.calibration import fmr_card, worst
from training.evaluation.cohorts import (
    MOST,
    SAME_PERSON,
    SOURCES,
    by_attribute,
    cohort_rows,
    labelled,
    rates,
    similarity_at,
    terciles,
    unlabelled,
)
from training.evaluation.prepared import (
    LARGE,
    attributes,
    compared,
    named_people,
    unnamed,
    validated,
)
from training.evaluation.prepared import (
    MOST as MOST_COMPARED,
)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def named(rng, count=40, each=5, dimension=16):
    identity = np.repeat(np.arange(count), each)
    return unit(
        rng.normal(size=(count, dimension))[identity] + 0.5 * rng.normal(size=(count * each, dimension))
    ), identity


def alike(rng, count=150, dimension=16, shared=0.6):
    """Different people with something in common."""
    return unit(rng.normal(size=(count, dimension)) + shared * np.ones(dimension))


class TestCohorts:
    def test_a_cohort_without_names_leaves_out_what_the_teacher_calls_one_person(self):
        rng = np.random.default_rng(0)
        vectors, teacher = alike(rng), unit(rng.normal(size=(150, 4)))
        cohort = unlabelled("some", vectors, teacher.astype(np.float16), floor=0.3)
        counted = matching = 0
        for i in range(150):
            for j in range(i):
                if (
                    teacher[i].astype(np.float16).astype(np.float32) @ teacher[j].astype(np.float16).astype(np.float32)
                    < SAME_PERSON
                ):
                    counted += 1
                    matching += vectors[i] @ vectors[j] >= 0.3
        assert (cohort.impostors.pairs, len(cohort.impostors.similarity)) == (counted, matching)
        assert cohort.left_out == 150 * 149 // 2 - counted
        (rate,) = rates([cohort], 0.3, rounds=20)
        assert rate.fmr.value == matching / counted
        assert rate.fmr.lower < rate.fmr.value < rate.fmr.upper
        assert rate.people[0] < rate.fmr.value < rate.people[1]
        assert rate.fnmr is None

    def test_a_cohort_with_names_says_whom_it_misses(self):
        vectors, identity = named(np.random.default_rng(1))
        (rate,) = rates([labelled("named", vectors, identity)], 0.7, rounds=5)
        same = (identity[:, None] == identity[None, :])[np.triu_indices(200, 1)]
        scores = (vectors @ vectors.T)[np.triu_indices(200, 1)]
        assert rate.fnmr == pytest.approx((scores[same] < 0.7).mean())
        assert rate.hits == (scores[~same] >= 0.7).sum()

    def test_the_threshold_lets_no_more_through_than_asked(self):
        cohort = labelled("named", *named(np.random.default_rng(2)))
        at = similarity_at(cohort, 0.01)
        assert cohort.impostors.reaching([at])[0] <= 0.01 * cohort.impostors.pairs

    def test_where_fewer_pairs_were_kept_than_may_match_the_threshold_is_the_lowest_of_them(self):
        vectors, identity = named(np.random.default_rng(2))
        cohort = labelled("named", vectors, identity, floor=0.5)
        assert similarity_at(cohort, 0.99) == cohort.impostors.similarity[-1]
        apart = np.eye(4, dtype=np.float32)
        assert similarity_at(labelled("apart", apart, np.arange(4), floor=0.5), 0.99) == 1.0
        one_pair = labelled("one pair", unit(apart + 0.4 * np.eye(4, k=1)[[0, 3, 3, 3]]), np.arange(4), floor=0.3)
        assert len(one_pair.impostors.similarity) == 1
        assert worst([one_pair, unlabelled("similar", alike(np.random.default_rng(6)), None)]).name == "similar"

    def test_rows_prefer_what_was_not_trained_on(self):
        group = np.array(["aaf"] * 3000 + ["utk"] * 10 + ["omi"] * 100)
        identity = np.full(3110, -1)
        identity[5] = 3  # has a name
        held_out = np.zeros(3110, bool)
        held_out[:200] = True
        rows = cohort_rows(group, identity, held_out)
        assert list(rows) == ["All-Age-Faces (East Asian)"]  # ten pictures make no cohort, nor do people who are nobody
        (mine,) = rows.values()
        assert len(mine) == MOST
        assert set(range(200)) - {5} <= set(mine.tolist())
        assert 5 not in mine
        assert (np.diff(mine) > 0).all()

    def test_terciles_are_thirds(self):
        parts = terciles("face", " px", np.arange(90.0))
        assert [int(mask.sum()) for mask in parts.values()] == [30, 30, 30]
        assert (np.sum(list(parts.values()), axis=0) == 1).all()
        vectors, identity = named(np.random.default_rng(3))
        few = {"few": np.arange(200) < 10, "half": np.arange(200) < 100}
        assert [cohort.name for cohort in by_attribute(vectors, identity, few)] == ["half"]


def where_it_should_be(picture):
    """Finds a face where an aligned crop has it."""
    return [Face(Box(80.0, 73.0, 80.0, 110.0), (TEMPLATE + 64).astype(np.float32), 0.9)]


class TestCollections:
    @pytest.fixture
    def collection(self):
        rng = np.random.default_rng(8)
        count = 400
        identity = np.concatenate([np.repeat(np.arange(60), 5), np.full(100, -1)])
        group = np.array(["celeba"] * 150 + ["own"] * 150 + ["aaf"] * 100)
        return Collection(
            samples=[np.zeros((112, 112, 3), np.uint8)] * count,
            identity=identity,
            names=tuple(map(str, range(6000))),
            group=group,
            teacher=unit(rng.normal(size=(count, 8))).astype(np.float16),
            train=np.arange(0, 50),
            val=np.arange(50, 300),
        )

    @pytest.fixture
    def embed(self):
        vectors = named(np.random.default_rng(9), count=80)[0]
        return lambda rows: vectors[rows]

    def test_everybody_and_those_without_names(self, collection, embed):
        everybody = named_people(collection, embed)
        assert (everybody.pictures, everybody.people) == (250, 50)
        (faces,) = unnamed(collection, embed, where_it_should_be)
        assert (faces.name, faces.pictures) == ("All-Age-Faces (East Asian)", 100)
        assert faces.left_out > 0

    def test_crops_that_no_door_would_make_are_in_no_cohort(self, collection, embed):
        seen = []

        def find(picture):
            seen.append(picture.shape)
            (face,) = where_it_should_be(picture)
            turned = face.landmarks @ np.array([[0.9, 0.44], [-0.44, 0.9]], np.float32)
            return [[face], [face], [replace(face, landmarks=turned)], []][len(seen) % 4]

        (faces,) = unnamed(collection, embed, find)
        assert (faces.pictures, faces.askew, set(seen)) == (50, 50, {(240, 240, 3)})
        assert unnamed(collection, embed, lambda picture: []) == []

    def test_of_a_large_validation_split_whole_people_are_drawn_until_no_more_fit(self, collection):
        np.testing.assert_array_equal(compared(collection), collection.val)
        rows = compared(collection, most=58)
        assert validated(collection, rows) == {"people": 11, "samples": 55, "of": 250}
        _, each = np.unique(collection.identity[rows], return_counts=True)
        assert set(each) == {5}
        np.testing.assert_array_equal(compared(collection, most=58), rows)

    def test_forgers_are_no_people(self, collection):
        rival = np.full(400, -1)
        rival[200:250] = 3
        forged = replace(collection, rival=rival)
        told = {"people": 40, "samples": 250, "forgeries": 50, "of": 250}
        assert validated(forged, compared(forged)) == told

    def test_a_few_people_filmed_for_long_stay_several_and_no_split_is_compared_beyond_the_limit(self, collection):
        count = 50_000
        filmed = replace(
            collection,
            samples=range(count),
            identity=np.arange(count) % 4,
            group=np.full(count, ""),
            teacher=None,
            train=np.arange(0),
            val=np.arange(count),
        )
        assert validated(filmed, compared(filmed)) == {"people": 4, "samples": 4 * LARGE, "of": count}
        some = compared(replace(filmed, identity=np.arange(count) // 9))
        assert MOST_COMPARED - 9 < len(some) <= MOST_COMPARED

    def test_the_named_by_group_and_by_what_the_index_says(self, collection, embed, tmp_path):
        index = tmp_path / "index.csv"
        assert [cohort.name for cohort in attributes(collection, embed, index)] == ["celeba", "own"]
        index.write_text(
            "file,yaw,grey\n" + "".join(f"{i}.webp,{(i % 3 - 1) / 10},{int(i > 200)}\n" for i in range(400))
        )
        found = {cohort.name: cohort.pictures for cohort in attributes(collection, embed, index)}
        assert found["grey pictures"] == 99
        assert sum(count for name, count in found.items() if name.startswith("turned")) == 250


class TestCalibration:
    @pytest.fixture(scope="class")
    @classmethod
    def everybody(cls):
        return labelled("the named", *named(np.random.default_rng(4), count=120))

    def test_rates_are_those_of_a_loop_and_bounds_lie_above(self, everybody):
        card = fmr_card(everybody, rounds=30)
        scores = everybody.impostors.similarity
        for similarity, fmr, upper in zip(card["similarity"], card["fmr"], card["upper"], strict=True):
            hits = int((scores >= np.float32(similarity)).sum())
            assert hits >= 3
            assert fmr == pytest.approx(hits / everybody.impostors.pairs, rel=1e-3)
            assert upper >= float(f"{upper_bound([hits], everybody.impostors.pairs)[0]:.4g}")
        assert card["fmr"][0] <= 0.1
        assert (np.diff(card["similarity"]) > 0).all()
        assert (np.diff(card["fmr"]) < 0).all()
        assert (np.diff(card["upper"]) <= 0).all()
        assert "worst" not in card

    def test_the_worst_cohort_stands_beside(self, everybody):
        rng = np.random.default_rng(5)
        similar = unlabelled("similar", alike(rng), None, askew=7)
        masked = unlabelled(SOURCES["mask"], alike(rng, shared=2.0), None)
        apart = unlabelled("apart", unit(rng.normal(size=(150, 16))), None)
        card = fmr_card(everybody, [apart, similar, masked], rounds=10)
        assert (card["cohort"], card["worst"]["cohort"]) == ("the named", "similar")
        assert set(card["worst"]) == {
            "cohort",
            "pictures_left_out",
            "similarity",
            "fmr",
            "upper",
            "impostor_pairs",
            "mean",
        }
        assert card["worst"]["pictures_left_out"] == 7
        assert worst([everybody]) is everybody
        json.dumps(card)

    def test_todays_agent_reads_it(self, everybody):
        card = fmr_card(everybody, [unlabelled("similar", alike(np.random.default_rng(6)), None)], rounds=10)
        for table in (card, card["worst"]):
            read = FmrTable.from_card({"id": "m", "fmr": table}, bound=False)
            assert read.similarity == tuple(table["similarity"])  # no point is too rare to be believed
            assert read.fmr == tuple(table["fmr"])
            assert FmrTable.from_card({"id": "m", "fmr": table}).fmr == tuple(table["upper"])
        assert FmrTable.from_card({"id": "m", "fmr": card}, "worst").cohort == "similar"

    def test_what_lies_below_the_floor_makes_no_points(self):
        cohort = labelled("named", *named(np.random.default_rng(7), count=100), floor=0.6)
        assert min(fmr_card(cohort, rounds=5)["similarity"]) >= 0.6
