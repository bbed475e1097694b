"""The service of the roster: one process, an ordinary client of the broker, with a book of its own."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Final

from agent.mqtt.connection import Outgoing
from agent.mqtt.inbox import Incoming
from agent.mqtt.settings import LinkSettings
from agent.roster.line import Line
from agent.roster.messages import MOST_PAGE_BYTES
from agent.roster.registrar import Registrar

log = logging.getLogger(__name__)

MOST_PAYLOAD: Final = 2 * MOST_PAGE_BYTES


class RosterService:
    """A worker that keeps the roster of one site and answers who asks.

    Args:
        settings: how to reach the broker.
        registrar: keeps it.
    """

    def __init__(self, settings: LinkSettings, registrar: Registrar) -> None:
        self._registrar, self._topics = registrar, registrar.topics
        own = replace(
            settings,
            client_id=f"{settings.client_id}-service"
            if settings.client_id
            else f"latchkey-{self._topics.site}-$roster",
            session_seconds=0,
            max_payload_bytes=MOST_PAYLOAD,
        )
        self._line = Line(own, self._topics.of_service, self._hear, ready=self._tell_head)
        self._seq = -1  # that was told

    @property
    def connected(self) -> bool:
        """Whether it can be asked."""
        return self._line.connected

    def step(self, seconds: float = 0.25) -> None:
        """Serves for a moment at the most."""
        self._line.step(seconds)

    def close(self) -> None:
        """Hangs up."""
        self._line.close()

    def _hear(self, message: Incoming) -> None:
        asked = self._topics.asked(message.topic)
        if asked is None or message.retained or message.too_large:
            log.warning("roster: not answered: %.200s (%d bytes)", message.topic, message.size)
            return
        what, who = asked
        match what:
            case "put":
                self._line.send(Outgoing(self._topics.answer(who), self._registrar.put(message.payload)))
                if self._registrar.head()["seq"] != self._seq:
                    self._tell_head()
            case "ask":
                self._line.send(Outgoing(self._topics.answer(who), self._registrar.ask(message.payload)))
            case "pull" if (page := self._registrar.pull(who, message.payload)) is not None:
                self._line.send(Outgoing(self._topics.page(who), page))

    def _tell_head(self) -> None:
        """Lets everybody know how much there is: on each connection, and when it is more."""
        head = self._registrar.head()
        self._line.send(Outgoing(self._topics.head, json.dumps(head).encode(), retain=True))
        if head["seq"] != self._seq:
            log.info("roster: %d documents were put so far", head["seq"])
        self._seq = head["seq"]
