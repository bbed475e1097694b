"""One connection to the broker, and all devices of a site."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from types import TracebackType
from typing import Any, Final, Self

from agent.client import key_file, known
from agent.client.answers import OFFLINE, UNTRUSTED, DeviceStatus, Heard, Progress, Result, Standing
from agent.client.board import Board
from agent.client.calls import Call, checked, gather
from agent.client.hearing import hear
from agent.client.parts import ask_with_parts, send_parts
from agent.client.profile import Profile
from agent.client.targets import Meant, absence, meant, not_there
from agent.errors import NoAnswer, Untrusted
from agent.mqtt.inbox import Incoming
from agent.mqtt.line import Line
from agent.mqtt.topics import ROOT
from agent.trust.keys import PublicKey, SigningKey

QUIET_SECONDS: Final = 0.3  # after the last status the broker is taken to have told all
WAIT_SECONDS: Final = 10.0
ALL: Final = "@all"
_ALWAYS: Final = ("status", "cmd/+/+/result", "cmd/+/+/progress")


class Admin:
    """Administers the devices of a site. A context; used by one thread.

    Args:
        profile: the broker, the site, the key, the keys of devices.
        key: signs; by default that of the profile, read when the first command is signed.
        hears: more to listen to, as levels below a device: "health", "state/+", "event/+", "passage".
        passphrase: asked for where the profile's key wants one.

    Raises:
        ConfigError: something of the profile cannot be used.
    """

    def __init__(
        self,
        profile: Profile,
        key: SigningKey | None = None,
        *,
        hears: Sequence[str] = (),
        passphrase: Callable[[], str] = key_file.passphrase_told,
    ) -> None:
        self.profile = profile
        self._given, self._passphrase = key, passphrase
        self.known = {name.partition("/")[2]: key for name, key in self._known() if name.startswith(f"{profile.site}/")}
        self.board = Board()
        self._settled = -1  # epoch of the line in which the broker has told all it keeps
        topics = [f"{ROOT}/{profile.site}/+/{level}" for level in (*_ALWAYS, *hears)]
        self.line = Line(profile.settings, topics, self._hear, lost=self.board.lost, refused=self.board.refuse)

    def __enter__(self) -> Self:
        self.line.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.line.close()

    @cached_property
    def key(self) -> SigningKey:
        """The key that signs.

        Raises:
            ConfigError: there is none, or it cannot be used.
        """
        return self._given or key_file.read(self.profile.key_file, self._passphrase)

    def devices(self, wait_seconds: float = WAIT_SECONDS) -> list[DeviceStatus]:
        """Returns the devices of the site that the broker knows, by name, as soon as it has told them.

        Raises:
            NoAnswer: no broker.
        """
        self._settle(time.monotonic() + wait_seconds)
        return list(self.board.statuses.values())

    def wait_online(self, device: str, wait_seconds: float = WAIT_SECONDS) -> DeviceStatus:
        """Returns the status of a device as soon as it is online.

        Raises:
            NoAnswer: it is not; Untrusted: what says so is not the device that is known.
        """
        name, deadline = self.profile.topics(device).device, time.monotonic() + wait_seconds
        self._wait_ready(wait_seconds)

        def there() -> bool:
            status = self.board.statuses.get(name)
            return status is not None and status.online and status.standing is not Standing.FORGED

        if not self.board.wait_for(there, deadline):
            raise absence(name, self.profile.site, self.board.statuses, wait_seconds)
        return self.board.statuses[name]

    def ask(
        self,
        device: str,
        verb: str,
        *,
        wait_seconds: float = WAIT_SECONDS,
        command_id: str | None = None,
        **arguments: Any,
    ) -> Result:
        """Sends a command to a device as soon as it is online, and returns its result.

        Where the connection breaks, or the device starts anew, it is sent again: the same id does nothing twice.

        Args:
            device: its name.
            verb: which command.
            wait_seconds: how long to wait, in all.
            command_id: by default one that was never there.
            arguments: fields of the command; times are datetime, pictures bytes.

        Raises:
            NoAnswer: no broker; or the device is not online, then nothing was sent; or no result in time.
            Untrusted: what answers is not the device that is known.
            CommandError: the arguments will not do, nothing was sent. (What a device refuses is a result.)
        """
        plain, deadline = checked(verb, arguments), time.monotonic() + wait_seconds
        name = self.wait_online(device, wait_seconds).device
        call = self._call(f"{self.profile.site}/{name}", verb, plain, sure={name}, command_id=command_id)
        result = self._answers([call], deadline, wait_seconds)[name]
        if not result.said:
            raise (Untrusted if result.code == UNTRUSTED else NoAnswer)(f"{verb}: {name}: {result.message}")
        return result

    def ask_all(
        self, target: str | Sequence[str], verb: str, *, wait_seconds: float = WAIT_SECONDS, **arguments: Any
    ) -> dict[str, Result]:
        """Sends a command to many devices; returns what each of them said, or that it was not there.

        Args:
            target: `@all`, `@<group>`, or the names of devices.
            verb: which command.
            wait_seconds: how long to wait for all.
            arguments: fields of the command.

        Returns:
            By device. Who is offline, or does not answer, has a result with code `offline`, `no_answer` or `untrusted`.

        Raises:
            NoAnswer: no broker. CommandError: the arguments will not do. Nothing was sent.
        """
        plain, deadline = checked(verb, arguments), time.monotonic() + wait_seconds
        there, absent, maybe = self._meant(target, deadline)
        site = self.profile.site
        if isinstance(target, str) and target.startswith("@"):
            calls = [self._call(f"{site}/{target}", verb, plain, sure=there, maybe=maybe)] if there or maybe else []
        else:
            calls = [self._call(f"{site}/{name}", verb, plain, sure={name}) for name in there]
        found = self._answers(calls, deadline, wait_seconds)
        for name in absent:
            message = not_there(name, site, self.board.statuses)
            found[name] = Result(name, verb, "", ok=False, code=OFFLINE, message=message)
        return dict(sorted(found.items()))

    def members(self, target: str | Sequence[str], wait_seconds: float = WAIT_SECONDS) -> list[str]:
        """Returns the names of the devices that a target means, online or not; of a group those that say so."""
        there, absent, _ = self._meant(target, time.monotonic() + wait_seconds)
        return sorted({*there, *absent})

    def run(
        self,
        device: str,
        verb: str,
        *,
        wait_seconds: float = WAIT_SECONDS,
        command_id: str | None = None,
        **arguments: Any,
    ) -> Iterator[Progress]:
        """Starts a job and yields how far it is, the end last. See `agent.client.jobs`."""
        from agent.client.jobs import run

        return run(self, device, verb, wait_seconds=wait_seconds, command_id=command_id, **arguments)

    def job(self, device: str, command_id: str, wait_seconds: float = WAIT_SECONDS) -> Progress:
        """Returns how far a job is.

        Raises:
            NoAnswer: as of `ask`. CommandError: the device knows no such job.
        """
        result = self.ask(device, "job", wait_seconds=wait_seconds, id_of=command_id)
        said = result.value()
        return Progress.read(said, device=result.device, verb="", command_id=command_id, standing=result.standing)

    def send_parts(self, device: str, verb: str, command_id: str, parts: Sequence[bytes], **how: Any) -> None:
        """Sends what belongs to a command, before it: see `agent.client.parts.send_parts`."""
        send_parts(self, device, verb, command_id, parts, **how)

    def ask_with_parts(self, device: str, verb: str, parts: Sequence[bytes], **how: Any) -> Result:
        """Sends parts and their command: see `agent.client.parts.ask_with_parts`."""
        return ask_with_parts(self, device, verb, parts, **how)

    def events(self, seconds: float | None = None) -> Iterator[Heard]:
        """Yields events and passages as they come in, for a time or without end; wants `hears=["event/+"]`.

        What a device that is known has not signed is left out.
        """
        deadline = time.monotonic() + seconds if seconds is not None else float("inf")
        while time.monotonic() < deadline:
            heard = self.board.next_news(min(deadline, time.monotonic() + 1.0))
            if heard is not None and heard.standing is not Standing.FORGED:
                yield heard

    def _meant(self, target: str | Sequence[str], deadline: float) -> Meant:
        self._settle(deadline)
        return meant(target, self.board.statuses, lambda name: self.profile.topics(name).device)

    def _settle(self, deadline: float) -> None:
        self._wait_ready(max(0.0, deadline - time.monotonic()))
        if self._settled != self.line.epoch:
            self.board.settle(QUIET_SECONDS, deadline)
            self._settled = self.line.epoch

    def _wait_ready(self, seconds: float) -> None:
        self.line.wait_ready(seconds)
        shut = [topic for topic in self.line.denied if topic.endswith(_ALWAYS)]
        if shut:
            raise NoAnswer(f"the broker does not let us listen to {', '.join(shut)}: see its access list")

    def _call(self, target: str, verb: str, plain: Mapping[str, Any], **whom: Any) -> Call:
        return Call(self.board, self.key, target, verb, plain, **whom)

    def _answers(self, calls: Sequence[Call], deadline: float, seconds: float) -> dict[str, Result]:
        def send(topic: str, payload: bytes) -> None:
            self.line.send(topic, payload, seconds=max(0.0, deadline - time.monotonic()))

        with ExitStack() as stack:
            for call in calls:
                stack.callback(call.close)
            gather(self.board, calls, send, deadline)
            return {name: result for call in calls for name, result in call.results(seconds).items()}

    def _hear(self, message: Incoming) -> None:
        heard = hear(message, self.profile.site, self.known.get)
        if heard is not None:
            self.board.put(heard)

    def _known(self) -> list[tuple[str, PublicKey]]:
        return list(known.read(self.profile.devices_file).items())
