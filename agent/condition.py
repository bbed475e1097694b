"""How the device is, in words: what `latchkey check` finds without disturbing the agent, and what only that knows."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent import admins
from agent.bundle import read_card
from agent.clock import clock_state
from agent.config import Config
from agent.errors import ConfigError
from agent.findings import Finding, State
from agent.pki.ending import days_left
from agent.pki.registry import SOON
from agent.store import models
from agent.store.db import Db

if TYPE_CHECKING:
    from agent.app import Agent

LEAST_FREE: Final = 64 * 2**20  # bytes; 100,000 events
LITTLE_FREE: Final = 512 * 2**20
SANE_YEARS: Final = range(2024, 2100)  # a Pi without a clock of its own starts in 1970, or when it was switched off
SILENT_SECONDS: Final = 10.0  # without a picture
RENEW: Final = "renew it: latchkey admin pki renew, where the authority is"
PAIR: Final = "latchkey trust pair, here; or set [trust] owner"


def findings(agent: Agent, db: Db) -> list[Finding]:
    """Returns what there is to say of a running agent; `db` to read."""
    config = agent.config
    told = [camera(agent), broker(agent), clock(config), disk(config), certificates(config), page(config)]
    return [*told, owner(config, db), in_force(db, config), templates(agent)]


def camera(agent: Agent) -> Finding:
    """Whether pictures come."""
    what, frames = agent.config.camera.backend, agent.visits.frames
    silent = (datetime.now(UTC) - agent.visits.at).total_seconds()
    if not frames:
        return Finding("camera", State.WARNING, f"{what}: no picture yet", "is it plugged in? the journal says more")
    if silent > SILENT_SECONDS and not agent.config.camera.as_fast_as_possible:
        text = f"{what}: no picture for {silent:.0f} s"
        return Finding("camera", State.FAILED, text, "is it plugged in? it is opened again when it comes back")
    return Finding("camera", State.OK, f"{what}: pictures come")


def broker(agent: Agent) -> Finding:
    """Whether the broker hears us."""
    told = agent.config.mqtt
    where = f"{told.host}:{told.port}"
    if agent.desk is None:
        return Finding("broker", State.OK, "switched off, events stay here")
    if not agent.desk.link.connected:
        text = f"{where}: not connected, events wait here and are sent later"
        return Finding("broker", State.WARNING, text, "latchkey check, on the device, says why")
    return Finding("broker", State.OK, f"{where}: connected")


def in_force(db: Db, config: Config) -> Finding:
    """Whether the models have proved good."""
    state = models.in_force(db)
    if state.starts is not None:
        return Finding("models", State.WARNING, f"{state.folder}: on probation for a minute", "wait")
    if state.folder:
        return Finding("models", State.OK, f"{state.folder}: installed, and has proved good")
    return Finding("models", State.OK, f"{read_card(config.models.encoder).id}: as configured")


def templates(agent: Agent) -> Finding:
    """Whether all templates are compared."""
    damaged, foreign = agent.knowledge.damaged, agent.knowledge.foreign
    compared = agent.recogniser.known.gallery.templates
    text = f"{compared} compared"
    if damaged:
        advice = "look for who did that, or a failing disk; enrol those people again"
        return Finding("templates", State.WARNING, f"{text}; {damaged} changed since sealed", advice)
    if foreign:
        return Finding("templates", State.WARNING, f"{text}; {foreign} of another model", "enrol those people again")
    return Finding("templates", State.OK, text)


def owner(config: Config, db: Db | None) -> Finding:
    """Says who owns the device, and so lets others in; `db` is None where there is none yet."""
    if not config.mqtt.enabled:
        return Finding("owner", State.OK, "not asked for: MQTT is off")
    found = admins.configured_owner(config)
    names = [] if found is None else [found.name]
    if db is not None:
        names = [each.name for each in admins.owners(db, config)]
    if not names:
        return Finding("owner", State.WARNING, "nobody owns this device, and no owner's command is carried out", PAIR)
    return Finding("owner", State.OK, ", ".join(names))


def certificates(config: Config) -> Finding:
    """Says for how many days the device's certificate, and that of the authority, are still valid."""
    name, tls = "tls", config.mqtt.tls
    if not (config.mqtt.enabled and tls.enabled):
        if config.mqtt.enabled and config.mqtt.host not in {"localhost", "127.0.0.1", "::1"}:
            text = f"none: the connection to {config.mqtt.host} is not encrypted"
            return Finding(name, State.WARNING, text, "see deploy/README.md, and set [mqtt.tls]")
        return Finding(name, State.OK, "none: no TLS")
    found = [file for file in (tls.cert, tls.ca) if file is not None]
    if not found:
        return Finding(name, State.OK, "none of our own; the system's authorities are trusted")
    return _ending(name, found)


def page(config: Config) -> Finding:
    """Says the same of what the page for admins shows its browsers."""
    told = config.admin.certificate or (None if config.admin.to_this_machine else config.mqtt.tls.cert)
    if told is None:
        return Finding("page", State.OK, "for this machine alone, not encrypted")
    return _ending("page", [told])


def _ending(name: str, files: Sequence[Path]) -> Finding:
    now = datetime.now(UTC)
    try:
        left = {file: days_left(file, now) for file in files}
    except ConfigError as error:
        return Finding(name, State.FAILED, str(error))
    file = min(left, key=lambda each: left[each])
    if left[file] < 0:
        return Finding(name, State.FAILED, f"{file}: has ended", RENEW)
    text = f"{file}: valid for {left[file]} day{'' if left[file] == 1 else 's'}"
    return Finding(name, State.WARNING, text, RENEW) if left[file] <= SOON.days else Finding(name, State.OK, text)


def clock(config: Config) -> Finding:
    """Whether the time of an event can be believed."""
    now, state = datetime.now(UTC), clock_state(config.clock.synchronised_file)
    text = f"{now:%Y-%m-%d %H:%M:%S} UTC, {state}"
    if now.year not in SANE_YEARS:
        return Finding("clock", State.FAILED, text, "set it: sudo timedatectl set-ntp true, and wait for the network")
    if state == "unsynchronised":
        return Finding("clock", State.WARNING, text, "wait for the network, or run timedatectl timesync-status")
    if state == "unknown":
        return Finding("clock", State.WARNING, text, "run systemd-timesyncd, or set [clock] synchronised_file")
    return Finding("clock", State.OK, text)


def disk(config: Config) -> Finding:
    """Whether there is room for events."""
    folder = nearest(config.database_path.parent)
    free = shutil.disk_usage(folder).free
    text = f"{folder}: {free / 2**30:.1f} GiB free"
    if free < LEAST_FREE:
        return Finding("disk", State.FAILED, text, "free some space: events cannot be recorded without")
    return Finding("disk", State.WARNING if free < LITTLE_FREE else State.OK, text, "free some" * (free < LITTLE_FREE))


def nearest(folder: Path) -> Path:
    """Returns the folder, or the nearest one above it that exists."""
    return next(each for each in (folder, *folder.parents) if each.is_dir())
