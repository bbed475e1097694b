"""What all of `latchkey admin` share: the profile, the line to the broker, whom a command is for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.errors import ConfigError

if TYPE_CHECKING:
    from agent.client import Admin, Profile

ProfileFolder = Annotated[
    Path | None,
    typer.Option(
        "--profile", metavar="DIR", help="Broker, site and key. Default: $LATCHKEY_ADMIN, else ~/.config/latchkey."
    ),
]
Wait = Annotated[float, typer.Option("--wait", metavar="SECONDS", min=0.1, help="How long to wait for answers.")]
At = Annotated[
    list[str] | None,
    typer.Option("--at", metavar="DEVICE|@GROUP", help="Where: devices (repeatable), or a group. Default: @all."),
]
Device = Annotated[str, typer.Argument(metavar="DEVICE", help="Its name.")]
Target = Annotated[list[str], typer.Argument(metavar="DEVICE|@GROUP", help="Devices, or a group of them.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

WAIT = 10.0


def profile_of(folder: Path | None) -> Profile:
    """Returns the profile in a folder, or in the one that is the default."""
    from agent.client import Profile

    return Profile.read(folder or Profile.default())


@contextmanager
def connected(folder: Path | None, *, hears: Sequence[str] = (), wait: float = WAIT) -> Iterator[Admin]:
    """Yields a client of the broker that listens.

    Raises:
        ConfigError: the profile will not do.
        NoAnswer: the broker is not there, or does not let us in.
    """
    from agent.client import Admin

    with Admin(profile_of(folder), hears=hears, passphrase=passphrase) as admin:
        admin.line.wait_ready(wait)
        yield admin


def target(at: Sequence[str] | None) -> str | list[str]:
    """Returns whom a command is for.

    Raises:
        ConfigError: a group among others.
    """
    if not at:
        return "@all"
    if len(at) == 1:
        return at[0] if at[0].startswith("@") else [at[0]]
    if any(each.startswith("@") for each in at):
        raise ConfigError(f"{' '.join(at)}: one group, or devices")
    return list(dict.fromkeys(at))


def passphrase() -> str:
    """Returns the passphrase of the admin's key, from the environment or as it is typed."""
    from agent.cli.secret import secret
    from agent.client.key_file import VARIABLE, passphrase_told

    if os.environ.get(VARIABLE) or not sys.stdin.isatty():
        return passphrase_told()
    return secret("passphrase of your key", twice=False)
