"""A command to devices, from the line on the terminal to the lines they answer with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.cli.admin.opened import connected, target
from agent.cli.admin.told import Words, tell


def ask(
    verb: str,
    words: Words,
    *,
    at: Sequence[str] | None,
    json: bool,
    wait: float,
    profile: Path | None,
    **arguments: Any,
) -> None:
    """Sends a command to devices and prints what each said; ends with status 1 where any did not do it.

    Args:
        verb: which command.
        words: says what was done.
        at: devices or a group; None: all.
        json: print JSON.
        wait: seconds for all to answer.
        profile: the folder, if not the default.
        arguments: fields of the command.
    """
    whom = target(at)
    with connected(profile, wait=wait) as admin:
        results = admin.ask_all(whom, verb, wait_seconds=wait, **arguments)
    tell(results, words, json=json, of=whom)
