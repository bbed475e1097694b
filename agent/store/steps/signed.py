"""Step 18: which signatures were right, so that a recording of one is not."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = (
    "ALTER TABLE standings ADD COLUMN signed BLOB",  # marks of 8 bytes, the latest first; NULL: none
)
