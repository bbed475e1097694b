"""What can be wrong with a run. Like those of `agent.errors` and `training.data.errors`, said without a traceback.

LatchkeyError
├── ConfigError          a preset, a loss, a net or an option that cannot be
├── DataError            pictures, people or tables that cannot be used: `training.data.errors`
└── RunError (ValueError)   a run folder, a device or a number of processes that does not fit what is asked
"""

from __future__ import annotations

from agent.errors import LatchkeyError


class RunError(LatchkeyError, ValueError):
    """A run cannot go on as asked."""
