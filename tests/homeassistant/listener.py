"""Home Assistant's side of a broker."""

from contextlib import contextmanager

from agent.mqtt.connection import Connection, Outgoing, Ready
from agent.mqtt.inbox import Incoming
from agent.mqtt.settings import LinkSettings


class Listener:
    """Home Assistant's side of a broker."""

    def __init__(self, settings, *subscriptions):
        name = settings.username or "ha"
        self._connection = Connection(settings, None, client_id=name, will=None, subscriptions=subscriptions)
        self._connection.open()
        self.heard, self.ready = [], False

    def look(self):
        for happening in self._connection.serve(0.05):
            self.ready |= isinstance(happening, Ready)
            if isinstance(happening, Incoming):
                self.heard.append(happening)
        return self

    def says(self, topic, payload, *, retain=False):
        self._connection.publish(Outgoing(topic, payload, retain=retain))

    def close(self):
        self._connection.close()


@contextmanager
def connected(settings, *subscriptions):
    listener = Listener(settings, *subscriptions)
    try:
        yield listener
    finally:
        listener.close()


def listening(broker, *subscriptions):
    return connected(LinkSettings("127.0.0.1", broker.port), *subscriptions)
