"""What is signed: one text for one meaning, whoever writes the JSON and in whatever order.

    command    "latchkey command 1" LF jcs({...the body without `signature`, "verb": verb})
    news       "latchkey news 1" LF topic LF jcs(the body without `signature`)

`jcs` is the JSON Canonicalization Scheme, RFC 8785. The verb and the topic are a part of it, so that nothing signed
for one place counts at another. What is carried out is read from the text that was signed, not from the message.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import rfc8785

from agent.trust.keys import SIGNATURE_BYTES, PublicKey, SigningKey, packed, unpacked

COMMAND: Final = b"latchkey command 1\n"
NEWS: Final = b"latchkey news 1\n"
SIGNATURE: Final = "signature"
EXACT: Final = 2**53  # integers below are doubles, and the next double is another integer


def read_json(payload: bytes | str) -> dict[str, Any]:
    """Returns a JSON object of which all parsers say the same.

    Raises:
        ValueError: no object, a name twice, no number, no UTF-8.
    """
    try:
        body = json.loads(payload, object_pairs_hook=_no_name_twice, parse_int=_double, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(body, dict):
        raise ValueError("an object is wanted")  # noqa: TRY004  one error for all that is no command
    return body


def canonical(value: object) -> bytes:
    """Returns the canonical JSON of a value.

    Raises:
        ValueError: it has none: integers beyond 2^53, infinities, lone surrogates.
    """
    try:
        return rfc8785.dumps(value)  # type: ignore[arg-type]  # it says what it refuses
    except RecursionError:
        raise ValueError("nested too deeply") from None


def command_text(verb: str, body: Mapping[str, Any]) -> bytes:
    """Returns what the signature of a command is over; a `signature` in the body is left out."""
    return COMMAND + canonical({**_unsigned(body), "verb": verb})


def news_text(topic: str, body: Mapping[str, Any]) -> bytes:
    """Returns what the signature of something that a device says is over."""
    return news_statement(topic, canonical(_unsigned(body)))


def news_statement(topic: str, text: bytes) -> bytes:
    """Returns the same for the canonical JSON of the body, without its `signature`."""
    return NEWS + topic.encode() + b"\n" + text


def signed_command(verb: str, body: Mapping[str, Any], key: SigningKey) -> dict[str, Any]:
    """Returns a body with its `signature`; `key` is to name the key already."""
    return {**body, SIGNATURE: packed(key.sign(command_text(verb, body)))}


def signed_news(topic: str, body: Mapping[str, Any], key: SigningKey) -> dict[str, Any]:
    """Returns a body with its `signature`."""
    return {**body, SIGNATURE: packed(key.sign(news_text(topic, body)))}


def verifies(key: PublicKey, text: bytes, signature: object) -> bool:
    """Returns whether a `signature`, as it stands in a body, is of this key over a text."""
    if not isinstance(signature, str):
        return False
    try:
        return key.verifies(unpacked(signature, SIGNATURE_BYTES), text)
    except ValueError:
        return False


def _unsigned(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != SIGNATURE}


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


def _double(digits: str) -> int | float:
    """A number as RFC 8785 has them, which are doubles: of an integer beyond 2^53 no digit more is to be believed."""
    number = int(digits)
    return number if abs(number) < EXACT else float(digits)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
