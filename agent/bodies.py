"""What decisions, punches and alarms look like as events: everything that was weighed, no pixels and no vectors."""

from __future__ import annotations

import math
from dataclasses import asdict

from agent.attendance.punch import Clock
from agent.types import Decision, Quality, Sighting, Weighed

_SEEN = (
    "similarity", "margin", "second", "threshold", "shots", "agreeing", "quality", "camera", "track", "latency_ms",
)  # fmt: skip


def access_body(decision: Decision, *, model: str, clock: Clock) -> dict[str, object]:
    """Returns the body of an `access` event; similarities to a ten-thousandth."""
    return {
        "outcome": decision.outcome.value,
        "reason": decision.reason.value,
        "person": decision.person,
        "repeat": decision.repeat,
        "shown": [shown.value for shown in decision.shown],
        "companion": decision.companion,
        "schedule": decision.schedule,
        "detail": decision.detail,
        **_weighed(decision.sighting),
        "signed": _signed(decision.signature),
        "model": model,
        "clock": clock.value,
    }


def alarm_body(
    alarm: str, *, raised: bool, clock: Clock, person: str | None = None, access: str | None = None, detail: str = ""
) -> dict[str, object]:
    """Returns the body of an `alarm` event."""
    return {
        "alarm": str(alarm),
        "state": "raised" if raised else "cleared",
        "person": person,
        "access": access,
        "detail": detail,
        "clock": clock.value,
    }


def _weighed(sighting: Sighting | None) -> dict[str, object]:
    """Returns what was seen of a face; nulls where none was weighed."""
    if sighting is None:
        return dict.fromkeys(_SEEN)
    match = sighting.match if sighting.match and sighting.match.person is not None else None
    return {
        "similarity": round(match.similarity, 4) if match else None,
        "margin": round(match.margin, 4) if match and match.second is not None else None,
        "second": match.second if match else None,
        "threshold": round(sighting.threshold, 4),
        "shots": sighting.shots,
        "agreeing": sighting.agreeing,
        "quality": _quality(sighting.quality),
        "camera": sighting.camera,
        "track": sighting.track,
        "latency_ms": round(sighting.latency_ms, 2),
    }


def _signed(weighed: Weighed | None) -> dict[str, object] | None:
    """Returns how far a signature was from the person's own; None where none was weighed."""
    if weighed is None:
        return None
    return {
        "distance": round(weighed.distance, 4),
        "threshold": round(weighed.threshold, 4),
        "references": weighed.references,
        "replayed": weighed.replayed,
    }


def _quality(quality: Quality | None) -> dict[str, float] | None:
    """Returns the measures; None where one is infinite, as a yaw may be: JSON cannot say it."""
    measures = {name: round(float(value), 3) for name, value in asdict(quality).items()} if quality else {}
    return measures if measures and all(map(math.isfinite, measures.values())) else None
