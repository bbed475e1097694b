"""What admins ask of the door over MQTT: its mode, unlock, hold, lock.

What locks is always done. What unlocks is off unless `[mqtt] remote_unlock` is on, has to be sent with a time after
which it is not done any more, at most half a minute ahead, and wants a clock that can be believed: a command that was
kept back by a broker, or by somebody, opens nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from agent.access.rules import DoorRules, Mode
from agent.attendance.punch import Clock
from agent.audit import audit
from agent.clerks import Office
from agent.clock import clock_state
from agent.doorman import Doorman
from agent.errors import CommandError
from agent.modes import mode_as_json, set_mode
from agent.mqtt.message import Code, Command
from agent.mqtt.once import Handler
from agent.mqtt.verbs.door import HoldCommand, LockCommand, ModeCommand, UnlockCommand
from agent.store.door import load_mode

FARTHEST_SECONDS = 30.0
MINUTE = timedelta(minutes=1)


def handlers(office: Office, doorman: Doorman, rules: Callable[[], DoorRules]) -> dict[str, Handler]:
    """Returns what carries out the commands about the door.

    Args:
        office: configuration, database, clock. Its `changed` is called when the mode is another.
        doorman: of the door.
        rules: returns those of this door, as they are now.
    """
    clerk = _Clerk(office, doorman, rules)
    return {"mode": clerk.mode, "unlock": clerk.unlock, "hold": clerk.hold, "lock": clerk.lock}


class _Clerk:
    def __init__(self, office: Office, doorman: Doorman, rules: Callable[[], DoorRules]) -> None:
        self._office, self._doorman, self._rules = office, doorman, rules
        self._unlocked: dict[str, deque[datetime]] = {}  # by key: when

    def mode(self, command: ModeCommand) -> dict[str, Any]:
        rules, wanted = self._rules(), command.mode
        if wanted is None:
            return mode_as_json(load_mode(self._office.db), rules)
        if wanted is Mode.FREE_ACCESS:
            self._check_fresh(command)
        request = self._office.request(command)
        kept = self._office.write(lambda db: set_mode(db, wanted, rules, request))
        self._office.changed()
        return mode_as_json(kept, rules)

    def unlock(self, command: UnlockCommand) -> dict[str, Any]:
        seconds = command.seconds or self._office.config.door.pulse_seconds
        longest = self._office.config.door.max_open_seconds
        if seconds > longest:
            raise CommandError(Code.BAD_REQUEST, f"seconds: {seconds:g} is more than max_open_seconds = {longest:g}")
        self._check_unlocking(command)
        self._check_often(command)
        self._audit("unlocked", command, {"seconds": seconds})  # before: nothing unlocks without a trace
        if not self._doorman.grant(seconds):
            raise _locked_down()
        return {"seconds": seconds}

    def hold(self, command: HoldCommand) -> dict[str, Any]:
        self._check_unlocking(command)
        self._check_often(command)
        self._audit("held", command)
        if not self._doorman.hold():
            raise _locked_down()
        return {}

    def lock(self, command: LockCommand) -> dict[str, Any]:
        self._doorman.lock()  # before: a full disk keeps no door open
        self._audit("locked", command)
        return {}

    def _audit(self, action: str, command: Command, details: dict[str, object] | None = None) -> None:
        request = self._office.request(command)
        self._office.write(lambda db: audit(db, action, None, request, details))

    def _check_unlocking(self, command: UnlockCommand | HoldCommand) -> None:
        """Refuses what may not be done, or not any more.

        Raises:
            CommandError: saying which.
        """
        self._check_fresh(command)
        if self._doorman.locked_down:
            raise _locked_down()

    def _check_fresh(self, command: UnlockCommand | HoldCommand | ModeCommand) -> None:
        """Refuses what unlocks where that is off, and what somebody may have kept back."""
        self._check_remote()
        file = self._office.config.clock.synchronised_file
        if clock_state(file) is not Clock.SYNCHRONISED:
            raise CommandError(
                Code.CLOCK_UNSURE, f"the clock of this device is not known to be right ({file} is not there): try later"
            )
        if command.not_after is None:
            raise CommandError(Code.BAD_REQUEST, "not_after is wanted: until when it may be done")
        ahead = command.not_after - self._office.now()
        if ahead < timedelta():  # it has waited here since it was checked
            raise CommandError(Code.EXPIRED, f"it was to be done by {command.not_after.isoformat()}")
        if ahead > timedelta(seconds=FARTHEST_SECONDS):
            raise CommandError(
                Code.BAD_REQUEST, f"not_after is {ahead.total_seconds():.0f} s ahead: want {FARTHEST_SECONDS:.0f} s"
            )

    def _check_often(self, command: UnlockCommand | HoldCommand) -> None:
        """Refuses more than so many a minute by one key, and counts this one."""
        now, most = self._office.now(), self._office.config.mqtt.unlocks_per_minute
        key = command.signed_by or command.asked_by
        self._unlocked = {other: times for other, times in self._unlocked.items() if abs(now - times[-1]) < MINUTE}
        times = self._unlocked.setdefault(key, deque(maxlen=most))
        if len(times) == most and abs(now - times[0]) < MINUTE:
            raise CommandError(
                Code.TOO_OFTEN, f"{most} times within a minute by one key: [mqtt] unlocks_per_minute is {most}"
            )
        times.append(now)

    def _check_remote(self) -> None:
        if not self._office.config.mqtt.remote_unlock:
            raise CommandError(Code.NOT_ALLOWED, "this device is not unlocked over MQTT: [mqtt] remote_unlock is false")


def _locked_down() -> CommandError:
    return CommandError(Code.LOCKED_DOWN, "the door is locked down: set another mode first")
