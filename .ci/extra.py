#!/usr/bin/env python3
"""Prints what an extra of pyproject.toml wants, one a line without spaces, for an environment without the agent."""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
for wanted in project["optional-dependencies"][sys.argv[1]]:
    print(wanted.replace(" ", ""))
