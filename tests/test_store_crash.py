"""kill -9 at any moment: what was committed is there, and no seq comes twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

from agent.store import events
from agent.store.db import open_db

KILLS = 10

WRITE = """
import sys; from datetime import UTC, datetime; from pathlib import Path
from agent.store import events; from agent.store.db import open_db
with open_db(Path(sys.argv[1])) as db:
    while True:
        event = events.append(db, "access", datetime.now(UTC), "boot", {"text": "x" * 300})
        print(event.seq, event.id, flush=True)
        if event.seq % 7 == 0:
            events.mark_sent(db, range(event.seq - 6, event.seq + 1), datetime.now(UTC))
        if event.seq % 70 == 0:
            events.prune(db, datetime.fromtimestamp(0, UTC))
"""


def killed_writer(path, milliseconds):
    """Return the (seq, id) that a writer has printed until it was killed, that long after its first."""
    writer = subprocess.Popen([sys.executable, "-c", WRITE, str(path)], stdout=subprocess.PIPE, text=True)
    first = writer.stdout.readline()
    timer = threading.Timer(milliseconds / 1000, writer.kill)
    timer.start()
    lines = [first, *writer.stdout.read().splitlines(keepends=True)]
    timer.join()
    assert writer.wait(30) == -signal.SIGKILL
    pairs = [line.split() for line in lines if line.endswith("\n")]  # the last may be cut short
    return [(int(seq), id_) for seq, id_ in pairs]


def test_no_committed_event_is_lost_and_no_seq_comes_twice(tmp_path):
    path, rng = tmp_path / "latchkey.db", random.Random(8)
    printed: list[tuple[int, str]] = []
    for _ in range(KILLS):
        printed += killed_writer(path, rng.uniform(0, 150))
        with open_db(path) as db:
            db.check()
            stored = events.since(db, 0, 100_000)
        assert not set(printed) - {(event.seq, event.id) for event in stored}
    seqs = [seq for seq, _ in printed]
    assert len(seqs) > KILLS
    assert seqs == sorted(set(seqs))
    assert [event.seq for event in stored] == list(range(1, len(stored) + 1))  # committed unprinted ones fill the gaps


def test_a_seq_is_not_reused_after_a_crash_and_pruning(tmp_path):
    path = tmp_path / "latchkey.db"
    last = killed_writer(path, 20)[-1][0]
    with open_db(path) as db:
        newest = events.recent(db, 1)[0].seq
        assert newest >= last
        events.mark_sent(db, range(newest + 1), datetime.now(UTC))
        events.prune(db, datetime.now(UTC) + timedelta(days=1))
        assert events.recent(db, 1) == []
    assert killed_writer(path, 0)[0][0] == newest + 1
