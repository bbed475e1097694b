"""Who gets what arrives: other doors are heard at once, commands wait in the inbox, and a flood is not answered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final

from agent.mqtt.bucket import Bucket
from agent.mqtt.busy import turned_away
from agent.mqtt.connection import Outgoing
from agent.mqtt.inbox import Inbox, Incoming
from agent.mqtt.topics import Topics

logger = logging.getLogger(__name__)

BURST: Final = 100  # messages turned away that are answered or logged at once
RATE: Final = 10.0  # a second, in the long run


class Arrivals:
    """Used by the link's thread, but for `listen`.

    Args:
        topics: of this device.
        inbox: for commands and what belongs to them.
    """

    def __init__(self, topics: Topics, inbox: Inbox) -> None:
        self.inbox = inbox
        self.peers: tuple[str, ...] = ()  # topics of other devices
        self._topics = topics
        self._heard: Callable[[Incoming | None], object] = lambda _: None
        self._words = Bucket(BURST, RATE)

    def listen(self, devices: Iterable[str], heard: Callable[[Incoming | None], object]) -> bool:
        """Listens to these from now on; returns whether they are others than before."""
        before, self.peers = self.peers, self._topics.peers(devices)
        self._heard = heard
        return self.peers != before

    def begin(self) -> None:
        """A connection begins: what other doors are like will be told again."""
        self._heard(None)

    def take(self, message: Incoming) -> Outgoing | None:
        """Hands a message on; returns the answer to one that there is no room for."""
        if self._topics.peer(message.topic) is not None:
            self._heard(message)
            return None
        if message.retained:
            if self._words.take():
                logger.warning("MQTT: a retained command is ignored: %s (%d bytes)", message.topic, message.size)
            return None
        turned = self.inbox.put(message)
        return turned_away(self._topics, turned) if turned is not None and self._words.take() else None
