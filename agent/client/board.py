"""What was heard so far: statuses, results, progress, news. Written by the line's thread, read by whoever waits."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Final

from agent.client.answers import DeviceStatus, Heard, Progress, Result, Standing

MOST_NEWS: Final = 10_000  # kept for who reads them; the oldest go, and are counted
RETAINED: Final = ("status", "health", "state/")  # levels
MOST_PROGRESS: Final = 1_000  # of one command


class Board:
    """What was heard so far."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._statuses: dict[str, DeviceStatus] = {}
        self._births: dict[str, int] = {}  # how often a device said that it is online
        self.all_births = 0
        self._kept: dict[tuple[str, str], Heard] = {}  # retained: the last of each device and level
        self._waiting: Counter[str] = Counter()  # how many wait for an id
        self._results: dict[str, dict[str, Result]] = {}  # by the id that is waited for, by device
        self._forged: dict[str, set[str]] = {}
        self._bad_parts: dict[str, str] = {}  # why a part was refused last, by the id of its command
        self._progress: dict[str, deque[Progress]] = {}
        self._answers: dict[tuple[str, str], Heard] = {}  # to a pairing, by id and device
        self._news: deque[Heard] = deque()
        self._refusals: dict[str, str] = {}  # why the broker did not take a message, by topic
        self.missed = 0  # news that nobody fetched in time
        self._status_at = 0.0  # monotonic seconds

    def put(self, heard: Heard) -> None:
        """Takes a message of a device."""
        if heard.retained and not heard.level.startswith(RETAINED):
            return  # no device keeps such at the broker: it is somebody else's
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
                case ["pair", id_, "answer"] if id_ in self._waiting:
                    self._answers[id_, heard.device] = heard  # whoever has signed it: it proves itself
            if heard.level.startswith(("event/", "passage")):
                self._put_news(heard)
            self._changed.notify_all()

    def lost(self) -> None:
        """The connection is gone: who is online is not known any more."""
        with self._changed:
            self._statuses.clear()
            self._changed.notify_all()

    def refuse(self, topic: str, why: str) -> None:
        """The broker has not taken what was sent to a topic."""
        with self._changed:
            self._refusals[topic] = why
            self._changed.notify_all()

    def refusal(self, topic: str) -> str | None:
        """Returns why the broker did not take what was sent to a topic last."""
        with self._changed:
            return self._refusals.get(topic)

    def forget_refusal(self, topic: str) -> None:
        """It is tried again."""
        with self._changed:
            self._refusals.pop(topic, None)

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
                self._bad_parts.pop(command_id, None)
                self._progress.pop(command_id, None)
                self._answers = {key: heard for key, heard in self._answers.items() if key[0] != command_id}

    def renew(self, command_id: str) -> None:
        """Forgets the results of a command that is sent again."""
        with self._changed:
            if command_id in self._results:
                self._results[command_id] = {}

    def results(self, command_id: str) -> Mapping[str, Result]:
        """Returns the results of a command so far, by device."""
        with self._changed:
            return dict(self._results.get(command_id, {}))

    def bad_part(self, command_id: str) -> str:
        """Returns why a part of a command was refused last; empty: none was."""
        with self._changed:
            return self._bad_parts.get(command_id, "")

    def answered(self, command_id: str) -> int:
        """Returns how many devices have answered a command."""
        return len(self._results.get(command_id, ()))

    def forged(self, command_id: str) -> set[str]:
        """Returns the devices in whose name a result came that they have not signed."""
        with self._changed:
            return set(self._forged.get(command_id, ()))

    def answer(self, message_id: str, device: str) -> Heard | None:
        """Returns what a device has answered to a message of a pairing, if it has."""
        with self._changed:
            return self._answers.get((message_id, device))

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
        before = self._statuses.get(heard.device)
        if heard.standing is Standing.FORGED and before is not None and before.online:
            return  # what the device itself has said stays
        status = DeviceStatus.of(heard)
        self._statuses[heard.device] = status
        if status.online and heard.standing is not Standing.FORGED:
            self._births[heard.device] = self.births(heard.device) + 1
            self.all_births += 1

    def _put_result(self, heard: Heard, verb: str, command_id: str) -> None:
        waited_for = self._results.get(command_id)
        if waited_for is None:
            return
        if heard.standing is Standing.FORGED:
            self._forged[command_id].add(heard.device)
            return
        if heard.body.get("part") is not None:  # of a part, which anybody may have sent: it says nothing of the command
            self._bad_parts[command_id] = str(heard.body.get("message", ""))
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
