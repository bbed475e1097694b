"""Engines run a model file; see `agent.vision.model.Model` for what they offer."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from agent.vision.model import Model


class OpenEngine(Protocol):
    """How an engine is made: the class or function behind a name in the table of backends."""

    def __call__(
        self,
        path: str | Path,
        *,
        runtime: str = ...,
        delegate: str | None = ...,
        threads: int = ...,
        sha256: str | None,
    ) -> Model:
        """Return the model in this file, ready to be called."""
        ...
