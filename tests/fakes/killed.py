"""Kills a change of the site's key before each line of it, one after the other, and looks what is left.

    python -m tests.fakes.killed FOLDER

Prints, as JSON, for each line the key that the database opens with ("old" or "new").
"""

import json
import os
import shutil
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from agent.config import load_config
from agent.register import Request
from agent.seal import key_file
from agent.seal.keyring import find_key, key_path, settle
from agent.seal.reissue import reissue
from agent.store.db import agent_lock, open_db
from agent.store.templates import enrol, load_templates
from tests.fakes.keys import KEY, OTHER
from tests.test_store_people import template

NOW = datetime(2026, 11, 26, tzinfo=UTC)
LINES_OF = ("agent/seal/reissue.py", "agent/seal/key_file.py", "agent/store/resealing.py", "agent/store/sealing.py")


def kill_before(number, change, lines_of=LINES_OF):
    """Forks; the child dies before it comes to the line of this number. Returns whether it came that far."""
    child = os.fork()
    if child == 0:
        left = number

        def trace(frame, event, _):
            nonlocal left
            if not frame.f_code.co_filename.endswith(lines_of):
                return None
            if event == "line":
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        change()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def look(config):
    """Which key opens the database now; with everybody in it, before and after tidying up."""
    for tidy in (False, True):
        if tidy:
            with agent_lock(config.database_path):
                settle(config)
        key = find_key(config, {}).key
        with open_db(config.database_path, key=key) as db:
            loaded = load_templates(db, key.model("m1"))
            assert (loaded.gallery.people, loaded.gallery.templates, loaded.damaged) == (("anna", "ben"), 3, {})
            audited = [action for (action,) in db.rows("SELECT json_extract(body, '$.action') FROM events")]
    kept = sorted(file.name for file in key_path(config).parent.iterdir() if file.name.startswith("site.key"))
    assert (kept, key_file.read(key_path(config))) == (["site.key"], key)
    assert audited == ["keys_reissued"] * (key == OTHER)
    return "new" if key == OTHER else "old"


def main(folder):
    config = load_config(None, {"device.data_dir": folder / "data"}, {})
    key_file.write(key_path(config), KEY)
    with open_db(config.database_path, key=KEY) as db:
        enrol(db, "anna", None, [template(1, dimension=8), template(2, dimension=8)], NOW)
        enrol(db, "ben", None, [template(3, dimension=8)], NOW)
    config.database_path.with_suffix(".db-wal").unlink(missing_ok=True)
    shutil.copytree(folder / "data", folder / "before")
    states, on = [], True
    while on:
        shutil.rmtree(folder / "data")
        shutil.copytree(folder / "before", folder / "data")
        on = kill_before(len(states), lambda: reissue(config, Request("cli", NOW, "boot"), OTHER))
        states.append(look(config))
    print(json.dumps(states))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
