"""Somebody on the outside who listens to a terminal, and may command it."""

import json

from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import Topics
from tests.end_to_end.patience import PATIENCE_SECONDS, wait_for
from tests.fakes.trust import OWNER


class Witness:
    """Remembers every message of the terminal test/door."""

    def __init__(self, port):
        self.remote = Remote(LinkSettings("127.0.0.1", port), Topics("test", "door"), OWNER)
        self._heard = []

    def __enter__(self):
        self.remote.__enter__()
        return self

    def __exit__(self, *_):
        self.remote.close()

    @property
    def heard(self):
        """All messages so far: (topic without the terminal's prefix, body)."""
        while not self.remote.heard.empty():
            message = self.remote.heard.get()
            self._heard.append((message.topic.removeprefix("latchkey/v1/test/door/"), json.loads(message.payload)))
        return self._heard

    def on(self, topic):
        """The bodies of all messages on one topic."""
        return [body for where, body in self.heard if where == topic]

    def events(self):
        """All events heard, in the order of hearing; one may be heard again."""
        return [body for where, body in self.heard if where.startswith("event/")]

    def first_heard(self):
        """The events by id, in the order in which they were first heard."""
        first = {}
        for event in self.events():
            first.setdefault(event["id"], event)
            assert event["seq"] == first[event["id"]]["seq"]
        return first

    def wait_events(self, count, seconds=PATIENCE_SECONDS):
        """Waits until so many different events were heard."""
        wait_for(lambda: len(self.first_heard()) >= count, seconds=seconds, what=f"{count} events")

    def request(self, verb, *, seconds=PATIENCE_SECONDS, **arguments):
        return self.remote.request(verb, seconds=seconds, **arguments)

    def heard_all_of(self, recorded):
        """Every recorded event was heard, as it was recorded, none besides, and first heard in the order of seq."""
        first = self.first_heard()
        assert set(first) == {event.id for event in recorded}
        for event in recorded:
            heard = first[event.id]
            assert (heard["seq"], heard["boot_id"]) == (event.seq, event.boot_id)
            assert {key: heard[key] for key in event.body} == event.body
        assert [heard["seq"] for heard in first.values()] == sorted(event.seq for event in recorded)
        return first
