from datetime import UTC, datetime

import pytest

from agent.access.verdicts import decide
from agent.types import Match, Outcome, Reason, Sighting


def sighting(reason):
    person = "anna" if reason is Reason.MATCH else None
    match = Match("anna", 0.7, None, 2.0)
    now = datetime(2026, 11, 22, tzinfo=UTC)
    return Sighting(now, "front", 1, reason, person, match, 0.5, shots=2, agreeing=2, quality=None, detail="")


@pytest.mark.parametrize("open_without_storage", [True, False])
def test_a_match_opens(open_without_storage):
    decision = decide(sighting(Reason.MATCH), storage_ok=True, open_without_storage=open_without_storage)
    assert (decision.outcome, decision.reason, decision.person) == (Outcome.GRANTED, Reason.MATCH, "anna")


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.MATCH])
@pytest.mark.parametrize("storage_ok", [True, False])
def test_everything_else_stays_shut_with_its_reason(reason, storage_ok):
    decision = decide(sighting(reason), storage_ok=storage_ok, open_without_storage=True)
    assert (decision.outcome, decision.reason, decision.person) == (Outcome.DENIED, reason, None)


def test_without_storage_the_policy_decides():
    shut = decide(sighting(Reason.MATCH), storage_ok=False, open_without_storage=False)
    assert (shut.outcome, shut.reason, shut.person) == (Outcome.DENIED, Reason.STORAGE_FAILED, "anna")
    assert shut.sighting.reason is Reason.MATCH
    opened = decide(sighting(Reason.MATCH), storage_ok=False, open_without_storage=True)
    assert (opened.outcome, opened.reason) == (Outcome.GRANTED, Reason.MATCH)
