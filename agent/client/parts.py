"""What is too large for one message goes before its command, in parts, to one device.

The parts are announced by their SHA-256, under the admin's signature; the device says which it has already, so a
transfer that broke goes on where it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from agent.client.answers import Result
from agent.errors import NoAnswer
from agent.mqtt.message import Code

if TYPE_CHECKING:
    from agent.client.admin import Admin

TRIES: Final = 3
PART_BYTES: Final = 192 * 1024  # of one part: small brokers take no more than 256 KiB at once

Told = Callable[[int, int], object]
"""Told how many parts of how many are there."""


def cut(files: Sequence[bytes], most: int = PART_BYTES) -> tuple[list[bytes], list[int]]:
    """Returns the parts of files, in order, and of how many parts each file is."""
    parts = [[file[start : start + most] for start in range(0, len(file), most)] or [b""] for file in files]
    return [part for each in parts for part in each], [len(each) for each in parts]


def hashes_of(parts: Sequence[bytes]) -> list[str]:
    """Returns what a command says of its parts."""
    return [hashlib.sha256(part).hexdigest() for part in parts]


def send_parts(
    admin: Admin,
    device: str,
    verb: str,
    command_id: str,
    parts: Sequence[bytes],
    *,
    wait_seconds: float = 30.0,
    told: Told = lambda _done, _of: None,
) -> None:
    """Sends the parts that a device has not got; the broker has taken them when this returns.

    Args:
        admin: whose line.
        device: to whom.
        verb: of the command that will name them.
        command_id: of that command.
        parts: in order.
        wait_seconds: for the device to say what it has, and for the broker to take each.
        told: of each part that is there.

    Raises:
        NoAnswer: the device does not answer, or the connection broke.
        CommandError: the device does not take so much.
    """
    answer = admin.ask(device, "parts", wait_seconds=wait_seconds, id_of=command_id, parts=hashes_of(parts))
    here = set[object](answer.value().get("here", ()))
    topics, of = admin.profile.topics(device), len(parts)
    for number, part in enumerate(parts, start=1):
        if number not in here:
            admin.line.send(topics.part(verb, command_id, number, of), part, seconds=wait_seconds)
        told(number, of)
    admin.line.wait_taken(wait_seconds)


def ask_with_parts(
    admin: Admin,
    device: str,
    verb: str,
    parts: Sequence[bytes],
    *,
    command_id: str,
    wait_seconds: float = 30.0,
    told: Told = lambda _done, _of: None,
    **arguments: Any,
) -> Result:
    """Sends parts and their command, again where the connection broke or some were lost; returns the result.

    Args:
        admin: whose line.
        device: to whom.
        verb: which command.
        parts: in order; none: the command alone.
        command_id: the same again goes on with what broke.
        wait_seconds: for each answer.
        told: of each part that is there.
        arguments: the other fields of the command.

    Raises:
        NoAnswer: the device is not online, or does not answer.
        CommandError: the arguments will not do.
    """
    if parts:
        arguments["parts"] = hashes_of(parts)
    admin.board.expect(command_id)  # also what is said of single parts
    try:
        for left in range(TRIES - 1, -1, -1):
            try:
                if parts:
                    send_parts(admin, device, verb, command_id, parts, wait_seconds=wait_seconds, told=told)
                result = admin.ask(device, verb, wait_seconds=wait_seconds, command_id=command_id, **arguments)
            except NoAnswer:
                if not left or not parts or admin.line.listening:
                    raise
                continue  # the connection broke in the middle
            if result.code != Code.PARTS_MISSING:
                return result
            admin.board.renew(command_id)
        bad = admin.board.bad_part(command_id)
        why = f"{device}: it has not got all parts of {verb}{f': {bad}' if bad else ''}"
        return replace(result, message=why)
    finally:
        admin.board.drop(command_id)
