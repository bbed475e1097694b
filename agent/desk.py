"""The agent's side of MQTT: events go out, commands come in, door and health are told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from agent.bundle import Bundle
from agent.config import mqtt_password
from agent.config.tables import Mqtt
from agent.enrolment import Administration
from agent.errors import StoreError, StoreFull
from agent.health import HealthCheck
from agent.members.consent import text_of
from agent.mqtt.commands import Commander, Handler
from agent.mqtt.link import Link
from agent.mqtt.publisher import OutboxPublisher
from agent.mqtt.settings import LinkSettings, TlsFiles
from agent.mqtt.telemetry import DoorState, timestamp
from agent.mqtt.topics import Topics
from agent.mqtt.verbs.faces import EnrolCommand, IdentifyCommand, ListCommand, RemoveCommand
from agent.mqtt.wire import PingCommand
from agent.store import commands, events
from agent.store.db import open_db
from agent.version import VERSION

if TYPE_CHECKING:
    from agent.app import Agent

log = logging.getLogger(__name__)

DOOR_SECONDS = 0.2
FORGET_SECONDS = 3600.0
KEEP_EVENTS = 1000
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


class Desk:
    """Three workers' steps and the link they share. A context: leaving says goodbye to the broker."""

    def __init__(self, agent: Agent, bundle: Bundle) -> None:
        with ExitStack() as stack:
            self._make(stack, agent, bundle)
            self._stack = stack.pop_all()

    def _make(self, stack: ExitStack, agent: Agent, bundle: Bundle) -> None:
        config = agent.config
        self._agent, self._seconds = agent, config.mqtt.health_seconds
        self.topics = Topics(config.device.site, config.device.name)
        self.link = Link(
            link_settings(config.mqtt), self.topics, boot_id=agent.boot_id, version=VERSION, model=bundle.model_id
        )
        reads = [stack.enter_context(open_db(config.database_path, key=bundle.key)) for _ in range(3)]
        self._publisher = OutboxPublisher(
            self.link,
            unsent=lambda *, after, limit: events.unsent(reads[0], after=after, limit=limit),
            mark_sent=self._mark_sent,
            boot_id=agent.boot_id,
        )
        self._administration = Administration(
            bundle, bundle.eyes(), reads[1], write=agent.recorder.write, boot_id=agent.boot_id
        )
        self._commander = Commander(
            self.link,
            self._handlers(),
            recall=lambda command_id: commands.recall(reads[1], command_id),
            remember=self._remember,
        )
        self._health = HealthCheck(config, reads[2], boot_id=agent.boot_id)
        self._health_due = self._forget_due = 0.0
        self._keep_sent = timedelta(days=config.storage.keep_sent_days)
        self._unlocked: bool | None = None

    def __enter__(self) -> Self:
        self.link.start(self._agent.crashed)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.link.close(self._agent.stopping.left(GOODBYE_SECONDS))
        self._stack.close()

    def work(self) -> list[tuple[str, Callable[[], None], Callable[[], None] | None]]:
        """Returns the workers to be: name, step, and what comes after the last step; to be stopped last first."""
        return [
            ("publisher", self._publisher.step, self._drain),
            ("commander", self._commander.step, None),
            ("telemetry", self._tell, self._tell_door),
        ]

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

    def _handlers(self) -> dict[str, Handler]:
        admin, agent = self._administration, self._agent

        def enrol(command: EnrolCommand) -> dict[str, Any]:
            done = admin.enrol(
                command.person,
                command.name,
                command.photos,
                replace=command.replace,
                consent=text_of(command.consent, agent.config.privacy),
                by="mqtt",
                command_id=command.id,
            )
            agent.reload_soon()
            return done

        def remove(command: RemoveCommand) -> dict[str, Any]:
            done = admin.remove(command.person, by="mqtt", command_id=command.id)
            agent.reload_soon()
            return done

        def everybody(command: ListCommand) -> dict[str, Any]:
            return admin.list(
                after=command.after,
                limit=command.limit,
                group=command.group,
                state=command.state,
                search=command.search,
            )

        def identify(command: IdentifyCommand) -> dict[str, Any]:
            return admin.identify(command.photo)

        def ping(_: PingCommand) -> dict[str, Any]:
            return {"at": timestamp(datetime.now(UTC)), "version": VERSION, "boot_id": agent.boot_id}

        return {"enrol": enrol, "remove": remove, "list": everybody, "identify": identify, "ping": ping}

    def _tell(self) -> None:
        """Tells the door's state when it changes, and health now and then."""
        time.sleep(DOOR_SECONDS)
        self._tell_door()
        agent = self._agent
        if time.monotonic() >= self._health_due:
            self._health_due = time.monotonic() + self._seconds
            gallery = agent.recogniser.known.gallery
            self.link.publish_health(
                self._health.look(
                    frames=agent.visits.frames,
                    dropped=agent.dropped,
                    people=len(gallery.people),
                    templates=gallery.templates,
                )
            )

        if time.monotonic() >= self._forget_due:
            self._forget_due = time.monotonic() + FORGET_SECONDS
            self._forget()

    def _forget(self) -> None:
        """Drops old events that the broker has; the newest stay for `latchkey events`."""
        before = datetime.now(UTC) - self._keep_sent
        try:
            self._agent.recorder.write(lambda db: events.prune_sent(db, before, KEEP_EVENTS))
        except StoreError as error:
            log.warning("old events stay: %s", error)

    def _tell_door(self) -> None:
        unlocked = self._agent.door.unlocked
        if unlocked == self._unlocked:
            return
        self._unlocked = unlocked
        opened_by = self._agent.visits.opened_by
        at = timestamp(datetime.now(UTC))
        self.link.publish_door_state(DoorState(at=at, locked=not unlocked, last_opened_by=opened_by))
