"""A device at a glance: which one it is, how it is, and what there is to do about it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from agent.bundle import Bundle
from agent.condition import findings
from agent.health import HealthCheck, health_of
from agent.peers import peer_keys
from agent.store import audit_search
from agent.store.db import Db
from agent.version import VERSION

if TYPE_CHECKING:
    from agent.app import Agent


def overview(agent: Agent, bundle: Bundle, db: Db, check: HealthCheck) -> dict[str, Any]:
    """Returns JSON values.

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
        "health": health_of(agent, check).model_dump(mode="json", exclude_none=True),
        "findings": [asdict(each) for each in findings(agent, db)],
        "backed_up": None if backup is None else backup.at,
        "peers": [{"device": name, "key": key.id} for name, key in sorted(peer_keys(db, agent.config).items())],
    }
