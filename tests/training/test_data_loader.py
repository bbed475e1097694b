import os
import signal
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from training.data.augment import Augmentation
from training.data.batches import Plan, Sampler, drawn
from training.data.errors import DataError
from training.data.loader import Loader
from training.data.made_up import made_up
from training.data.speed import measure
from training.sources import Pictures


def draw(step):
    random = np.random.default_rng(step)
    return np.full(4, step), random.normal(size=(4, 5)).astype(np.float32)


def alive(pids):
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


class TestLoader:
    @pytest.mark.parametrize(("workers", "first", "slots"), [(0, 0, 1), (1, 0, 1), (1, 7, 4), (3, 5, 2)])
    def test_steps_come_in_turn_whoever_draws_them(self, workers, first, slots):
        with Loader(draw, workers=workers, first=first, slots=slots) as loader:
            kept = [next(loader) for _ in range(12)]
        for step, (rows, values) in enumerate(kept, start=first):  # not overwritten by later ones
            assert (rows == step).all()
            np.testing.assert_array_equal(values, draw(step)[1])

    def test_pictures_do_not_depend_on_the_workers(self):
        faces = made_up(6, 3)
        sampler, varied = Sampler(faces, Plan(size=8, people=3)), Pictures(faces, Augmentation()).varied
        taken = []
        for workers in (0, 2):
            with Loader(partial(drawn, sampler, varied, 32), workers=workers) as loader:
                taken.append([next(loader) for _ in range(5)])
        for one, other in zip(*taken, strict=True):
            for mine, theirs in zip(one, other, strict=True):
                np.testing.assert_array_equal(mine, theirs)

    def test_workers_end_with_it(self):
        with Loader(draw, workers=2) as loader:
            next(loader)
            pids = [worker._process.pid for worker in loader._workers]
            assert len(alive(pids)) == 2
        loader.close()
        assert alive(pids) == []

    def test_what_fails_there_is_said_here(self):
        def fail(step):
            if step == 3:
                raise DataError("a.zip: 7.jpg: damaged")
            return draw(step)

        with Loader(fail, workers=1) as loader:
            for _ in range(3):
                next(loader)
            with pytest.raises(DataError, match=r"step 3: DataError: a.zip: 7.jpg: damaged"):
                next(loader)

    def test_a_killed_worker_is_said(self):
        with Loader(draw, workers=1, slots=1) as loader:
            next(loader)
            os.kill(loader._workers[0]._process.pid, signal.SIGKILL)
            with pytest.raises(DataError, match="exit code -9"):
                [next(loader) for _ in range(3)]

    def test_what_failed_is_said_after_what_was_made_before(self):
        """The worker has ended when the loop comes to take what it left."""

        def fail(step):
            if step == 3:
                raise DataError("a.zip: 7.jpg: damaged")
            return draw(step)

        with Loader(fail, workers=1, slots=4) as loader:
            loader._workers[0]._process.join(20)
            for _ in range(3):
                next(loader)
            with pytest.raises(DataError, match=r"step 3: DataError: a.zip: 7.jpg: damaged"):
                next(loader)

    def test_what_a_killed_worker_had_made_is_taken_before_that_is_said(self, tmp_path, wait_for):
        def noted(step):
            (tmp_path / str(step)).touch()
            return draw(step)

        with Loader(noted, workers=1, slots=2) as loader:
            process = loader._workers[0]._process
            wait_for(lambda: len(list(tmp_path.iterdir())) == 2)
            wait_for(
                lambda: Path(f"/proc/{process.pid}/stat").read_text().split(")")[1].split()[0] == "S"
            )  # for a slot
            os.kill(process.pid, signal.SIGKILL)
            process.join(20)
            assert [next(loader)[0][0] for _ in range(2)] == [0, 1]
            with pytest.raises(DataError, match="exit code -9"):
                next(loader)

    @pytest.mark.parametrize("workers", [0, 1])
    def test_it_says_where_time_goes(self, workers):
        def slow(step):
            time.sleep(0.02)
            return draw(step)

        with Loader(slow, workers=workers) as loader:
            for _ in range(8):
                next(loader)
            speed = loader.speed()
        assert 20 < speed.loader <= 4 / 0.02
        assert 20 < speed.step < 1000
        assert 0 < speed.waited <= 1
        assert "waited" in str(speed)

    @pytest.mark.parametrize("wrong", [{"workers": -1}, {"slots": 0}])
    def test_impossible_numbers_are_refused(self, wrong):
        with pytest.raises(DataError, match="a loader wants"):
            Loader(draw, **wrong)


def test_speed_measures_everything():
    figures = measure(made_up(6, 3), side=32, batch=8, workers=1, steps=3)
    assert len(figures) == 6
    assert all(value > 0 for value in figures.values())
