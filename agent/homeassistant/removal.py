"""Takes a terminal away from Home Assistant, whether or not its agent runs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from agent.errors import LatchkeyError
from agent.mqtt.connection import Acked, Connection, Gone, Outgoing, Ready
from agent.mqtt.settings import LinkSettings

TICK_SECONDS: Final = 0.1


class NotRemoved(LatchkeyError):
    """The broker could not be told, or did not take it."""


def remove(settings: LinkSettings, topics: Iterable[str], *, client_id: str, seconds: float = 10.0) -> None:
    """Empties retained topics.

    Args:
        settings: how to reach the broker.
        topics: what was announced.
        client_id: of this connection, not that of the agent, which may run.
        seconds: to do it in.

    Raises:
        NotRemoved: no broker, or it refuses, or it takes too long.
        ConfigError: a TLS file cannot be used.
    """
    context = settings.tls.context() if settings.tls else None
    wanted = tuple(topics)
    connection = Connection(settings, context, client_id=client_id, will=None, subscriptions=wanted)
    where = f"{settings.host}:{settings.port}"
    try:
        connection.open()
    except OSError as error:
        raise NotRemoved(f"cannot connect to {where}: {error}") from error
    try:
        _empty(connection, wanted, time.monotonic() + seconds, where)
    finally:
        connection.close()


def _empty(connection: Connection, topics: tuple[str, ...], deadline: float, where: str) -> None:
    waiting: dict[int | None, str] = {}
    while time.monotonic() < deadline:
        for happening in connection.serve(TICK_SECONDS):
            match happening:
                case Ready():
                    sent = ((connection.publish(Outgoing(topic, b"", retain=True)), topic) for topic in topics)
                    waiting = dict(sent)
                case Acked(mid, refused):
                    topic = waiting.pop(mid, "")
                    if refused:
                        raise NotRemoved(f"{where} does not let us take {topic} away: {refused}")
                    if not waiting:  # all are acknowledged
                        return
                case Gone(reason):
                    raise NotRemoved(f"{where}: the connection is lost: {reason}")
    raise NotRemoved(f"{where}: no answer in time")
