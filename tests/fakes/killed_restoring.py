"""Kills the restoring of a backup before every so many lines of it, and looks whether the next start ends it.

    python -m tests.fakes.killed_restoring FOLDER LINES

Prints, as JSON, for each time whether the device was still the old one before the next start, or between the two.
"""

import json
import shutil
import sys
from pathlib import Path

from agent.backup import restoring
from agent.privacy.forgetting import remove
from agent.store import events
from agent.store.audit import verify
from agent.store.templates import enrol
from tests.fakes.killed import kill_before
from tests.test_backup import DEVICE_KEY, NOW, WHOLE, Device, actions, request
from tests.test_store_people import template

LINES_OF = ("agent/backup/restoring.py", "agent/backup/meanwhile.py", "agent/store/snapshots.py")


def main(folder, lines):
    device = Device(folder / "front").fill()
    file = device.backup()
    with device.db() as db:
        enrol(db, "dora", None, [template(9, dimension=8)], NOW)
        remove(db, "ben", request(5))
    (device.data / "device.key").write_bytes(b"another\n")
    device.stage(file)
    shutil.copytree(device.data, folder / "before")
    states, on, number = [], True, 0
    while on:
        shutil.rmtree(device.data)
        shutil.copytree(folder / "before", device.data)
        on = kill_before(number, lambda: restoring.finish(device.config, device.file), LINES_OF)
        states.append("staged" if (device.data / "restoring").is_dir() else "done")
        restoring.finish(device.config, device.file)
        assert (device.people(), device.left()) == (["anna", "cleo"], WHOLE), number
        assert (device.data / "device.key").read_bytes() == DEVICE_KEY, number
        with device.db() as db:
            db.check()
            assert verify(db) is None, number
            assert actions(db) == ["enrolled"] * 3 + ["removed", "removed", "restored"], number  # then, and once more
            assert len(events.since(db, 0, 100)) == 6, number
        number += lines
    print(json.dumps(states))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
