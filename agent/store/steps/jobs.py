"""Step 10: commands that take long, and how far they are."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = ()
