"""The numbers of the plots, from decisions and samples that are known."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agent.figures import figures
from agent.store import events, samples
from agent.store.db import open_db
from agent.store.samples import Sample

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)  # a Thursday
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        yield db


def decide(db, ago_hours, person, similarity, *, outcome="granted", reason="match", repeat=False, threshold=0.41):
    told = {"outcome": outcome, "reason": reason, "person": person, "similarity": similarity, "repeat": repeat}
    events.append(db, "access", NOW - timedelta(hours=ago_hours), "boot", told | {"threshold": threshold})


def test_how_alike_they_were_and_who_came_when(db):
    decide(db, 30 * 24, "anna", 0.99)  # too long ago
    decide(db, 50, "anna", 0.705, threshold=0.39)  # Tuesday, eleven in Berlin
    decide(db, 5, "anna", 0.719)  # today at eight
    decide(db, 5, "anna", 0.65, repeat=True)  # who has come already
    decide(db, 4, "ben", 0.71, outcome="denied", reason="outside_schedule")
    decide(db, 3, None, 0.13, outcome="denied", reason="unknown")
    decide(db, 3, None, -0.01, outcome="denied", reason="unknown")
    decide(db, 3, None, 0.5, outcome="denied", reason="ambiguous")  # neither
    decide(db, 2, None, None, outcome="denied", reason="poor_quality", threshold=None)
    told = figures(db, 14, NOW, BERLIN)
    assert told["genuine"] == [(0.64, 1), (0.7, 3)]
    assert told["unknown"] == [(-0.02, 1), (0.12, 1)]
    assert (told["threshold"], told["thresholds"]) == (0.41, 2)
    came = {(day, hour): n for day, hours in enumerate(told["arrivals"]) for hour, n in enumerate(hours) if n}
    assert came == {(1, 11): 1, (3, 8): 1}
    assert (told["decisions"], told["all"]) == (8, True)


def test_nothing_yet(db):
    told = figures(db, 7, NOW, BERLIN)
    assert (told["genuine"], told["threshold"], told["health"]) == ([], None, [])


def test_health_is_the_mean_of_each_step(db):
    for minutes, fps in ((0, 9.0), (5, 11.0), (60, 8.0)):
        samples.add(db, NOW - timedelta(minutes=minutes + 1), Sample(fps=fps, disk_free_bytes=10**9))
    told = figures(db, 14, NOW, BERLIN)["health"]
    assert [(each["fps"], each["temperature_celsius"], each["disk_free_bytes"]) for each in told] == [
        (8.0, None, 10**9),
        (10.0, None, 10**9),
    ]
    assert [each["fps"] for each in figures(db, 1, NOW, BERLIN)["health"]] == [8.0, 11.0, 9.0]


def test_samples_go_after_their_days_and_those_of_the_future_too(db):
    for days in (-2, 0, 13, 15):
        samples.add(db, NOW - timedelta(days=days), Sample(fps=1.0))
    assert samples.prune(db, NOW - timedelta(days=14), NOW + timedelta(days=1)) == 2
    assert len(samples.series(db, NOW - timedelta(days=99), 300)) == 2
