"""What devices of a fleet say, signed; for tests alone."""

import json
from datetime import UTC, datetime, timedelta

from ulid import ULID

from agent.fleet.source import Delivery
from agent.mqtt.topics import Topics
from agent.trust.keys import SigningKey
from agent.trust.statement import signed_news

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)


class Device:
    """A device with a key, that counts its events."""

    def __init__(self, device="door", site="hq", secret=b"d"):
        self.topics = Topics(site, device)
        self.key = SigningKey((secret + device.encode() + b"." * 32)[:32])
        self.seq = 0

    def event(self, kind="access", when=NOW, **body):
        """A delivery of a new event."""
        self.seq += 1
        told = {
            "schema": 1,
            "id": str(ULID.from_timestamp(when.timestamp())),
            "seq": self.seq,
            "kind": kind,
            "at": when.isoformat().replace("+00:00", "Z"),
            "site": self.topics.site,
            "device": self.topics.device,
            "boot_id": "b1",
            "historical": False,
        }
        return self.say(f"event/{kind}", told | body)

    def say(self, what, body):
        topic = f"{self.topics.prefix}/{what}"
        return Delivery(topic, json.dumps(signed_news(topic, body, self.key)).encode())

    def punch(self, person, type_, minutes, **body):
        """A punch so many minutes after the beginning."""
        told = {"person": person, "type": type_, "repeat": False, "clock": "synchronised", "key": None, "job": None}
        return self.event("attendance", NOW + timedelta(minutes=minutes), **(told | body))

    def audit(self, action, subject, details=None, minutes=0, **body):
        told = {"action": action, "subject": subject, "details": details or {}, "by": "cli", "command_id": None}
        return self.event("audit", NOW + timedelta(minutes=minutes), **(told | body))
