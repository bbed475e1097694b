"""What tests of the whole agent share: a terminal of its own, people enrolled in it, a play before its camera."""

import threading

from agent.app import Agent
from agent.bundle import open_bundle
from agent.config import load_config
from agent.enrolment import Administration
from agent.hardware.backends import BACKENDS
from agent.seal.keyring import site_key
from agent.store import events
from agent.store.db import open_db
from tests.fakes import blocks, cameras
from tests.fakes.blocks import Block, paint, png
from tests.fakes.trust import OWNER


def empty_stage(monkeypatch):
    """Whoever opens the camera "demo" sees the play of this stage."""
    monkeypatch.setitem(BACKENDS["camera"], "demo", cameras.STAGE)
    monkeypatch.setattr(cameras.Stage, "play", [])
    monkeypatch.setattr(cameras.Stage, "goes_on", False)
    return cameras.Stage


class Terminals:
    """Makes configurations of one terminal: `terminals(door__pulse_seconds=2.0)`."""

    def __init__(self, folder, monkeypatch):
        monkeypatch.setitem(BACKENDS["engine"], "ai-edge-litert", blocks.ENGINE)
        blocks.write_cards(folder)
        self._folder = folder

    def __call__(self, **more):
        overrides = {
            "device.data_dir": self._folder / "data",
            "models.encoder": self._folder / "encoder.tflite",
            "models.aligner": self._folder / "aligner.tflite",
            "models.detector": self._folder / "detector.tflite",
            "camera.backend": "demo",
            "camera.as_fast_as_possible": True,
            "clock.synchronised_file": self._folder / "none" / "s",
            "mqtt.enabled": False,
            "trust.owner": OWNER.public.text,
            "privacy.require_consent": False,
        }
        return load_config(None, overrides | {key.replace("__", "."): value for key, value in more.items()}, {})


def enrol(config, person, colour, tint=0):
    bundle = open_bundle(config, site_key(config))
    with open_db(config.database_path, key=bundle.key) as db:
        admin = Administration(bundle, bundle.eyes(), db, boot_id="cli")
        admin.enrol(person, None, [png(paint(Block(colour, tint=tint)))], by="cli")


def recorded(config, kind="access"):
    with open_db(config.database_path) as db:
        return [event for event in events.since(db, 0, 10_000) if event.kind == kind]


def outcomes(config):
    return [(event.body["outcome"], event.body["reason"], event.body["person"]) for event in recorded(config)]


def unsent(config):
    with open_db(config.database_path) as db:
        return [event.seq for event in events.unsent(db, limit=10_000)]


def perform(config, seconds=30.0, **options):
    """Runs an agent to the end of its recording; returns it and its status."""
    agent = Agent(config, **options)
    with agent:
        agent.look()
        status = waited(agent, seconds)
    return agent, status


def waited(agent, seconds=30.0):
    stopper = threading.Timer(seconds, agent.stop)
    stopper.start()
    status = agent.wait()
    assert stopper.is_alive(), f"it did not end in {seconds} s"
    stopper.cancel()
    return status
