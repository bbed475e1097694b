"""The entry point: all commands, and what becomes of an error.

Exit status: 0 done, or asked to stop; 1 crashed, or what was asked for could not be done (a photo was refused, nobody
has that id); 2 the configuration, the command line or the hardware is wrong; 130 interrupted by Ctrl-C.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

import typer

from agent.cli.account import account
from agent.cli.admin import admin
from agent.cli.attendance import attendance
from agent.cli.audit import audit
from agent.cli.backup import backup, backup_key, restore
from agent.cli.bench.command import bench
from agent.cli.calibrate import calibrate
from agent.cli.check import check
from agent.cli.door import door
from agent.cli.embed import embed
from agent.cli.enrol import enrol
from agent.cli.events import events
from agent.cli.export import export
from agent.cli.fleet import fleet
from agent.cli.forget import forget, receipts
from agent.cli.homeassistant import homeassistant
from agent.cli.identify import identify
from agent.cli.keys import keys
from agent.cli.logs import start_logging
from agent.cli.models import models
from agent.cli.output import say_json, warn
from agent.cli.people import people
from agent.cli.report import report
from agent.cli.retention import retention
from agent.cli.roster import roster
from agent.cli.rules import rules
from agent.cli.run import demo, run
from agent.cli.simulate import simulations
from agent.cli.trust import trust
from agent.cli.version import version
from agent.errors import (
    BackupError,
    CalibrationError,
    CommandError,
    ConfigError,
    EnrolmentRefused,
    LatchkeyError,
    NoAnswer,
    PictureError,
    RulesRefused,
    ScriptRefused,
    Untrusted,
)

log = logging.getLogger(__name__)

_NOT_DONE = (
    BackupError,
    CalibrationError,
    CommandError,
    EnrolmentRefused,
    NoAnswer,
    PictureError,
    RulesRefused,
    ScriptRefused,
)
"""Errors that end a command with status 1."""

app = typer.Typer(
    name="latchkey",
    help="A face-recognising door terminal: on the device, over MQTT, offline first.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (run, demo, check, enrol, identify, calibrate, embed, events, forget, export, bench, version):
    app.command()(command)
app.command()(backup)
app.command()(restore)
app.command("backup-key")(backup_key)
app.add_typer(people, name="people")
app.add_typer(rules, name="rules")
app.add_typer(door, name="door")
app.add_typer(attendance, name="attendance")
app.add_typer(report, name="report")
app.add_typer(audit, name="audit")
app.add_typer(retention, name="retention")
app.add_typer(receipts, name="receipts")
app.add_typer(keys, name="keys")
app.add_typer(trust, name="trust")
app.add_typer(models, name="models")
app.add_typer(homeassistant, name="homeassistant")
app.add_typer(roster, name="roster")
app.add_typer(fleet, name="fleet")
app.add_typer(simulations, name="simulate")
app.add_typer(account, name="account")
app.add_typer(admin, name="admin")


@cache
def _command() -> Any:
    """What typer makes of the functions: it takes a tenth of a second."""
    return typer.main.get_command(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit status; a user's mistake is a line on stderr, never a traceback.

    Args:
        arguments: without the program's name; None takes those of the process.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files may be no text
            stream.reconfigure(errors="backslashreplace")
    start_logging("warning")
    try:
        _command().main(args=arguments, prog_name="latchkey")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    except LatchkeyError as error:
        for line in str(error).splitlines():
            warn(line)
        if "--json" in (sys.argv[1:] if arguments is None else arguments):
            say_json({"error": {"code": _code(error), "message": str(error)}}, indent=None)
        return 1 if isinstance(error, _NOT_DONE) else 2
    except Exception:
        log.exception("crashed")
        return 1
    return 0


def _code(error: LatchkeyError) -> str:
    """A word for programs: that of the command, where it has one."""
    match error:
        case CommandError() | EnrolmentRefused():
            return str(error.code)
        case Untrusted():
            return "untrusted"
        case NoAnswer():
            return "no_answer"
        case ConfigError():
            return "bad_configuration"
    return "failed"
