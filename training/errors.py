"""What can be wrong with what training is given; beside `agent.errors`, and like those said without a traceback.

    LatchkeyError
    ├── ConfigError               a preset, a loss, a net or an option that cannot be
    └── TrainingError
        ├── DataError (ValueError)   pictures, people or tables that cannot be used
        └── RunError (ValueError)    a run folder that does not fit what is asked
"""

from __future__ import annotations

from agent.errors import LatchkeyError


class TrainingError(LatchkeyError):
    """Training cannot be done as asked."""


class DataError(TrainingError, ValueError):
    """Samples, identities or an index cannot be used."""


class RunError(TrainingError, ValueError):
    """A run folder belongs to another preset, or lacks what is needed."""
