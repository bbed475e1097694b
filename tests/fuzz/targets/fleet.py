"""What a collector reads of devices, and the acknowledgements that devices read of it."""

import json
from contextlib import ExitStack, suppress

from pydantic import ValidationError

from agent.fleet.letter import read
from agent.fleet.source import Delivery
from agent.mqtt.acknowledgement import EventAck
from agent.trust.statement import read_json, signed_news
from tests.fakes.trust import OWNER
from tests.fuzz.target import Target, split

TOPICS = [f"latchkey/v1/hq/front/{level}" for level in ("event/access", "event/audit", "health", "status", "x")]
EVENT = {
    "schema": 1, "id": "01KAMB5T80W9R3Q2M4X7Y1Z5AB", "seq": 1042, "kind": "access", "at": "2026-11-22T06:00:00.000Z",
    "site": "hq", "device": "front", "boot_id": "b", "historical": False, "person": "anna", "details": {"to": "ben"},
}  # fmt: skip


def letters(_stack: ExitStack):
    """As they come, and signed by the device: what is behind the signature is looked at, too."""

    def feed(data):
        topic, payload = split(data, TOPICS)
        said = [payload]
        with suppress(ValueError):
            body = read_json(payload) | {"key": OWNER.public.id}
            said.append(json.dumps(signed_news(topic, body, OWNER)).encode())
        for each in said:
            read(Delivery(topic, each, tag=1), lambda _site, _device: [OWNER.public])

    return feed


def acks(_stack: ExitStack):
    def feed(data):
        with suppress(ValidationError):
            found = EventAck.model_validate_json(data)
            assert all(first <= last for first, last in found.ranges)

    return feed


TARGETS = (
    Target("letters", letters, [b"\0" + json.dumps(EVENT).encode(), b'\2{"at": "2026-11-22T06:00:00Z"}'], share=40),
    Target("acks", acks, [b'{"id":"a","through":7}', b'{"id":"a","seqs":[[1,2],[5,9]]}'], share=60, longest=512),
)
