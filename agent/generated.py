"""Files that are made from the code and committed for others to read: written, or compared with what they should be."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path


def is_current(file: Path, text: str) -> bool:
    """Returns whether a file holds a text."""
    return file.is_file() and file.read_text(encoding="utf-8") == text


def run(arguments: list[str], file: Path, render: Callable[[], str], program: str) -> int:
    """Writes a file, or with `--check` only compares; returns the exit status.

    Args:
        arguments: of the command line.
        file: to write.
        render: makes its text.
        program: the module that is run, for messages.
    """
    if arguments not in ([], ["--check"]):
        print(f"usage: python -m {program} [--check]", file=sys.stderr)
        return 2
    text = render()
    if not arguments:
        file.write_text(text, encoding="utf-8")
    if is_current(file, text):
        return 0
    print(f"{file} is not what the models say: run python -m {program}", file=sys.stderr)
    return 1
