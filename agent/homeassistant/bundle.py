"""One retained message that makes Home Assistant show a terminal: the device bundle of its MQTT discovery.

https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload, since Home Assistant 2024.11.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from agent.config.homeassistant import HomeAssistant
from agent.homeassistant.entities import entities
from agent.mqtt.topics import Topics
from agent.version import VERSION

OURS: Final = "latchkey"
"""The level below the discovery prefix that is the relay's: no component of Home Assistant is called so."""
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")  # for an object id


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is announced, and where."""

    topic: str
    body: dict[str, Any]

    @property
    def payload(self) -> bytes:
        """JSON."""
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


def object_id(site: str, device: str) -> str:
    """Returns what a terminal is called in Home Assistant's registries: it stays, and no two terminals share it.

    The digits are of the names as they are, which may hold letters that an object id may not.
    """
    digits = hashlib.sha256(f"{site}/{device}".encode()).hexdigest()[:8]
    return "_".join((OURS, _fit(site).lower(), _fit(device).lower(), digits))


def _fit(name: str) -> str:
    """A name in the letters that Home Assistant takes in a topic."""
    return _UNFIT.sub("-", name)


def discovery_topic(prefix: str, site: str, device: str) -> str:
    """Returns where a terminal is announced: below its own name, so that an access list can keep others away."""
    return f"{prefix}/device/{_fit(device)}/{object_id(site, device)}/config"


def birth_topic(prefix: str) -> str:
    """Returns where Home Assistant says that it is online."""
    return f"{prefix}/status"


def lock_topic(prefix: str, site: str, device: str) -> str:
    """Returns where Home Assistant asks the relay to lock or unlock."""
    return f"{prefix}/{OURS}/{site}/{device}/lock/set"


def release_topic(prefix: str, site: str) -> str:
    """Returns where the version is kept that the terminals of a site should have: plain text, retained."""
    return f"{prefix}/{OURS}/{site}/release"


def bundle(topics: Topics, settings: HomeAssistant, *, version: str = VERSION) -> Bundle:
    """Returns the announcement of a terminal.

    Args:
        topics: of the device.
        settings: what Home Assistant's prefix is, and what the terminal is called there.
        version: of the software.
    """
    site, device, prefix = topics.site, topics.device, settings.prefix
    own = object_id(site, device)
    found = entities(
        topics,
        command_topic=lock_topic(prefix, site, device),
        release_topic=release_topic(prefix, site),
        camera=settings.camera,
    )
    body = {
        "device": {
            "identifiers": [own],
            "name": settings.name or f"Latchkey {device}",
            "manufacturer": "Latchkey",
            "model": "Door terminal",
            "sw_version": version,
        },
        "origin": {"name": "Latchkey", "sw_version": version},
        "availability": [
            {
                "topic": topics.status,
                # "stopped" is as far away as "offline"
                "value_template": "{{ 'online' if value_json.state == 'online' else 'offline' }}",
            }
        ],
        "qos": 1,
        "components": {name: {**entity, "unique_id": f"{own}_{name}"} for name, entity in found.items()},
    }
    return Bundle(discovery_topic(prefix, site, device), body)
