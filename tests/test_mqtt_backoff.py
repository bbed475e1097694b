"""Waiting longer and longer, never the same."""

import random

import pytest

from agent.mqtt.backoff import Backoff


def test_waits_double_up_to_the_limit_and_at_least_half_of_it_is_certain():
    backoff = Backoff(least=0.5, most=8.0, rng=random.Random(1))
    for longest in (0.5, 1, 2, 4, 8, 8, 8):
        assert longest / 2 <= backoff.next() <= longest


def test_after_a_success_it_begins_anew():
    backoff = Backoff(least=0.5, most=30.0)
    for _ in range(2000):
        backoff.next()
    backoff.reset()
    assert backoff.next() <= 0.5


def test_two_devices_do_not_return_together():
    waits = [Backoff(least=1.0, most=30.0, rng=random.Random(seed)).next() for seed in range(10)]
    assert len(set(waits)) == 10
    assert pytest.approx(0.75, abs=0.25) == max(waits)
