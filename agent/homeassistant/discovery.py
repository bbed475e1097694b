"""Announces the terminal to Home Assistant, and takes back what it has announced before and is no more.

The announcement is retained, so whoever comes later finds it. It is said again when Home Assistant says that it is
online, for a broker may have lost it. A file beside the database remembers where something of ours may be retained:
after a change of the prefix, of the device's name or of `enabled`, that is taken away by an empty message.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agent.config import Config
from agent.homeassistant.bundle import birth_topic, bundle, discovery_topic
from agent.mqtt.connection import Outgoing
from agent.mqtt.topics import Topics

log = logging.getLogger(__name__)

BIRTH: Final = b"online"  # Home Assistant's birth message, unless somebody has changed it there
AGAIN_SECONDS: Final = 5.0  # between two announcements, however often Home Assistant says that it is online
MOST_TOPICS: Final = 16  # that are remembered: one for each name or prefix that the terminal has had
MOST_BYTES: Final = 8192
_OURS = re.compile(r"[^/+#\s]{1,64}/device/[A-Za-z0-9_-]{1,64}/latchkey_[A-Za-z0-9_-]{1,200}/config")


class Discovery:
    """What the terminal tells Home Assistant of itself.

    Args:
        config: what it is called, and whether it is told at all.
        topics: of the device.
        send: to the broker, now or when it is there.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        config: Config,
        topics: Topics,
        send: Callable[[Outgoing], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        settings = config.homeassistant
        made = bundle(topics, settings) if settings.enabled else None
        self._announcement = Outgoing(made.topic, made.payload, retain=True) if made else None
        self._file, self._send, self._clock = remembered_in(config), send, clock
        self._told = -AGAIN_SECONDS

    def start(self) -> None:
        """Announces the terminal where that is wanted, and takes away what is wanted no more."""
        wanted = {self._announcement.topic} if self._announcement else set()
        before = announced(self._file)
        _remember(self._file, wanted | before)
        for topic in sorted(before - wanted):
            log.info("Home Assistant: the terminal is taken away from %s", topic)
            self._send(Outgoing(topic, b"", retain=True))
        self._tell()

    def born(self, payload: bytes) -> None:
        """Home Assistant has said something of itself: where it is online, it is told again."""
        if payload == BIRTH and self._clock() - self._told >= AGAIN_SECONDS:
            self._tell()

    def settled(self) -> None:
        """The broker has been told: what was taken away is not remembered any more."""
        _remember(self._file, {self._announcement.topic} if self._announcement else set())

    def _tell(self) -> None:
        if self._announcement is not None:
            self._told = self._clock()
            self._send(self._announcement)


def births(config: Config) -> tuple[str, ...]:
    """Returns the topics on which Home Assistant says that it is online, where that is of interest."""
    settings = config.homeassistant
    return (birth_topic(settings.prefix),) if settings.enabled else ()


def remembered_in(config: Config) -> Path:
    """Returns the file with the topics on which the terminal may have been announced."""
    return config.device.data_dir / "homeassistant.topics"


def announced(file: Path) -> set[str]:
    """Returns the topics that a file remembers; what is no such topic is passed over."""
    try:
        with file.open("rb") as opened:
            text = opened.read(MOST_BYTES).decode(errors="replace")
    except OSError:
        return set()
    return {line for line in text.splitlines()[:MOST_TOPICS] if _OURS.fullmatch(line)}


def to_remove(config: Config) -> set[str]:
    """Returns all topics on which the terminal may be announced, whatever the configuration says now."""
    device = config.device
    return announced(remembered_in(config)) | {discovery_topic(config.homeassistant.prefix, device.site, device.name)}


def _remember(file: Path, topics: set[str]) -> None:
    """Writes what is to be taken away one day; a disk that is full is no reason not to open doors."""
    try:
        if not topics:
            file.unlink(missing_ok=True)
        elif topics != announced(file):
            whole = file.with_suffix(".new")  # a file cut off by a power failure would forget
            whole.write_text("".join(f"{topic}\n" for topic in sorted(topics)[:MOST_TOPICS]), encoding="utf-8")
            whole.replace(file)
    except OSError as error:
        log.warning("Home Assistant: %s cannot be written: %s", file, error)
