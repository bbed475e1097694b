"""The agent's side of MQTT: events go out, commands come in, door and health are told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from agent import admins
from agent.bundle import Bundle
from agent.clerks.house import admission, office_of
from agent.clerks.pairing import PairingClerk
from agent.clock import clock_state
from agent.device_key import device_key
from agent.errors import StoreError
from agent.following import follow, topics_of
from agent.health import HealthCheck, health_of
from agent.homeassistant.camera import DoorCamera
from agent.homeassistant.discovery import Discovery
from agent.jobs.job import Job, State
from agent.jobs.told import progress
from agent.mqtt.commands import Commander
from agent.mqtt.connection import Outgoing
from agent.mqtt.link import Link
from agent.mqtt.signing import Signer
from agent.mqtt.telemetry import Health
from agent.outbox import Outbox
from agent.peers import peer_keys
from agent.reach import link_settings
from agent.refusals import RefusalLog
from agent.register import Request
from agent.roster.groups import groups_of
from agent.store.db import Db, open_db
from agent.telling import Telling
from agent.types import Event
from agent.version import VERSION

if TYPE_CHECKING:
    from agent.app import Agent

log = logging.getLogger(__name__)

DRAIN_SECONDS = 3.0
GOODBYE_SECONDS = 2.0
LEARN_SECONDS = 1.0


class Desk:
    """Four workers' steps and the link they share. A context: leaving says goodbye to the broker."""

    def __init__(self, agent: Agent, bundle: Bundle) -> None:
        with ExitStack() as stack:
            self._make(stack, agent, bundle)
            self._stack = stack.pop_all()

    def _make(self, stack: ExitStack, agent: Agent, bundle: Bundle) -> None:
        config = agent.config
        self._agent = agent
        reads = [stack.enter_context(open_db(config.database_path, key=bundle.key)) for _ in range(3)]
        topics = topics_of(config, reads[1])
        self.link = Link(
            link_settings(config.mqtt),
            topics,
            boot_id=agent.boot_id,
            version=VERSION,
            model=bundle.model_id,
            signer=Signer(device_key(config), topics.prefix),
        )
        self.discovery = Discovery(config, topics, self.link.send)
        shown = config.homeassistant
        if shown.enabled and shown.camera:
            camera = DoorCamera(self.link)
            agent.onlookers.saw.append(lambda frame, _: camera.saw(frame))
            agent.onlookers.decided.append(camera.decided)
        acknowledged = config.mqtt.acknowledged
        outbox = Outbox(self.link, reads[0], agent.recorder.write, agent.boot_id, acknowledged=acknowledged)
        self._publisher = outbox.publisher
        self._acks = outbox.acknowledgements(admission(config, reads[1]), reads[1])
        self._counter = agent.counter
        self._counter.tell.append(self._tell_job)
        self._refusals = RefusalLog(agent.recorder.write, self._asks)
        self._commander = self._commander_of(agent, reads[1])
        self._db, self._learn_due = reads[1], 0.0
        self._learn()
        if not admins.owners(reads[1], config):
            log.warning("nobody owns this device, and no command is carried out: latchkey trust pair, here")
        self._puller = follow(stack, agent, bundle, link_settings(config.mqtt)) if config.roster.enabled else None
        self._health = HealthCheck(config, reads[2], boot_id=agent.boot_id)
        self.telling = Telling(
            self.link,
            door=agent.porch.doorman.report,
            entrance=agent.porch.entrance,
            health=self._look,
            health_seconds=config.mqtt.health_seconds,
        )

    def _commander_of(self, agent: Agent, db: Db) -> Commander:
        config, counter = agent.config, agent.counter
        return Commander(
            self.link,
            counter.handlers,
            admission=admission(config, db),
            spool=counter.spool,
            recall=counter.recall,
            remember=counter.remember,
            begin=counter.begin,
            full=counter.full,
            refused=self._refusals.note,
            shown=agent.porch.entrance.showed,
            pair=PairingClerk(office_of(agent, db), device_key(config).public),
            born=self.discovery.born,
            acknowledged=self._acks.take,
        )

    def __enter__(self) -> Self:
        self.discovery.start()
        self.link.start(self._agent.crashed)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._refusals.close()
        if self.link.connected:
            self.discovery.settled()
        self.link.close(self._agent.stopping.left(GOODBYE_SECONDS))
        self._stack.close()

    def work(self) -> list[tuple[str, Callable[[], None], Callable[[], None]]]:
        """Returns workers to be: name, step, and what comes after the last step; to be stopped last first."""
        workers = [
            ("publisher", self._publisher.step, self._drain),
            ("telemetry", self.telling.step, self.telling.door),
            ("jobs", self._counter.jobs.step, self._counter.jobs.close),
        ]
        if self._puller is not None:
            workers.append(("roster", self._puller.step, self._puller.close))
        return workers

    def carry_out(self) -> None:
        """Another worker's step: to be stopped before these, and before the door is closed."""
        try:
            self._learn()
        except StoreError as error:  # it is looked again in a second
            log.warning("whose commands count cannot be read: %s", error)
        self._commander.step()
        self._refusals.step()

    def wake(self, _: Event) -> None:
        """An event was recorded."""
        self._publisher.wake()

    def _asks(self, by: str) -> Request:
        """Who has sent what was refused."""
        clock = clock_state(self._agent.config.clock.synchronised_file)
        return Request(by, datetime.now(UTC), self._agent.boot_id, clock=clock)

    def _learn(self) -> None:
        """Looks who is known, now and then: the command line and the roster change that, too."""
        if time.monotonic() < self._learn_due:
            return
        self._learn_due = time.monotonic() + LEARN_SECONDS
        config, db = self._agent.config, self._db
        known = [key["id"].encode() for key in admins.everyone(db, config) if not key["revoked_at"]]
        self.link.inbox.known = frozenset(known)
        self.link.regroup(groups_of(db, config))
        self._counter.look()
        self._agent.porch.entrance.peers.know(peer_keys(db, config))

    def _drain(self) -> None:
        """Sends what is left, for a little while; the rest waits in the outbox."""
        self._publisher.drain(self._agent.stopping.left(DRAIN_SECONDS))

    def _tell_job(self, job: Job) -> None:
        """What is only on the way is not kept for a broker that is away."""
        if job.state is State.RUNNING and not self.link.connected:
            return
        self.link.send(Outgoing(self.link.topics.progress(job.verb, job.id), progress(job).to_json()))

    def _look(self) -> Health:
        acknowledged = self._agent.config.mqtt.acknowledged
        return health_of(self._agent, self._health, acks_refused=self._acks.refused if acknowledged else None)
