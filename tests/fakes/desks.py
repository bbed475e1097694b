"""An admin's desk: the command line in this process, with a profile of its own."""

import os

from agent.cli import main
from agent.client import Profile, key_file
from tests.fakes.terminal import Outcome
from tests.fakes.trust import OWNER


class Desk:
    """Runs `latchkey admin` with a profile that owns every terminal of the tests."""

    def __init__(self, folder, port, monkeypatch, capsys, site="hq"):
        self.folder, self._capsys, self._patch = folder, capsys, monkeypatch
        monkeypatch.setattr("agent.client.admin.QUIET_SECONDS", 0.1)  # the broker is near
        self.profile = Profile.make(
            folder / "profile", {"site": site, "broker": {"host": "127.0.0.1", "port": port, "tls": False}}
        )
        key_file.write(self.profile.key_file, OWNER, None)

    def __call__(self, *arguments, said=None):
        """Runs a command; `said` is typed, or comes on stdin."""
        if said is not None:
            read, write = os.pipe()
            os.write(write, said.encode())
            os.close(write)
            with os.fdopen(read) as keyboard, self._patch.context() as patch:
                patch.setattr("sys.stdin", keyboard)
                return self._run(*arguments)
        return self._run(*arguments)

    def _run(self, *arguments):
        self._capsys.readouterr()
        told = [str(argument) for argument in arguments]
        code = main(["admin", *told, "--profile", str(self.profile.folder)])
        return Outcome(code, *self._capsys.readouterr())
