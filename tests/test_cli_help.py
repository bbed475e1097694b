"""The first line of every command's help: click puts brackets and dots around what may be left out or repeated."""

import re

import click

from agent.cli.entry import _command


def walk(command, path=("latchkey",)):
    yield " ".join(path), command
    for name, inner in getattr(command, "commands", {}).items():
        yield from walk(inner, (*path, name))


def test_no_usage_says_brackets_or_dots_twice():
    usages = [each.get_usage(click.Context(each, info_name=name)) for name, each in walk(_command())]
    assert len(usages) > 100
    assert [usage for usage in usages if re.search(r"\[\[|\.\.\.[^ ]*[\]}]\.\.\.", usage)] == []
