"""`latchkey check` looks at the certificate that the device shows the broker."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.cli.findings import Finding, State
from agent.cli.output import counted
from agent.config import Config
from agent.errors import ConfigError
from agent.pki.ending import days_left
from agent.pki.registry import SOON

RENEW = "renew it: latchkey admin pki renew, where the authority is"


def certificates(config: Config) -> Finding:
    """Says for how many days the device's certificate, and that of the authority, are still valid."""
    name, tls = "tls", config.mqtt.tls
    if not (config.mqtt.enabled and tls.enabled):
        if config.mqtt.enabled and config.mqtt.host not in {"localhost", "127.0.0.1", "::1"}:
            text = f"none: the connection to {config.mqtt.host} is not encrypted"
            return Finding(name, State.WARNING, text, "see deploy/README.md, and set [mqtt.tls]")
        return Finding(name, State.OK, "none: no TLS")
    found = [file for file in (tls.cert, tls.ca) if file is not None]
    if not found:
        return Finding(name, State.OK, "none of our own; the system's authorities are trusted")
    now = datetime.now(UTC)
    try:
        left = {file: days_left(file, now) for file in found}
    except ConfigError as error:
        return Finding(name, State.FAILED, str(error))
    file = min(left, key=lambda each: left[each])
    if left[file] < 0:
        return Finding(name, State.FAILED, f"{file}: has ended", RENEW)
    text = f"{file}: valid for {counted(left[file], 'day')}"
    return Finding(name, State.WARNING, text, RENEW) if left[file] <= SOON.days else Finding(name, State.OK, text)
