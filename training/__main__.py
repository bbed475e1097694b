"""The command line of training: `python -m training --help`."""

from __future__ import annotations

import sys

from agent.errors import LatchkeyError
from training import (  # noqa: F401 - add theirs
    aligner_commands,
    data_commands,
    detector_commands,
    evaluate_commands,
    signature_commands,
)
from training.commands import app


def main() -> None:
    """Runs a command; what the user did wrong is said in a line, exit status 2."""
    try:
        app()
    except LatchkeyError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
