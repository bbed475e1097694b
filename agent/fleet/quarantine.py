"""Messages that are not believed, as they came: nothing is dropped without a word, and nothing fills the disk.

The device still has an event that is here: it is not acknowledged, and comes again. So only so many of a device are
kept; all are counted. Once the key of a device is known, `again` looks at what it has sent before.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from agent.fleet.database import Pg, translated
from agent.fleet.letter import LONGEST, Doubt, Record, State, Why
from agent.fleet.source import Delivery
from agent.mqtt.topics import ROOT

MOST_OF_A_DEVICE: Final = 1000
MOST_BYTES_OF_A_DEVICE: Final = 1_000_000  # so many events are less; 10 GB of all devices there may be
MOST_DEVICES: Final = 10_000  # unknown ones are made up easily: beyond, they are counted as one
MOST_DETAIL: Final = 300  # characters
OTHERS: Final = ("", "")


def refused(letter: Record | State, why: str) -> Doubt:
    """Returns what is put aside of something that was believed and that the database does not take."""
    what = f"event/{letter.kind}" if isinstance(letter, Record) else letter.what
    told = json.dumps(letter.body).encode()
    topic = f"{ROOT}/{letter.site}/{letter.device}/{what}"
    return Doubt(letter.site, letter.device, Why.REFUSED, why, Delivery(topic, told))


def put(pg: Pg, doubts: Sequence[Doubt]) -> None:
    """Puts messages aside, in the transaction of their batch."""
    for doubt in sorted(doubts, key=lambda each: (each.site, each.device, each.why)):
        site, device = _place(pg, doubt)
        kept = _keep(pg, site, device, doubt)
        pg.execute(
            "INSERT INTO quarantine_counts AS kept (site, device, reason, messages, not_kept)"
            " VALUES (%s, %s, %s, 1, %s)"
            " ON CONFLICT (site, device, reason) DO UPDATE SET messages = kept.messages + 1,"
            " not_kept = kept.not_kept + excluded.not_kept, last_at = now()",
            [site, device, doubt.why.value, 0 if kept else 1],
        )


def _place(pg: Pg, doubt: Doubt) -> tuple[str, str]:
    """Returns under which device it is kept."""
    site, device = _text(doubt.site), _text(doubt.device)
    if max(len(site), len(device)) > LONGEST:  # an index does not take what a topic may be
        return OTHERS
    known = "SELECT FROM quarantine_counts WHERE (site, device) = (%s, %s) LIMIT 1"
    if pg.execute(known, [site, device]).rowcount:
        return site, device
    (devices,) = pg.execute("SELECT count(*) FROM quarantine_counts").fetchone() or (0,)
    return (site, device) if devices < MOST_DEVICES else OTHERS


def _keep(pg: Pg, site: str, device: str, doubt: Doubt) -> bool:
    delivery = doubt.delivery
    key = hashlib.sha256(delivery.topic.encode() + b"\0" + delivery.payload).digest()
    if pg.execute("UPDATE quarantine SET times = times + 1, last_at = now() WHERE digest = %s", [key]).rowcount:
        return True
    count = "SELECT count(*), coalesce(sum(length(payload)), 0) FROM quarantine WHERE (site, device) = (%s, %s)"
    there, size = pg.execute(count, [site, device]).fetchone() or (0, 0)
    if there >= MOST_OF_A_DEVICE or size + len(delivery.payload) > MOST_BYTES_OF_A_DEVICE:
        return False
    pg.execute(
        "INSERT INTO quarantine (digest, site, device, topic, payload, size, reason, detail)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [
            *(key, site, device, _text(delivery.topic), delivery.payload, max(delivery.size, len(delivery.payload))),
            *(doubt.why.value, _text(doubt.detail)[:MOST_DETAIL]),
        ],
    )
    return True


def again(pg: Pg, site: str | None = None, device: str | None = None, *, most: int = 1000) -> Iterator[list[Delivery]]:
    """Yields what was put aside because the device or its key was not known, in lots; each is taken out after it.

    Args:
        pg: the connection.
        site: of one site alone.
        device: of one device alone.
        most: messages at once.
    """
    after = b""
    while True:
        with translated(), pg.transaction():
            rows = pg.execute(
                "SELECT digest, topic, payload FROM quarantine WHERE reason = ANY(%s) AND digest > %s"
                " AND site = coalesce(%s, site) AND device = coalesce(%s, device) ORDER BY digest LIMIT %s",
                [[Why.UNKNOWN_DEVICE, Why.BAD_SIGNATURE], after, site, device, most],
            ).fetchall()
        if not rows:
            return
        yield [Delivery(topic, bytes(payload)) for _, topic, payload in rows]
        after = bytes(rows[-1][0])


def take_out(pg: Pg, deliveries: Sequence[Delivery]) -> None:
    """Forgets messages that are written down by now."""
    keys = [hashlib.sha256(each.topic.encode() + b"\0" + each.payload).digest() for each in deliveries]
    with translated(), pg.transaction():
        pg.execute("DELETE FROM quarantine WHERE digest = ANY(%s)", [keys])


def counts(pg: Pg) -> list[tuple[str, str, str, int, int]]:
    """Returns site, device, reason, how many came and how many of them were not kept."""
    with translated(), pg.transaction():
        query = "SELECT site, device, reason, messages, not_kept FROM quarantine_counts ORDER BY 1, 2, 3"
        return [(str(a), str(b), str(c), int(d), int(e)) for a, b, c, d, e in pg.execute(query).fetchall()]


def by_reason(doubts: Sequence[Doubt]) -> Counter[str]:
    """Returns how many there are of each reason."""
    return Counter(doubt.why.value for doubt in doubts)


def _text(value: str) -> str:
    """A text that PostgreSQL takes."""
    return value.replace("\0", "\ufffd")
