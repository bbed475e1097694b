"""The command line as a whole: help, exit status, and what becomes of errors."""

import logging
import os
import re
import subprocess
import sys
import types

import pytest
import typer

import agent.errors as kinds
from agent.cli import entry, logs
from agent.hardware.backends import BACKENDS
from agent.version import VERSION
from tests.fakes.terminal import Terminal, forget_logging

COMMANDS = [
    "run",
    "demo",
    "check",
    "enrol",
    "identify",
    "calibrate",
    "embed",
    "events",
    "forget",
    "export",
    "bench",
    "version",
    "backup",
    "restore",
    "backup-key",
    "people",
    "rules",
    "door",
    "attendance",
    "report",
    "audit",
    "retention",
    "receipts",
    "keys",
    "trust",
    "models",
    "homeassistant",
    "roster",
    "fleet",
    "simulate",
    "account",
    "admin",
]
OPTIONS = {
    "run": ["--config", "--camera", "--backend", "--as-fast-as-possible", "--loop", "--no-loop", "--set"],
    "demo": ["--camera"],
    "check": ["--json", "--camera"],
    "enrol": [
        "--name",
        "--replace",
        "--consent",
        "--consented",
        "PERSON|FOLDER",
        "PHOTO",
        "1 if anybody was refused",
    ],
    "people list": ["--group", "--state", "--search", "--json"],
    "people set": [
        "PERSON",
        "--new",
        "--name",
        "--badge",
        "--group",
        "--from",
        "--to",
        "--state",
        "--factors",
        "--notes",
    ],
    "people block": ["PERSON", "--json"],
    "people rename": ["PERSON", "ID", "--json"],
    "people merge": ["PERSON", "INTO", "--json"],
    "people undo": ["PERSON", "EVENT", "--by"],
    "people pin": ["PERSON", "--duress", "--clear", "--stdin"],
    "people card add": ["PERSON", "NUMBER", "--stdin"],
    "people card remove": ["PERSON", "NUMBER", "--hint", "--all"],
    "people consent": ["PERSON", "--text", "--withdraw", "--by"],
    "people import": ["FILE.csv", "--dry-run", "--json"],
    "people export-list": ["--group", "--state"],
    "people show": ["PERSON", "--json"],
    "people forget": ["PERSON", "--yes", "--reason", "--attendance", "--json", "1 if nothing is held"],
    "people export": ["PERSON", "--out", "--json"],
    "people remove": ["PERSON", "--yes", "--json"],
    "door mode": ["[MODE]", "--json", "locked_down", "1 if the rules"],
    "door unlock": ["--seconds", "--config", "1 if no agent runs"],
    "door hold": ["--config", "1 if no agent runs"],
    "door lock": ["--config", "1 if no agent runs"],
    "rules check": ["FILE", "--json", "1 if anything is"],
    "rules apply": ["FILE", "--expect", "--json", "1 if anything is wrong"],
    "rules show": ["--version", "--json"],
    "rules history": ["--json"],
    "rules import": ["FILE.ics|FILE.csv", "--kind", "--apply", "--json"],
    "rules try": ["PERSON", "DOOR", "[TIME]", "--json"],
    "simulate": ["fleet", "day"],
    "simulate day": ["FILE", "--rules", "--json"],
    "simulate fleet": [
        "--broker",
        "--collector",
        "--devices",
        "--rate",
        "--minutes",
        "--drain",
        "--outboxes",
        "--json",
    ],
    "fleet collect": ["--broker", "--database", "--key", "--password-file", "--name", "--group", "--session"],
    "fleet trust": ["SITE/DEVICE", "KEY", "--database"],
    "fleet distrust": ["SITE/DEVICE", "--key-id"],
    "fleet quarantine": ["--database", "--json"],
    "door release": ["--config"],
    "keys show": ["--json"],
    "keys create": ["--replace-lost", "--yes", "Exit status"],
    "keys export": ["--yes"],
    "keys import": ["FILE|-", "keys reissue"],
    "keys reissue": ["--key", "--json", "2 if an agent runs"],
    "keys reembed": ["--json", "keep_crops"],
    "backup": ["FILE", "--to", "--passphrase", "1 if it cannot be written"],
    "restore": ["FILE", "--key", "--passphrase", "--without-configuration", "--yes", "2 while an agent runs"],
    "backup-key": ["FILE"],
    "models list": ["--json"],
    "models install": ["FILE", "--force", "--json", "1 if"],
    "models rollback": ["--json"],
    "identify": ["IMAGE", "--json"],
    "calibrate": ["--out", "--json", "--config", "--set"],
    "embed": ["IMAGE", "--npz", "--aligned", "--json", "--threads"],
    "events": ["--follow", "--json", "--since", "--limit"],
    "bench": ["--json", "--frames", "--clip", "--quick"],
    "version": [],
    "forget": ["PERSON", "--yes", "--reason", "--attendance", "--json", "1 if nothing is held"],
    "export": ["PERSON", "--out", "--json"],
    "receipts list": ["--limit", "--json"],
    "receipts show": ["RECEIPT|PERSON", "--json"],
    "retention run": ["--dry-run", "--clock-is-right", "--json"],
    "audit list": ["--person", "--limit", "--json"],
    "audit verify": ["--anchor", "--json", "1 if it is broken"],
    "audit head": ["--json"],
}


@pytest.fixture(autouse=True)
def _logging():
    yield
    forget_logging()


@pytest.fixture
def latchkey(tmp_path, monkeypatch, capsys):
    return Terminal(tmp_path, monkeypatch, capsys)


@pytest.fixture
def module(monkeypatch):
    """Puts a module where a command looks for it."""

    def put(name, **contents):
        made = types.ModuleType(name)
        vars(made).update(contents)
        monkeypatch.setitem(sys.modules, name, made)

    return put


def plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def every(group):
    """All commands below, groups and theirs."""
    for command in group.commands.values():
        yield command
        if hasattr(command, "commands"):
            yield from every(command)


class TestHelp:
    def test_all_commands_are_listed(self, latchkey, monkeypatch):
        monkeypatch.setenv("COLUMNS", "200")
        outcome = latchkey.run("--help")
        assert outcome.code == 0
        assert re.findall(r"(?m)^│ ([a-z][a-z-]*) ", plain(outcome.out)) == COMMANDS

    @pytest.mark.parametrize("command", OPTIONS)
    def test_each_command_explains_itself(self, latchkey, monkeypatch, command):
        monkeypatch.setenv("COLUMNS", "200")
        outcome = latchkey.run(*command.split(), "--help")
        text = plain(outcome.out)
        assert outcome.code == 0
        assert [option for option in OPTIONS[command] if option not in text] == []
        assert re.search(rf"Usage: latchkey {command} .*\n\s*\n [A-Z][^│]*\.", text), text

    def test_every_option_has_a_word_of_help(self):
        commands = list(every(typer.main.get_command(entry.app)))
        assert len(commands) > len(OPTIONS)
        assert [f"{one.name} {each.name}" for one in commands for each in one.params if not each.help] == []

    def test_without_a_command_there_is_help(self, latchkey):
        assert "Usage" in latchkey.run().out + latchkey.run().err


class TestStatus:
    def test_a_wrong_command_or_option_is_2(self, latchkey):
        for arguments in (["dance"], ["run", "--dance"], ["events", "--limit", "many"], ["enrol"]):
            outcome = latchkey.run(*arguments)
            assert (outcome.code, "Traceback" in outcome.err) == (2, False)
            assert "Usage: latchkey" in outcome.err

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (kinds.ConfigError("no such key"), 2),
            (kinds.HardwareError("no such camera"), 2),
            (kinds.CameraLost("gone"), 2),
            (kinds.ModelError("damaged"), 2),
            (kinds.StoreError("newer"), 2),
            (kinds.StoreFull("full"), 2),
            (kinds.CommandError("unknown_person", "nobody"), 1),
            (kinds.EnrolmentRefused("no_face", "no face"), 1),
            (kinds.PictureError("no picture"), 1),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
    )
    def test_an_error_of_ours_is_a_line_and_a_status(self, latchkey, module, error, status):
        def run_agent(config, **_):
            raise error

        module("agent.service", run_agent=run_agent)
        assert latchkey("run") == type(latchkey("run"))(status, "", f"latchkey: {error}\n")

    def test_each_problem_has_a_line(self, latchkey):
        outcome = latchkey("run", "--set", "camera.fsp=1", "--set", "door.pin=99")
        assert outcome.code == 2
        assert [line[:23] for line in outcome.err.splitlines()] == ["latchkey: command line:"] * 2
        assert "did you mean" in outcome.err or "its keys, the nearest first" in outcome.err

    @pytest.mark.parametrize("status", [0, 1])
    def test_the_agent_says_how_it_ended(self, latchkey, module, status):
        module("agent.service", run_agent=lambda config, **_: status)
        assert latchkey("run").code == status

    def test_an_unexpected_error_is_logged_with_its_traceback(self, latchkey, module):
        def run_agent(config, **_):
            raise ZeroDivisionError("oops")

        module("agent.service", run_agent=run_agent)
        outcome = latchkey("run")
        assert outcome.code == 1
        assert "Traceback" in outcome.err
        assert outcome.err.endswith("ZeroDivisionError: oops\n")

    def test_ctrl_c_is_130(self, latchkey, module):
        def run_agent(config, **_):
            raise KeyboardInterrupt

        module("agent.service", run_agent=run_agent)
        outcome = latchkey("run")
        assert (outcome.code, outcome.err) == (130, "")

    def test_a_reader_who_leaves_is_no_crash(self, latchkey, module):
        def run_agent(config, **_):
            raise BrokenPipeError(32, "Broken pipe")

        module("agent.service", run_agent=run_agent)
        streams = sys.stdout, sys.stderr
        try:
            outcome = latchkey("run")
        finally:
            sys.stdout, sys.stderr = streams
        assert (outcome.code, outcome.err) == (1, "")

    def test_the_demo_gets_the_camera_and_says_how_it_ended(self, latchkey, module):
        asked = []
        module("agent.demo.show", run_demo=lambda camera: asked.append(camera) or 1)
        assert [latchkey.run("demo").code, latchkey.run("demo", "--camera", "0").code] == [1, 1]
        assert asked == [None, "0"]

    def test_version(self, latchkey):
        assert latchkey.run("version").out == f"latchkey {VERSION}\n"


class TestDoor:
    def test_it_is_locked_and_let_go(self, latchkey, monkeypatch):
        monkeypatch.setitem(BACKENDS["door"], "gpio", "agent.hardware.doors.log:LogDoor")
        outcome = latchkey("door", "release", "--set", "door.backend=gpio")
        assert (outcome.code, outcome.out) == (0, "door locked: gpio\n")

    def test_without_a_relay_it_says_so(self, latchkey, monkeypatch):
        monkeypatch.setitem(BACKENDS["door"], "gpio", "no_such_module:Door")
        assert latchkey("door", "release", "--set", "door.backend=gpio").code == 2


class TestAsAProcess:
    def run(self, *arguments, **environ):
        return subprocess.run(
            [sys.executable, "-m", "agent.cli", *arguments],
            capture_output=True,
            text=True,
            timeout=100,
            env=os.environ | environ,
            check=False,
        )

    def test_it_starts_and_fails_in_one_line(self, tmp_path):
        done = self.run("events", "--config", str(tmp_path / "none.toml"))
        assert (done.returncode, done.stdout) == (2, "")
        assert (
            done.stderr == f"latchkey: {tmp_path}/none.toml: cannot read the configuration: No such file or directory\n"
        )

    def test_a_closed_pipe_is_quiet(self):
        command = f"{sys.executable} -m agent.cli --help | true"
        done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=100, check=False)  # noqa: S602
        assert done.stderr == ""


class TestLogs:
    def test_lines_have_time_level_and_name(self, capsys):
        logs.start_logging("info")
        logging.getLogger("agent.x").info("door %s", "locked")
        logging.getLogger("agent.x").debug("not told")
        assert re.fullmatch(
            r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO agent\.x: door locked\n", capsys.readouterr().err
        )

    def test_starting_again_does_not_say_things_twice(self, capsys):
        logs.start_logging("debug")
        logs.start_logging("warning")
        logging.getLogger("agent.x").warning("once")
        assert capsys.readouterr().err.count("once") == 1

    def test_the_journal_gets_priorities_and_no_time(self):
        formatter = logs.JournalFormatter(logs.FORM)
        record = logging.LogRecord("agent.x", logging.ERROR, "f", 1, "two\nlines", (), None)
        assert formatter.format(record) == "<3>ERROR agent.x: two\n<3>lines"

    def test_the_journal_is_known_by_device_and_inode(self, capfd):
        status = os.fstat(sys.stderr.fileno())
        assert logs.to_journal({"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        assert not logs.to_journal({"JOURNAL_STREAM": "8:1"})
        assert not logs.to_journal({})

    def test_the_level_is_that_of_the_configuration(self, latchkey, module):
        module("agent.service", run_agent=lambda config, **_: logging.getLogger().level)
        assert latchkey("run").code == logging.INFO
        assert latchkey("run", "--set", "log.level=debug").code == logging.DEBUG

    def test_commands_that_answer_log_warnings_only(self, latchkey):
        latchkey("events")
        assert logging.getLogger().level == logging.WARNING


def test_the_entry_point_of_the_package_is_main():
    from agent import cli

    assert cli.main is entry.main


def test_no_help_loses_words_in_brackets():
    """Rich takes [word] for markup and drops it."""
    lost = []
    for name, command in every_named(typer.main.get_command(entry.app)):
        texts = [command.help or "", *(each.help or "" for each in command.params if getattr(each, "help", None))]
        lost += [name for text in texts if re.search(r"(?<!\[)\[[a-z_.]+\](?!\])", text)]
    assert lost == []


def every_named(command, name="latchkey"):
    yield name, command
    for inner, one in getattr(command, "commands", {}).items():
        yield from every_named(one, f"{name} {inner}")
