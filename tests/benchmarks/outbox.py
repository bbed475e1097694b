"""10,000 events from the database to a Mosquitto on this machine: `python tests/benchmarks/outbox.py [EVENTS]`.

Real SQLite (synchronous=FULL), real sockets, QoS 1; each event is marked as sent after its PUBACK, in batches.
"""

import sys
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from agent.demo.broker import embedded_broker
from agent.mqtt.link import Link
from agent.mqtt.publisher import OutboxPublisher
from agent.mqtt.settings import LinkSettings
from agent.mqtt.signing import Signer
from agent.mqtt.topics import Topics
from agent.store import events
from agent.store.db import Db, open_db
from agent.trust.keys import SigningKey

TOPICS = Topics("bench", "door")
LIMIT_SECONDS = 10.0
BODY = {
    "outcome": "denied",
    "reason": "unknown",
    "person": None,
    "similarity": 0.31,
    "margin": 0.02,
    "second": "ben",
    "threshold": 0.52,
    "shots": 3,
    "agreeing": 0,
    "quality": {"face_px": 120.0, "sharpness": 80.0, "yaw": 0.1, "exposure": 120.0, "contrast": 40.0},
    "detail": "0.31 to anna, need 0.52",
    "model": "latchkey-encoder-1-00000000",
    "camera": "front",
    "track": 4,
    "latency_ms": 84.0,
    "clock": "synchronised",
}


def fill(db: Db, count: int) -> None:
    with db.transaction():
        for _ in range(count):
            events.append(db, "access", datetime.now(UTC), "b1", BODY)


def drain(db: Db, link: Link) -> None:
    publisher = OutboxPublisher(
        link,
        unsent=partial(events.unsent, db),
        mark_sent=lambda seqs: events.mark_sent(db, seqs, datetime.now(UTC)),
        boot_id="b1",
    )
    if not publisher.drain(120.0):
        sys.exit("the outbox was not empty after two minutes")


def main(count: int) -> int:
    """Prints the figures; the exit status."""
    unsigned = measure(count, None)
    seconds = measure(count, Signer(SigningKey.new(), TOPICS.prefix))
    print(f"to sign an event takes {1000 * (seconds - unsigned) / count:.3f} ms")
    return 0 if seconds < LIMIT_SECONDS * count / 10_000 else 1


def measure(count: int, signer: Signer | None) -> float:
    """Prints a figure, and returns the seconds."""
    with tempfile.TemporaryDirectory() as folder, open_db(Path(folder) / "outbox.db") as db:
        fill(db, count)
        with embedded_broker() as broker:
            settings = LinkSettings(broker.host, broker.port, broker.protocol)
            link = Link(settings, TOPICS, boot_id="b1", version="0", model="m", signer=signer)
            link.start()
            link.wait_connected(10.0)
            began, worked = time.perf_counter(), time.process_time()
            drain(db, link)
            seconds, cpu = time.perf_counter() - began, time.process_time() - worked
            link.close()
    limit = LIMIT_SECONDS * count / 10_000
    print(
        f"{count} {'signed' if signer else 'unsigned'} events to {broker.name} (MQTT {broker.protocol}): "
        f"{seconds:.2f} s, {count / seconds:.0f} a second, {cpu:.2f} s of CPU; limit {limit:.1f} s"
    )
    return seconds


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
