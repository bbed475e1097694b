"""`latchkey admin unlock`, `lock`, `hold` and `mode`: the doors, now."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import typer

from agent.cli.admin.asked import ask
from agent.cli.admin.opened import WAIT, ProfileFolder, Target, Wait
from agent.cli.choices import ModeName
from agent.cli.output import Json


def unlock(
    devices: Target,
    *,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="For so long. Default: the device's.")] = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Unlock doors for a moment. Off on devices without mqtt.remote_unlock."""
    told = {} if seconds is None else {"seconds": seconds}
    ask(
        "unlock",
        lambda data: f"unlocked for {data.get('seconds', 0):g} s",
        at=devices,
        json=json,
        wait=wait,
        profile=profile,
        **told,
    )


def lock(devices: Target, *, json: Json = False, wait: Wait = WAIT, profile: ProfileFolder = None) -> None:
    """Lock doors now, also those that are held."""
    ask("lock", lambda _: "locked", at=devices, json=json, wait=wait, profile=profile)


def hold(devices: Target, *, json: Json = False, wait: Wait = WAIT, profile: ProfileFolder = None) -> None:
    """Unlock doors until they are locked by command. Off on devices without mqtt.remote_unlock."""
    ask("hold", lambda _: "unlocked until it is locked", at=devices, json=json, wait=wait, profile=profile)


def mode(
    devices: Target,
    *,
    new: Annotated[
        ModeName | None, typer.Option("--set", metavar="MODE", help=f"One of {', '.join(get_args(ModeName))}.")
    ] = None,
    json: Json = False,
    wait: Wait = WAIT,
    profile: ProfileFolder = None,
) -> None:
    """Show or set the mode of doors. It stays over a restart."""

    def words(data: Any) -> str:
        by = f"since {data['since']} by {data.get('by')}" if data.get("since") else "by the rules"
        return f"{data.get('mode')}, {by}"

    ask("mode", words, at=devices, json=json, wait=wait, profile=profile, **({"mode": new} if new else {}))
