"""Where the broker is, as the command line says it: `mqtts://collector@broker:8883`, `amqp://collector@rabbit1,rabbit2`."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from agent.errors import ConfigError
from agent.fleet.source import LARGEST, Source
from agent.mqtt.settings import LinkSettings, TlsFiles

PORTS: Final = {"mqtt": 1883, "mqtts": 8883, "amqp": 5672, "amqps": 5671}
SESSION_SECONDS: Final = 3600  # how long the broker keeps what a collector has not settled


@dataclass(frozen=True, slots=True)
class Broker:
    """An address, checked. A cluster of RabbitMQ has several; one of MQTT has one, or a name for all."""

    scheme: str
    user: str
    hosts: tuple[tuple[str, int], ...]
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> Broker:
        """Returns what an address says.

        Raises:
            ConfigError: it is none, or holds a password: arguments are for all to see.
        """
        found = urlsplit(text)
        if found.scheme not in PORTS or not found.netloc:
            raise ConfigError(
                f'"{_shown(found)}" is no broker: want {", ".join(f"{name}://" for name in PORTS)}HOST:PORT'
            )
        user, _, hosts = found.netloc.rpartition("@")
        if ":" in user:
            raise ConfigError(f"{_shown(found)}: no password in an address; put it in a file for --password-file")
        pairs = tuple(_host(host, PORTS[found.scheme], found) for host in hosts.split(","))
        return cls(found.scheme, user, pairs, found.path)

    @property
    def is_amqp(self) -> bool:
        """Whether it is RabbitMQ's own protocol."""
        return self.scheme.startswith("amqp")

    @property
    def is_tls(self) -> bool:
        """Whether certificates are checked."""
        return self.scheme.endswith("s")

    @property
    def virtual_host(self) -> str:
        """RabbitMQ's, after the hosts: `/%2F` and nothing mean "/"."""
        return unquote(self.path.removeprefix("/")) or "/"

    def link(
        self,
        client_id: str,
        password: str | None,
        tls: TlsFiles,
        protocol: int = 5,
        session_seconds: int = SESSION_SECONDS,
    ) -> LinkSettings:
        """Returns how MQTT reaches the first host."""
        host, port = self.hosts[0]
        return LinkSettings(
            host,
            port,
            protocol=5 if protocol == 5 else 311,  # noqa: PLR2004  the protocol's name
            client_id=client_id,
            username=self.user,
            password=password,
            tls=tls if self.is_tls else None,
            session_seconds=session_seconds,
            max_payload_bytes=LARGEST,
        )


def open_source(
    broker: Broker,
    *,
    name: str,
    most: int,
    password: str | None,
    tls: TlsFiles,
    group: str,
    protocol: int = 5,
    session_seconds: int = SESSION_SECONDS,
) -> Source:
    """Returns the broker as a collector sees it; nothing is connected yet.

    Args:
        broker: where it is.
        name: of the collector; each has its own.
        most: messages under way.
        password: of the broker's user.
        tls: whom to believe, and who we are.
        protocol: of MQTT: 5 or 311.
        group: collectors of one group, or of one queue, share.
        session_seconds: how long a broker of MQTT keeps what is for a collector that is away.

    Raises:
        ConfigError: a file cannot be used.
    """
    if not broker.is_amqp:
        from agent.fleet.mqtt import MqttSource

        if len(broker.hosts) > 1:
            raise ConfigError("an MQTT cluster is reached by one address: that of its load balancer, or one node's")
        return MqttSource(broker.link(name, password, tls, protocol, session_seconds), most=most, group=group)
    from agent.fleet.amqp import QUEUE, AmqpSource

    context: ssl.SSLContext | None = tls.context() if broker.is_tls else None
    queue = QUEUE if group == "collector" else f"latchkey.{group}"
    return AmqpSource(
        broker.hosts,
        most=most,
        user=broker.user or "guest",
        password=password,
        virtual_host=broker.virtual_host,
        context=context,
        queue=queue,
    )


def _host(text: str, port: int, found: SplitResult) -> tuple[str, int]:
    try:
        one = urlsplit(f"//{text}")
        host, given = one.hostname, one.port
    except ValueError as error:
        raise ConfigError(f"{_shown(found)}: {error}") from None
    if not host:
        raise ConfigError(f"{_shown(found)}: a host is missing")
    return host, given or port


def _shown(found: SplitResult) -> str:
    """An address without what may be a password."""
    return f"{found.scheme}://{found.netloc.rpartition('@')[2]}"
