"""What the other doors of the zone and of the interlock say over MQTT.

What they say opens and closes doors here, so they are believed only where a key that this device knows has signed it,
and of a door's state nothing that is older than what it said last: somebody would be playing it once more.

A door that is not online cannot be heard, and neither can any where the link to the broker is down: what people do
there is not known. What to do then is for the rules to say (`Zone.silent_peers_deny`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from pydantic import ValidationError

from agent.access.around import Passage
from agent.config import Config
from agent.mqtt.inbox import Incoming
from agent.mqtt.signing import genuine
from agent.mqtt.topics import PeerTopic, Topics
from agent.mqtt.zone import Passage as Said
from agent.mqtt.zone import PeerDoor, PeerStatus, ZoneState
from agent.store.db import Db
from agent.store.device_keys import device_keys
from agent.trust.keys import PublicKey

log = logging.getLogger(__name__)

SKEW: Final = timedelta(seconds=5)  # of clocks that are right, with the way of a message


def peer_keys(db: Db, config: Config) -> dict[str, PublicKey]:
    """Returns by which keys other devices are believed: a key in [trust.peers] counts before one that was paired."""
    told = {device: PublicKey.parse(text) for device, text in config.trust.peers.items()}
    return device_keys(db) | told


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
        unsigned: believe those whose key is not known, too: anybody who may write to their topics.
        now: the time, UTC.
    """

    def __init__(
        self, topics: Topics, *, unsigned: bool = False, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._topics, self._unsigned, self._now = topics, unsigned, now
        self._keys: Mapping[str, PublicKey] = {}
        self._boots: dict[str, str] = {}  # by device; the link's thread alone uses these two
        self._said_at: dict[str, tuple[datetime, datetime]] = {}  # by device: said, heard
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

    def know(self, keys: Mapping[str, PublicKey]) -> None:
        """Believes devices by these keys from now on, and has them say again what they are like."""
        before, self._keys = self._keys, dict(keys)
        if self._ear is not None and any(before.get(device) != keys.get(device) for device in self._devices):
            self._ear.listen((), self._hear)
            self._ear.listen(sorted(self._devices), self._hear)

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
            self._said_at.clear()
            with self._changed:
                self._online.clear()
                self._open.clear()
            return
        said = self._topics.peer(message.topic)
        if said is None or said.device not in self._devices:
            return
        if not message.payload:  # a retained one that was deleted: nobody says anything any more
            if said.what == "status":
                self._set(self._online, said.device, there=False)
            return
        if not self._believed(said, message):
            self._complain(said, "not believed", "not signed by a key known here, see [trust] peers")
            return
        try:
            self._understand(said, message.payload)
        except ValidationError:
            self._complain(said, "not understood", f"{message.size} bytes")

    def _understand(self, said: PeerTopic, payload: bytes) -> None:
        match said.what:
            case "status":
                status = PeerStatus.model_validate_json(payload)
                if self._boots.get(said.device) != status.boot_id:  # whose clock may be another
                    self._said_at.pop(said.device, None)
                self._boots[said.device] = status.boot_id
                self._set(self._online, said.device, there=status.state == "online")
            case "door":
                state = PeerDoor.model_validate_json(payload)
                if self._newer(said.device, state.at):
                    self._set(self._open, said.device, there=state.contact == "open" or not state.locked)
            case "zone":
                for said_of in ZoneState.model_validate_json(payload).people:
                    self._pass(said_of)
            case "passage":
                self._pass(Said.model_validate_json(payload))

    def _believed(self, said: PeerTopic, message: Incoming) -> bool:
        key = self._keys.get(said.device)
        return self._unsigned if key is None else genuine(message.topic, message.payload, key) is not None

    def _newer(self, device: str, at: datetime | None) -> bool:
        """Whether it is not older than the last; in the same millisecond it may be another state.

        Where the last came from a clock that was ahead, one that was set right since counts by when the last was heard.
        """
        last, now = self._said_at.get(device), self._now()
        if at is None:
            return last is None
        if last is not None and at < last[0]:
            said, heard = last
            if not (said > now and heard - SKEW <= at <= now + SKEW):
                return False
        self._said_at[device] = at, now
        return True

    def _complain(self, said: PeerTopic, problem: str, why: str) -> None:
        if (said.device, said.what) not in self._complained:  # once: it may come a thousand times a second
            self._complained.add((said.device, said.what))
            log.warning("peer %s: %s of %s: %s", problem, said.what, said.device, why)

    def _pass(self, said: Said) -> None:
        self._passed(Passage(said.person, said.zone, said.at))

    def _set(self, devices: set[str], device: str, *, there: bool) -> None:
        with self._changed:
            if there:
                devices.add(device)
            else:
                devices.discard(device)
