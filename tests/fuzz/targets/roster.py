"""Documents of the roster, signed or not, and the messages that carry them."""

import json
from contextlib import ExitStack, suppress

from pydantic import ValidationError

from agent.errors import CommandError
from agent.roster import messages
from agent.roster.bodies import check_body, understood
from agent.roster.document import Document, digest_of
from agent.trust.statement import read_json
from tests.fuzz.target import Target, split

MODELS = [messages.Head, messages.Put, messages.Done, messages.Pull, messages.Page, messages.Ask, messages.Answer]


def documents(_stack: ExitStack):
    """The header as it comes; the body's digest is put right, so that what is in it is looked at, too."""

    def feed(data):
        with suppress(ValueError):
            said = read_json(data)
            for value in (said, _righted(said)):
                with suppress(CommandError):
                    found = Document.parse(value)
                    check_body(understood(found)[0])
                    check_body(found)
                    assert Document.parse(found.as_json()).header == found.header

    return feed


def _righted(value):
    if isinstance(value.get("body"), dict):
        with suppress(ValueError):
            return value | {"sha256": digest_of(value["body"])}
    return value


def carried(_stack: ExitStack):
    def feed(data):
        model, payload = split(data, MODELS)
        with suppress(ValidationError):
            model.model_validate_json(payload)

    return feed


SEALED = {"model": "s1", "key": "0" * 8, "vector": "AQ3p", "added_at": "2026-11-26T09:00:00Z"}
BODIES = {
    "person/anna": {"name": "Anna", "groups": ["staff"], "badge": "1042", "signatures": [SEALED]},
    "rules": {"text": 'time_zone = "UTC"\n'},
    "device/front": {"groups": ["doors"]},
}
HEADER = {
    "version": 1, "base": None, "site": "hq", "target": "hq/@all", "issued": "2026-11-26T09:00:00Z", "key": "0" * 16,
    "signature": "A" * 86 + "==",
}  # fmt: skip
SEEDS = [json.dumps({**HEADER, "object": name, "body": body}).encode() for name, body in BODIES.items()]
MESSAGES = [bytes([number]) + b'{"id": "r1"}' for number in range(len(MODELS))]
TARGETS = (
    Target("documents", documents, SEEDS, share=40, longest=2048),
    Target("roster_messages", carried, MESSAGES, share=60, longest=1024),
)
