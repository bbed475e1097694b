"""Whether a head is by the service, and no older than those before it."""

from __future__ import annotations

import json

from agent.config import Config
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.roster.bodies import ServiceBody, check_body
from agent.roster.document import Document, Kind
from agent.roster.inforce import signer
from agent.roster.messages import Head
from agent.roster.topics import RosterTopics
from agent.store import roster
from agent.store.db import Db
from agent.store.roster import Reading
from agent.trust.keys import PublicKey
from agent.trust.statement import news_text, verifies


def service_of(db: Db, config: Config, head: Head, before: Reading) -> PublicKey:
    """Returns the key of the service, which has signed this head.

    Args:
        db: with the owner's word for a key, if there is one.
        config: of the device.
        head: as it was heard.
        before: how far the device has read: what it has heard of, and by whom.

    Raises:
        CommandError: it is by another key, or older than one before.
    """
    try:
        public = PublicKey.parse(head.public)
        said = _certified(db, config, head)
        known = PublicKey.parse(said) if said else PublicKey(before.service) if before.service else public
    except CommandError:
        raise
    except ValueError:
        raise CommandError(Code.UNKNOWN_KEY, "the head of the roster names no key") from None
    if public != known:
        raise CommandError(
            Code.UNKNOWN_KEY, f"the head of the roster is by key {public.id}: key {known.id} is the service's"
        )
    text = news_text(RosterTopics(config.device.site).head, json.loads(head.to_json()))
    if head.key != public.id or not verifies(public, text, head.signature):
        raise CommandError(Code.BAD_SIGNATURE, "the head of the roster is not signed by the service")
    if head.seq < before.head:
        raise CommandError(Code.ROLLED_BACK, f"the roster ends at {head.seq}, and has ended at {before.head} before")
    return public


def _certified(db: Db, config: Config, head: Head) -> str | None:
    """The key that an owner says is the service's: by the head's own document, or by one that was taken before."""
    held = roster.held(db, Kind.SERVICE)
    if head.service is not None:
        document = Document.parse(head.service)
        document.check_signer(signer(db, config, document.header.key))
        body = check_body(document)
        if isinstance(body, ServiceBody) and document.header.version >= (held.version if held else 0):
            return body.public
    return str(json.loads(held.document)["body"]["public"]) if held is not None and held.document else None
