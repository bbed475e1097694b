"""How to reach the broker: what the configuration says, checked."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from agent.errors import ConfigError
from agent.mqtt.message import MAX_PAYLOAD


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. Without `ca` the system's authorities are trusted."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """A client's TLS context that verifies the broker's certificate and name, TLS 1.2 or newer.

        Raises:
            ConfigError: a file is missing or is not what it should be.
        """
        files = [file for file in (self.ca, self.cert, self.key) if file]
        for file in files:
            if not file.is_file():
                raise ConfigError(f"[mqtt] tls: cannot use {file}: there is no such file")
        try:
            context = ssl.create_default_context(cafile=self.ca)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.cert is not None:
                # A key with a passphrase would make openssl ask on the terminal: an empty password fails instead.
                context.load_cert_chain(self.cert, self.key, password="")
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            named = ", ".join(map(str, files))
            raise ConfigError(f"[mqtt] tls: cannot use {named}: {error}") from error
        return context


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """How to reach the broker."""

    host: str
    port: int = 1883
    protocol: Literal[5, 311] = 5
    client_id: str = ""  # empty: latchkey-<site>-<device>
    username: str = ""  # empty: none
    password: str | None = field(default=None, repr=False)  # the text itself; never logged
    tls: TlsFiles | None = None
    keepalive_seconds: int = 30
    connect_seconds: float = 5.0  # limit of one attempt to connect
    # How long the broker keeps commands for us while we are away; 0: not at all. MQTT 3.1.1 knows only yes or no.
    session_seconds: int = 300
    max_inflight: int = 100  # messages out and unacknowledged; a broker of MQTT 5 may allow fewer: Mosquitto says 20
    max_unsettled: int | None = None  # messages in, until each is settled; None: each is at once, by paho
    max_payload_bytes: int = MAX_PAYLOAD
    reconnect_min_seconds: float = 0.5
    reconnect_max_seconds: float = 30.0

    def __post_init__(self) -> None:
        if not self.host:
            raise ConfigError("[mqtt] host is empty")
        if not 0 < self.port < 2**16:
            raise ConfigError(f"[mqtt] port = {self.port}: want 1 to 65535")
        if self.protocol not in (5, 311):
            raise ConfigError(f"[mqtt] protocol = {self.protocol}: want 5 or 311")
        if not 1 <= self.max_inflight <= 1000:  # noqa: PLR2004  message ids are 16 bits, brokers allow far fewer
            raise ConfigError(f"[mqtt] max_inflight = {self.max_inflight}: want 1 to 1000")
        if not 0 < self.reconnect_min_seconds <= self.reconnect_max_seconds:
            raise ConfigError("[mqtt] reconnect_min_seconds must be above 0 and at most reconnect_max_seconds")
