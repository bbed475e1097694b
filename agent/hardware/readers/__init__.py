"""Readers that type: card readers, QR scanners and keypads, which to the computer are keyboards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias


class Reader(Protocol):
    """Gives what was typed, a line at a time. Used by one thread; `close` may come from another."""

    def take(self, seconds: float) -> str | None:
        """Return the next line without its end, or None if there is none within the time.

        A reader that is unplugged gives nothing until it is back.
        """
        ...

    def close(self) -> None:
        """Let go of the device. May be called again."""
        ...


@dataclass(frozen=True, slots=True)
class ReaderOptions:
    """What a reader is told.

    Args:
        device: a path such as /dev/input/by-id/usb-..., or a part of the device's name.
    """

    device: str = ""


OpenReader: TypeAlias = Callable[[ReaderOptions], Reader]
"""How a reader is made: the class behind a name in the table of backends."""
