"""A device at a glance: which one it is, how it is, and what there is to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import WrapSerializer
from typing_extensions import TypedDict

from agent.bundle import Bundle
from agent.condition import findings
from agent.findings import Finding
from agent.health import HealthCheck, health_of
from agent.mqtt.telemetry import Health
from agent.peers import peer_keys
from agent.store import audit_search
from agent.store.db import Db
from agent.version import VERSION

if TYPE_CHECKING:
    from agent.app import Agent


class Peer(TypedDict):
    """Another device of the site that is believed."""

    device: str
    key: str  # id


class Overview(TypedDict):
    """A device at a glance."""

    site: str
    device: str
    groups: list[str]
    version: str  # of Latchkey
    encoder: str
    detector: str
    aligner: str
    health: Annotated[Health, WrapSerializer(lambda told, made: {k: v for k, v in made(told).items() if v is not None})]
    findings: list[Finding]
    backed_up: str | None  # when last
    peers: list[Peer]


def overview(agent: Agent, bundle: Bundle, db: Db, check: HealthCheck) -> Overview:
    """Returns it.

    Args:
        agent: that runs.
        bundle: of the models in force.
        db: to read.
        check: the asker's own.
    """
    device = agent.config.device
    backup = audit_search.last(db, "backed_up")
    return {
        "site": device.site,
        "device": device.name,
        "groups": list(device.groups),
        "version": VERSION,
        "encoder": bundle.model_id,
        "detector": bundle.detector.id,
        "aligner": bundle.aligner.id,
        "health": health_of(agent, check),
        "findings": findings(agent, db),
        "backed_up": None if backup is None else backup.at,
        "peers": [{"device": name, "key": key.id} for name, key in sorted(peer_keys(db, agent.config).items())],
    }
