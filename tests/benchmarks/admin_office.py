"""Two months of an office of 60 who are made up, in a terminal with the real models before the clip of the demo."""

import random
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from operator import itemgetter
from zoneinfo import ZoneInfo

import numpy as np

from agent.app import Agent
from agent.attendance.punch import Correction, Punch
from agent.attendance.rules import PunchType, TypeBy
from agent.bundle import open_bundle
from agent.demo.story import read_story
from agent.enrolment import Administration
from agent.members import consent
from agent.members.particulars import set_person
from agent.register import Request
from agent.rules_in_force import apply_rules
from agent.seal.keyring import site_key
from agent.store import events, punches, samples, templates
from agent.store.db import open_db
from agent.types import Embedding, Quality
from tests.benchmarks.outbox import BODY
from tests.fakes.admin import Desk
from tests.fakes.demo_door import NAMES, demo_config
from tests.fakes.ports import steady_port

ZONE = ZoneInfo("Europe/Berlin")
DAYS = 60
CONSENT = "Faces at the door, version 2"
FIRST = "Amira Anton Bea Carlo Dana Edgar Fatma Georg Hanna Ivo Jana Karim Lena Milan Nora Otto Paula Rosa Sami Tilda"
LAST = "Berg Costa Demir Engel Fischer Greco Hansen Ito Jansen Keller Lopez Meyer"
GROUPS = ("office", "office", "office", "production", "production", "cleaners")
RULES = """# hq, by the office
time_zone = "Europe/Berlin"

[schedules.office]
mon-thu = ["07:00-19:00"]
fri = ["07:00-16:00"]
holiday = []

[schedules.work]
mon-fri = ["08:00-16:30"]
holiday = []

[schedules.early]
mon-fri = ["06:00-14:00"]
half-day = ["06:00-11:00"]

[schedules.cleaning]
daily = ["05:00-07:00", "19:30-22:00"]
sun = []

[[days]]
name = "Christmas"
date = "12-25"
to = "12-26"

[[days]]
name = "Easter Monday"
easter = 1

[[days]]
name = "Last Friday of the month"
kind = "half-day"
repeat = "FREQ=MONTHLY;BYDAY=-1FR"

[zones.building]
anti_passback = "soft"

[doors.front]
enters = "building"

[doors.yard]
factors = "face, card+pin"
enters = "building"

[doors.server-room]
factors = "card+face"
leaves = "building"

[[grants]]
groups = ["office"]
doors = ["front"]
schedule = "office"

[[grants]]
groups = ["production"]
doors = ["front", "yard"]
schedule = "early"

[[grants]]
groups = ["cleaners"]
doors = ["front"]
schedule = "cleaning"

[[grants]]
groups = ["keyholders"]
doors = ["*"]

[attendance]
enabled = true

[shifts.day]
schedule = "work"
break_minutes = 30
late_minutes = 15

[shifts.early]
schedule = "early"
break_minutes = 30

[[work]]
groups = ["production"]
shift = "early"

[[work]]
groups = ["office"]
shift = "day"
"""


@contextmanager
def office(folder):
    """The terminal of a made-up office, running; gives its desk."""
    clock = folder / "synchronised"
    clock.touch()
    told = {"device__site": "hq", "device__name": "front", "admin__enabled": True, "admin__port": steady_port()}
    told |= {"privacy__keep_unknown": True, "security__keep_crops": True, "mqtt__remote_unlock": True}
    config = demo_config(folder, admin__picture=True, camera__loop=True, clock__synchronised_file=clock, **told)
    dice, now = random.Random(7), datetime.now(UTC)  # the same office each time
    bundle = open_bundle(config, site_key(config))
    with open_db(config.database_path, key=bundle.key) as db, db.transaction():
        began = now - timedelta(days=DAYS + 2)
        apply_rules(lambda change: change(db), RULES, by("cli:root", began))
        cast(db, bundle, began)
        visits = working(db, "ada", "office", dice, now) + working(db, "bruno", "office", dice, now)
        for person, group in people(dice):
            register(db, person, group, dice, now)
            face(db, person, bundle.template_model, dice, began)
            visits += working(db, person, group, dice, now)
        for at, body in sorted(visits, key=itemgetter(0)):
            events.append(db, "access", at, "b1", body)
        for hours in range(24 * 14):
            health(db, now - timedelta(hours=hours), dice)
    with Agent(config) as agent:
        desk = Desk(agent)
        try:
            yield desk
        finally:
            desk.close()


def cast(db, bundle, at):
    """Enrols the people of the demo."""
    admin = Administration(bundle, bundle.eyes(), db, boot_id="cli")
    for role in read_story():
        if role.role == "staff":
            photos = [picture.read_bytes() for picture in role.pictures]
            told = {"name": NAMES[role.id], "groups": ["office", "keyholders"]}
            set_person(db, role.id, told, by("page:annika", at), create=True)
            admin.enrol(role.id, None, photos, by="page:annika", consent=CONSENT)


def face(db, person, model, dice, at):
    """Templates of nobody: most of the office has some, and has agreed to it."""
    if dice.random() < 0.06:
        return
    consent.give(db, person, CONSENT, by("page:annika", at))
    directions = np.random.default_rng(dice.randint(0, 9999))
    own = directions.normal(size=256)
    looks = [own + directions.normal(size=256) * 0.5 for _ in range(3)]
    shots = [(look / np.linalg.norm(look)).astype(np.float32) for look in looks]
    quality = Quality(140, 210, 0.05, 118, 50)
    templates.add_templates(db, person, [(Embedding(shot, model), quality) for shot in shots], at)


def by(who, at):
    return Request(who, at, "boot")


def people(dice):
    """57 people with a group, each id once."""
    found = {}
    while len(found) < 57:
        found[f"{dice.choice(FIRST.split())}.{dice.choice(LAST.split())}".lower()] = dice.choice(GROUPS)
    return found.items()


def register(db, person, group, dice, now):
    """Adds somebody; a few of them want something done."""
    told = {"name": person.replace(".", " ").title(), "groups": [group], "badge": str(dice.randint(1000, 999_999))}
    if dice.random() < 0.08:
        told["valid_to"] = (now + timedelta(days=dice.randint(-9, 25))).isoformat()
    request = by(dice.choice(["page:annika", "page:omar", "mqtt:hr"]), now - timedelta(days=DAYS + 1))
    set_person(db, person, told, request, create=True)
    if dice.random() < 0.08:
        set_person(db, person, {"state": dice.choice(["suspended", "left", "blocked"])}, request)


def working(db, person, group, dice, now):
    """Two months of punches; returns the visits of the last days."""
    visits = []
    starts = {"office": 8, "production": 6, "cleaners": 19.5}[group]
    for ago in range(DAYS, -1, -1):
        day = (now - timedelta(days=ago)).astimezone(ZONE).date()
        if day.weekday() > 4 or dice.random() < 0.03:
            continue
        midnight = datetime.combine(day, time(), ZONE)
        kinds = (PunchType.IN, PunchType.BREAK_START, PunchType.BREAK_END, PunchType.OUT)
        for kind, hour in zip(kinds, (0, 4, 4.6, 8.6), strict=True):
            at = (midnight + timedelta(hours=starts + hour + dice.gauss(0, 0.2))).astimezone(UTC)
            if at > now or dice.random() < 0.004:
                continue
            if kind in {PunchType.IN, PunchType.BREAK_END} and ago < 15:
                visits += visit(person, at, dice)
            punch = Punch(
                f"{person}-{kind}{at:%y%m%d}", person, at, kind, by=TypeBy.TOGGLE, device="front", boot_id="b1"
            )
            punches.append(db, punch)
            if dice.random() < 0.004:
                moved = at - timedelta(minutes=20)
                punches.add_correction(
                    db, Correction(f"c{punch.id}", punch.id, person, "page:omar", "forgot", moved, at=moved)
                )
    return visits


def visit(person, at, dice):
    """A decision at the door, now and then another one before it."""
    for known in [False] * (dice.random() < 0.1) + [True]:
        similarity = round(min(0.98, dice.gauss(0.87, 0.04)) if known else dice.gauss(0.3, 0.1), 3)
        told = {"similarity": similarity, "margin": round(similarity / 2, 3), "second": "bruno", "threshold": 0.763}
        told |= {"outcome": "granted" if known else "denied", "reason": "match" if known else "unknown"}
        body = BODY | told | {"person": person if known else None, "agreeing": 3 if known else 0, "detail": ""}
        yield at, body


def health(db, at, dice):
    samples.add(
        db, at,
        samples.Sample(
            fps=dice.gauss(14, 0.5), latency_ms=dice.gauss(48, 4), temperature_celsius=50 + dice.gauss(5, 2),
            disk_free_bytes=int(21e9 - 1e7 * dice.random()), memory_bytes=int(2.1e8 + 1e7 * dice.random()),
            outbox_depth=int(dice.random() < 0.03) * dice.randint(1, 40), frames_dropped=dice.randint(0, 4),
        ),
    )  # fmt: skip
