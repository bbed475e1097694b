"""The version of Latchkey, kept equal to pyproject.toml's by a test."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
