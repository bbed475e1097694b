"""Step 8: templates that are sealed."""

from __future__ import annotations

from typing import Final

STEP: Final[tuple[str, ...]] = ()
