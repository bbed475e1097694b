"""What one comparison with the gallery says."""

from __future__ import annotations

from agent.types import Match, Reason


def verdict(match: Match, *, threshold: float, min_margin: float) -> tuple[Reason, str]:
    """MATCH, or why not, with the figures in words.

    Args:
        match: what the gallery found.
        threshold: the least similarity, cosine.
        min_margin: the least distance to the next other person, cosine.
    """
    if match.person is None:
        return Reason.EMPTY_GALLERY, "nobody is enrolled"
    # "not >=" rather than "<": what is not a number is nobody
    if not match.similarity >= threshold:
        return Reason.UNKNOWN, f"{match.similarity:.3f} to {match.person}, need {threshold:.3f}"
    if not match.margin >= min_margin:
        lead = f"{match.margin:.3f} more than to {match.second}, need {min_margin:.3f}"
        return Reason.AMBIGUOUS, f"{match.similarity:.3f} to {match.person}, {lead}"
    return Reason.MATCH, f"{match.similarity:.3f} to {match.person}, need {threshold:.3f}"
