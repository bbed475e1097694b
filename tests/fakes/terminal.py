"""The command line in this process, with a configuration and a database of its own."""

import json
import logging
from dataclasses import dataclass

from agent.cli import main
from agent.cli.logs import NAME
from agent.hardware.backends import BACKENDS
from tests.fakes import blocks


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def json_lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


class Terminal:
    """Runs `latchkey`; faces are blocks, see tests/fakes/blocks.py."""

    def __init__(self, folder, monkeypatch, capsys):
        self.folder, self._capsys = folder, capsys
        monkeypatch.setitem(BACKENDS["engine"], "ai-edge-litert", blocks.ENGINE)
        blocks.write_cards(folder / "models")
        self.config = folder / "agent.toml"
        self.config.write_text(
            '[device]\ndata_dir = "data"\n[mqtt]\nenabled = false\n[privacy]\nrequire_consent = false\n'
            '[models]\nencoder = "models/encoder.tflite"\naligner = "models/aligner.tflite"\n'
            'detector = "models/detector.tflite"\n'
        )
        self.database = folder / "data" / "latchkey.db"

    def __call__(self, *arguments):
        """Runs a command with --config."""
        return self.run(*arguments, "--config", self.config)

    def run(self, *arguments):
        """Runs a command as it stands."""
        self._capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Outcome(code, *self._capsys.readouterr())

    def photo(self, name, *faces, **options):
        return blocks.write(self.folder / name, *faces, **options)


def forget_logging():
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if handler.get_name() == NAME]:
        root.removeHandler(handler)
    root.setLevel(logging.WARNING)
