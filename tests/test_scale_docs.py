"""deploy/ROSTER.md and deploy/fleet/README.md: every command that they name can be typed as it stands."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from agent.cli.entry import app

DEPLOY = Path(__file__).parents[1] / "deploy"
PAGES = (DEPLOY / "ROSTER.md", DEPLOY / "fleet" / "README.md")
NAMED_ALONE = {"latchkey admin", "latchkey admin pki", "latchkey admin keys add", "latchkey report"}
MORE = {"latchkey people import": " staff.csv", "latchkey fleet key": " collector.key"}
STANDING_FOR = {"SEQ": "7", "SITE/DEVICE": "hq/door"}


def commands():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found = re.findall(r"`(latchkey [^`]+)`", text) + re.findall(r"(?m)^    (latchkey .*?)(?:  +#.*)?$", text)
        yield from sorted({line for line in found if line not in NAMED_ALONE})


@pytest.fixture(scope="module")
def command():
    return typer.main.get_command(app)


@pytest.mark.parametrize("line", commands())
def test_a_command_can_be_typed(command, line, monkeypatch):
    monkeypatch.setenv("LATCHKEY_DATABASE", "postgresql:///fleet")
    words = [STANDING_FOR.get(word, word) for word in shlex.split(line + MORE.get(line, ""))[1:]]
    found = command
    while hasattr(found, "commands"):
        found = found.commands[words.pop(0)]
    with command.make_context("latchkey", ["version"]) as context:
        found.make_context(found.name, words, parent=context)  # raises where an argument or option will not do
