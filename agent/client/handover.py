"""A person from one device of the site to others: face and signature, sealed all the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from agent.client.answers import Result
from agent.client.bulk import Manner
from agent.mqtt.message import Code

if TYPE_CHECKING:
    from agent.client.admin import Admin

_SIGNS_NOT: Final = {Code.UNKNOWN_VERB, Code.NO_ENCODER}
"""By a device that compares no signatures, or is too old to hand them on: all else is done there."""


def copy(
    admin: Admin, person: str, source: str, devices: Sequence[str], manner: Manner, *, name: str | None = None
) -> dict[str, Result]:
    """Enrols a person at devices as another knows them.

    Args:
        admin: whose line.
        person: their id.
        source: the device that knows them.
        devices: where they are to be known.
        manner: how.
        name: what they are called there; None: as at the source.

    Returns:
        By device what it said, of the signatures where these are what it refused; `signatures` says how many it took.

    Raises:
        NoAnswer: the source is not there. CommandError: it refuses, or the arguments will not do.
    """
    wait = manner.wait_seconds
    told: dict[str, Any] = dict(admin.ask(source, "templates", wait_seconds=wait, person=person).value())
    told |= {"name": name} if name else {}
    asked = admin.ask(source, "signature_templates", wait_seconds=wait, person=person)
    signs = {"vectors": ()} if asked.code in _SIGNS_NOT else asked.value()
    enrolled = admin.ask_all(devices, "enrol_templates", wait_seconds=wait, **told | manner.arguments)
    there = [device for device, result in enrolled.items() if result.ok]
    if not signs["vectors"] or not there:
        return enrolled
    consent = {"consent": manner.consent} if manner.consent else {}
    signed = admin.ask_all(there, "enrol_signature_templates", wait_seconds=wait, **dict(signs) | consent)
    return {device: _both(result, signed.get(device)) for device, result in enrolled.items()}


def _both(enrolled: Result, signed: Result | None) -> Result:
    if signed is None or signed.code in _SIGNS_NOT:
        return enrolled
    if not signed.ok:
        return signed
    data: Mapping[str, Any] = {**enrolled.data, "signatures": signed.data.get("signatures", 0)}
    return replace(enrolled, data=data)
