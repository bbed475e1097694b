"""Anti-passback: whether somebody can be where this door leads from, going by the doors of the zones.

                 HARD                    SOFT               TIMED
    enters a zone that the person is in already:
                 denied                  let in, alarm      denied for `seconds` after coming in
    leaves a zone that the person is not in:
                 denied                  let out, alarm     -
    another door of the zone cannot be heard:
                 by `silent_peers_deny`  as ever            as HARD
                 denied, or as SOFT

Where a person is counts only if it is known, and not forgotten (`forget_hours`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agent.access.around import Around
from agent.access.holder import Holder, Standing
from agent.access.refusals import Refusal
from agent.access.rules import AntiPassback, DoorRules, Rules, Zone
from agent.types import Alarm, Reason


@dataclass(frozen=True, slots=True)
class Crossing:
    """What the zones say to somebody who goes through a door."""

    refusal: Refusal | None = None
    alarms: tuple[Alarm, ...] = ()


def crossing(rules: Rules, door: DoorRules, holder: Holder, standing: Standing, around: Around) -> Crossing:
    """Returns what the zones on both sides of a door say. `standing` is as `rein` left it."""
    alarms: tuple[Alarm, ...] = ()
    for name, entering in ((door.enters, True), (door.leaves, False)):
        zone = rules.zones.get(name) if name else None
        if zone is None or zone.anti_passback is AntiPassback.OFF or holder.groups & zone.exempt:
            continue
        wrong = _wrong(zone, standing, around.at, entering=entering)
        soft = zone.anti_passback is AntiPassback.SOFT
        if not soft and (silent := _silent(zone, rules, around)):
            if zone.silent_peers_deny:
                return Crossing(Refusal(Reason.PEERS_SILENT, f"not heard: {', '.join(silent)}"))
            soft = True
        if wrong and not soft:
            return Crossing(Refusal(Reason.PASSBACK, wrong))
        if wrong:
            alarms = (Alarm.PASSBACK,)
    return Crossing(alarms=alarms)


def leads_to(door: DoorRules) -> str | None:
    """Returns the zone where somebody is who has gone through; None where that changes nothing."""
    if door.enters is not None:
        return door.enters
    return "" if door.leaves else None


def rein(standing: Standing, at: datetime) -> Standing:
    """Returns the same, last seen now at the latest: the clock may have been set back since."""
    if standing.zone_at is None or standing.zone_at <= at:
        return standing
    return replace(standing, zone_at=at)


def _wrong(zone: Zone, standing: Standing, at: datetime, *, entering: bool) -> str:
    """Why somebody cannot be here, for a human; empty where that is all right or not known."""
    if standing.zone is None or standing.zone_at is None:
        return ""
    since = at - standing.zone_at
    if since > timedelta(hours=zone.forget_hours):
        return ""
    inside = standing.zone == zone.name
    if zone.anti_passback is AntiPassback.TIMED:
        left = zone.seconds - since.total_seconds()
        return f"in {zone.name}, may enter again in {left:.0f} s" if entering and inside and left > 0 else ""
    if inside is not entering:
        return ""
    when = f"{standing.zone_at:%Y-%m-%d %H:%M} UTC"
    return (
        f"in {zone.name} since {when}"
        if inside
        else f"not in {zone.name}, in {standing.zone or 'no zone'} since {when}"
    )


def _silent(zone: Zone, rules: Rules, around: Around) -> list[str]:
    """Other doors of the zone that cannot be heard."""
    doors = (rules.doors.get(name) for name in around.silent)
    return sorted(door.name for door in doors if door and zone.name in {door.enters, door.leaves})
