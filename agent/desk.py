"""The agent's side of MQTT: events go out, commands come in, door and health are told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from agent.bundle import Bundle
from agent.clerks import Office, attendance, door, faces, jobs, keys, models, people, privacy, roster, rules
from agent.clock import clock_state
from agent.config import Config, mqtt_password
from agent.config.tables import Mqtt
from agent.enrolling import Enrolling
from agent.enrolment import Administration
from agent.errors import StoreError, StoreFull
from agent.handover import Handover
from agent.health import HealthCheck
from agent.jobs.job import Job, State
from agent.jobs.jobs import Jobs
from agent.jobs.told import progress, recall
from agent.live import Live
from agent.mqtt.admission import Admission
from agent.mqtt.commands import Commander, Handler
from agent.mqtt.connection import Outgoing
from agent.mqtt.link import Link
from agent.mqtt.parts import Spool
from agent.mqtt.publisher import OutboxPublisher
from agent.mqtt.settings import LinkSettings, TlsFiles
from agent.mqtt.spooled import FOLDER
from agent.mqtt.telemetry import Health
from agent.mqtt.topics import Topics
from agent.store import admins, commands, events
from agent.store import jobs as job_store
from agent.store.db import Db, open_db
from agent.telling import Telling
from agent.trust.keys import Admin, PublicKey
from agent.trust.roles import Role
from agent.version import VERSION

if TYPE_CHECKING:
    from agent.app import Agent

log = logging.getLogger(__name__)

DRAIN_SECONDS = 3.0
GOODBYE_SECONDS = 2.0


def link_settings(mqtt: Mqtt) -> LinkSettings:
    """Returns how to reach the broker, the password read from where it is kept.

    Raises:
        ConfigError: a secret or a TLS file cannot be read.
    """
    password = mqtt_password(mqtt)
    tls = TlsFiles(ca=mqtt.tls.ca, cert=mqtt.tls.cert, key=mqtt.tls.key) if mqtt.tls.enabled else None
    return LinkSettings(
        host=mqtt.host,
        port=mqtt.port,
        protocol=mqtt.protocol,
        client_id=mqtt.client_id,
        username=mqtt.username,
        password=password.get_secret_value() if password else None,
        tls=tls,
        keepalive_seconds=mqtt.keepalive_seconds,
        session_seconds=mqtt.session_seconds,
        max_inflight=mqtt.max_inflight,
        max_payload_bytes=mqtt.max_payload_bytes,
        reconnect_min_seconds=mqtt.reconnect_min_seconds,
        reconnect_max_seconds=mqtt.reconnect_max_seconds,
    )


def admission(config: Config, db: Db) -> Admission:
    """Returns what looks at the envelopes of commands.

    Args:
        config: with the device, its groups and its owner.
        db: to read, by the thread that asks.
    """
    topics = Topics(config.device.site, config.device.name, config.device.groups)
    owner = Admin(PublicKey.parse(config.trust.owner), "owner", Role.OWNER) if config.trust.owner else None

    def admin(key_id: str) -> Admin | None:
        return owner if owner is not None and owner.key.id == key_id else admins.find(db, key_id)

    return Admission(lambda: topics.targets, admin, lambda: clock_state(config.clock.synchronised_file))


class Desk:
    """Four workers' steps and the link they share. A context: leaving says goodbye to the broker."""

    def __init__(self, agent: Agent, bundle: Bundle) -> None:
        with ExitStack() as stack:
            self._make(stack, agent, bundle)
            self._stack = stack.pop_all()

    def _make(self, stack: ExitStack, agent: Agent, bundle: Bundle) -> None:
        config = agent.config
        self._agent = agent
        self.topics = Topics(config.device.site, config.device.name, config.device.groups)
        self.link = Link(
            link_settings(config.mqtt), self.topics, boot_id=agent.boot_id, version=VERSION, model=bundle.model_id
        )
        reads = [stack.enter_context(open_db(config.database_path, key=bundle.key)) for _ in range(4)]
        self._publisher = OutboxPublisher(
            self.link,
            unsent=lambda *, after, limit: events.unsent(reads[0], after=after, limit=limit),
            mark_sent=self._mark_sent,
            boot_id=agent.boot_id,
        )
        unfinished = [job.id for job in job_store.unfinished(reads[3])]
        spool = Spool(config.device.data_dir / FOLDER, reads[3].seal, kept=unfinished)
        self.jobs = Jobs(reads[3], agent.recorder.write, spool, tell=self._tell_job)
        enrolling = Enrolling(bundle, reads[3], agent.recorder.write, boot_id=agent.boot_id)
        live = Live(bundle, agent.studio, enrolling, agent.knowledge.soon)
        self._commander = Commander(
            self.link,
            self._handlers(agent, bundle, reads[1], spool, work=self.jobs, live=live),
            admission=admission(config, reads[1]),
            spool=spool,
            recall=lambda command_id: recall(reads[1], command_id),
            remember=self._remember,
            shown=agent.porch.entrance.showed,
        )
        self._health = HealthCheck(config, reads[2], boot_id=agent.boot_id)
        self.telling = Telling(
            self.link,
            door=agent.porch.doorman.report,
            entrance=agent.porch.entrance,
            health=self._look,
            health_seconds=config.mqtt.health_seconds,
        )

    def __enter__(self) -> Self:
        self.link.start(self._agent.crashed)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.link.close(self._agent.stopping.left(GOODBYE_SECONDS))
        self._stack.close()

    def work(self) -> list[tuple[str, Callable[[], None], Callable[[], None]]]:
        """Returns workers to be: name, step, and what comes after the last step; to be stopped last first."""
        return [
            ("publisher", self._publisher.step, self._drain),
            ("telemetry", self.telling.step, self.telling.door),
            ("jobs", self.jobs.step, self.jobs.close),
        ]

    def carry_out(self) -> None:
        """Another worker's step: to be stopped before these, and before the door is closed."""
        self._commander.step()

    def wake(self) -> None:
        """An event was recorded."""
        self._publisher.wake()

    def _drain(self) -> None:
        """Sends what is left, for a little while; the rest waits in the outbox."""
        self._publisher.drain(self._agent.stopping.left(DRAIN_SECONDS))

    def _mark_sent(self, seqs: Sequence[int]) -> None:
        done = list(seqs)
        try:
            self._agent.recorder.write(lambda db: events.mark_sent(db, done, datetime.now(UTC)))
        except StoreError as error:  # such as another program that keeps it locked: as good as full, and tried again
            raise StoreFull(str(error)) from error

    def _remember(self, command_id: str, verb: str, result: str) -> None:
        self._agent.recorder.write(lambda db: commands.remember(db, command_id, verb, result, datetime.now(UTC)))

    def _tell_job(self, job: Job) -> None:
        """What is only on the way is not kept for a broker that is away."""
        if job.state is State.RUNNING and not self.link.connected:
            return
        self.link.send(Outgoing(self.topics.progress(job.verb, job.id), progress(job).to_json()))

    def _handlers(
        self, agent: Agent, bundle: Bundle, db: Db, spool: Spool, *, work: Jobs, live: Live
    ) -> dict[str, Handler]:
        """Returns what carries out each verb."""
        admin = Administration(bundle, bundle.eyes(), db, write=agent.recorder.write, boot_id=agent.boot_id)
        office = Office(agent.config, db, agent.recorder.write, agent.boot_id, agent.knowledge.soon)
        return {
            **faces.handlers(office, admin, Handover(bundle, db), spool, jobs=work, live=live),
            **people.handlers(office),
            **rules.handlers(office),
            **door.handlers(office, agent.porch.doorman, agent.porch.entrance.rules),
            **attendance.handlers(office),
            **privacy.handlers(office),
            **keys.handlers(office),
            **jobs.handlers(office, work, spool),
            **models.handlers(office),
            **roster.handlers(office),
        }

    def _look(self) -> Health:
        agent = self._agent
        gallery = agent.recogniser.known.gallery
        return self._health.look(
            frames=agent.visits.frames,
            dropped=agent.dropped,
            people=len(gallery.people),
            templates=gallery.templates,
            damaged=agent.knowledge.damaged,
            rules=agent.porch.entrance.keeper.rules.version,
        )
