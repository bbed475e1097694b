"""The topics of one device, made and read in one place: `latchkey/v1/<site>/<device>/...`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from agent.errors import ConfigError

ROOT: Final = "latchkey/v1"
ID_PATTERN: Final = r"[A-Za-z0-9_-]{1,64}"
"""What a command id may be: it becomes a level of the result topic."""
MAX_TOPIC: Final = 256  # characters of a response topic; the protocol allows 65,535 bytes

_ID = re.compile(ID_PATTERN)
_VERB = re.compile(r"[A-Za-z0-9_-]{1,32}")
_NUMBER = re.compile(r"[0-9]{1,4}")
_PEER_LEVELS: Final = {"status": "status", "state/door": "door", "state/zone": "zone", "passage": "passage"}
_FORBIDDEN = re.compile(r"[\x00-\x20/+#\x7f]")


@dataclass(frozen=True, slots=True)
class CommandTopic:
    """A message on `cmd/<verb>`; a verb that cannot be repeated in a result topic is `invalid`."""

    verb: str


@dataclass(frozen=True, slots=True)
class PartTopic:
    """A part of a command, on `cmd/<verb>/<id>/part/<number>/<of>`."""

    verb: str
    id: str | None  # None: not one
    number: int  # counted from 1; 0: not a number
    of: int


@dataclass(frozen=True, slots=True)
class CredentialTopic:
    """A card or a PIN, on `in/credential`."""


@dataclass(frozen=True, slots=True)
class PairTopic:
    """Somebody who wants to be the first owner, on `pair`."""


@dataclass(frozen=True, slots=True)
class BirthTopic:
    """Home Assistant says that it is online."""


@dataclass(frozen=True, slots=True)
class AckTopic:
    """What a collector has written down of our events, on `event/ack`."""


@dataclass(frozen=True, slots=True)
class PeerTopic:
    """What another device of the site says: `status`, `door`, `zone` or `passage`."""

    device: str
    what: str


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one device.

    Raises:
        ConfigError: the site or device cannot be a level of a topic.
    """

    site: str
    device: str
    groups: tuple[str, ...] = ()  # of devices, which this one is in; `all` goes without saying
    births: tuple[str, ...] = ()  # where Home Assistant says that it is online

    def __post_init__(self) -> None:
        for name, level in (("site", self.site), ("name", self.device)):
            if not level or level.startswith("$") or _FORBIDDEN.search(level):
                raise ConfigError(f'[device] {name} = "{level}" cannot be part of a topic: no spaces, "/", "+" or "#"')

    @property
    def targets(self) -> tuple[str, ...]:
        """Whom a command may name to be for this device: itself, its groups, all of the site."""
        return (f"{self.site}/{self.device}", *(f"{self.site}/@{group}" for group in ("all", *self.groups)))

    @property
    def prefix(self) -> str:
        """What all topics of the device begin with, without a slash at the end."""
        return f"{ROOT}/{self.site}/{self.device}"

    @property
    def status(self) -> str:
        """Whether the device is online; retained, and the last will."""
        return f"{self.prefix}/status"

    @property
    def health(self) -> str:
        """How the device is; retained."""
        return f"{self.prefix}/health"

    @property
    def door(self) -> str:
        """The state of the door; retained."""
        return f"{self.prefix}/state/door"

    @property
    def zone(self) -> str:
        """Who is where, as far as the device knows; retained."""
        return f"{self.prefix}/state/zone"

    @property
    def passage(self) -> str:
        """Who has just gone through the door into which zone."""
        return f"{self.prefix}/passage"

    @property
    def snapshot(self) -> str:
        """The picture of the last decision, a JPEG; only with `[homeassistant] camera`."""
        return f"{self.prefix}/snapshot"

    @property
    def credential(self) -> str:
        """Where readers and keypads send cards and PINs."""
        return f"{self.prefix}/in/credential"

    @property
    def pair(self) -> str:
        """Where the first owner makes itself known."""
        return f"{self.prefix}/pair"

    def paired(self, message_id: str | None) -> str:
        """Where that is answered."""
        return f"{self.prefix}/pair/{message_id or 'invalid'}/answer"

    @property
    def ack(self) -> str:
        """Where collectors say which events they have written down."""
        return self.event("ack")

    def peers(self, devices: Iterable[str]) -> tuple[str, ...]:
        """What the device listens to of other devices of its site."""
        sides = [f"{ROOT}/{self.site}/{device}" for device in devices]
        return tuple(f"{side}/{level}" for side in sides for level in _PEER_LEVELS)

    def event(self, kind: str) -> str:
        """Where events of a kind go."""
        return f"{self.prefix}/event/{kind}"

    def command(self, verb: str) -> str:
        """Where a command is sent."""
        return f"{self.prefix}/cmd/{verb}"

    def part(self, verb: str, command_id: str, number: int, of: int) -> str:
        """Where a part of a command is sent; `number` counts from 1."""
        return f"{self.prefix}/cmd/{verb}/{command_id}/part/{number}/{of}"

    def progress(self, verb: str, command_id: str) -> str:
        """Where it is told how far a job is."""
        return f"{self.prefix}/cmd/{verb}/{command_id}/progress"

    def result(self, verb: str, command_id: str | None) -> str:
        """Where a command is answered; `invalid` stands for an id that could not be read."""
        return f"{self.prefix}/cmd/{verb}/{command_id or 'invalid'}/result"

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """What the device listens to. Not `cmd/#`: that would bring its own results back."""
        commands = (f"{ROOT}/{target}/{level}" for target in self.targets for level in ("cmd/+", "cmd/+/+/part/+/+"))
        return (*commands, self.credential, self.ack, self.pair, *self.births)

    @property
    def news(self) -> tuple[str, ...]:
        """What others listen to: all that the device says."""
        said = ["status", "health", "state/+", "passage", "event/+", "pair/+/answer"]
        said += ["cmd/+/+/result", "cmd/+/+/progress"]
        return tuple(f"{self.prefix}/{topic}" for topic in said)

    def peer(self, topic: str) -> PeerTopic | None:
        """Which other device says what; None where it is none that is listened to."""
        site = f"{ROOT}/{self.site}/"
        device, _, level = topic.removeprefix(site).partition("/")
        if not topic.startswith(site) or device == self.device or level not in _PEER_LEVELS:
            return None
        return PeerTopic(device, _PEER_LEVELS[level])

    def parse(
        self, topic: str
    ) -> CommandTopic | PartTopic | CredentialTopic | AckTopic | PairTopic | BirthTopic | None:
        """What a topic asks for; None where it is none of ours."""
        for own, what in ((self.credential, CredentialTopic), (self.ack, AckTopic), (self.pair, PairTopic)):
            if topic == own:
                return what()
        if topic in self.births:
            return BirthTopic()
        ours = next((target for target in self.targets if topic.startswith(f"{ROOT}/{target}/")), "")
        match topic.removeprefix(f"{ROOT}/{ours}/").split("/"):
            case ["cmd", verb]:
                return CommandTopic(verb if _VERB.fullmatch(verb) else "invalid")
            case ["cmd", verb, id_, "part", number, of]:
                known = verb if _VERB.fullmatch(verb) else "invalid"
                return PartTopic(known, id_ if _ID.fullmatch(id_) else None, _number(number), _number(of))
        return None

    def may_answer_on(self, topic: str) -> bool:
        """Whether a response topic of a requester's choice is harmless.

        A requester must not make us write where only we may (events, status) or into other devices.
        """
        ours = topic.startswith(f"{self.prefix}/cmd/") and topic.endswith("/result")
        fits = 0 < len(topic) <= MAX_TOPIC and topic.isprintable() and not set(topic) & set("+#")
        return fits and not topic.startswith("$") and (ours or not topic.startswith(f"{ROOT.split('/')[0]}/"))


def _number(text: str) -> int:
    return int(text) if _NUMBER.fullmatch(text) else 0
