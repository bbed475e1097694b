"""Becoming the first owner of a device, and learning its key: see `agent.trust.pairing`."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from agent.client import known
from agent.errors import CommandError, NoAnswer, Untrusted
from agent.mqtt.message import Code
from agent.trust.keys import PublicKey
from agent.trust.pairing import Suitor, read_code
from agent.trust.statement import canonical

if TYPE_CHECKING:
    from agent.client.admin import Admin

HEARS: Final = "pair/+/answer"
"""What an Admin that pairs has to listen to."""


def pair(admin: Admin, device: str, code: str, *, wait_seconds: float = 30.0) -> PublicKey:
    """Makes the profile's key the owner of a device, and notes the key of the device.

    Args:
        admin: listens to `HEARS`.
        device: its name.
        code: as the terminal shows it.
        wait_seconds: for each of two answers; a small device reckons for a second.

    Returns:
        The key of the device.

    Raises:
        CommandError: the code is none, or the device does not take it.
        NoAnswer: the device does not answer. Untrusted: somebody else did.
    """
    profile = admin.profile
    topics = profile.topics(device)
    try:
        read = read_code(code)
    except ValueError as error:
        raise CommandError(Code.BAD_REQUEST, str(error)) from None
    suitor = Suitor(read, profile.site, topics.device, public=admin.key.public, name=profile.contents.name)
    greeting = _answer(admin, topics.device, {}, wait_seconds)
    try:
        claim = suitor.claim(greeting)
    except ValueError as error:
        raise CommandError(Code.BAD_REQUEST, f"{topics.device}: {error}") from None
    answer = _answer(admin, topics.device, claim, wait_seconds)
    try:
        key = suitor.device_key(answer)
    except ValueError as error:
        raise Untrusted(f"{topics.device}: {error}") from None
    known.trust(profile.devices_file, f"{profile.site}/{topics.device}", key)
    return key


def _answer(admin: Admin, device: str, body: Mapping[str, Any], seconds: float) -> Mapping[str, Any]:
    """Says something on `pair` and returns what comes back."""
    id_, deadline = uuid.uuid4().hex, time.monotonic() + seconds
    level = f"pair/{id_}/answer"
    admin.board.expect(id_)
    try:
        admin.line.send(f"{admin.profile.topics(device).prefix}/pair", canonical({"id": id_, **body}), seconds=seconds)
        admin.board.wait_for(lambda: admin.board.answer(id_, device), deadline)
        heard = admin.board.answer(id_, device)
    finally:
        admin.board.drop(id_)
    if heard is None:
        raise NoAnswer(f"{device}: no answer on {level} within {seconds:g} s: is it online, and shows it a code?")
    if heard.body.get("ok") is not True:
        code, message = heard.body.get("code"), heard.body.get("message")
        raise CommandError(str(code or "failed"), f"{device}: {message or code or 'refused'}")
    return heard.body
