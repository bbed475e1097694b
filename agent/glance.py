"""Who stands nearest before the camera, and what they can do to be seen better: for the screen at the door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agent.gallery.enrol import crowded
from agent.gallery.sitting import Hint, mend
from agent.types import Box, Rejection
from agent.vision.quality import QualityLimits

PASSER_BY: Final = 0.5  # of `QualityLimits.min_face_px`: whoever is further away than that has not come to the door


@dataclass(frozen=True, slots=True)
class Glance:
    """One frame's nearest face."""

    box: Box  # pixels of the frame
    hint: Hint | None  # None: nothing is wrong


def glance(tracks: Sequence[tuple[int, Box]], refused: Mapping[int, Rejection], limits: QualityLimits) -> Glance | None:
    """Returns who is nearest; None where nobody is near enough to be spoken to.

    Args:
        tracks: number and face of everybody in the frame.
        refused: why the last look at a face was not good enough, by the number of its track.
        limits: what a face must have.
    """
    if not tracks:
        return None
    (track, box), *others = sorted(tracks, key=lambda each: -_side(each[1]))
    if _side(box) < PASSER_BY * limits.min_face_px:
        return None
    if others and crowded(_side(box), _side(others[0][1])):
        return Glance(box, Hint.ONE_AT_A_TIME)
    if _side(box) < limits.min_face_px:
        return Glance(box, Hint.CLOSER)
    return Glance(box, mend(refused[track]) if track in refused else None)


def _side(box: Box) -> float:
    return min(box.width, box.height)
