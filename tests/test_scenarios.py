"""Days at the doors, each with its rules, and what comes of them.

Where a change of the agent changes a day on purpose, write it anew and read the difference:

    for day in tests/scenarios/*.txt; do latchkey simulate $day > ${day%.txt}.expected; done
"""

from pathlib import Path

import pytest

from agent.access.told import TOLD
from agent.rulebook.parse import parse
from agent.simulate.outcome import Decided
from agent.simulate.read import read
from agent.simulate.site import replay
from agent.simulate.story import as_object, lines
from agent.types import Outcome, Reason

DAYS = sorted((Path(__file__).parent / "scenarios").glob("*.txt"))


def replayed(day: Path):
    rules = parse(day.with_suffix(".toml").read_text(encoding="utf-8"), version=1)
    return replay(read(day.read_text(encoding="utf-8"), rules), rules)


@pytest.mark.parametrize("day", DAYS, ids=lambda day: day.stem)
def test_a_day_goes_as_expected(day):
    assert [*lines(replayed(day))] == day.with_suffix(".expected").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("day", DAYS, ids=lambda day: day.stem)
def test_programs_read_the_same(day):
    found = replayed(day)
    told = as_object(found)
    assert len(told["events"]) == len(found.told)
    assert all(each["at"].endswith("Z") for each in told["events"])
    assert {sheet["person"] for sheet in told["timesheet"]} == {sheet.person for sheet in found.attendance.sheets}


def test_there_are_ten_at_least_and_each_is_complete():
    assert len(DAYS) >= 10
    assert all(day.with_suffix(suffix).is_file() for day in DAYS for suffix in (".toml", ".expected"))


def test_the_night_of_the_long_hour_has_it_paid():
    (night,) = [day for day in DAYS if day.stem == "night-shift"]
    nora, otto = replayed(night).attendance.sheets
    # 21:55 to 06:02 are 9:07 where the clock shows 8:07; half an hour is the break
    assert nora.total("worked_seconds") == (9 * 60 + 7 - 30) * 60
    # 2:30 the first time to 2:15 the second time are 45 minutes
    assert otto.total("worked_seconds") == ((9 * 60 + 6) - 45) * 60


def test_the_scenarios_show_most_of_what_a_door_says():
    shown = {
        told.decision.reason
        for day in DAYS
        for told in replayed(day).told
        if isinstance(told, Decided) and told.decision.outcome is not Outcome.GRANTED
    }
    by_the_gate = {Reason.AMBIGUOUS, Reason.INCONSISTENT, Reason.EMPTY_GALLERY, Reason.POOR_QUALITY}
    by_the_screen = {Reason.SIGNATURE_NEEDED, Reason.WRONG_SIGNATURE, Reason.NO_SIGNATURE}  # days have no signatures
    granted = {Reason.MATCH, Reason.CREDENTIAL, Reason.FREE_ACCESS}
    assert set(TOLD) - shown - granted - by_the_gate - by_the_screen == {Reason.LEFT}
