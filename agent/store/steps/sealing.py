"""Step 8: templates that are sealed."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = (
    "ALTER TABLE templates ADD COLUMN event TEXT",  # of the visit that it was learnt from; NULL: enrolled
)
