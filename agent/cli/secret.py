"""Secrets that are asked for without an echo, or come on stdin; never as arguments, which others can see."""

from __future__ import annotations

import sys

from agent.errors import CommandError


def secret(what: str, *, stdin: bool = False, twice: bool = True) -> str:
    """Asks on the terminal without echo, or takes a line of stdin.

    Args:
        what: for the question.
        stdin: take a line of it.
        twice: ask again, and compare.

    Raises:
        CommandError: none was given, there is no terminal, or the two differ.
    """
    if stdin:
        line = sys.stdin.readline()
        if not line.strip():
            raise CommandError("bad_request", f"stdin holds no {what}")
        return line.strip()
    import getpass
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # instead of asking with an echo
            told = getpass.getpass(f"{what}: ").strip()
            if twice and getpass.getpass(f"{what} again: ").strip() != told:
                raise CommandError("bad_request", f"that was another {what}: nothing was changed")
    except getpass.GetPassWarning:
        raise CommandError("bad_request", f"no terminal to ask for the {what} at: give it with --stdin") from None
    except EOFError:
        raise CommandError("bad_request", f"no {what} was given: nothing was changed") from None
    return told
