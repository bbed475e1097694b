"""Times as text in the database: UTC, of one length, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime


def to_text(at: datetime) -> str:
    """Return `at` as 2026-11-22T06:00:00.000000Z; a time without a zone is a ValueError."""
    if at.tzinfo is None:
        raise ValueError(f"a time in the database has a time zone, got {at}")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    """Return the time that `to_text` wrote."""
    return datetime.fromisoformat(text)
