"""What corrections make of punches. Pure: the originals stay as they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from agent.attendance.punch import Clock, Correction, Punch

NOT_WORTH_IT: Final = timedelta(seconds=1)
"""A clock that was wrong by less is taken as right."""

By = Mapping[str, Sequence[Correction]]


def apply(punches: Iterable[Punch], corrections: Iterable[Correction]) -> list[Punch]:
    """Returns the punches that count, in order of time, with those that were added.

    Args:
        punches: as they were made.
        corrections: in the order in which they were made; where several say something else, the last one counts.
    """
    by = defaultdict[str, list[Correction]](list)
    added = []
    for correction in corrections:
        if correction.punch is None:
            added.append(correction)
        else:
            by[correction.punch].append(correction)
    counted = [_corrected(punch, by) if punch.id in by else punch for punch in punches]
    counted += [_added(correction, by) for correction in added]
    return sorted((punch for punch in counted if punch is not None), key=lambda punch: (punch.at, punch.id))


def _corrected(punch: Punch, by: By) -> Punch | None:
    """The punch as the corrections leave it; None where one makes it void."""
    void = False
    for correction in by[punch.id]:
        right = stands(correction, by)
        if right is None:
            continue
        void = void or right.void
        punch = replace(
            punch,
            at=right.at or punch.at,
            clock=Clock.SYNCHRONISED if right.at else punch.clock,
            type=right.type or punch.type,
            job=punch.job if right.job is None else right.job or None,
            by=None if right.type else punch.by,
            repeat=punch.repeat and not right.type,
            corrected=correction.id,
        )
    return None if void else punch


def _added(correction: Correction, by: By) -> Punch | None:
    right = stands(correction, by)
    if right is None or right.at is None or right.type is None:
        return None
    changed = correction.id if right is correction else by[correction.id][-1].id
    return Punch(correction.id, correction.person, right.at, right.type, job=right.job, corrected=changed)


def stands(correction: Correction, by: By) -> Correction | None:
    """Returns a correction as later ones leave it; None where it was withdrawn.

    Args:
        correction: any.
        by: the later ones, by the id that they name.
    """
    for later in by.get(correction.id, ()):
        right = stands(later, by)
        if right is None:
            continue
        if right.void:
            return None
        correction = replace(
            correction,
            at=right.at or correction.at,
            type=right.type or correction.type,
            job=correction.job if right.job is None else right.job,
        )
    return correction


def right_time(punch: Punch, at: datetime, uptime: float) -> datetime | None:
    """Returns when a punch was really made, by a clock that is right now; None where that is known well enough.

    The seconds since the device was started run on, whatever the clock on the wall is set to:

        right = at - (uptime - punch.uptime)

    Args:
        punch: made by a clock that was not synchronised, since the same start of the device.
        at: the right time, UTC.
        uptime: seconds of CLOCK_BOOTTIME at that time.
    """
    if punch.clock is not Clock.UNSYNCHRONISED or punch.uptime > uptime:
        return None
    right = at - timedelta(seconds=uptime - punch.uptime)
    return right if abs(right - punch.at) >= NOT_WORTH_IT else None


def retime(
    punches: Iterable[Punch], corrections: Iterable[Correction], boot_id: str, *, at: datetime, uptime: float
) -> list[Correction]:
    """Returns corrections that re-time what was punched since one start while the clock was wrong.

    Left alone is what somebody has re-timed or made void. Made again they are the same, so nothing is corrected twice.
    What is a repeat only of a punch from before that start counts: it was made at another time than it seemed.

    Args:
        punches: as they were made, in that order.
        corrections: all there are of these.
        boot_id: of the start.
        at: the right time, UTC.
        uptime: seconds of CLOCK_BOOTTIME at that time.
    """
    touched = {each.punch for each in corrections if each.at is not None or each.void}
    made, seen = [], set[str]()
    for punch in punches:
        if punch.boot_id != boot_id:
            continue
        first = punch.person not in seen
        seen.add(punch.person)
        right = right_time(punch, at, uptime) if punch.id not in touched else None
        if right is not None:
            why = f"the clock was not set: it said {punch.at.isoformat(timespec='seconds')}"
            type_ = punch.type if punch.repeat and first else None
            made.append(
                Correction(f"retimed-{punch.id}", punch.id, punch.person, "clock", why, at, at=right, type=type_)
            )
    return made


def misses(correction: Correction) -> str | None:
    """Returns what a correction lacks to make sense; None where it does."""
    says = correction.at is not None or correction.type is not None or correction.job is not None
    if correction.punch is None and (correction.void or correction.at is None or correction.type is None):
        return "a punch that was missing needs a time and a type"
    if correction.void and says:
        return "what does not count has no time, type or job: void it, or correct it"
    if not correction.void and not says:
        return "say what is right: a time, a type or a job; or that it does not count"
    return None if correction.why.strip() else "say why"
