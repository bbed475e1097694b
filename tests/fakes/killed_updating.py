"""Kills the update of a model before every so many lines of it, and looks what the next start makes of that.

    python -m tests.fakes.killed_updating FOLDER LINES

Prints, as JSON, for each time the encoder that is in force then ("old" or "new").
"""

import json
import shutil
import sys
from pathlib import Path

import pytest

from agent.store import models
from agent.store.audit import verify
from tests.fakes import blocks
from tests.fakes.agents import Terminals
from tests.fakes.blocks import BLUE, RED
from tests.fakes.bundles import NEWER
from tests.fakes.killed import kill_before
from tests.test_upgrade import Site

LINES_OF = (
    *("agent/upgrade/updating.py", "agent/upgrade/installing.py", "agent/store/spares.py", "agent/store/models.py"),
    "agent/upgrade/starting.py",
)


def main(folder, lines):
    with pytest.MonkeyPatch.context() as monkeypatch:
        site = Site(Terminals(folder / "terminal", monkeypatch)(security__keep_crops=True), folder)
        site.enrol("anna", RED)
        site.enrol("ben", BLUE)
        data = site.config.device.data_dir
        shutil.copytree(data, folder / "before")
        states, on, number = [], True, 0
        while on:
            shutil.rmtree(data)
            shutil.copytree(folder / "before", data)
            on = kill_before(number, lambda: (site.update(), site.start()), LINES_OF)
            encoder = site.start().model_id
            assert site.known() == (encoder, ["anna", "ben"], 2), number
            with site.db() as db:
                db.check()
                assert verify(db) is None, number
                models.prove(db)
            states.append({blocks.MODEL: "old", NEWER: "new"}[encoder])
            site.update()  # the job is gone on with
            site.start()
            assert site.known() == (NEWER, ["anna", "ben"], 2), number
            assert site.audited() == ["model_updated"], number
            number += lines
    print(json.dumps(states))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
