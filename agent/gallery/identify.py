"""Who is in a picture: every face, the two people nearest to it, and why it is known or not."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from agent.gallery.enrol import Look
from agent.gallery.match import Gallery
from agent.gallery.verdict import verdict
from agent.types import Face, Image, Match, Quality, Reason, Rejection, Seen
from agent.vision.quality import QualityLimits, judge


@dataclass(frozen=True, slots=True, eq=False)
class IdentifiedFace:
    """One face of a picture, and all that was weighed."""

    face: Face
    quality: Quality
    rejection: Rejection | None  # why the gate would not look at it
    match: Match  # whom it is like, good enough or not
    threshold: float  # cosine
    reason: Reason  # MATCH, or why it is nobody
    detail: str  # the same for a human

    @property
    def known(self) -> bool:
        """True if one such shot speaks for a person."""
        return self.reason is Reason.MATCH

    def as_json(self) -> dict[str, object]:
        """Everything, JSON-able: pixels to a tenth, similarities to a ten-thousandth, null for nobody and for NaN."""
        box, match = self.face.box, self.match
        return {
            "box": [_rounded(side, 1) for side in (box.x, box.y, box.width, box.height)],
            "landmarks": [[_rounded(x, 1), _rounded(y, 1)] for x, y in self.face.landmarks],
            "score": _rounded(self.face.score, 4),
            "quality": {name: _rounded(value, 3) for name, value in asdict(self.quality).items()},
            "rejection": asdict(self.rejection) if self.rejection else None,
            "person": match.person,
            "similarity": None if match.person is None else _rounded(match.similarity, 4),
            "second": match.second,
            "second_similarity": None if match.second is None else _rounded(match.similarity - match.margin, 4),
            "margin": None if match.second is None else _rounded(match.margin, 4),
            "threshold": _rounded(self.threshold, 4),
            "verdict": "known" if self.known else "unknown",
            "reason": self.reason.value,
            "detail": self.detail,
        }


def _rounded(value: float, digits: int) -> float | None:
    """None for NaN and infinity, which JSON (RFC 8259) has no words for."""
    return round(float(value), digits) if math.isfinite(value) else None


def identify(
    image: Image, look: Look, gallery: Gallery, *, threshold: float, min_margin: float, limits: QualityLimits
) -> list[IdentifiedFace]:
    """Every face of `image`, the largest first.

    Args:
        image: (H, W, 3) uint8 RGB.
        look: detects, aligns and encodes.
        gallery: who is enrolled.
        threshold: the least similarity, cosine.
        min_margin: the least distance to the second person, cosine.
        limits: what a face must have to be compared at the door; one that has not is compared here all the same.
    """

    def identified(seen: Seen) -> IdentifiedFace:
        quality, match = seen.crop.quality, gallery.nearest(seen.embedding.vector)
        reason, detail = verdict(match, threshold=threshold, min_margin=min_margin)
        rejection = judge(quality, limits)
        if rejection is not None:
            reason, detail = Reason.POOR_QUALITY, rejection.text
        return IdentifiedFace(seen.face, quality, rejection, match, threshold, reason, detail)

    return sorted(map(identified, look(image)), key=lambda one: one.quality.face_px, reverse=True)
