"""How the broker is reached, as the configuration says."""

from __future__ import annotations

from agent.config import mqtt_password
from agent.config.tables import Mqtt
from agent.mqtt.settings import LinkSettings, TlsFiles


def link_settings(mqtt: Mqtt) -> LinkSettings:
    """Returns how to reach the broker, the password read from where it is kept.

    Raises:
        ConfigError: a secret or a TLS file cannot be read.
    """
    password = mqtt_password(mqtt)
    tls = TlsFiles(ca=mqtt.tls.ca, cert=mqtt.tls.cert, key=mqtt.tls.key) if mqtt.tls.enabled else None
    return LinkSettings(
        host=mqtt.host,
        port=mqtt.port,
        protocol=mqtt.protocol,
        client_id=mqtt.client_id,
        username=mqtt.username,
        password=password.get_secret_value() if password else None,
        tls=tls,
        keepalive_seconds=mqtt.keepalive_seconds,
        session_seconds=mqtt.session_seconds,
        max_inflight=mqtt.max_inflight,
        max_payload_bytes=mqtt.max_payload_bytes,
        reconnect_min_seconds=mqtt.reconnect_min_seconds,
        reconnect_max_seconds=mqtt.reconnect_max_seconds,
    )
