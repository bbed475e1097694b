"""What is too large for one message goes before its command, in parts, to one device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from agent.client.answers import Result
from agent.errors import CommandError, NoAnswer
from agent.mqtt.message import Code

if TYPE_CHECKING:
    from agent.client.admin import Admin

TRIES: Final = 3

Told = Callable[[int, int], object]
"""Told how many parts of how many are sent."""


def names_of(parts: Sequence[bytes]) -> int:
    """Returns what a command says of its parts."""
    return len(parts)


def send_parts(
    admin: Admin,
    device: str,
    verb: str,
    command_id: str,
    parts: Sequence[bytes],
    *,
    resume: bool = False,
    wait_seconds: float = 30.0,
    told: Told = lambda _done, _of: None,
) -> None:
    """Sends parts; the broker has taken them when this returns.

    Args:
        admin: whose line.
        device: to whom.
        verb: of the command that will name them.
        command_id: of that command.
        parts: in order.
        resume: ask before which are there already.
        wait_seconds: for the broker to take each.
        told: of each part.

    Raises:
        NoAnswer: the connection broke.
    """
    here = _here(admin, device, command_id, len(parts)) if resume else set[int]()
    prefix, of = admin.profile.topics(device).prefix, len(parts)
    for number, part in enumerate(parts, start=1):
        if number not in here:
            topic = f"{prefix}/cmd/{verb}/{command_id}/part/{number}/{of}"
            admin.line.send(topic, part, seconds=wait_seconds)
        told(number, of)
    admin.line.wait_taken(wait_seconds)


def ask_with_parts(
    admin: Admin,
    device: str,
    verb: str,
    parts: Sequence[bytes],
    *,
    command_id: str,
    wait_seconds: float,
    told: Told = lambda _done, _of: None,
    **arguments: Any,
) -> Result:
    """Sends parts and their command, again where the connection broke or some were lost; returns the result.

    Raises:
        NoAnswer: the device is not online, or does not answer.
        CommandError: the arguments will not do.
    """
    if parts:
        arguments["parts"] = names_of(parts)
    for left in range(TRIES - 1, -1, -1):
        admin.wait_online(device, wait_seconds)
        try:
            again = left < TRIES - 1
            send_parts(admin, device, verb, command_id, parts, resume=again, wait_seconds=wait_seconds, told=told)
        except NoAnswer:
            if not left:
                raise
            continue
        result = admin.ask(device, verb, wait_seconds=wait_seconds, command_id=command_id, **arguments)
        if result.code != Code.PARTS_MISSING or not left:
            return result
    raise NoAnswer(f"{verb}: {device} did not get all parts")  # pragma: no cover - the loop returns or raises


def _here(admin: Admin, device: str, command_id: str, of: int) -> set[int]:
    """Which parts a device has; none where it cannot say."""
    try:
        answer = admin.ask(device, "parts", id_of=command_id, of=of).value()
    except CommandError:
        return set()
    return {number for number in answer.get("here", ()) if isinstance(number, int)}
