"""Kills an agent's jobs before each line that does or keeps one, one line after the other, and looks what comes of it.

    python -m tests.fakes.killed_job FOLDER [EVERY]

Prints, as JSON, how many kills there were, and what was wrong after any. EVERY: only before every so many lines.
"""

import json
import shutil
import sys
from pathlib import Path

from agent.jobs import jobs as module
from agent.jobs.job import Step, Work
from agent.jobs.jobs import Jobs
from agent.mqtt.parts import Spool
from agent.mqtt.wire import COMMANDS
from agent.seal.keys import SiteKey
from agent.seal.sealing import Seal
from agent.store import jobs as store
from agent.store.db import open_db
from tests.fakes.killed import kill_before

LINES_OF = ("agent/jobs/jobs.py", "agent/store/jobs.py")
NUMBERS = 3


def work(folder):
    """Accepts one job, or finds it there, and does it to the end; every number that is done is a file."""
    clock = iter(range(10**6))

    def count(_, done):
        for number in range(done, NUMBERS):
            (folder / f"number-{number}").touch()
            yield Step(number + 1, NUMBERS)
        return {"numbers": NUMBERS}

    with open_db(folder / "test.db") as db:
        spool = Spool(folder / "parts", Seal(SiteKey(bytes(32))))
        jobs = Jobs(db, lambda change: change(db), spool, tell=lambda _: None, clock=lambda: float(next(clock)))
        jobs.handler("ping", Work(count))(COMMANDS["ping"](id="j1"))
        while store.unfinished(db):
            jobs.step()


def look(folder):
    with open_db(folder / "test.db") as db:
        (job,) = store.recent(db, 10)
    done = sorted(path.name for path in folder.glob("number-*"))
    good = job.state.value == "done" and job.data == {"numbers": NUMBERS} and len(done) == NUMBERS and not job.body
    return [] if good else [f"{job} {done}"]


def main(folder, every):
    # every step is noted
    module.STEP_SECONDS = 0.0
    folder.mkdir(exist_ok=True)
    with open_db(folder / "empty.db"):
        pass
    wrong, kills, line, on = [], 0, 0, True
    while on:
        home = folder / str(line)
        home.mkdir()
        shutil.copy(folder / "empty.db", home / "test.db")
        on = kill_before(line, lambda home=home: work(home), LINES_OF)
        work(home)
        wrong += look(home)
        kills, line = kills + on, line + every
    print(json.dumps({"kills": kills, "wrong": wrong}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 1)
