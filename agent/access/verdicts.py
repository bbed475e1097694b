"""What is done about a sighting: whether the door opens."""

from __future__ import annotations

from agent.types import Decision, Outcome, Reason, Sighting


def decide(sighting: Sighting, *, storage_ok: bool, open_without_storage: bool) -> Decision:
    """Granted for somebody who was recognised, unless it could not be recorded and the policy is to stay shut.

    Args:
        sighting: what the gate concluded.
        storage_ok: events can be written.
        open_without_storage: the policy for when they cannot.
    """
    if sighting.reason is not Reason.MATCH:
        return Decision(Outcome.DENIED, sighting.reason, None, sighting, sighting.at, sighting.detail)
    if not (storage_ok or open_without_storage):
        return Decision(Outcome.DENIED, Reason.STORAGE_FAILED, sighting.person, sighting, sighting.at, sighting.detail)
    return Decision(
        Outcome.GRANTED, Reason.MATCH, sighting.person, sighting, sighting.at, sighting.detail, repeat=sighting.repeat
    )
