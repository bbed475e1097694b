"""A database with people in it, and who asks for changes of them."""

from datetime import UTC, datetime

import numpy as np

from agent.register import Request
from agent.store import events, people, templates
from agent.types import Embedding, Quality
from tests.fakes.keys import KEY

NOW = datetime(2026, 11, 26, 6, tzinfo=UTC)
LATER = datetime(2026, 11, 27, 6, tzinfo=UTC)
CARD_KEY = b"k" * 32
MODEL = KEY.model("m1")


def request(at=NOW, by="cli", command_id=None):
    return Request(by, at, "boot", command_id)


def template(seed, model=MODEL):
    vector = np.random.default_rng(seed).normal(size=8)
    return Embedding((vector / np.linalg.norm(vector)).astype(np.float32), model), Quality(130, 200, 0, 120, 48)


def add(db, person, *, faces=(), name=None):
    """A person with a template for each number."""
    people.add_person(db, person, name=name, at=NOW)
    if faces:
        templates.add_templates(db, person, [template(seed) for seed in faces], NOW)


def audited(db):
    """Action and subject of every change so far."""
    return [(event.body["action"], event.body.get("subject", event.body.get("person"))) for event in _audit(db)]


def details(db):
    """Of the last change."""
    body = list(_audit(db))[-1].body
    return body.get("details", body)


def _audit(db):
    return (event for event in events.since(db, 0, 10_000) if event.kind == "audit")
