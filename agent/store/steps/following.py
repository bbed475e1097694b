"""Step 14: whom documents of the roster were for when this device read them: if renamed, it reads all of them again."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = (
    "ALTER TABLE roster_state ADD COLUMN targets TEXT",  # the device, its groups, all; NULL: not noted yet
)
