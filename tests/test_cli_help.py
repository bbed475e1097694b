"""Help: what click makes of our words, and what it must not load."""

import re
import subprocess
import sys
from typing import get_args

import click

from agent.access.rules import Mode
from agent.cli.choices import AttendanceFate, ModeName
from agent.cli.entry import _command
from agent.privacy.forgetting import Attendance


def walk(command, path=("latchkey",)):
    yield " ".join(path), command
    for name, inner in getattr(command, "commands", {}).items():
        yield from walk(inner, (*path, name))


def test_no_usage_says_brackets_or_dots_twice():
    usages = [each.get_usage(click.Context(each, info_name=name)) for name, each in walk(_command())]
    assert len(usages) > 100
    assert [usage for usage in usages if re.search(r"\[\[|\.\.\.[^ ]*[\]}]\.\.\.", usage)] == []


def test_the_words_that_may_be_chosen_are_those_of_the_enums():
    assert get_args(ModeName) == tuple(Mode)
    assert get_args(AttendanceFate) == tuple(Attendance)


def test_help_and_the_desk_load_no_numpy_and_no_configuration():
    heavy = "{'numpy', 'cv2', 'agent.config', 'agent.store.db', 'ai_edge_litert'}"
    code = f"import sys, agent.cli.entry as e; e._command(); sys.exit(' '.join({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
