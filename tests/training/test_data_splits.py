import numpy as np
import pytest

from training.data import leaks
from training.data.augment import Augmentation, augment
from training.data.collection import Collection, from_rows
from training.data.errors import DataError, LeakError
from training.data.leaks import (
    near_duplicates,
    refuse_split_leaks,
    refuse_trained_on,
    split_leaks,
    thumbnails,
    without_leaks,
)
from training.data.made_up import made_up
from training.data.splits import ensure_split, held_out, place, split


def people(count):
    return [f"person {i}" for i in range(count)]


class TestSplits:
    def test_places_are_even_and_known(self):
        places = np.array([place(name) for name in people(4000)])
        assert np.histogram(places, 8, (0, 1))[0].min() > 430
        assert place("anna", 0) == place("anna", 0) != place("anna", 1)

    def test_a_newcomer_moves_nobody(self):
        before = held_out(people(200), 0.2)
        assert 20 < len(before) < 60
        assert held_out([*people(200), "newcomer"], 0.2) - {"newcomer"} == before
        assert held_out(people(200)[::-1], 0.2) == before

    @pytest.mark.parametrize(("count", "share"), [(4, 0.01), (4, 0.99), (5, 0.5)])
    def test_both_sides_have_two(self, count, share):
        assert 2 <= len(held_out(people(count), share)) <= count - 2

    @pytest.mark.parametrize(("count", "held"), [(4, 2), (12, 4), (20, 6), (40, 6)])
    def test_few_people_validate_with_more_of_them(self, count, held):
        assert len(held_out(people(count), 0.1, least=6)) == held

    @pytest.mark.parametrize(("count", "share"), [(3, 0.5), (10, 0.0), (10, 1.0)])
    def test_what_cannot_be_split(self, count, share):
        with pytest.raises(DataError, match=r"cannot be (split|held out)"):
            held_out(people(count), share)

    def test_nobody_is_on_both_sides_and_all_are_somewhere(self):
        identity = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, -1, 5, 5])
        whole = Collection(
            samples=[np.zeros(1)] * 12, identity=identity, names=tuple("abcdef"), group=np.full(12, ""), teacher=None,
            train=np.arange(11), val=np.empty(0, np.int64),
        )  # fmt: skip
        parted = split(whole, 0.4)
        assert not set(identity[parted.train]) & set(identity[parted.val])
        assert sorted([*parted.train, *parted.val]) == list(range(11))  # row 11 was in neither
        assert 4 not in identity[parted.val]  # has one picture
        assert 9 in parted.train  # unknown
        assert ensure_split(parted, 0.9) is parted
        assert len(ensure_split(whole, 0.4).val) == len(parted.val)

    def test_who_is_marked_train_is_not_held_out(self):
        whole = from_rows(
            [np.zeros(1)] * 40,
            [{"identity": f"person {i // 2}", "split": "train" if i // 2 >= 4 else ""} for i in range(40)],
        )
        held = {whole.names[who] for who in whole.identity[ensure_split(whole, 0.9).val]}
        assert held
        assert held < {f"person {i}" for i in range(4)}
        whole = from_rows([np.zeros(1)] * 40, [{"identity": f"person {i // 2}", "split": "train"} for i in range(40)])
        with pytest.raises(DataError, match=r"marked `val`, and 0 people .* not marked `train`.*mark 6 or more `val`"):
            ensure_split(whole)


SPOILT = Augmentation(
    mirror=0.5, turn_degrees=1, zoom=0.01, shift_px=0.7, glasses=0, mask=0, backlight=0, low_light=0, motion=0,
    defocus=0, hide=0, compression=1, grey=0.5,
)  # fmt: skip


class Counted(list):
    """Pictures that count how often one is read."""

    read = 0

    def __getitem__(self, index):
        self.read += 1
        return super().__getitem__(index)

    def __iter__(self):
        return (self[i] for i in range(len(self)))


class TestLeaks:
    @pytest.fixture(scope="class")
    @classmethod
    def faces(cls):
        return made_up(60, 4, seed=3)

    def test_one_picture_saved_twice_is_found_and_other_pictures_are_not(self, faces):
        random = np.random.default_rng(0)
        second = list(faces.samples[200:])
        planted = {(5, 10), (77, 20), (140, 0)}
        for i, j in planted:
            second[j] = augment(faces.samples[i], 96, random, SPOILT)
        found = near_duplicates(faces.samples[:200], second)
        assert {(p.first, p.second) for p in found} == planted
        assert all(0.9 <= p.similarity <= 1.001 for p in found)

    def test_within_one_set_each_pair_counts_once(self, faces):
        pictures = [*faces.samples[:40], faces.samples[7], faces.samples[12][:, ::-1]]
        found = {(p.first, p.second): p.mirrored for p in near_duplicates(pictures)}
        assert found == {(7, 40): False, (12, 41): True}

    def test_pictures_of_one_person_are_not_compared(self, faces, monkeypatch):
        monkeypatch.setattr(leaks, "CELLS", 100)  # a few rows at once
        pictures = Counted([*faces.samples[:40], faces.samples[7], faces.samples[7]])
        people = [*(faces.names[who] for who in faces.identity[:40]), faces.names[faces.identity[7]], "another"]
        found = near_duplicates(pictures, people=people)
        assert [(p.first, p.second) for p in found] == [(7, 41), (40, 41)]
        compared = pictures.read - len(pictures)
        assert compared == 4

    def test_flat_pictures_are_like_nothing(self):
        assert near_duplicates([np.full((112, 112, 3), v, np.uint8) for v in (0, 0, 90)]) == []
        assert near_duplicates([], []) == []
        assert thumbnails([]).shape == (0, 256)

    def test_a_leak_is_refused_by_name(self, faces):
        refuse_split_leaks(faces)
        first, second = int(faces.train[3]), int(faces.val[2])
        samples = list(faces.samples)
        samples[second] = samples[first]
        leaking = Collection(
            samples=samples, identity=faces.identity, names=faces.names, group=faces.group, teacher=None,
            train=faces.train, val=faces.val,
        )  # fmt: skip
        names = [faces.names[faces.identity[row]] for row in (first, second)]
        with pytest.raises(LeakError, match=rf"1 pairs(.|\n)*row {first} \({names[0]}\) = row {second} \({names[1]}\)"):
            refuse_split_leaks(leaking)
        assert [(p.first, p.second) for p in split_leaks(leaking)] == [(first, second)]
        clean, pairs = without_leaks(leaking)
        assert len(pairs) == 1
        person = faces.identity[first]
        assert clean.train.tolist() == [row for row in faces.train.tolist() if faces.identity[row] != person]
        refuse_split_leaks(clean)

    def test_a_benchmark_that_was_trained_on_is_refused_by_name(self, faces):
        tested = [faces.samples[int(row)] for row in faces.val[:5]]
        names = [f"Ada/{number}.webp" for number in range(5)]
        refuse_trained_on(faces, tested, names)
        row = int(faces.train[3])
        tested[2] = np.ascontiguousarray(faces.samples[row][:, ::-1])
        who = faces.names[faces.identity[row]]
        with pytest.raises(LeakError, match=rf"1 pairs(.|\n)*row {row} \({who}\) = Ada/2.webp(.|\n)*other pictures"):
            refuse_trained_on(faces, tested, names)
