"""What was heard so far: statuses, results, progress, news. Written by the line's thread, read by whoever waits."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Final

from agent.client.answers import DeviceStatus, Heard, Progress, Result, Standing

MOST_NEWS: Final = 10_000  # kept for who reads them; the oldest go, and are counted
MOST_PROGRESS: Final = 1_000  # of one command


class Board:
    """What was heard so far."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._statuses: dict[str, DeviceStatus] = {}
        self._births: dict[str, int] = {}  # how often a device said that it is online
        self._kept: dict[tuple[str, str], Heard] = {}  # retained: the last of each device and level
        self._waiting: Counter[str] = Counter()  # how many wait for an id
        self._results: dict[str, dict[str, Result]] = {}  # by the id that is waited for, by device
        self._forged: dict[str, set[str]] = {}
        self._progress: dict[str, deque[Progress]] = {}
        self._news: deque[Heard] = deque()
        self.missed = 0  # news that nobody fetched in time
        self._status_at = 0.0  # monotonic seconds

    def put(self, heard: Heard) -> None:
        """Takes a message of a device."""
        with self._changed:
            match heard.level.split("/"):
                case ["status"]:
                    self._put_status(heard)
                case ["health"] | ["state", _]:
                    if heard.standing is not Standing.FORGED:
                        self._kept[heard.device, heard.level] = heard
                case ["cmd", verb, id_, "result"]:
                    self._put_result(heard, verb, id_)
                case ["cmd", verb, id_, "progress"] if id_ in self._progress and heard.standing is not Standing.FORGED:
                    said = Progress.read(
                        heard.body, device=heard.device, verb=verb, command_id=id_, standing=heard.standing
                    )
                    self._progress[id_].append(said)
            if heard.level.startswith(("event/", "passage")):
                self._put_news(heard)
            self._changed.notify_all()

    def lost(self) -> None:
        """The connection is gone: who is online is not known any more."""
        with self._changed:
            self._statuses.clear()
            self._changed.notify_all()

    def wait_for(self, condition: Callable[[], object], deadline: float) -> bool:
        """Returns whether something came true by a time (monotonic seconds); asked after every message."""
        with self._changed:
            return bool(self._changed.wait_for(condition, max(0.0, deadline - time.monotonic())))

    def settle(self, quiet_seconds: float, deadline: float) -> None:
        """Waits until no status has come for a while: the broker has told all that it keeps."""
        with self._changed:
            began = time.monotonic()
            while (left := min(max(self._status_at, began) + quiet_seconds, deadline) - time.monotonic()) > 0:
                self._changed.wait(left)

    @property
    def statuses(self) -> dict[str, DeviceStatus]:
        """The last status of each device, by name."""
        with self._changed:
            return dict(sorted(self._statuses.items()))

    def births(self, device: str) -> int:
        """How often the device was heard to be online."""
        return self._births.get(device, 0)

    def kept(self, level: str) -> Mapping[str, Heard]:
        """Returns the last message of each device on a retained level, such as `health`."""
        with self._changed:
            return {device: heard for (device, at), heard in self._kept.items() if at == level}

    def expect(self, command_id: str) -> None:
        """From now on results and progress of a command are kept, until as many have dropped it as expect it."""
        with self._changed:
            self._waiting[command_id] += 1
            self._results.setdefault(command_id, {})
            self._forged.setdefault(command_id, set())
            self._progress.setdefault(command_id, deque(maxlen=MOST_PROGRESS))

    def drop(self, command_id: str) -> None:
        """One who waited for it does not any more."""
        with self._changed:
            self._waiting[command_id] -= 1
            if self._waiting[command_id] <= 0:
                del self._waiting[command_id]
                self._results.pop(command_id, None)
                self._forged.pop(command_id, None)
                self._progress.pop(command_id, None)

    def results(self, command_id: str) -> Mapping[str, Result]:
        """Returns the results of a command so far, by device."""
        with self._changed:
            return dict(self._results.get(command_id, {}))

    def forged(self, command_id: str) -> set[str]:
        """Returns the devices in whose name a result came that they have not signed."""
        with self._changed:
            return set(self._forged.get(command_id, ()))

    def next_progress(self, command_id: str, deadline: float) -> Progress | None:
        """Returns the next progress of a command; None where none came in time."""
        with self._changed:
            waiting = self._progress.get(command_id, deque())
            self._changed.wait_for(lambda: waiting, max(0.0, deadline - time.monotonic()))
            return waiting.popleft() if waiting else None

    def next_news(self, deadline: float) -> Heard | None:
        """Returns the next event or passage; None where none came in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._news, max(0.0, deadline - time.monotonic()))
            return self._news.popleft() if self._news else None

    def _put_status(self, heard: Heard) -> None:
        self._status_at = time.monotonic()
        if heard.standing is Standing.FORGED and heard.device in self._statuses:
            return  # what the device itself has said stays
        status = DeviceStatus.of(heard)
        self._statuses[heard.device] = status
        if status.online and heard.standing is not Standing.FORGED:
            self._births[heard.device] = self.births(heard.device) + 1

    def _put_result(self, heard: Heard, verb: str, command_id: str) -> None:
        waited_for = self._results.get(command_id)
        if waited_for is None:
            return
        if heard.standing is Standing.FORGED:
            self._forged[command_id].add(heard.device)
            return
        try:
            waited_for[heard.device] = Result.of(heard, verb, command_id)
        except ValueError:
            return  # anybody may write there; the real one may still come

    def _put_news(self, heard: Heard) -> None:
        if len(self._news) >= MOST_NEWS:
            self._news.popleft()
            self.missed += 1
        self._news.append(heard)
