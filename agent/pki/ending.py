"""How long a certificate is still good for."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from agent.config.tables import Tls
from agent.errors import ConfigError
from agent.pki import files


def days_left(certificate: Path, now: datetime) -> int:
    """Returns how many whole days a certificate is still valid; below 0: it has ended.

    Args:
        certificate: a PEM file; of several in it the first counts.
        now: aware.

    Raises:
        ConfigError: there is no certificate in the file, or it cannot be read.
    """
    return (files.read_certificate(certificate).not_valid_after_utc - now) // timedelta(days=1)


def certificate_days(tls: Tls, now: datetime) -> int | None:
    """Returns the days left of the device's certificate or its authority's, whichever ends first.

    None: there is none, or it cannot be read, which connecting tells.
    """
    found = [file for file in (tls.cert, tls.ca) if file is not None] if tls.enabled else []
    try:
        return min((days_left(file, now) for file in found), default=None)
    except ConfigError:
        return None
