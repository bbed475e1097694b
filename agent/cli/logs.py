"""Where log lines go: to stderr, in the form that whoever reads it wants."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping

NAME = "latchkey"
FORM = "%(levelname)s %(name)s: %(message)s"
# sd-daemon(3): "<N>" before a line is its priority
PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class JournalFormatter(logging.Formatter):
    """Lines for systemd's journal, which has the time itself and wants to be told the priority."""

    def format(self, record: logging.LogRecord) -> str:
        """One line or, with a traceback, several, each with its priority."""
        priority = PRIORITIES.get(record.levelno, 6)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


def start_logging(level: str) -> None:
    """Sends what is logged from `level` ("debug", "info", ...) on to stderr. May be called again."""
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name(NAME)
    handler.setFormatter(JournalFormatter(FORM) if to_journal() else logging.Formatter(f"%(asctime)s {FORM}"))
    root = logging.getLogger()
    for old in [old for old in root.handlers if old.get_name() == NAME]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())


def to_journal(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether stderr is the journal's socket: systemd.exec(5), JOURNAL_STREAM, says its device and inode."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):  # not a file at all
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
