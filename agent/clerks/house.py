"""All clerks of a device together, and who is let in to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent import admins
from agent.bundle import Bundle
from agent.clerks import Office, attendance, door, faces, jobs, keys, models, people, privacy, roster, rules, signatures
from agent.clock import clock_state
from agent.config import Config
from agent.device_key import device_key
from agent.enrolment import Administration
from agent.following import topics_of
from agent.handover import Handover
from agent.jobs.jobs import Jobs
from agent.live import Live
from agent.live_signing import LiveSigning
from agent.mqtt.admission import Admission
from agent.mqtt.message import Command
from agent.mqtt.once import Handler
from agent.mqtt.parts import Spool
from agent.mqtt.verbs.door import LockCommand
from agent.register import Request
from agent.store.db import Db
from agent.trust.roles import Role

if TYPE_CHECKING:
    from agent.app import Agent


def admission(config: Config, db: Db) -> Admission:
    """Returns what looks at the envelopes of commands.

    Args:
        config: with the device, its groups and its owner.
        db: to read, by the thread that asks.
    """
    file = config.clock.synchronised_file
    return Admission(
        lambda: topics_of(config, db).targets,
        lambda key_id: admins.find(db, config, key_id),
        lambda: clock_state(file),
        lambda: bool(admins.owners(db, config)),
    )


def exempt(command: Command) -> bool:
    """Returns whether a command is taken also where too many are remembered: it locks, or an owner asks.

    Else whoever has a viewer's key could keep owners from revoking it, for a day.
    """
    return isinstance(command, LockCommand) or command.asker_role is Role.OWNER


def office_of(agent: Agent, db: Db) -> Office:
    """Returns what clerks work with; `db` to read."""
    return Office(agent.config, db, agent.recorder.write, agent.boot_id, agent.knowledge.soon)


def signing_at_kiosk(agent: Agent) -> LiveSigning:
    """Returns what has people sign at the kiosk."""
    file = agent.config.clock.synchronised_file
    return LiveSigning(
        agent.knowledge.signing,
        agent.studio,
        privacy=agent.config.privacy,
        write=agent.recorder.write,
        request=lambda by, command_id: Request(by, datetime.now(UTC), agent.boot_id, command_id, clock_state(file)),
        changed=agent.knowledge.soon,
    )


def handlers(agent: Agent, bundle: Bundle, db: Db, spool: Spool, *, work: Jobs, live: Live) -> dict[str, Handler]:
    """Returns what carries out each verb."""
    admin = Administration(bundle, bundle.eyes(), db, write=agent.recorder.write, boot_id=agent.boot_id)
    office = office_of(agent, db)
    return {
        **faces.handlers(office, admin, Handover(bundle, db), spool, jobs=work, live=live),
        **people.handlers(office),
        **signatures.handlers(office, agent.knowledge.signing, jobs=work, live=signing_at_kiosk(agent)),
        **rules.handlers(office),
        **door.handlers(office, agent.porch.doorman, agent.porch.entrance.rules),
        **attendance.handlers(office),
        **privacy.handlers(office),
        **keys.handlers(office, device_key(agent.config).public, bundle.model_id),
        **jobs.handlers(office, work, spool),
        **models.handlers(office, work, spool, key=db.seal.key, configuration=agent.file),
        **roster.handlers(office),
    }
