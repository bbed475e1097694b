"""deploy/ADMIN.md: every line of it is a command that there is, and every command stands in it."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from agent.cli.entry import app

TEXT = (Path(__file__).parents[1] / "deploy" / "ADMIN.md").read_text(encoding="utf-8")
LINES = sorted(set(re.findall(r"(?m)^(?:\$ )?(latchkey admin .*)$", TEXT)))
OF_OTHERS = {"pki", "roster", "relay", "bundle", "update-model", "rollback-model", "models", "backup", "restore"}


@pytest.fixture(scope="module")
def command():
    return typer.main.get_command(app)


@pytest.mark.parametrize("line", LINES)
def test_a_line_can_be_typed(command, line):
    words = shlex.split(line)[1:]
    found = command
    while hasattr(found, "commands"):
        found = found.commands[words.pop(0)]
    with command.make_context("latchkey", ["version"]) as context:
        found.make_context(found.name, words, parent=context)  # raises where an argument or option will not do


def every(group, path=()):
    for name, each in group.commands.items():
        if name not in OF_OTHERS:
            yield from every(each, (*path, name)) if hasattr(each, "commands") else [(" ".join((*path, name)), each)]


def test_every_command_stands_there(command):
    assert [path for path, _ in every(command.commands["admin"]) if f"latchkey admin {path}" not in TEXT] == []


def test_programs_can_read_what_every_command_says(command):
    told = {path: {word for each in one.params for word in each.opts} for path, one in every(command.commands["admin"])}
    assert [path for path, options in told.items() if not {"--json", "--profile"} <= options] == []
