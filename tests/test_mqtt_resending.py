"""Rounds of what nobody has acknowledged: bounded, slower while nobody answers, soon where somebody does."""

import random
from datetime import UTC, datetime
from itertools import pairwise

from agent.mqtt.resending import ROUND, SOON_SECONDS, Resending
from agent.types import Event


def event(seq):
    return Event(f"e{seq}", seq, "access", datetime(2026, 11, 22, tzinfo=UTC), "b1", {})


def rounds(resending, seconds, step=1.0):
    """When a round was sent, of a collector that never answers."""
    return [at for at in (n * step for n in range(int(seconds / step))) if resending.round(at)]


def test_a_round_is_no_larger_than_it_may_be():
    asked = []
    Resending(lambda limit: asked.append(limit) or []).round(0.0)
    assert asked == [ROUND]


def test_while_nobody_answers_the_pauses_double_to_an_hour():
    began = rounds(Resending(lambda _: [event(1)], rng=random.Random(1)), 86_400)
    pauses = [later - sooner for sooner, later in pairwise(began)]
    assert pauses[0] <= 20
    assert max(pauses) <= 3601
    assert 24 <= len(began) <= 60  # of a day: two an hour at the most, and some in the first one


def test_an_acknowledgement_brings_the_next_round_soon():
    resending = Resending(lambda _: [event(1)], least=10, most=1000)
    rounds(resending, 3000)
    resending.acknowledged(3000.0)
    assert not resending.round(3000.0 + SOON_SECONDS / 2)
    assert resending.round(3000.0 + SOON_SECONDS)


def test_where_nothing_is_overdue_it_goes_on_looking_at_the_first_pace():
    asked = []
    resending = Resending(lambda _: asked.append(1) or [], least=10, most=1000)
    rounds(resending, 1000)
    assert 100 <= len(asked) <= 201
