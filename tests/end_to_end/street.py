"""Machines that are folders, and a shell that does on them what a page says.

It knows what the page uses and no more: what is missing is an error, so that nothing on the page goes untried.
"""

import faulthandler
import getpass
import multiprocessing
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from agent.cli import main
from tests.conftest import HOST, MOSQUITTO
from tests.end_to_end.forked import IMPORTED
from tests.end_to_end.patience import PATIENCE_SECONDS, wait_for
from tests.fakes.broker import substituted
from tests.fakes.ports import steady_port

ROOT = Path(__file__).parents[2]
PREPARED = [*IMPORTED, "agent.cli.admin", "agent.cli.checks", "agent.client", "agent.pki.bundle", __name__]
BOOKWORM = "ID=debian\nVERSION_CODENAME=bookworm\n"


def latchkey(arguments, folder, variables, streams):
    """`latchkey`, in a process of its own that has imported it already; `streams`: files of stdin, stdout, stderr."""
    os.chdir(folder)
    os.environ.update(variables)
    for number, name in enumerate(streams):
        opened = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND if number else os.O_RDONLY)
        os.dup2(opened, number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - multiprocessing has put another in its place
    if arguments[0] != "run":  # whoever hangs says where
        faulthandler.dump_traceback_later(PATIENCE_SECONDS / 2, file=os.fdopen(os.dup(2), "w"))
    sys.exit(main(arguments))


class Street:
    """All machines of the page, and the broker's port."""

    def __init__(self, folder, edit):
        self.folder, self.port, self.edit = folder, steady_port(), edit
        self.machines = {}
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(PREPARED)

    def machine(self, name):
        if name not in self.machines:
            self.machines[name] = Machine(self, name)
        return self.machines[name]

    def host(self, address):
        """`broker.lan:` of the page."""
        name = address.removesuffix(":").removesuffix(".lan")
        return self.machine("broker" if name == "localhost" else name)

    def close(self):
        for machine in self.machines.values():
            for unit in list(machine.units):
                machine.systemctl("stop", unit)


class Machine:
    """A root folder with a home in it, and the services that run."""

    def __init__(self, street, name):
        self.street, self.name, self.units = street, name, {}
        self.root = street.folder / name
        self.home = self.root / "home"
        self.log = self.root / "latchkey.log"
        for part in ("home", "etc/mosquitto/conf.d", "etc/latchkey", "var/lib/mosquitto", "var/lib/latchkey"):
            (self.root / part).mkdir(parents=True)
        (self.home / "deploy").symlink_to(ROOT / "deploy")
        (self.home / "photos").symlink_to(ROOT / "agent" / "demo" / "staff")
        (self.root / "etc" / "os-release").write_text(BOOKWORM)

    def run(self, line):
        """A line of the page; returns its status and what it printed."""
        line = line.replace("broker.lan", "localhost").replace(":8883", f":{self.street.port}")
        line = re.sub(r"(?<=[\s'])/(etc|var)/", rf"{self.root}/\1/", line).replace("~/", f"{self.home}/")
        words = [match for word in shlex.split(line, comments=True) for match in self._matches(word)]
        source, words = self._taken(words, "<", os.devnull)
        sink, words = self._taken(words, ">", None)
        if words[0] == "sudo":
            words = words[3 if words[1] == "-u" else 1 :]
        command, *arguments = words
        if command == "latchkey":
            return self.latchkey(arguments, source, sink)
        doing = {
            "deploy/install.sh": self.install_latchkey,
            "install": self.install,
            "scp": self.scp,
            "nano": self.nano,
        }
        doing |= {
            "systemctl": self.systemctl,
            "apt-get": lambda *_: None,
            "rm": self.plain("rm"),
            "sed": self.plain("sed"),
        }
        doing[command](*arguments)
        return 0, ""

    def latchkey(self, arguments, source=os.devnull, sink=None):
        printed = self.home / ".printed"
        printed.unlink(missing_ok=True)
        printed.touch()
        process = self._fork(arguments, (source, sink or printed, printed))
        process.join(PATIENCE_SECONDS)
        if process.exitcode is None:
            process.kill()
            raise AssertionError(f"{self.name}$ latchkey {arguments} does not end:\n{printed.read_text()}")
        return process.exitcode, printed.read_text()

    def install_latchkey(self):
        variables = {"LATCHKEY_OS_RELEASE": str(self.root / "etc" / "os-release"), "LATCHKEY_ARCH": "arm64"}
        subprocess.run([ROOT / "deploy/install.sh", "--dry-run"], env=os.environ | variables, check=True,
                       capture_output=True)  # fmt: skip

    def install(self, *arguments):
        """As it is, but that all belongs to us."""
        kept, skip = [], False
        for word in arguments:
            if not skip and word not in {"-o", "-g"}:
                kept.append(word)
            skip = word in {"-o", "-g"}
        self.plain("install")(*kept)

    def plain(self, program):
        return lambda *arguments: subprocess.run([program, *arguments], cwd=self.home, check=True)

    def scp(self, *arguments):
        *files, target = arguments
        for file in files:
            shutil.copy(self.home / file, self.street.host(target).home)

    def nano(self, file):
        """Somebody edits it."""
        edited = self.street.edit(self, Path(file).read_text())
        Path(file).write_text(edited)

    def systemctl(self, action, unit):
        if action == "reload":
            self.units[unit].send_signal(1)
            return
        if action in {"stop", "restart"} and (running := self.units.pop(unit, None)) is not None:
            running.terminate()
            (running.wait if isinstance(running, subprocess.Popen) else running.join)(PATIENCE_SECONDS)
        if action in {"start", "restart"}:
            self.units[unit] = {"mosquitto": self._mosquitto, "latchkey": self._agent}[unit]()

    def _agent(self):
        before = self.said().count("agent looks")
        started = self._fork(
            ["run", "--config", self.root / "etc/latchkey/agent.toml"], (os.devnull, self.log, self.log)
        )
        wait_for(lambda: self.said().count("agent looks") > before or started.exitcode is not None, what=self.said)
        assert started.exitcode is None, self.said()
        return started

    def _mosquitto(self):
        ours = substituted((self.root / "etc/mosquitto/conf.d/latchkey.conf").read_text(), self.root, self.street.port)
        whole = self.root / "etc/mosquitto/mosquitto.conf"
        whole.write_text(
            f"user {getpass.getuser()}\npersistence true\npersistence_location {self.root}/var/lib/mosquitto/\n"
            f"log_dest stderr\nlog_type all\n{ours}"
        )
        with (self.root / "mosquitto.log").open("ab") as log:
            started = subprocess.Popen([str(MOSQUITTO), "-c", whole], stdout=log, stderr=log)
        wait_for(lambda: started.poll() is not None or self._listens(), what="mosquitto to listen")
        assert started.poll() is None, (self.root / "mosquitto.log").read_text()
        return started

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.street.port)) == 0

    def said(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _fork(self, arguments, streams):
        variables = {"HOME": str(self.home), "LATCHKEY_ADMIN_PASSPHRASE": "correct horse", "COLUMNS": "200"}
        told = ([str(each) for each in arguments], str(self.home), variables, [str(each) for each in streams])
        process = self.street.context.Process(target=latchkey, args=told)
        process.start()
        return process

    def _taken(self, words, mark, default):
        if mark not in words:
            return default, words
        at = words.index(mark)
        return self.home / words[at + 1], words[:at] + words[at + 2 :]

    def _matches(self, word):
        if "*" not in word or "/" not in word or word.startswith("s/"):
            return [word]
        found = sorted(str(match) for match in Path("/").glob(word.lstrip("/")))
        assert found, f"{word}: no such file"
        return found
