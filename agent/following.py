"""A device that follows the roster of its site: who reads it, and what it says of the device itself."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from agent.bundle import Bundle
from agent.config import Config
from agent.homeassistant.discovery import births
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import Topics
from agent.roster.biometrics import Site
from agent.roster.groups import groups_of
from agent.roster.puller import Puller
from agent.roster.taking import Taking
from agent.store.db import Db, open_db

if TYPE_CHECKING:
    from agent.app import Agent


def follow(stack: ExitStack, agent: Agent, bundle: Bundle, settings: LinkSettings) -> Puller:
    """Returns who puts the roster of the site in force; `stack` closes its database."""
    device = agent.config.device
    site = Site(bundle.model_id, agent.config.privacy, agent.knowledge.signing)
    return Puller(
        settings,
        device.site,
        device.name,
        taking=Taking(agent.config, site, agent.boot_id),
        write=agent.recorder.write,
        db=stack.enter_context(open_db(agent.config.database_path, key=bundle.key)),
        changed=agent.knowledge.soon,
    )


def topics_of(config: Config, db: Db) -> Topics:
    """Returns the topics of a device, in its groups as they are now."""
    return Topics(config.device.site, config.device.name, groups_of(db, config), births(config))
