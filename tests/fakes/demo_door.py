"""The people of the demo before a whole agent with the real models, and the kiosk's page before it."""

from contextlib import contextmanager

from agent.app import Agent
from agent.bundle import open_bundle
from agent.config import load_config
from agent.demo.story import read_story
from agent.enrolment import Administration
from agent.members.particulars import set_person
from agent.rules_in_force import apply_rules
from agent.seal.keyring import site_key
from agent.store.db import open_db
from tests.fakes.kiosks import RULES
from tests.fakes.ports import steady_port
from tests.fakes.registers import request
from tests.fakes.trust import OWNER

NAMES = {"ada": "Ada Lind", "bruno": "Bruno Okafor", "clara": "Clara Sato"}


def demo_config(folder, **more):
    """The configuration of a door in `folder` that sees the clip."""
    told = {
        "device.data_dir": folder, "camera.backend": "demo", "trust.owner": OWNER.public.text, "mqtt.enabled": False,
        "web.enabled": True, "web.port": steady_port(), "privacy.consent_text": "Faces at the door, version 2",
    }  # fmt: skip
    told |= {key.replace("__", "."): value for key, value in more.items()}
    return load_config(None, told, {"LATCHKEY_CONFIG": ""})


def settle_demo(config, factors="face", attendance='type_by = "key"', skip=()):
    """Enrols the staff of the clip."""
    bundle = open_bundle(config, site_key(config))
    with open_db(config.database_path, key=bundle.key) as db:
        apply_rules(lambda change: change(db), RULES.format(factors=factors, attendance=attendance), request())
        admin = Administration(bundle, bundle.eyes(), db, boot_id="cli")
        for role in read_story():
            if role.role == "staff" and role.id not in skip:
                photos = [picture.read_bytes() for picture in role.pictures]
                admin.enrol(role.id, NAMES[role.id], photos, by="cli", consent="demo")
                set_person(db, role.id, {"groups": ["staff"]}, request())


@contextmanager
def demo_door(folder, *, skip=(), **more):
    """An agent that looks at the clip; gives it with its decisions."""
    config, decided = demo_config(folder, **more), []
    settle_demo(config, skip=skip)
    with Agent(config, told=decided.append) as agent:
        yield agent, decided
