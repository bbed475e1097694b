"""Locks and unlocks for Home Assistant, which cannot sign: a key of the relay's own signs for it.

Whoever may write the topics that the relay listens to may unlock, so the broker's access list gives them to Home
Assistant alone. The relay signs two verbs and no more, a few times a minute, and nothing that a broker has kept.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections import deque
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from agent.config.kinds import TOPIC_LEVEL
from agent.homeassistant.bundle import OURS, lock_topic
from agent.mqtt.connection import Outgoing
from agent.mqtt.envelope import signed
from agent.mqtt.inbox import Incoming
from agent.mqtt.topics import ROOT, Topics
from agent.mqtt.wire import COMMANDS, Result
from agent.trust.keys import SigningKey

log = logging.getLogger(__name__)

VERBS: Final = {b"LOCK": "lock", b"UNLOCK": "unlock", b"OPEN": "unlock"}
"""What Home Assistant says, to what a door is asked. A strike has no bolt beside its latch: OPEN is UNLOCK."""
LIFETIME: Final = timedelta(seconds=10)  # of a command: a door that was away does not open later
MOST: Final = {"unlock": 6, "lock": 30}  # of one door, within
WITHIN_SECONDS: Final = 60.0
MOST_DOORS: Final = 2000  # that are counted
MOST_ASKED: Final = 200  # whose results are awaited
_RESULT = re.compile(rf"{ROOT}/[^/]+/([^/]+)/cmd/([^/]+)/([^/]+)/result")


class Ration:
    """So many of each thing within a time.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._taken: dict[tuple[str, str], deque[float]] = {}

    def take(self, door: str, verb: str) -> bool:
        """Returns whether there is one left, and takes it."""
        now = self._clock()
        taken = self._taken.get((door, verb))
        if taken is None:
            if len(self._taken) >= 2 * MOST_DOORS and not self._forget(now):
                return False
            taken = self._taken[door, verb] = deque(maxlen=MOST[verb])
        if len(taken) == MOST[verb] and now - taken[0] < WITHIN_SECONDS:
            return False
        taken.append(now)
        return True

    def _forget(self, now: float) -> bool:
        """Returns whether there is room again: names that were made up a while ago keep no door out."""
        self._taken = {each: taken for each, taken in self._taken.items() if now - taken[-1] < WITHIN_SECONDS}
        return len(self._taken) < 2 * MOST_DOORS


class Relay:
    """Turns what Home Assistant says into commands. Used by one thread.

    Args:
        site: whose doors.
        key: signs; of the role operator, known to the doors.
        prefix: Home Assistant's discovery prefix, as in `[homeassistant] prefix`.
        doors: these alone; none: all of the site.
        seconds: for which a door is unlocked; None: as long as for a person.
        now: the time, UTC.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        site: str,
        key: SigningKey,
        *,
        prefix: str = "homeassistant",
        doors: Collection[str] = (),
        seconds: float | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._site, self._key, self._doors = site, key, frozenset(doors)
        self._asks = re.compile(rf"{re.escape(prefix)}/{OURS}/{re.escape(site)}/([^/]+)/lock/set")
        self._seconds, self._now, self._ration = seconds, now, Ration(clock)
        self._asked: deque[str] = deque(maxlen=MOST_ASKED)
        results = (f"{ROOT}/{site}/+/cmd/{verb}/+/result" for verb in ("lock", "unlock"))
        self.subscriptions = (lock_topic(prefix, site, "+"), *results)

    def hear(self, message: Incoming) -> Outgoing | None:
        """Returns the command that a message asks for; None, with a word in the log, where it asks for none."""
        asks = self._asks.fullmatch(message.topic)
        if asks is None:
            self._result(message)
            return None
        door, verb = asks[1], VERBS.get(message.payload, "")
        if why := self._refusal(door, verb, message):
            log.warning("Home Assistant's request for %.64s is not passed on: %s", door, why)
            return None
        return self._command(door, verb)

    def _refusal(self, door: str, verb: str, message: Incoming) -> str:
        """Why it is not passed on; empty where it is."""
        if message.retained:
            return "it is retained: a broker has kept it"
        if not verb:
            return f"{len(message.payload)} bytes that are none of LOCK, UNLOCK, OPEN"
        if not TOPIC_LEVEL.fullmatch(door) or (self._doors and door not in self._doors):
            return "it is none of the doors of this relay"
        if not self._ration.take(door, verb):
            return f"more than {MOST[verb]} {verb} within {WITHIN_SECONDS:g} s"
        return ""

    def _command(self, door: str, verb: str) -> Outgoing:
        topics, issued, command_id = Topics(self._site, door), self._now(), f"ha-{uuid.uuid4().hex}"
        fields: dict[str, Any] = {"id": command_id, "not_after": issued + LIFETIME}
        if verb == "unlock" and self._seconds is not None:
            fields["seconds"] = self._seconds
        command = COMMANDS[verb].model_validate(fields)
        self._asked.append(command_id)
        log.info("Home Assistant: %s %s (%s)", verb, door, command_id)
        return Outgoing(topics.command(verb), signed(verb, command, topics.targets[0], self._key, now=issued))

    def _result(self, message: Incoming) -> None:
        """Says what became of a command; what others have asked is none of its business."""
        answers = _RESULT.fullmatch(message.topic)
        if answers is None or answers[3] not in self._asked:
            return
        self._asked.remove(answers[3])
        try:
            result = Result.model_validate_json(message.payload)
        except ValidationError:
            return
        if result.ok:
            log.info("done: %s %s", answers[2], answers[1])
        else:
            log.warning("%s %s refused: %s: %.200s", answers[2], answers[1], result.code, result.message)
