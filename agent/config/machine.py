"""The tables of the configuration that are about the machine: where the database is, the log, the clock."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from agent.config.kinds import File, OptionalFile, Table


class Storage(Table):
    """The database."""

    path: OptionalFile = None  # none: latchkey.db in data_dir


class Log(Table):
    """What is told to the journal."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Clock(Table):
    """Whether the time can be believed."""

    synchronised_file: File = Path("/run/systemd/timesync/synchronized")  # systemd-timesyncd.service(8)
