"""`latchkey check`: is everything there that the agent needs?"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from agent.cli.output import Json, say, say_json
from agent.cli.run import CameraSource
from agent.cli.settings import ConfigFile, Sets, camera_overrides, load
from agent.errors import LatchkeyError
from agent.findings import Finding, State

if TYPE_CHECKING:
    from agent.config import Config

MARKS = {State.OK: ("ok     ", "green"), State.WARNING: ("note   ", "yellow"), State.FAILED: ("FAILED ", "red")}


def check(*, json: Json = False, camera: CameraSource = None, config: ConfigFile = None, sets: Sets = None) -> None:
    """Check configuration, camera, models, database, broker, door, clock and disk: a line each, and what to do.

    Exit status: 0 if the agent can do its work, 2 if something failed. What is only noted works, perhaps not as meant.
    """
    from agent.cli.checks import CHECKS, which_config

    findings = []
    try:
        configured = load(config, sets, camera_overrides(camera, None))
    except LatchkeyError as error:
        findings.append(Finding("config", State.FAILED, str(error)))
    else:
        findings.append(which_config(config))
        findings += [_examined(name, configured) for name in CHECKS]
    good = all(finding.state is not State.FAILED for finding in findings)
    if json:
        say_json({"ok": good, "checks": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            _tell(finding)
    raise typer.Exit(0 if good else 2)


def _examined(name: str, config: Config) -> Finding:
    from agent.cli.checks import CHECKS

    try:
        return CHECKS[name](config)
    except LatchkeyError as error:
        return Finding(name, State.FAILED, str(error))


def _tell(finding: Finding) -> None:
    mark, style = MARKS[finding.state]
    first, *more = finding.text.splitlines() or [""]
    say(f"{mark}{finding.name:9} {first}{'; ' + finding.advice if finding.advice else ''}", style=style)
    for line in more:
        say(f"{'':17}{line}", style=style)
