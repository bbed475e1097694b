"""The command line `latchkey`: one function a command, thin over the library."""

from agent.cli.entry import main

__all__ = ["main"]
