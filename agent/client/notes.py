"""What of a bulk enrolment is done: a line of JSON each, beside the source, on the disk before the next begins."""

from __future__ import annotations

import json
import os
import uuid
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from agent.errors import ConfigError

MOST_BYTES = 200_000_000


class Notes:
    """What is done, and what was refused how often. A context.

    Args:
        path: of the file; made where it is not there.
        again: forget what it says.

    Raises:
        ConfigError: on entering: it cannot be used.
    """

    def __init__(self, path: Path, *, again: bool = False) -> None:
        self.path, self._again = path, again
        self.run = uuid.uuid4().hex  # of all that goes on from each other
        self._done: set[tuple[str, str]] = set()
        self._refused: Counter[tuple[str, str]] = Counter()
        self._file = -1

    def __enter__(self) -> Self:
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | (os.O_TRUNC if self._again else 0)
            self._file = os.open(self.path, flags, 0o600)
            with self.path.open("rb") as file:
                lines = file.read(MOST_BYTES).split(b"\n")
        except OSError as error:
            raise ConfigError(
                f"{self.path}: what is done cannot be noted: {error.strerror}: name another file by --notes"
            ) from error
        if lines[-1]:
            os.write(self._file, b"\n")  # it was cut off in the middle of a line
        told = [each for each in map(_read, lines) if each is not None]
        if told and isinstance(told[0].get("run"), str):
            self.run = told[0]["run"]
        else:
            self._write({"run": self.run})
        for each in told[1:]:
            key = (str(each.get("device")), str(each.get("digest")))
            if each.get("done"):
                self._done.add(key)
            else:
                self._refused[key] += 1
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._file)

    def done(self, device: str, digest: str) -> bool:
        """Returns whether a device has this already."""
        return (device, digest) in self._done

    def refused(self, device: str, digest: str) -> int:
        """Returns how often a device has refused this."""
        return self._refused[device, digest]

    def note(self, device: str, person: str, digest: str, *, done: bool) -> None:
        """Notes what became of somebody at a device."""
        self._write({"device": device, "person": person, "digest": digest, "done": done})
        if done:
            self._done.add((device, digest))
        else:
            self._refused[device, digest] += 1

    def _write(self, told: dict[str, Any]) -> None:
        try:
            os.write(self._file, json.dumps(told).encode() + b"\n")
            os.fsync(self._file)
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be written: {error.strerror}") from error


def _read(line: bytes) -> dict[str, Any] | None:
    """A line's object; None where it is none, or not whole."""
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None
