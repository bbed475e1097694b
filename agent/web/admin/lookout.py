"""What happens at the door now, for those who watch it on their page: decisions, what was recorded, how the door is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

from pydantic import ConfigDict
from typing_extensions import TypedDict

from agent.bodies import access_body
from agent.mqtt.telemetry import timestamp
from agent.types import Decision, Event, Match, Quality
from agent.web.audience import Audience
from agent.web.mirror import Mirror

if TYPE_CHECKING:
    from agent.app import Agent


class EventTold(TypedDict):
    """An event, and beside this what its kind has: the body of `event/KIND` in MQTT.md."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # of pydantic, and no key

    seq: int
    id: str
    kind: str
    at: str


class Lookout:
    """`decided` and `recorded` are called from any thread and return at once; the rest is the web thread's.

    Args:
        agent: whose door it is.
    """

    def __init__(self, agent: Agent) -> None:
        self.audience = Audience()
        self.mirror = Mirror() if agent.config.admin.picture else None  # None: no picture is to be had
        self._agent = agent
        agent.onlookers.decided.append(self.decided)
        agent.onlookers.recorded.append(self.recorded)
        if self.mirror is not None:
            agent.onlookers.saw.append(self.mirror.saw)

    def decided(self, decision: Decision) -> None:
        """A decision was made, or more is asked for."""
        if len(self.audience):
            entrance = self._agent.porch.entrance
            body = access_body(decision, model=entrance.model, clock=entrance.clock())
            self.audience.publish({"kind": "decision"} | body | self._weighed(decision))

    def recorded(self, event: Event) -> None:
        """An event was recorded; the audit is for those who may see it, elsewhere."""
        if event.kind != "audit" and len(self.audience):
            self.audience.publish({"kind": "event", "event": event_json(event)})

    def state(self) -> dict[str, Any]:
        """Returns how the door is."""
        agent = self._agent
        report, entrance = agent.porch.doorman.report(), agent.porch.entrance
        return {
            "kind": "state",
            "locked": report.locked,
            "contact": report.contact,
            "held": report.held,
            "alarms": [alarm.value for alarm in report.alarms],
            "last_opened_by": report.last_opened_by,
            "mode": entrance.mode.value,
            "clock": entrance.clock().value,
            "recording": entrance.recorder.healthy,
            "online": agent.desk is None or agent.desk.link.connected,
            "remote_unlock": agent.config.mqtt.remote_unlock,
            "pulse_seconds": agent.config.door.pulse_seconds,
            "picture": self.mirror is not None,
            "keeps_unknown": agent.config.privacy.keep_unknown,
        }

    def now(self) -> int:
        """Returns the device's time, milliseconds: what `not_after` is reckoned from."""
        return round(time.time() * 1e3)

    def close(self) -> None:
        """Lets everybody go."""
        self.audience.close()
        if self.mirror is not None:
            self.mirror.close()

    def _weighed(self, decision: Decision) -> dict[str, Any]:
        """What only those see who watch: each shot, and what was done about it."""
        sighting, gate = decision.sighting, self._agent.config.gate
        return {
            "at": timestamp(decision.at),
            "seconds": decision.seconds,
            "alarms": [alarm.value for alarm in decision.alarms],
            "each": [_shot(match, quality) for match, quality in sighting.each] if sighting else [],
            "min_margin": gate.min_margin,
            "shots_needed": gate.shots_needed,
        }


def event_json(event: Event) -> EventTold:
    """Returns an event as the page has it."""
    told = {"seq": event.seq, "id": event.id, "kind": event.kind, "at": timestamp(event.at), **event.body}
    return cast("EventTold", told)


def _shot(match: Match, quality: Quality) -> dict[str, Any]:
    return {
        "person": match.person,
        "similarity": round(match.similarity, 4) if match.person is not None else None,
        "margin": round(match.margin, 4) if match.second is not None else None,
        "face_px": round(quality.face_px),
        "sharpness": round(quality.sharpness, 1),
    }
