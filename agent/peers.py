"""What the other doors of the zone and of the interlock say over MQTT.

A door that is not online cannot be heard, and neither can any where the link to the broker is down: what people do
there is not known. What to do then is for the rules to say (`Zone.silent_peers_deny`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from typing import Protocol

from pydantic import ValidationError

from agent.access.around import Passage
from agent.mqtt.inbox import Incoming
from agent.mqtt.topics import Topics
from agent.mqtt.zone import Passage as Said
from agent.mqtt.zone import PeerDoor, PeerStatus, ZoneState

log = logging.getLogger(__name__)


class Ear(Protocol):
    """The part of the link that listens."""

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        ...

    def listen(self, devices: Collection[str], heard: Callable[[Incoming | None], object]) -> None:
        """Listens to these from now on."""
        ...


class Peers:
    """Thread-safe. Deaf until `hear_by`.

    Args:
        topics: of this device.
    """

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._ear: Ear | None = None
        self._passed: Callable[[Passage], object] = lambda _: None
        self._devices: frozenset[str] = frozenset()
        self._online: set[str] = set()
        self._open: set[str] = set()
        self._changed = threading.Lock()
        self._complained: set[tuple[str, str]] = set()  # of what, since the connection began

    def hear_by(self, ear: Ear, passed: Callable[[Passage], object]) -> None:
        """Begins to hear.

        Args:
            ear: hears.
            passed: told of everybody who goes through another door, as far as it is told; perhaps again.
        """
        self._ear, self._passed = ear, passed
        if self._devices:
            ear.listen(sorted(self._devices), self._hear)

    def listen_to(self, devices: Collection[str]) -> None:
        """Listens to these devices; the same again changes nothing."""
        if frozenset(devices) == self._devices:
            return
        with self._changed:
            self._devices = frozenset(devices)
            self._online &= self._devices
            self._open &= self._devices
        if self._ear is not None:
            self._ear.listen(sorted(devices), self._hear)

    def silent(self) -> frozenset[str]:
        """Returns which of them cannot be heard now."""
        with self._changed:
            heard = self._ear is not None and self._ear.connected
            return self._devices - self._online if heard else self._devices

    def open(self) -> frozenset[str]:
        """Returns which doors stand open, or could be opened now, as far as they say."""
        with self._changed:
            return frozenset(self._open)

    def _hear(self, message: Incoming | None) -> None:
        """In the link's thread. A peer may be of another version: what is not understood is not heard."""
        if message is None:  # a new connection: nothing is known until the retained messages come
            self._complained.clear()
            with self._changed:
                self._online.clear()
                self._open.clear()
            return
        said = self._topics.peer(message.topic)
        if said is None or said.device not in self._devices:
            return
        try:
            match said.what:
                case "status":
                    online = bool(message.payload) and PeerStatus.model_validate_json(message.payload).state == "online"
                    self._set(self._online, said.device, there=online)
                case "door":
                    state = PeerDoor.model_validate_json(message.payload)
                    self._set(self._open, said.device, there=state.contact == "open" or not state.locked)
                case "zone":
                    for said_of in ZoneState.model_validate_json(message.payload).people:
                        self._pass(said_of)
                case "passage":
                    self._pass(Said.model_validate_json(message.payload))
        except ValidationError:
            if (said.device, said.what) not in self._complained:  # once: it may come a thousand times a second
                self._complained.add((said.device, said.what))
                log.warning("peer not understood: %s of %s (%d bytes)", said.what, said.device, message.size)

    def _pass(self, said: Said) -> None:
        self._passed(Passage(said.person, said.zone, said.at))

    def _set(self, devices: set[str], device: str, *, there: bool) -> None:
        with self._changed:
            if there:
                devices.add(device)
            else:
                devices.discard(device)
