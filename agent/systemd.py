"""Tells systemd how the service is: sd_notify(3) without its library."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)


def notify(*assignments: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send assignments such as "READY=1" or "STATUS=..."; return whether anybody was told.

    Without NOTIFY_SOCKET, outside systemd, this does nothing. "@" stands for the zero byte of an abstract socket.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as messages:
            messages.sendto("\n".join(assignments).encode(), address)
    except OSError as error:
        log.warning("systemd could not be told %s: %s", assignments, error)
        return False
    return True


def ready(status: str = "") -> bool:
    """Say that the service works from now on."""
    return notify("READY=1", f"STATUS={status}")


def watchdog() -> bool:
    """Say that the service still makes progress."""
    return notify("WATCHDOG=1")


def stopping(status: str = "") -> bool:
    """Say that the service has begun to stop."""
    return notify("STOPPING=1", f"STATUS={status}")


def watchdog_seconds(environ: Mapping[str, str] = os.environ) -> float | None:
    """Return how often at least systemd wants to hear `watchdog`, None where it does not."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isdecimal() and int(microseconds) > 0 else None
