"""What commands print: answers on stdout, progress on stderr.

rich is loaded when something is printed with it: the agent starts sooner without.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")
WIDE = 200  # columns where no terminal limits them: a pipe loses nothing

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def say(text: str, *, style: str = "") -> None:
    """Prints a line to stdout; what is markup to rich stays as it is."""
    from rich.text import Text

    _console().print(Text(printable(text), style=style), soft_wrap=True)


def printable(text: str) -> str:
    """Returns a text that does nothing to a terminal but stand there: it may be somebody else's."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def counted(number: int, thing: str) -> str:
    """Returns "1 face", "2 faces"."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def warn(text: str) -> None:
    """Prints a line to stderr."""
    print(f"latchkey: {printable(text)}", file=sys.stderr)


def confirmed(question: str) -> bool:
    """Asks on the terminal; anything but a yes is a no."""
    print(f"{question} [y/N]: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def say_json(value: object, *, indent: int | None = 2) -> None:
    """Prints a JSON value; without `indent` on one line."""
    print(json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False), flush=True)


def say_table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Prints rows of text under their headings."""
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    _console().print(table)


def progress(things: Iterable[T], *, total: int, doing: str) -> Iterator[T]:
    """Yields the things, with a bar on stderr if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield from bar.track(things, total=total)


def _console() -> Console:
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDE)
