"""Times of stages, and what they say about themselves."""

import threading
import time

import numpy as np
import pytest

from agent.stopwatch import KEPT, Stopwatch


def test_nothing_was_timed():
    assert Stopwatch().percentiles() == {}


def test_median_and_95th_percentile_in_the_order_the_stages_came_up():
    watch, rng = Stopwatch(), np.random.default_rng(0)
    times = {name: rng.exponential(10, 200) for name in ("detect", "align", "encode")}
    for name, values in times.items():
        for value in values:
            watch.add(name, float(value))
    told = watch.percentiles()
    assert list(told) == ["detect", "align", "encode"]
    for name, values in times.items():
        assert told[name] == pytest.approx((np.median(values), np.percentile(values, 95)))


def test_only_the_last_times_count():
    watch = Stopwatch()
    for value in [1000.0] * 50 + [1.0] * KEPT:
        watch.add("detect", value)
    assert watch.percentiles() == {"detect": (1.0, 1.0)}


def test_a_stage_is_timed_in_milliseconds():
    watch = Stopwatch()
    with watch.stage("sleep"):
        time.sleep(0.03)
    ((median, _),) = watch.percentiles().values()
    assert 30 <= median < 1000


def test_a_stage_that_fails_is_not_timed():
    watch = Stopwatch()
    with pytest.raises(ValueError, match="ha"), watch.stage("fails"):
        raise ValueError("ha")
    assert watch.percentiles() == {}


def test_another_thread_may_ask():
    watch, stop = Stopwatch(), threading.Event()

    def fill():
        number = 0
        while not stop.is_set():
            watch.add(f"stage {number % 50}", 1.0)
            number += 1

    filler = threading.Thread(target=fill)
    filler.start()
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        assert set(watch.percentiles().values()) <= {(1.0, 1.0)}
    stop.set()
    filler.join(10)
    assert not filler.is_alive()
