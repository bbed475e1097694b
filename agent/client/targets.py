"""Whom a command is for, of the devices that were heard of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from agent.client.answers import DeviceStatus, Standing
from agent.errors import NoAnswer, Untrusted


class Meant(NamedTuple):
    """The names of devices that a target means."""

    there: list[str]
    absent: list[str]  # not online
    maybe: list[str]  # online, and do not say whether they are in the group


def meant(target: str | Sequence[str], statuses: Mapping[str, DeviceStatus], name_of: Callable[[str], str]) -> Meant:
    """Returns whom a target means.

    Args:
        target: `@all`, `@<group>`, the name of a device, or several.
        statuses: of all that were heard of, by name.
        name_of: returns the name of a device as it was typed, or refuses it.
    """
    if isinstance(target, str) and target.startswith("@"):
        return _in_group(target.removeprefix("@"), statuses)
    names = dict.fromkeys(name_of(name) for name in ([target] if isinstance(target, str) else target))
    there = [name for name in names if name in statuses and statuses[name].online]
    return Meant(there, [name for name in names if name not in there], [])


def absence(name: str, site: str, statuses: Mapping[str, DeviceStatus], seconds: float) -> NoAnswer:
    """Returns why nothing was sent to a device."""
    status = statuses.get(name)
    if status is None:
        return NoAnswer(f"{name}: {not_there(name, site, statuses)}")
    if status.standing is Standing.FORGED:
        return Untrusted(
            f"{name}: nothing was sent: what says to be {name} does not sign with the key that is known of it; "
            "if it was set up anew, see `latchkey admin devices trust`"
        )
    return NoAnswer(f"{name}: nothing was sent: it is {status.state}, and was not online within {seconds:g} s")


def not_there(name: str, site: str, statuses: Mapping[str, DeviceStatus]) -> str:
    """Says that a device is not online, or that there is none of that name."""
    if name in statuses:
        return "not online: nothing was sent to it"
    return f"nothing was sent: the broker knows no such device of {site}, but {', '.join(statuses) or 'none'}"


def _in_group(group: str, statuses: Mapping[str, DeviceStatus]) -> Meant:
    found = Meant([], [], [])
    for name, status in statuses.items():
        inside = status.in_group(group)
        if inside:
            (found.there if status.online else found.absent).append(name)
        elif inside is None and status.online:
            found.maybe.append(name)
    return found
