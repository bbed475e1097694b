"""The time zone that this machine is set to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LOCALTIME = Path("/etc/localtime")


def machine_zone(environ: Mapping[str, str] = os.environ, localtime: Path = LOCALTIME) -> ZoneInfo:
    """Returns the zone of $TZ, else the one that /etc/localtime links to (localtime(5)), else UTC."""
    names = [environ.get("TZ", "").lstrip(":")]
    with suppress(OSError, RuntimeError):  # RuntimeError: a link to itself
        names.append(str(localtime.resolve()).partition("zoneinfo/")[2])
    for name in filter(None, names):
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # such as "CET-1CEST", a rule and no name
            continue
    return ZoneInfo("UTC")
