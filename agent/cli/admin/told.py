"""How `latchkey admin` prints what devices said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from agent.cli.output import counted, say, say_json, say_table, warn
from agent.errors import NoAnswer

if TYPE_CHECKING:
    from agent.client import Result

Words = Callable[[Mapping[str, Any]], str]
"""Says in words what a device has done: the data of its result."""


def tell(results: Mapping[str, Result], words: Words, *, json: bool, of: object = "") -> None:
    """Prints what each device said, and ends with status 1 where any has not done it.

    Args:
        results: by device.
        words: of what was done.
        json: print JSON: device to `{ok, code, message, data, standing}`.
        of: whom the command was for.
    """
    check_any(results, of)
    if json:
        say_json({device: result.as_json() for device, result in results.items()})
    else:
        for device, result in results.items():
            if result.ok:
                say(f"{device}: {words(result.data)}{_doubt(result)}")
            else:
                say(f"{device}: {result.message or 'refused'} ({result.code})", style="red")
    end(results)


def check_any(results: Mapping[str, Result], of: object = "") -> None:
    """Refuses to say nothing of nobody.

    Raises:
        NoAnswer: no device was meant.
    """
    if not results:
        raise NoAnswer(f"no device answers{f' to {of}' if of else ''}: see `latchkey admin devices list`")


def end(results: Mapping[str, Result]) -> None:
    """Ends with status 1 where any device has not done it, and says which."""
    left = [f"{device} ({result.code})" for device, result in results.items() if not result.ok]
    if left:
        if len(results) > 1:
            warn(f"{len(results) - len(left)} of {counted(len(results), 'device')} did it; not {', '.join(left)}")
        raise typer.Exit(1)


def rows_of(
    results: Mapping[str, Result], columns: list[str], rows: Callable[[Mapping[str, Any]], list[list[str]]]
) -> None:
    """Prints a table over all devices, the device first; those that did not answer come to stderr."""
    lines = [[device, *row] for device, result in results.items() if result.ok for row in rows(result.data)]
    say_table(["device", *columns], lines)
    for device, result in results.items():
        if not result.ok:
            warn(f"{device}: {result.message or 'refused'} ({result.code})")


def cell(value: Any) -> str:
    """Returns a JSON value in words."""
    if isinstance(value, dict):
        return " ".join(cell(each) for each in value.values())
    if isinstance(value, list | tuple):
        return ", ".join(cell(each) for each in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _doubt(result: Result) -> str:
    return "" if result.standing == "verified" else " (unverified: its key is not known, see admin devices trust)"
