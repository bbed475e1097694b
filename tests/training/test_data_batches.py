import numpy as np
import pytest

from training.data.augment import NOTHING
from training.data.batches import Plan, Sampler, drawn
from training.data.collection import Collection
from training.data.errors import DataError
from training.data.mining import HardPeople, centres, nearest_others
from training.sources import Pictures


def collection(counts, unknown=0, out=()):
    """People with so many pictures each, then unknown ones; rows `out` are in no split."""
    identity = np.array([p for p, n in enumerate(counts) for _ in range(n)] + [-1] * unknown, np.int64)
    return Collection(
        samples=[np.full((112, 112, 3), i % 256, np.uint8) for i in range(len(identity))],
        identity=identity, names=tuple(f"p{i}" for i in range(len(counts))), group=np.full(len(identity), ""),
        teacher=None, train=np.setdiff1d(np.arange(len(identity)), out), val=np.empty(0, np.int64),
    )  # fmt: skip


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


class TestSampler:
    def test_people_come_with_their_pictures_and_then_everybody(self):
        one = collection([3, 2, 4, 1, 2], unknown=20, out=(0, 15))
        sampler = Sampler(one, Plan(size=16, people=4, each=3), seed=5)
        for step in range(20):
            rows = sampler.rows(step, sampler.random(step))
            assert len(rows) == 16
            who = one.identity[rows[:12]].reshape(4, 3)
            assert (who == who[:, :1]).all()
            assert len(set(who[:, 0])) == 4
            assert 3 not in who  # has one picture
            assert not {0, 15} & set(rows.tolist())
            for group in rows[:12].reshape(4, 3):  # twice only where there are too few
                have = int((one.identity[one.train] == one.identity[group[0]]).sum())
                assert len(set(group.tolist())) == 3 if have >= 3 else have == 2

    def test_everybody_is_seen_once_a_round_by_all_ranks_together(self):
        one = collection([2, 2], unknown=30)
        samplers = [Sampler(one, Plan(size=8, people=1, each=1), rank=r, ranks=2) for r in range(2)]
        rest = np.concatenate([s.rows(step, s.random(step))[1:] for step in range(34) for s in samplers])
        rounds = rest[: 34 * 14].reshape(-1, 34)  # 34 rows, 14 a step
        assert all(sorted(one_round) == list(range(34)) for one_round in rounds.tolist())
        assert rounds[0].tolist() != rounds[1].tolist()

    def test_the_same_seed_rank_and_step_give_the_same(self):
        one = collection([3] * 8, unknown=8)
        plan = Plan(size=12, people=4)

        def drawn(seed=0, rank=0, step=7):
            sampler = Sampler(one, plan, seed=seed, rank=rank, ranks=2)
            return sampler.rows(step, sampler.random(step)).tolist()

        assert drawn() == drawn()
        assert len({tuple(drawn(**change)) for change in ({}, {"seed": 1}, {"rank": 1}, {"step": 8})}) == 4

    @pytest.mark.parametrize(
        ("temperature", "share"), [(0.0, 1 / 11), (0.5, 10 / (10 + 10 * 2**0.5)), (1.0, 100 / 120)]
    )
    def test_temperature_weighs_people_by_their_pictures(self, temperature, share):
        one = collection([100] + [2] * 10)
        sampler = Sampler(one, Plan(size=1, people=1, each=1, temperature=temperature))
        rows = np.concatenate([sampler.rows(s, sampler.random(s)) for s in range(2000)])
        assert (one.identity[rows] == 0).mean() == pytest.approx(share, abs=0.04)

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            pytest.param(lambda: Plan(size=10, people=6, each=2), "no room", id="more people than room"),
            pytest.param(lambda: Plan(temperature=2), "between 0 and 1", id="a temperature of 2"),
            pytest.param(lambda: Sampler(collection([2, 1]), Plan(people=2)), "wants 2 people", id="too few people"),
            pytest.param(lambda: Sampler(collection([]), Plan(people=0)), "no training rows", id="nothing at all"),
            pytest.param(lambda: Sampler(collection([2]), Plan(people=1, hard=0.5)), "HardPeople", id="hard of nobody"),
            pytest.param(lambda: HardPeople(collection([4, 1])), "there are 1", id="hard people of one"),
        ],
    )
    def test_what_cannot_be_drawn(self, make, message):
        with pytest.raises(DataError, match=message):
            make()

    def test_pictures_belong_to_their_rows(self):
        one = collection([2] * 6, unknown=5)
        sampler, varied = Sampler(one, Plan(size=9, people=3)), Pictures(one, NOTHING).varied
        rows, pictures, plain = drawn(sampler, varied, 32, 3)
        assert pictures.shape == (9, 32, 32, 3)
        assert (pictures[:, 16, 16, 0] == rows).all()
        assert plain.all()
        again, same, _ = drawn(sampler, varied, 32, 3)
        np.testing.assert_array_equal(rows, again)
        np.testing.assert_array_equal(pictures, same)


def nearest_by_loops(vectors, identity, count, ceiling):
    found = []
    for i, who in enumerate(identity):
        scores = [
            (-float(vectors[i] @ vectors[j]), j)
            for j in range(len(identity))
            if who >= 0 and identity[j] >= 0 and identity[j] != who and vectors[i] @ vectors[j] <= ceiling
        ]
        mine = [j for _, j in sorted(scores)[:count]]
        found.append(mine + [-1] * (count - len(mine)))
    return np.array(found)


class TestMining:
    @pytest.mark.parametrize(("count", "ceiling"), [(3, 1.0), (3, 0.3), (50, 1.0)])
    def test_nearest_others_as_by_loops(self, count, ceiling, monkeypatch):
        monkeypatch.setattr("training.data.mining.BLOCK", 7)
        random = np.random.default_rng(2)
        vectors, identity = unit(random.normal(size=(40, 6))), random.integers(-1, 8, 40)
        found, cosines = nearest_others(vectors, identity, count=count, ceiling=ceiling)
        np.testing.assert_array_equal(found, nearest_by_loops(vectors, identity, count, ceiling))
        for i, j in zip(*np.nonzero(found >= 0), strict=True):
            assert cosines[i, j] == pytest.approx(vectors[i] @ vectors[found[i, j]], abs=1e-5)
        assert (cosines[found < 0] == -1).all()

    def test_centres_are_directions_of_people(self):
        vectors = unit(np.array([[1, 0], [0, 1], [3, 4]], float))
        np.testing.assert_allclose(centres(vectors, np.array([0, 0, 1]), 2), [[0.5**0.5] * 2, [0.6, 0.8]], atol=1e-6)

    def test_batches_are_made_of_neighbours_from_the_step_on(self):
        one = collection([2] * 30, unknown=10)
        hard = HardPeople(one, count=4)
        sampler = Sampler(one, Plan(size=8, people=4, each=2, hard=1.0), hard=hard)

        def together(step):
            rows = sampler.rows(step, sampler.random(step))
            return np.sort(one.identity[rows[::2]])

        at_first = together(100)
        ring = np.arange(30) / 30 * 2 * np.pi  # people in a circle: neighbours have neighbouring numbers
        person = one.identity[hard.rows]
        hard.refresh(unit(np.stack([np.cos(ring[person]), np.sin(ring[person])], 1)), step=100)
        assert together(99).tolist() != together(100).tolist()
        gaps = [(np.diff(np.append(w, w[0] + 30)) % 30) for w in (together(s) for s in range(100, 120))]
        assert all(gap.max() >= 30 - 4 for gap in gaps)  # four within five places
        assert len({tuple(together(s)) for s in range(100, 120)}) > 10
        shuffled = np.random.default_rng(0).permutation(30)[person]
        hard.refresh(unit(np.stack([np.cos(ring[shuffled]), np.sin(ring[shuffled])], 1)), step=200)
        known = together(150)
        hard.refresh(unit(np.random.default_rng(1).normal(size=(60, 2))), step=300)
        assert together(250).tolist() != known.tolist()  # the older of two was replaced, the second is there still
        assert len(at_first) == 4

    def test_the_older_table_may_go_when_no_batch_wants_it(self):
        hard = HardPeople(collection([2] * 4))
        assert hard.settled(0)
        hard.refresh(unit(np.random.default_rng(0).normal(size=(8, 3))), step=150)
        assert [hard.settled(step) for step in (100, 149, 150)] == [False, False, True]

    def test_a_wrong_number_of_embeddings_is_said(self):
        with pytest.raises(ValueError, match="want 4 embeddings"):
            HardPeople(collection([2, 2])).refresh(np.ones((3, 2), np.float32))

    def test_what_is_known_of_other_people_is_not_gone_on_from(self):
        hard, other = HardPeople(collection([2] * 4)), HardPeople(collection([2] * 5))
        hard.refresh(unit(np.random.default_rng(0).normal(size=(8, 3))), step=7)
        again = HardPeople(collection([2] * 4))
        again.go_on(*hard.state())
        assert [again.near(i, step=7).tolist() for i in range(4)] == [hard.near(i, step=7).tolist() for i in range(4)]
        assert not len(again.near(0, step=6))
        with pytest.raises(ValueError, match="of other training data"):
            other.go_on(*hard.state())
