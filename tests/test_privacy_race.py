"""A person is forgotten while another process goes on recording; the chain and the outbox stay whole."""

import subprocess
import sys
from datetime import UTC, datetime

from agent.config import Config
from agent.privacy.forgetting import forget
from agent.register import Request
from agent.store import audit as chain
from agent.store import events, people
from agent.store.db import open_db

WRITER = """
import sys; from datetime import UTC, datetime; from pathlib import Path
from agent.audit import audit; from agent.register import Request
from agent.store import events; from agent.store.db import open_db
now = datetime.now(UTC)
with open_db(Path(sys.argv[1])) as db:
    print("ready", flush=True)
    while True:
        events.append(db, "access", now, "b", {"person": "ben"})
        audit(db, "changed", "ben", Request("mqtt", now, "b"))
"""
NOW = datetime(2026, 11, 26, tzinfo=UTC)


def test_forgetting_beside_a_writer_keeps_the_chain_whole_and_loses_no_event(tmp_path):
    config = Config.model_validate({"device": {"data_dir": tmp_path}})
    with open_db(config.database_path) as db:
        for n in range(5):
            people.add_person(db, f"p{n}", name=None, at=NOW)
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(db.path)], stdout=subprocess.PIPE, text=True)
        try:
            assert writer.stdout.readline() == "ready\n"
            for n in range(5):
                forget(db, config, f"p{n}", Request("cli", NOW, "b"))
                assert chain.verify(db) is None  # as of one moment, though rows are being added
            assert writer.poll() is None
        finally:
            writer.kill()
            writer.wait()
            writer.stdout.close()
        assert chain.verify(db) is None
        seqs = [event.seq for event in events.since(db, 0, 100_000)]
        assert seqs == list(range(1, len(seqs) + 1))
        numbers = [event.body["number"] for event in events.since(db, 0, 100_000) if event.kind == "audit"]
        assert numbers == list(range(1, len(numbers) + 1))
