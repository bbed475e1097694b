"""The checks: each looks at one thing the agent needs, as the agent would, and gives it back."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from agent.bundle import Bundle, open_bundle
from agent.cli.entrance_checks import inputs, reader
from agent.cli.opened import database, running_agent
from agent.cli.output import counted
from agent.cli.owner_check import owner
from agent.cli.pages_check import pages
from agent.cli.sealing import sealing, site_key
from agent.cli.signature_check import signatures
from agent.condition import certificates, clock, disk, nearest
from agent.config import Config, find_config
from agent.errors import CameraLost, ModelError
from agent.findings import Finding, State
from agent.gallery.threshold import HIGHEST_COSINE
from agent.make import make_camera, make_door
from agent.mqtt.complaints import HINTS
from agent.mqtt.connection import Connection, Gone, Happening, Ready
from agent.mqtt.topics import Topics
from agent.reach import link_settings
from agent.store import events, people
from agent.store.db import Db
from agent.store.templates import foreign_templates, load_gallery
from agent.types import Box, Face
from agent.vision.align import SIZE, TEMPLATE

BROKER_SECONDS = 3.0


def which_config(asked: Path | None) -> Finding:
    """Which file counts; that it is good is known already."""
    found = find_config(asked)
    if found is None:
        return Finding("config", State.OK, "no file, all defaults", "deploy/agent.example.toml has every key")
    return Finding("config", State.OK, str(found.absolute()))


def camera(config: Config) -> Finding:
    """Takes a picture."""
    what = f"{config.camera.backend} {config.camera.source}" if config.camera.backend != "demo" else "demo"
    if config.camera.backend in {"picamera2", "opencv"} and (agent := running_agent(config)):
        return Finding("camera", State.OK, f"{what}: left to the agent that runs (process {agent})")
    opened = make_camera(config)
    try:
        frame = opened.read()
    except CameraLost as lost:
        return Finding("camera", State.FAILED, str(lost))
    finally:
        opened.close()
    if frame is None:
        return Finding("camera", State.FAILED, f"{what}: no picture in it", "choose another [camera] source")
    return Finding("camera", State.OK, f"{what}: {frame.image.shape[1]}x{frame.image.shape[0]} pixels")


def models(config: Config) -> Finding:
    """Loads all, lets them look at a black picture, and the encoder at those that its card knows the answers to."""
    bundle = open_bundle(config)
    eyes = bundle.eyes()
    eyes.faces(np.zeros((config.camera.height, config.camera.width, 3), np.uint8))
    black = np.zeros((SIZE, SIZE, 3), np.uint8)
    eyes.embed(eyes.crop(black, Face(Box(0.0, 0.0, SIZE, SIZE), TEMPLATE, 1.0)))
    tested = bundle.self_test(bundle.plain_encoder())
    runtime = f"{config.engine.runtime} {config.engine.delegate}".strip()
    text = f"{bundle.detector.id}, {bundle.aligner.id} and {bundle.model_id} on {runtime}"
    if tested is not None:
        text += f", {counted(len(tested.cosines), 'picture')} encoded as when it was made"
    return Finding("models", State.OK, text)


def rates(config: Config) -> Finding:
    """Says what the threshold is for those who are enrolled, and whose error rates it goes by."""
    try:
        bundle = open_bundle(config, site_key(config))
    except ModelError:
        return Finding("rates", State.WARNING, "no threshold without the models", "see there")
    templates = 0
    if config.database_path.exists() and bundle.key is not None:
        with database(config, key=bundle.key) as db:
            templates = load_gallery(db, bundle.template_model, bundle.space).templates
    cosine = bundle.threshold(templates).cosine
    text = f"threshold {cosine:.3f} for {counted(templates, 'template')}, by {_whose(bundle)}"
    if cosine >= HIGHEST_COSINE:
        return Finding("rates", State.WARNING, text, "hardly anybody gets in: calibrate with more people")
    advice = "" if bundle.site else "people of one origin are more alike: latchkey calibrate measures it"
    return Finding("rates", State.OK, text, advice)


def _whose(bundle: Bundle) -> str:
    if site := bundle.site:
        return f"{bundle.config.models.site}: {site.people} people, {site.made_on}, faces {site.method}"
    told = f" ({bundle.table.cohort})" if bundle.table.cohort else ""
    worst = bundle.config.gate.cohort == "worst" and bundle.encoder.fields["fmr"].get("worst")
    return f"the encoder's {'worst' if worst else 'own'} cohort{told}"


def store(config: Config) -> Finding:
    """Reads all of the database."""
    path = config.database_path
    if not path.exists():
        folder = nearest(path.parent)
        if not os.access(folder, os.W_OK):
            return Finding("database", State.FAILED, f"{path} cannot be made", f"let this user write to {folder}")
        return Finding("database", State.OK, f"{path}: none yet, made at the first start")
    with database(config, key=site_key(config)) as db:
        db.check()
        everybody, unsent = people.list_people(db), events.count_unsent(db)
        foreign, recorded = _foreign(db, config), db.counts()["events"]
    templates = sum(one.templates for one in everybody)
    people_there = "1 person" if len(everybody) == 1 else f"{len(everybody)} people"
    text = f"{path}: {people_there}, {counted(templates, 'template')}, {counted(recorded, 'event')}, {unsent} to send"
    if foreign:
        advice = f"{counted(foreign, 'template')} of another model, not compared: enrol those people again"
        return Finding("database", State.WARNING, text, advice)
    return Finding("database", State.OK, text)


def _foreign(db: Db, config: Config) -> int:
    """How many templates cannot be compared."""
    try:
        key = site_key(config)
        return 0 if key is None else foreign_templates(db, open_bundle(config, key).template_model)
    except ModelError:  # told by the check of the models
        return 0


def broker(config: Config) -> Finding:
    """Logs in under a name of its own, so that the agent is not thrown out, and asks to hear the commands."""
    where = f"{config.mqtt.host}:{config.mqtt.port}"
    if not config.mqtt.enabled:
        return Finding("broker", State.WARNING, "switched off, events stay here", "set [mqtt] enabled = true")
    settings = replace(link_settings(config.mqtt), session_seconds=0, connect_seconds=BROKER_SECONDS)
    topics = Topics(config.device.site, config.device.name)
    connection = Connection(
        settings,
        settings.tls.context() if settings.tls else None,
        client_id=f"latchkey-check-{secrets.token_hex(4)}",
        will=None,
        subscriptions=topics.subscriptions,
    )
    try:
        connection.open()
    except (OSError, UnicodeError) as error:
        return Finding(
            "broker", State.FAILED, f"{where}: {error}", "is it running, and are [mqtt] host and port right?"
        )
    return log_in(where, connection)


def log_in(where: str, connection: Connection) -> Finding:
    """What the broker answers, on a connection that was opened."""
    deadline = time.monotonic() + BROKER_SECONDS
    happened: list[Happening] = []
    while not any(isinstance(each, Ready | Gone) for each in happened) and time.monotonic() < deadline:
        happened += connection.serve(0.1)
    match next((each for each in happened if isinstance(each, Ready | Gone)), None):
        case Ready(denied=()):
            connection.close()
            return Finding("broker", State.OK, f"{where}: lets us in")
        case Ready(denied=denied):
            connection.close()
            text = f"{where}: does not let us listen to {', '.join(denied)}"
            return Finding("broker", State.FAILED, text, "change its access list")
        case Gone(reason=reason):
            advice = next((hint for word, hint in HINTS.items() if word in reason), "look into its log")
            return Finding("broker", State.FAILED, f"{where}: {reason}", advice)
    connection.drop()
    return Finding("broker", State.FAILED, f"{where}: no answer", "is that an MQTT broker, with TLS as configured?")


def door(config: Config) -> Finding:
    """Makes the door, which locks it. Does not open it."""
    if config.door.backend == "log":
        return Finding("door", State.OK, "log: writes a line and opens nothing")
    if agent := running_agent(config):
        return Finding("door", State.OK, f"{config.door.backend}: left to the agent that runs (process {agent})")
    make_door(config).close()
    return Finding("door", State.OK, f"{config.door.backend}: relay on pin {config.door.pin}, locked")


CHECKS: Mapping[str, Callable[[Config], Finding]] = {
    "camera": camera,
    "models": models,
    "rates": rates,
    "signature": signatures,
    "database": store,
    "key": sealing,
    "broker": broker,
    "tls": certificates,
    "pages": pages,
    "owner": owner,
    "door": door,
    "inputs": inputs,
    "reader": reader,
    "clock": clock,
    "disk": disk,
}
