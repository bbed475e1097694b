"""What the rules say of a person, without anybody standing there."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agent.access.factors import FACE, Factors
from agent.access.holder import Holder, State
from agent.access.rules import Mode
from agent.access.trial import trial
from agent.rulebook.parse import open_rules, parse
from agent.types import Reason

ZONE = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 11, 26, 10, tzinfo=ZONE)
ANNA = Holder("anna", frozenset({"staff"}))
RULES = parse(
    'time_zone="Europe/Berlin"\n[schedules.day]\ndaily=["08:00-18:00"]\n'
    '[doors.front]\nmode="scheduled"\nunlocked="day"\ntwo_person="day"\nfactors_in={day="face+pin"}\n'
    '[doors.back]\nunlocked="day"\n[[grants]]\ngroups=["staff"]\ndoors=["*"]\nschedule="day"',
    version=3,
)


def test_who_may():
    found = trial(RULES, ANNA, "front", AT)
    assert (found.reason, found.schedule, found.detail) == (None, "day", "day until 18:00")
    assert (found.factors, found.two) == (Factors.parse("face+pin"), True)
    assert (found.mode, found.unlocked_until) == (Mode.SCHEDULED, AT.replace(hour=18))


def test_at_another_time_and_door():
    found = trial(RULES, ANNA, "back", AT.replace(hour=20))
    assert (found.reason, found.schedule, found.detail) == (Reason.OUTSIDE_SCHEDULE, None, "again Fri 08:00")
    assert (found.factors, found.two, found.unlocked_until) == (FACE, False, None)


def test_a_schedule_that_the_mode_does_not_mind_unlocks_nothing():
    assert trial(RULES, ANNA, "back", AT).unlocked_until is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state": State.BLOCKED}, Reason.BLOCKED),
        ({"state": State.SUSPENDED}, Reason.SUSPENDED),
        ({"valid_to": AT}, Reason.NO_LONGER_VALID),
        ({"valid_from": AT + timedelta(hours=1)}, Reason.NOT_YET_VALID),
        ({"groups": frozenset()}, Reason.NO_ACCESS),
    ],
    ids=["blocked", "suspended", "over", "not yet", "in no group"],
)
def test_the_person_comes_first(change, reason):
    found = trial(RULES, replace(ANNA, **change), "front", AT)
    assert (found.reason, found.schedule) == (reason, None)


def test_without_rules():
    assert trial(open_rules(ZONE), Holder("anna"), "front", AT).reason is None
