"""From a message of the broker to what a device has said, and how far it is known to be the device.

A device signs what it says, with its topic, so that nothing of one place counts at another. Of a device whose key is
known only what it has signed is believed; of others it is taken as it is, and said to be unverified.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agent.client.answers import Heard, Standing
from agent.config.kinds import TOPIC_LEVEL
from agent.mqtt.inbox import Incoming
from agent.mqtt.topics import ROOT
from agent.trust.keys import PublicKey
from agent.trust.statement import SIGNATURE, news_text, read_json, verifies


def hear(message: Incoming, site: str, key_of: Callable[[str], PublicKey | None]) -> Heard | None:
    """Returns what a device of a site says; None where that is nothing one can read.

    Args:
        message: as it came.
        site: whose devices are listened to.
        key_of: the key that a device is known by, if any.
    """
    prefix = f"{ROOT}/{site}/"
    device, _, level = message.topic.removeprefix(prefix).partition("/")
    if not message.topic.startswith(prefix) or not TOPIC_LEVEL.fullmatch(device) or not level or message.too_large:
        return None
    try:
        body = read_json(message.payload)
        standing = _standing(message.topic, body, key_of(device))
    except ValueError:
        return None
    return Heard(device, level, body, standing, message.retained)


def _standing(topic: str, body: Mapping[str, Any], key: PublicKey | None) -> Standing:
    if key is None:
        return Standing.UNVERIFIED
    good = verifies(key, news_text(topic, body), body.get(SIGNATURE))
    return Standing.VERIFIED if good else Standing.FORGED
