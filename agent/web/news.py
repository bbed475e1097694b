"""What a browser is told of decisions and punches: what the person at the door may see, and nothing of who else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from agent.access.factors import Factors
from agent.access.rules import DoorRules
from agent.attendance.rules import AttendanceRules, PunchType
from agent.guidance import Guidance
from agent.types import Decision, Event, Outcome, Reason

ASKS: Final[Mapping[Reason, str]] = {
    Reason.PIN_NEEDED: "pin",
    Reason.CARD_NEEDED: "card",
    Reason.FACE_NEEDED: "face",
    Reason.SECOND_PERSON_NEEDED: "second",
    Reason.SIGNATURE_NEEDED: "signature",
    Reason.WRONG_PIN: "pin",
    Reason.WRONG_CARD: "card",
    Reason.FACE_MISMATCH: "face",
    Reason.WRONG_SIGNATURE: "signature",
}


def result(
    decision: Decision, visit: int, rules: DoorRules, who: str | None = None, own: Factors | None = None
) -> dict[str, Any]:
    """Returns what is shown of a decision. Its alarms are not: nothing on the screen tells of duress.

    Args:
        decision: made.
        visit: a number by which the punch finds it.
        rules: of the door.
        who: what the person is called here.
        own: what this person has to show, where that is another thing.
    """
    asks, ways = (
        asked(decision),
        [rules.factors, *(factors for _, factors in rules.factors_in), *([own] if own else [])],
    )
    claimed = any(factors.takes(shown) for factors in ways for shown in decision.shown)
    longer = {"second": rules.two_person_seconds, "signature": rules.signature_seconds}
    return {
        "kind": "result",
        "visit": visit,
        "outcome": decision.outcome.value,
        "reason": decision.reason.value,
        "who": who if may_be_named(decision) else None,
        "asks": asks,
        "badge": asks == "pin" and not claimed,  # a PIN alone would be nobody's
        "seconds": longer.get(asks, rules.factor_seconds) if asks else None,
    }


def asked(decision: Decision) -> str | None:
    """Returns what is wanted now: also where something wrong was shown and may be tried again at once."""
    if decision.outcome is Outcome.PENDING:
        return ASKS.get(decision.reason)
    again = decision.outcome is Outcome.DENIED and decision.shown and not decision.alarms
    return ASKS.get(decision.reason) if again else None


def may_be_named(decision: Decision) -> bool:
    """Whether this is the person: whoever types somebody's badge number does not learn the name."""
    return decision.outcome is not Outcome.DENIED and bool(decision.shown)


def punched(event: Event, visit: int, hours: Mapping[str, Any] | None) -> dict[str, Any]:
    """Returns what is shown of an `attendance` event, with the person's own hours where they are."""
    body = event.body
    return {
        "kind": "punch",
        "visit": visit,
        "type": body["type"],
        "key": body["key"] if body["key"] not in set(PunchType) else None,
        "repeat": body["repeat"],
        "at": round(event.at.timestamp() * 1e3),  # ms since the epoch
        "today_seconds": hours["today_seconds"] if hours else None,
        "balance_seconds": hours["balance_seconds"] if hours else None,
    }


def guided(guidance: Guidance) -> dict[str, Any]:
    """Returns what is shown to somebody who is being enrolled: a word to do, and how many shots there are."""
    return {
        "kind": "guide",
        "hint": guidance.hint,
        "done": guidance.done,
        "of": guidance.of,
        "session": guidance.session,
        "why": guidance.why,
    }


def keys(rules: AttendanceRules, door: str) -> list[dict[str, str]]:
    """Returns the attendance keys of a terminal; none where nobody punches."""
    if not rules.punches_at(door):
        return []
    plain = [{"name": each.value, "type": each.value} for each in PunchType if each.value not in rules.keys]
    return plain + [{"name": name, "type": key.type.value} for name, key in rules.keys.items()]
