"""The outboxes of simulated devices on the disk: what was decided is there before it is sent, until it is acknowledged.

One file for all, a line each: `+ DEVICE SEQ ID MILLISECONDS` and `- DEVICE SEQ`. What a crash cuts off at the end was
never sent.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeAlias

from agent.errors import ConfigError

_ADDED: Final = re.compile(r"\+ (\d+) (\d+) (\w+) (\d+)\n")
_DONE: Final = re.compile(r"- (\d+) (\d+)\n")


@dataclass(frozen=True, slots=True)
class Entry:
    """An event that is not acknowledged."""

    device: int  # number, from 0
    seq: int
    id: str
    at: datetime


Found: TypeAlias = tuple[list[Entry], dict[int, int]]
"""What is still to be acknowledged, in order; the newest seq of each device."""


class Journal:
    """The file. What is added is on the disk after `commit`.

    Args:
        path: made where it is not there.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise ConfigError(f"cannot write {path}: {error.strerror}") from error
        self._path = path
        self._lines: list[str] = []

    def read(self) -> Found:
        """Returns what an earlier simulation left."""
        waiting: dict[tuple[int, int], Entry] = {}
        newest: dict[int, int] = {}
        for line in self._stored():
            if added := _ADDED.fullmatch(line):
                device, seq = int(added[1]), int(added[2])
                waiting[device, seq] = Entry(device, seq, added[3], datetime.fromtimestamp(int(added[4]) / 1000, UTC))
                newest[device] = max(newest.get(device, 0), seq)
            elif done := _DONE.fullmatch(line):
                waiting.pop((int(done[1]), int(done[2])), None)
        return list(waiting.values()), newest

    def add(self, entry: Entry) -> None:
        """An event was decided."""
        self._lines.append(f"+ {entry.device} {entry.seq} {entry.id} {round(entry.at.timestamp() * 1000)}\n")

    def done(self, device: int, seq: int) -> None:
        """An event was acknowledged."""
        self._lines.append(f"- {device} {seq}\n")

    def commit(self) -> None:
        """Puts on the disk what was added."""
        if self._lines:
            os.write(self._file, "".join(self._lines).encode())
            os.fdatasync(self._file)
            self._lines.clear()

    def close(self) -> None:
        """Puts the rest on the disk, and closes."""
        self.commit()
        os.close(self._file)

    def _stored(self) -> Iterator[str]:
        with self._path.open(encoding="ascii", errors="replace") as file:
            yield from file
