"""A whole agent but for camera, link and threads: each message is dealt with to its end before the next one comes."""

import json
import shutil
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace

import pytest

from agent import live as live_enrolment
from agent import live_signing
from agent.bundle import open_bundle
from agent.clerks import Office, house
from agent.clerks.pairing import PairingClerk
from agent.enrolling import Enrolling
from agent.jobs.jobs import Jobs
from agent.jobs.told import progress, recall
from agent.knowledge import Knowledge
from agent.live import Live
from agent.make import make_recogniser
from agent.moments import FIRST, LAST
from agent.mqtt.commands import Commander
from agent.mqtt.connection import Connection, Outgoing
from agent.mqtt.inbox import Incoming, ReplyTo
from agent.mqtt.parts import Spool
from agent.mqtt.publisher import OutboxPublisher
from agent.mqtt.settings import LinkSettings
from agent.mqtt.signing import Signer
from agent.mqtt.telemetry import AccessEvent, AlarmEvent, AttendanceEvent, AuditEvent, Health, Status, event_body
from agent.mqtt.topics import CommandTopic, CredentialTopic, Topics
from agent.mqtt.wire import Progress, Result
from agent.porch import Porch
from agent.recorder import Recorder
from agent.seal.keyring import site_key
from agent.store import commands, events
from agent.store import jobs as store
from agent.store.db import open_db
from agent.studio import Studio
from agent.telling import Telling
from agent.trust.keys import SigningKey
from agent.trust.statement import read_json
from agent.types import Match, Reason, Sighting
from tests.fakes.trust import READER, let_reader_in, signed
from tests.fuzz.bodies import filled

TOPICS = Topics("home", "front")
EVENTS = {"access": AccessEvent, "attendance": AttendanceEvent, "alarm": AlarmEvent, "audit": AuditEvent}
SIDES = (Topics("home", "side"), Topics("home", "canteen"))

SIDE_KEY = SigningKey(b"s" * 32)
SIDE_SIGNER = Signer(SIDE_KEY, "latchkey/v1/home")


class Wire:
    """Stands in for the link: what comes is put in by hand, what goes out is checked and kept."""

    connected, epoch = True, 1

    def __init__(self):
        self.topics, self.inbox, self.acks = TOPICS, self, SimpleNamespace(put=lambda _: None)
        self.message, self.sent, self.heard = None, [], lambda _: None
        self._connection = Connection(LinkSettings("127.0.0.1"), None, client_id="x", will=None, subscriptions=())

    def get(self, _seconds):
        message, self.message = self.message, None
        return message

    def send(self, message):
        self._connection.publish(message)  # to nobody; but paho looks at it
        self.sent.append((message.topic, bytes(message.payload)))

    def listen(self, _devices, heard):
        self.heard = heard

    def publish_door_state(self, state):
        state.to_json()

    def publish_health(self, health):
        health.to_json()


class House:
    """Opened over a copy of `folder`, if there is one."""

    def __init__(self, terminals, *, like=None):
        self.config = terminals(
            device__site="home", device__name="front", mqtt__remote_unlock=True, door__backend="log",
            privacy__consent_text="notice 3", clock__synchronised_file=terminals._folder / "s",
        )  # fmt: skip
        if like is not None:
            shutil.rmtree(self.config.device.data_dir, ignore_errors=True)
            shutil.copytree(like, self.config.device.data_dir)
        self._ticks = 0
        self.ahead = timedelta()  # of this house's clock before the real one
        self._stack = ExitStack()
        bundle = open_bundle(self.config, site_key(self.config))
        self.db = self._stack.enter_context(open_db(self.config.database_path, key=bundle.key))
        self.recorder = Recorder(self.db, boot_id="boot", recorded=lambda _: None)
        self.knowledge = Knowledge(bundle, self.db, self._write)
        recogniser = make_recogniser(bundle, self.knowledge.faces())
        self.porch = Porch(
            self._stack, bundle, self.knowledge, recogniser, self.recorder,
            told=lambda _: None, wipe=None, now=self.now,
        )  # fmt: skip
        self._wire(bundle)
        self._seen = 0

    def _wire(self, bundle):
        self.wire, entrance = Wire(), self.porch.entrance
        agent = SimpleNamespace(
            config=self.config, recorder=SimpleNamespace(write=self._write), boot_id="boot",
            knowledge=self.knowledge, porch=self.porch, file=None,
            studio=(studio := Studio(bundle.eyes(), lambda: self.knowledge.faces().gallery)),
        )  # fmt: skip
        spool = Spool(self.config.device.data_dir / "parts", bundle.key and self.db.seal)
        self.jobs = Jobs(self.db, self._write, spool, tell=self._told_job, now=self.now, clock=self._clock)
        live_enrolment.WAIT_SECONDS = live_signing.WAIT_SECONDS = 0.0
        enrolling = Enrolling(bundle, self.db, self._write, boot_id="boot", now=self.now)
        live = Live(bundle, studio, enrolling, lambda: None, clock=self._clock)
        with pytest.MonkeyPatch.context() as patch:  # the clerks go by the clock of this house
            patch.setattr(house, "Office", partial(house.Office, now=self.now))
            patch.setattr(house, "Administration", partial(house.Administration, now=self.now))
            patch.setattr(house, "LiveSigning", partial(house.LiveSigning, clock=self._clock))
            handlers = house.handlers(agent, bundle, self.db, spool, work=self.jobs, live=live)
        self._commander = Commander(
            self.wire,
            handlers,
            admission=house.admission(self.config, self.db),
            spool=spool,
            recall=lambda id_: recall(self.db, id_),
            remember=lambda *told: commands.remember(self.db, *told[:3], self.now(), until=told[3]),
            shown=entrance.showed,
            pair=PairingClerk(
                Office(self.config, self.db, self._write, "boot", lambda: None, self.now), SIDE_KEY.public
            ),
            now=self.now,
        )
        health = Health(at="", boot_id="boot", uptime_seconds=0, outbox_depth=0)
        self._telling = Telling(
            self.wire, door=self.porch.doorman.report, entrance=entrance, health=lambda: health, health_seconds=1e9
        )
        let_reader_in(self.db)
        self._publisher = OutboxPublisher(self.wire, unsent=None, mark_sent=None, boot_id="boot", now=self.now)
        self.porch.passed = self._telling.passed
        entrance.peers.know({side.device: SIDE_KEY.public for side in SIDES})
        entrance.peers.hear_by(self.wire, entrance.heard)

    def now(self):
        return datetime.now(UTC) + self.ahead

    def close(self):
        self.porch.doorman.close()
        self._stack.close()

    # What happens

    def says(self, topic, payload, reply_to=None, size=None):
        """A message comes; returns the results that are sent back."""
        payload = self._signed(topic, filled(payload, self._meant))
        reply = None if reply_to is None else ReplyTo(reply_to, b"7")
        self.wire.message = Incoming(topic, payload, len(payload) if size is None else size, reply_to=reply)
        self.wire.sent.clear()
        self._commander.step()
        return [Result.model_validate_json(body) for topic, body in self.wire.sent if topic.endswith("/result")]

    def _signed(self, topic, payload):
        """Whatever can be signed is: what is behind the signature is to be tried, too."""
        match TOPICS.parse(topic):
            case CommandTopic(verb):
                with suppress(ValueError):
                    return signed(TOPICS, verb, read_json(payload), self.now())
            case CredentialTopic():
                with suppress(ValueError):
                    return signed(TOPICS, "credential", read_json(payload), self.now(), READER)
        return payload

    def peer(self, topic, payload):
        payload = SIDE_SIGNER.signed(Outgoing(topic, filled(payload, self._meant))).payload
        self.wire.heard(Incoming(topic, payload, len(payload)))

    def all_online(self):
        status = Status(state="online", boot_id="b", version="1", model="m").to_json()
        for side in SIDES:
            self.peer(side.status, status)

    def _meant(self, mark):
        if mark.removeprefix("-").isdecimal():
            return (self.now() + timedelta(seconds=int(mark))).isoformat()
        kind, number = mark[:5], int(mark[5:] or 0) if mark[5:].isdecimal() else 0
        found = self.numbered() if kind == "event" else [id_ for (id_,) in self.db.rows("SELECT id FROM punches")]
        return found[-1 - number] if number < len(found) else mark

    def numbered(self):
        """The ids of all decisions and punches."""
        rows = self.db.rows("SELECT id FROM events WHERE kind IN ('access', 'attendance') ORDER BY seq")
        return [id_ for (id_,) in rows]

    def later(self, seconds):
        """The clock is another, but one that a device can have."""
        ahead = self.ahead + timedelta(seconds=seconds)
        if FIRST + timedelta(days=2) < datetime.now(UTC) + ahead < LAST - timedelta(days=2):
            self.ahead = ahead

    def types(self, line):
        self.porch._reader = SimpleNamespace(take=lambda _: line)
        self.porch.read()

    def face(self, person):
        match = Match(person or "anna", 0.7 if person else 0.2, None, 2.0)
        reason = Reason.MATCH if person else Reason.UNKNOWN
        self.porch.entrance.saw(Sighting(self.now(), "camera", 1, reason, person, match, 0.5, 2, 2, None, "as seen"))

    def forget_commands(self):
        """As after ten thousand others."""
        with self.db.transaction() as sql:
            sql.execute("DELETE FROM commands")

    def settle(self):
        """All threads do what there is to do, and what goes out is what the contract says."""
        self._drain()
        self.knowledge.soon()
        self.knowledge.look(self.porch.takers)
        self.porch.doorman.finish()
        self.porch.entrance.tick()
        self._drain()
        while store.unfinished(self.db):
            self.jobs.step()
        self._telling.door()
        self._telling._zone()
        for event in events.since(self.db, self._seen, 1000):
            self._publisher._payload(event)
            body = event_body(event, site="home", device="front", historical=False)
            EVENTS[event.kind].model_validate_json(json.dumps(body))
            self._seen = event.seq

    def _told_job(self, job):
        Progress.model_validate_json(progress(job).to_json())

    def _clock(self):
        self._ticks += 100  # nobody stands before the camera: time passes quickly
        return float(self._ticks)

    def _drain(self):
        while not self.recorder._jobs.empty():
            self.recorder.step()
            assert self.recorder.healthy

    def _write(self, change):
        self._drain()
        return change(self.db)


def ask(house, verb, **body):
    """A command, in the good."""
    fields = {"id": f"{verb}-{len(house.wire.sent)}-{house.now().timestamp():.6f}".replace(".", "_")} | body
    (result,) = house.says(TOPICS.command(verb), signed(TOPICS, verb, fields, house.now()))
    house.settle()
    return result
