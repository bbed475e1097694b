"""Step 11: what this device holds of the roster."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = ()
