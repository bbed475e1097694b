"""Rosters from files into the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from agent.attendance.roster import Rostered, RosterError, read_csv
from agent.attendance.roster_ics import read_ics
from agent.audit import audit
from agent.errors import ConfigError
from agent.register import Request
from agent.store import rosters
from agent.store.db import Db

AHEAD: Final = timedelta(days=400)  # so far events without an end are followed
LARGEST: Final = 16 * 2**20  # bytes


def read_roster(file: Path, zone: ZoneInfo, at: datetime, person: str | None = None) -> list[Rostered]:
    """Returns what a CSV or ICS file says.

    Args:
        file: told apart by the ending.
        zone: of the site.
        at: now; recurring events are followed until `AHEAD` of it.
        person: whose calendar an ICS file is.

    Raises:
        ConfigError: it cannot be read, or not all of it makes sense.
    """
    try:
        if file.stat().st_size > LARGEST:
            raise ConfigError(f"{file} has more than {LARGEST // 2**20} MiB: want a roster")
        data = file.read_bytes()
        if file.suffix.lower() == ".ics":
            return read_ics(data, zone, until=at + AHEAD, person=person)
        if file.suffix.lower() != ".csv":
            raise ConfigError(f"{file}: want a file that ends in .csv or .ics")
        return read_csv(data.decode(), zone)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8: save it as CSV UTF-8") from error
    except ImportError as error:
        raise ConfigError(f"{file} needs icalendar: pip install 'latchkey[reports]'") from error
    except RosterError as error:
        raise ConfigError("\n".join(f"{file}: {line}" for line in str(error).splitlines())) from error


def import_roster(db: Db, request: Request, found: Sequence[Rostered], source: str) -> dict[str, Any]:
    """Puts a roster in place of what was there of its people and days; returns how many `shifts`, and `changed` ones.

    Raises:
        ConfigError: somebody in it is not enrolled, or begins twice at once.
    """
    begun = Counter((each.person, each.starts_at) for each in set(found))
    for (person, at), ends in begun.items():
        if ends > 1:
            raise ConfigError(
                f"{source}: {person} works from {at:%Y-%m-%d %H:%M} UTC to {ends} different times: want one"
            )
    with db.transaction():
        known = rosters.workers(db)
        unknown = sorted({each.person for each in found} - known.keys())
        if unknown:
            raise ConfigError(f"{source}: nobody is enrolled as {', '.join(unknown[:10])}: see latchkey people list")
        changed = rosters.replace(db, found, source)
        if changed:
            people = sorted({each.person for each in found})
            audit(db, "roster_imported", None, request, {"source": source, "people": len(people), "changed": changed})
    return {"shifts": len(found), "changed": changed}
