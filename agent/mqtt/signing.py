"""What the device says is signed here, and nowhere else, at the moment of sending: by the key that it made itself."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from agent.trust.keys import PublicKey, SigningKey, packed
from agent.trust.statement import SIGNATURE, canonical, news_statement, news_text, read_json, verifies

if TYPE_CHECKING:
    from agent.mqtt.connection import Outgoing

log = logging.getLogger(__name__)

DEVICE_KEY: Final = "device_key"


class Signer:
    """Signs the JSON objects that go out below one prefix. Thread-safe.

    Args:
        key: of the device.
        prefix: what its topics begin with; what goes elsewhere is left as it is.
    """

    def __init__(self, key: SigningKey, prefix: str) -> None:
        self._key, self._prefix = key, f"{prefix}/"

    def signed(self, message: Outgoing) -> Outgoing:
        """Returns a message with `device_key` and `signature` in its body.

        An answer that goes elsewhere too is signed as what it is on its result topic. What cannot be signed, such as
        a number beyond 2^53, goes out as it is, and the log says so: an event is not lost for it.
        """
        topic = message.said_on or message.topic
        if not topic.startswith(self._prefix) or not message.payload.startswith(b"{"):
            return message
        try:
            body = json.loads(message.payload)
            body.pop(SIGNATURE, None)
            text = canonical(body | {DEVICE_KEY: self._key.public.id})
        except ValueError as error:
            log.warning("sent without a signature: %s: %s", topic, error)
            return message
        signature = packed(self._key.sign(news_statement(topic, text)))
        return replace(message, payload=text[:-1] + f',"{SIGNATURE}":"{signature}"}}'.encode())


def genuine(topic: str, payload: bytes, key: PublicKey) -> dict[str, Any] | None:
    """Returns the body of what a device said on a topic, or None where it was not this device.

    Args:
        topic: of the result, where it came by a response topic.
        payload: as it came.
        key: the device's.
    """
    try:
        body = read_json(payload)
        return body if verifies(key, news_text(topic, body), body.get(SIGNATURE)) else None
    except ValueError:
        return None
