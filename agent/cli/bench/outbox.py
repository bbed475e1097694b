"""From a full outbox to a real broker, through the agent's own store, publisher and link."""

from __future__ import annotations

import shutil
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.cli.bench.rows import Row
from agent.demo.broker import Broker, embedded_broker
from agent.mqtt.link import Link
from agent.mqtt.publisher import OutboxPublisher
from agent.mqtt.settings import LinkSettings
from agent.mqtt.signing import Signer
from agent.mqtt.topics import Topics
from agent.store import events
from agent.store.db import Db, open_db
from agent.trust.keys import SigningKey
from agent.version import VERSION

EVENTS = 10_000
ASKED_SECONDS = 10.0
LONGEST_SECONDS = 120.0
BODY: dict[str, object] = {
    "outcome": "granted",
    "reason": "match",
    "person": "anna.schmidt",
    "repeat": False,
    "similarity": 0.7312,
    "margin": 0.4127,
    "second": "bob.meyer",
    "threshold": 0.5243,
    "shots": 2,
    "agreeing": 2,
    "quality": {"face_px": 143.2, "sharpness": 118.4, "yaw": 0.042, "exposure": 121.6, "contrast": 38.9},
    "detail": "0.731 to anna.schmidt, need 0.524",
    "model": "latchkey-encoder-1-00000000",
    "camera": "camera",
    "track": 17,
    "latency_ms": 11.72,
    "clock": "synchronised",
}


def outbox_row(count: int = EVENTS) -> Row:
    """Returns how long the broker needs to take so many events; mosquitto where it is installed."""
    name = f"{count:,} events to the broker"
    if not (shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")):
        return Row(name, "s", None, asked=ASKED_SECONDS, note="mosquitto is not installed: sudo apt install mosquitto")
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as folder, open_db(Path(folder) / "bench.db") as db:
        _fill(db, count)
        with embedded_broker(prefer="mosquitto") as broker:
            seconds = _drain(db, broker)
    note = f"{count / seconds:,.0f} a second, each acknowledged and marked on the disk; {broker.name}"
    return Row(name, "s", round(seconds, 2), asked=ASKED_SECONDS, note=note)


def _fill(db: Db, count: int) -> None:
    start = datetime.now(UTC) - timedelta(seconds=count)
    with db.transaction():
        for second in range(count):
            events.append(db, "access", start + timedelta(seconds=second), "bench", BODY)


def _drain(db: Db, broker: Broker) -> float:
    """Seconds from the beginning to connect until the outbox is empty."""
    settings = LinkSettings(broker.host, broker.port, protocol=broker.protocol)
    topics = Topics("bench", "bench")
    signer = Signer(SigningKey.new(), topics.prefix)
    link = Link(settings, topics, boot_id="bench", version=VERSION, model=str(BODY["model"]), signer=signer)
    publisher = OutboxPublisher(
        link,
        unsent=lambda *, after, limit: events.unsent(db, after=after, limit=limit),
        mark_sent=lambda seqs: events.mark_sent(db, seqs, datetime.now(UTC)),
        boot_id="bench",
    )
    began = time.monotonic()
    link.start()
    try:
        link.wait_connected(LONGEST_SECONDS)
        publisher.drain(LONGEST_SECONDS)
        return time.monotonic() - began
    finally:
        link.close()
