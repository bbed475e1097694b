"""What is listened to, and who gets it: other doors are heard at once, commands wait, a flood is not answered."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
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
    """Used by the link's thread, but for `listen` and `regroup`.

    Args:
        topics: of this device.
        inbox: for commands and what belongs to them.
    """

    def __init__(self, topics: Topics, inbox: Inbox) -> None:
        self.topics, self.inbox = topics, inbox
        self.others = threading.Event()  # set while there are others to listen to than the connection does
        self._peers: tuple[str, ...] = ()  # topics of other devices
        self._heard: Callable[[Incoming | None], object] = lambda _: None
        self._words = Bucket(BURST, RATE)

    def listen(self, devices: Iterable[str], heard: Callable[[Incoming | None], object]) -> None:
        """Listens to other devices of the site from now on, and to those alone.

        Args:
            devices: their names.
            heard: told of each message, in the link's thread; of None when a connection begins: all is told again.
        """
        before, self._peers = self._peers, self.topics.peers(devices)
        self._heard = heard
        if self._peers != before:
            self.others.set()

    def regroup(self, groups: tuple[str, ...]) -> None:
        """Takes what is said to these groups of devices from now on."""
        if groups != self.topics.groups:
            self.topics = replace(self.topics, groups=groups)
            self.others.set()

    def begin(self) -> tuple[str, ...]:
        """A connection begins: what other doors are like will be told again. Returns what to listen to."""
        self.others.clear()
        self._heard(None)
        return self.topics.subscriptions + self._peers

    def take(self, message: Incoming) -> Outgoing | None:
        """Hands a message on; returns the answer to one that there is no room for."""
        if self.topics.peer(message.topic) is not None:
            self._heard(message)
            return None
        if message.retained:
            if self._words.take():
                logger.warning("MQTT: a retained command is ignored: %s (%d bytes)", message.topic, message.size)
            return None
        turned = self.inbox.put(message)
        return turned_away(self.topics, turned) if turned is not None and self._words.take() else None
