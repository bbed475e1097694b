"""`latchkey admin pair`: becoming the first owner of a device."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.admin.opened import ProfileFolder, connected, profile_of
from agent.cli.output import Json, say, say_json
from agent.errors import CommandError


def pair(
    device: Annotated[str, typer.Argument(metavar="DEVICE|QR", help="Its name, or what its QR code says.")],
    code: Annotated[
        str | None, typer.Argument(metavar="CODE", help="As the terminal shows it. Default: asks for it.")
    ] = None,
    *,
    json: Json = False,
    wait: Annotated[float, typer.Option("--wait", metavar="SECONDS", min=0.1, help="For each answer.")] = 30.0,
    profile: ProfileFolder = None,
) -> None:
    """Make your key the owner of a new device, and note the device's own key: neither can be put in between.

    The device shows the code with `latchkey trust pair`, for a quarter of an hour.
    """
    from agent.cli.secret import secret
    from agent.client.pairing import HEARS
    from agent.client.pairing import pair as pair_with
    from agent.trust.pairing import read_offer

    about = profile_of(profile)
    if device.startswith("latchkey:"):
        try:
            site, device, code = read_offer(device)
        except ValueError as error:
            raise CommandError("bad_request", str(error)) from None
        if site != about.site:
            raise CommandError("not_for_us", f"that is a device of site {site}; your profile is for {about.site}")
    about.topics(device)  # a name that cannot be one is refused before a code is asked for
    told = code or secret("code", twice=False)
    with connected(profile, hears=[HEARS]) as admin:
        key = pair_with(admin, device, told, wait_seconds=wait)
        mine = admin.key.public
    if json:
        say_json({"device": device, "key": key.id, "public": key.text, "owner": mine.id})
    else:
        say(f"{device} is yours: it knows key {mine.id} as {about.contents.name}, and is known by key {key.id}")
