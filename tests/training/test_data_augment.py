from dataclasses import replace

import cv2
import numpy as np
import pytest

from agent.vision.align import TEMPLATE
from training.data import blends, light, worn
from training.data.augment import CHANCES, NOTHING, Augmentation, augment
from training.data.collection import Collection
from training.data.errors import DataError
from training.data.made_up import draw, made_up, person
from training.errors import RunError


@pytest.fixture(scope="module")
def face():
    random = np.random.default_rng(4)
    return draw(person(random), random)


def only(name, **more):
    return replace(NOTHING, **{name: 1.0}, **more)


class TestAugment:
    @pytest.mark.parametrize("side", [48, 64, 112])
    @pytest.mark.parametrize("name", CHANCES)
    def test_each_changes_the_picture_but_keeps_its_form(self, face, name, side):
        before, plain = face.copy(), augment(face, side, np.random.default_rng(0), NOTHING)
        changed = 0
        for seed in range(5):
            out = augment(face, side, np.random.default_rng(seed), only(name))
            assert out.shape == (side, side, 3)
            assert out.dtype == np.uint8
            changed += bool((out != plain).any())
        assert changed >= 4
        np.testing.assert_array_equal(face, before)

    def test_nothing_is_only_resizing(self, face):
        np.testing.assert_array_equal(augment(face, 112, np.random.default_rng(0), NOTHING), face)
        half = cv2.resize(face, (56, 56), interpolation=cv2.INTER_AREA)
        out = augment(face, 56, np.random.default_rng(0), NOTHING)
        assert np.abs(out.astype(int) - half).mean() < 1

    def test_a_picture_of_another_size_is_the_same_face(self, face):
        large = cv2.resize(face, (224, 224), interpolation=cv2.INTER_LINEAR)
        how = Augmentation(**dict.fromkeys(CHANCES, 0.0))
        from_large, from_small = (augment(p, 112, np.random.default_rng(3), how) for p in (large, face))
        assert np.abs(from_large.astype(int) - from_small).mean() < 2

    def test_the_same_chance_gives_the_same(self, face):
        one, other = (augment(face, 64, np.random.default_rng(9), Augmentation()) for _ in range(2))
        np.testing.assert_array_equal(one, other)

    def test_a_mirror_is_a_mirror(self, face):
        out = augment(face, 112, np.random.default_rng(0), only("mirror"))
        np.testing.assert_array_equal(out, face[:, ::-1])

    def test_the_face_is_moved_by_as_much_as_is_said(self):
        """Where a dot on the template's nose goes to, over many pictures."""
        dot = np.zeros((112, 112, 3), np.uint8)
        cv2.circle(dot, (56, 56), 3, (255, 255, 255), -1)
        how = replace(NOTHING, shift_px=1.6)
        random, places = np.random.default_rng(1), []
        for _ in range(300):
            grey = augment(dot, 112, random, how)[..., 0].astype(float)
            places.append([(grey.sum(axis) * np.arange(112)).sum() / grey.sum() for axis in (0, 1)])
        np.testing.assert_allclose(np.std(places, 0), 1.6, rtol=0.15)
        np.testing.assert_allclose(np.mean(places, 0), 56, atol=0.4)

    def test_glasses_and_mask_sit_where_they_belong(self):
        flat = np.full((112, 112, 3), 150, np.uint8)
        marks = TEMPLATE.astype(float)
        for seed in range(20):
            over_eyes = np.argwhere((worn.glasses(flat.copy(), marks, np.random.default_rng(seed)) != flat).any(2))
            assert over_eyes[:, 0].min() > 35
            assert over_eyes[:, 0].max() < 75
            masked = (worn.mask(flat.copy(), marks, np.random.default_rng(seed)) != flat).any(2)
            assert masked[92, 45:68].mean() > 0.9  # the mouth
            assert not masked[:55].any()  # the eyes

    def test_darkness_is_noisy(self):
        flat = np.full((64, 64, 3), 150, np.uint8)
        dark = [light.low_light(flat, np.random.default_rng(s), darkest=0.08, noise=4) for s in range(20)]
        assert np.mean([d.std() for d in dark]) > 8
        assert np.mean([d.mean() for d in dark]) < 130

    def test_infrared_has_no_colour(self, face):
        for name in ("infrared", "grey"):
            out = augment(face, 64, np.random.default_rng(0), only(name))
            assert (out == out[..., :1]).all()

    @pytest.mark.parametrize(
        "wrong",
        [{"grey": 1.2}, {"hide": -0.1}, {"shift_px": -1}, {"coarsest": 0}, {"lowest_quality": 99}, {"darkest": 2}],
    )
    def test_impossible_strengths_are_refused(self, wrong):
        with pytest.raises(DataError, match=next(iter(wrong))):
            Augmentation(**wrong)


def asking(asked):
    """Reference encoders that note how much they were asked."""

    def label(pictures, maps):
        asked.append(len(pictures))
        rows = np.stack([p[::28, ::28].ravel() for p in pictures]).astype(np.float32)
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)

    return label


def some_unknown(faces):
    """The same people, of whom nobody knows who the first one in training is."""
    first = faces.identity[faces.train[0]]
    return replace(faces, identity=np.where(faces.identity == first, -1, faces.identity))


class TestBlends:
    def test_a_morph_lies_between(self):
        one, other = np.full((8, 8, 3), 100, np.uint8), np.full((8, 8, 3), 200, np.uint8)
        out = blends.morph(one, other, np.random.default_rng(0))
        assert 135 <= out.min() == out.max() <= 165

    def test_halves_show_both(self, face):
        random = np.random.default_rng(1)
        other = draw(person(random), random)
        out = blends.halves(face, other, np.random.default_rng(2)).astype(int)
        same = (np.abs(out - face).max(2) <= 1).mean()
        assert 0.2 < same < 0.7

    def test_they_are_made_once_and_labelled(self, tmp_path):
        faces, asked = made_up(6, 2), []
        made = blends.make_blends(faces, 10, tmp_path / "b", asking(asked))
        again = blends.make_blends(faces, 10, tmp_path / "b", asking(asked))
        assert asked == [10]
        assert isinstance(made, Collection)
        assert (made.identity == -1).all()
        assert made.train.tolist() == list(range(10))
        assert made.teacher.shape == (10, 48)
        np.testing.assert_array_equal(made.samples[3], again.samples[3])

    @pytest.mark.parametrize(
        ("otherwise", "said"),
        [
            pytest.param({"count": 11}, "count", id="more"),
            pytest.param({"seed": 1}, "seed", id="another seed"),
            pytest.param({"asked": ["b"]}, "asked", id="other reference encoders"),
            pytest.param({"named": True}, "named, rows", id="known people alone"),
            pytest.param({"people": 7}, "rows", id="other people"),
        ],
    )
    def test_others_are_refused_where_some_are(self, tmp_path, otherwise, said):
        def make(people=6, count=4, seed=0, asked=("a",), *, named=False):
            faces = some_unknown(made_up(people, 2))
            return blends.make_blends(faces, count, tmp_path, asking([]), seed=seed, named=named, asked=asked)

        before = make().teacher.tobytes()
        with pytest.raises(DataError, match=rf"made otherwise \({said}\): name a new folder"):
            make(**otherwise)
        assert make().teacher.tobytes() == before

    @pytest.mark.parametrize(("name", "content"), [("index.csv", "mine"), (blends.NOTE, "{"), (blends.NOTE, "[1]")])
    def test_what_is_something_else_stays_as_it_is(self, tmp_path, name, content):
        (tmp_path / name).write_text(content)
        with pytest.raises(DataError, match="something already"):
            blends.make_blends(made_up(6, 2), 4, tmp_path, asking([]))
        assert [file.read_text() for file in tmp_path.iterdir()] == [content]

    def test_where_nothing_can_be_written_is_said(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(RunError, match=r"blends\.json cannot be written"):
            blends.make_blends(made_up(6, 2), 4, tmp_path / "file" / "below", asking([]))

    def test_those_of_known_people_are_of_nobody_else(self, tmp_path):
        faces = some_unknown(made_up(6, 2))
        known = faces.train[faces.identity[faces.train] >= 0]
        assert 2 <= len(known) < len(faces.train)
        alone = replace(faces, train=known)
        one = blends.make_blends(faces, 4, tmp_path / "named", asking([]), named=True)
        other = blends.make_blends(alone, 4, tmp_path / "alone", asking([]))
        np.testing.assert_array_equal(np.stack(one.samples), np.stack(other.samples))

    def test_a_try_that_was_ended_is_begun_again(self, tmp_path):
        def interrupted(pictures, maps):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            blends.make_blends(made_up(6, 2), 4, tmp_path, interrupted)
        assert blends.make_blends(made_up(6, 2), 4, tmp_path, asking([])).teacher.shape == (4, 48)
