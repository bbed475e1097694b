"""How the device is: what `health` tells the broker."""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agent.clock import clock_state
from agent.config import Config
from agent.mqtt.telemetry import Health, timestamp
from agent.pki.ending import certificate_days
from agent.store import audit, events, roster
from agent.store.db import Db

if TYPE_CHECKING:
    from agent.app import Agent

THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")  # thousandths of a degree Celsius
# Bits 0 to 3: under-voltage, capped, throttled, soft temperature limit now (Raspberry Pi documentation, get_throttled)
THROTTLED = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
NOW_THROTTLED = 0xF


class HealthCheck:
    """Asks around. Used by one thread, with a database connection of its own; `began`: when, by `time.monotonic`."""

    def __init__(self, config: Config, db: Db, *, boot_id: str, began: float | None = None) -> None:
        self._config, self._db, self._boot_id = config, db, boot_id
        self._began = time.monotonic() if began is None else began
        self._frames, self._at = 0, self._began

    def look(
        self,
        *,
        frames: int,
        dropped: int,
        people: int,
        templates: int,
        damaged: int = 0,
        rules: int = 0,
        acks_refused: int | None = None,
    ) -> Health:
        """Returns the state now.

        Args:
            frames: looked at since the start.
            dropped: never looked at, since the start.
            people: in the gallery.
            templates: in the gallery.
            damaged: templates that do not open.
            rules: the version in force.
            acks_refused: of collectors, since the start; None where they are not asked for.
        """
        now, at = time.monotonic(), datetime.now(UTC)
        fps = (frames - self._frames) / max(now - self._at, 1e-3)
        self._frames, self._at = frames, now
        oldest = events.oldest_unsent(self._db)
        return Health(
            at=timestamp(at),
            boot_id=self._boot_id,
            uptime_seconds=round(now - self._began, 1),
            outbox_depth=events.count_unsent(self._db),
            oldest_unsent_seconds=max(0.0, round((at - oldest.at).total_seconds(), 1)) if oldest else None,
            fps=round(fps, 2),
            frames_dropped=dropped,
            people=people,
            templates=templates,
            templates_damaged=damaged,
            rules=rules,
            roster=roster.reading(self._db).cursor if self._config.roster.enabled else None,
            roster_problems=roster.count_problems(self._db) if self._config.roster.enabled else None,
            acks_refused=acks_refused,
            audit=str(audit.head(self._db)),
            disk_free_bytes=shutil.disk_usage(self._db.path.parent).free,
            memory_bytes=resident_bytes(),
            temperature_celsius=_thousandths(THERMAL),
            throttled=_throttled(),
            certificate_days=certificate_days(self._config.mqtt.tls, at),
            clock=clock_state(self._config.clock.synchronised_file),
        )


def health_of(agent: Agent, check: HealthCheck, *, acks_refused: int | None = None) -> Health:
    """Returns how a running agent is; `check` is the asker's own."""
    gallery = agent.recogniser.known.gallery
    return check.look(
        frames=agent.visits.frames,
        dropped=agent.dropped,
        people=len(gallery.people),
        templates=gallery.templates,
        damaged=agent.knowledge.damaged,
        rules=agent.porch.entrance.keeper.rules.version,
        acks_refused=acks_refused,
    )


def resident_bytes() -> int | None:
    """Returns how much memory this process holds; None where nobody says (not Linux)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _thousandths(path: Path) -> float | None:
    try:
        return int(path.read_text()) / 1000
    except (OSError, ValueError):
        return None


def _throttled() -> bool | None:
    try:
        return bool(int(THROTTLED.read_text(), 16) & NOW_THROTTLED)
    except (OSError, ValueError):
        return None
