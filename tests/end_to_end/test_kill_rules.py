"""kill -9 while people come and go by cards: what is kept of them fits together, and nothing counts twice."""

import random
import time
import uuid
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from agent.members.credentials import add_card
from agent.members.particulars import set_person
from agent.mqtt.remote import NoAnswer
from agent.register import Request
from agent.rules_in_force import apply_rules
from agent.seal.keyring import site_key
from agent.store import audit, punches
from agent.store.db import open_db
from agent.store.sealing import card_key
from agent.store.standings import load_standings
from tests.end_to_end.patience import wait_for
from tests.fakes.trust import READER, let_reader_in, signed

PEOPLE = ("ada", "bruno", "clara", "dora")
LIVES = 5
RULES = """
time_zone = "UTC"
[attendance]
repeat_seconds = 0
[zones.building]
anti_passback = "soft"
[doors.door]
factors = "card"
enters = "building"
[[grants]]
groups = ["staff"]
doors = ["*"]
"""


def furnish(terminal):
    request = Request("cli", datetime.now(UTC), "boot")
    with open_db(terminal.database, key=site_key(terminal.config)) as db:
        let_reader_in(db)
        apply_rules(lambda change: change(db), RULES, request)
        for person in PEOPLE:
            set_person(db, person, {"groups": ["staff"]}, request, create=True)
            add_card(db, person, f"card-{person}", card_key(db), request)


def show(witness, card):
    topics, at = witness.remote.topics, datetime.now(UTC)
    body = {"id": uuid.uuid4().hex, "at": at.isoformat(), "card": card}
    with suppress(NoAnswer):
        witness.remote.send(topics.credential, signed(topics, "credential", body, at, READER))


def come(terminal, witness):
    """Ada shows her card until she has been seen."""
    before = len(terminal.recorded("access"))
    wait_for(lambda: show(witness, "card-ada") or len(terminal.recorded("access")) > before, what="the first visit")


def test_no_death_leaves_a_punch_without_its_visit_or_one_visit_with_two(make_terminal, mosquitto, witness, pictures):
    terminal = make_terminal(mqtt__enabled=True, mqtt__port=mosquitto.port)
    terminal.show([pictures.empty])
    furnish(terminal)
    chance = random.Random(4)
    for _ in range(LIVES):
        running = terminal.fork("run")
        running.wait_said("agent looks")
        come(terminal, witness)
        deadline = time.monotonic() + chance.uniform(0.05, 0.8)
        while time.monotonic() < deadline:
            show(witness, f"card-{chance.choice(PEOPLE)}")
            time.sleep(0.02)
        running.kill()
    recorded = terminal.check()
    granted = [event for event in recorded if event.kind == "access" and event.body["outcome"] == "granted"]
    punched = [event for event in recorded if event.kind == "attendance"]
    assert len(granted) > LIVES
    assert Counter(event.body["access"] for event in punched) == Counter(
        event.id for event in granted if not event.body["repeat"]
    )
    with open_db(terminal.database) as db:
        kept = punches.made(db, datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1))
        assert [punch.id for punch in kept] == [event.id for event in punched]
        for person in {event.body["person"] for event in granted}:
            types = [punch.type for punch in kept if punch.person == person]
            assert types == (["in", "out"] * len(types))[: len(types)]
            last = max(event.at for event in granted if event.body["person"] == person)
            assert load_standings(db)[person].zone_at >= last
        assert audit.verify(db) is None
