"""Step 12: what a collector has acknowledged."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = ()
