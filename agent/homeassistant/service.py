"""The relay's line to the broker: kept up until it is told to stop."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from agent.homeassistant.relay import Relay
from agent.mqtt.backoff import Backoff
from agent.mqtt.complaints import Complaints
from agent.mqtt.connection import Connection, Gone, Ready
from agent.mqtt.inbox import Incoming
from agent.mqtt.settings import LinkSettings

log = logging.getLogger(__name__)

TICK_SECONDS: Final = 0.25
STEADY_SECONDS: Final = 5.0  # a connection that lasted this long was a success


def serve(settings: LinkSettings, relay: Relay, stop: threading.Event) -> None:
    """Relays until `stop` is set.

    Args:
        settings: how to reach the broker. A session is none of them: what was said while we were away is too late.
        relay: what to do.
        stop: set by a signal.

    Raises:
        ConfigError: a TLS file cannot be used.
    """
    context = settings.tls.context() if settings.tls else None
    backoff = Backoff(least=settings.reconnect_min_seconds, most=settings.reconnect_max_seconds)
    complaints = Complaints()
    while not stop.is_set():
        connection = Connection(
            settings, context, client_id=settings.client_id, will=None, subscriptions=relay.subscriptions
        )
        began = time.monotonic()
        try:
            connection.open()
            reason = _serve(connection, relay, stop, settings)
        except OSError as error:
            reason = str(error)
        if reason is None:
            return
        if time.monotonic() - began > STEADY_SECONDS:
            backoff.reset()
            complaints.forget()
        complaints.add(f"no connection to the broker at {settings.host}:{settings.port}: {reason}")
        stop.wait(backoff.next())


def _serve(connection: Connection, relay: Relay, stop: threading.Event, settings: LinkSettings) -> str | None:
    """Returns why the connection ended; None where it was asked to."""
    while not stop.is_set():
        for happening in connection.serve(TICK_SECONDS):
            match happening:
                case Ready(_, denied):
                    log.info("relay ready: %s:%d", settings.host, settings.port)
                    if denied:
                        log.warning("the broker does not let us listen to %s: see its access list", ", ".join(denied))
                case Incoming():
                    command = relay.hear(happening)
                    if command is not None:
                        connection.publish(command)
                case Gone(reason):
                    return reason
    connection.close()
    return None
