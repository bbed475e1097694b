"""Journeys through several parts of one device: what each does alone is tested beside it."""

from datetime import UTC, datetime, timedelta

import pytest

from agent import pairing
from agent.app import Agent
from agent.audit import audit
from agent.backup import restoring, staging
from agent.backup.making import back_up
from agent.backup.stream import Opened
from agent.config import load_config
from agent.device_key import device_key
from agent.health import HealthCheck
from agent.mqtt.message import Code
from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import Topics
from agent.privacy.retention import carry_out
from agent.register import Request
from agent.roster.tally import Tally
from agent.seal import key_file
from agent.seal.keyring import key_path
from agent.store import audit as chain
from agent.store import events, roster
from agent.store.db import open_db
from agent.store.people import list_people
from agent.trust.keys import SigningKey
from agent.trust.pairing import Suitor
from tests.fakes.agents import Terminals, empty_stage
from tests.fakes.keys import KEY
from tests.fakes.rosters import NOW, SERVICE, Book, Device, admin_body, document, serving
from tests.fakes.trust import OWNER
from tests.test_agent_trust import pair
from tests.test_backup import OWNER as BACKUP_KEY

TOPICS = Topics("home", "door")
BEN = SigningKey(b"b" * 32)
REQUEST = Request("cli", NOW, "boot")


@pytest.fixture
def settings(mosquitto):
    return LinkSettings("127.0.0.1", mosquitto.port)


@pytest.fixture
def served(settings, tmp_path):
    """A roster of the site "home", which OWNER owns."""
    with serving(settings, "home", tmp_path / "roster.db") as client:
        yield client


def paired(config, client):
    """The device's first owner is who holds the client's key, by the code on its screen."""
    with open_db(config.database_path) as db:
        code = pairing.begin(db, config, Request("cli:root", datetime.now(UTC), "cli"))
    suitor = Suitor(code, "home", "door", public=OWNER.public, name="olga")
    answer = pair(client, **suitor.claim(pair(client).model_dump()))
    assert suitor.device_key(answer.model_dump()) == device_key(config).public


def unlock(client):
    return client.request("unlock", not_after=datetime.now(UTC) + timedelta(seconds=20))


def test_a_device_is_paired_follows_its_owner_s_roster_and_a_key_of_it_unlocks(
    tmp_path, monkeypatch, settings, served, wait_for
):
    empty_stage(monkeypatch).goes_on = True
    reach = {"mqtt__enabled": True, "mqtt__host": "127.0.0.1", "mqtt__port": settings.port}
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "s").touch()  # the clock is right
    config = Terminals(tmp_path, monkeypatch)(
        **reach, trust__owner="", roster__enabled=True, mqtt__remote_unlock=True, camera__as_fast_as_possible=False
    )
    served.put("service", {"public": SERVICE.public.text})
    served.put("person/anna", {"name": "Anna"})
    served.put(f"admin/{BEN.public.id}", admin_body(BEN, "ben", "operator"))
    with Agent(config) as agent, Remote(settings, TOPICS, OWNER) as owner, Remote(settings, TOPICS, BEN) as ben:
        agent.look()
        owner.wait_ready()
        ben.wait_ready()
        assert (owner.request("ping").code, unlock(ben).code) == (Code.UNKNOWN_KEY, Code.UNKNOWN_KEY)
        paired(config, owner)
        wait_for(lambda: owner.request("roster").data["objects"] == {"admin": 1, "person": 1, "service": 1}, seconds=20)
        assert [each["id"] for each in owner.request("list").data["people"]] == ["anna"]
        assert unlock(ben).ok
        served.put(f"admin/{BEN.public.id}", admin_body(BEN, "ben", "operator", revoked=True))
        wait_for(lambda: unlock(ben).code == Code.UNKNOWN_KEY, seconds=20)


class TestBackup:
    def test_a_restored_device_catches_up_with_the_roster_and_nobody_comes_back(self, tmp_path):
        with open_db(tmp_path / "roster.db") as db:
            book = Book(db)
            book.kept(document("person/anna"), document("person/ben"))
            with Device(tmp_path) as front:
                key_file.write(key_path(front.config), KEY)
                own = device_key(front.config).public
                front.read(book)
                options = {"configuration": None, "file": tmp_path / "front.backup", "to": BACKUP_KEY.recipient}
                back_up(front.db, front.config, **options, at=NOW)
                book.kept(document("person/ben", 2, gone=True), document("person/cora"))
                front.read(book)
                with (tmp_path / "front.backup").open("rb") as source:
                    staging.stage(Opened(source, BACKUP_KEY), front.config, None, REQUEST)
            restoring.finish(front.config, None)
            with Device(tmp_path) as front:
                assert device_key(front.config).public == own
                assert [person.id for person in list_people(front.db)] == ["anna"]  # ben stays forgotten
                assert front.read(book) == 2
                assert [person.id for person in list_people(front.db)] == ["anna", "cora"]
                assert Tally.read(roster.reading(front.db).tally).text == book.head().tally
                assert chain.verify(front.db) is None


def test_what_a_collector_has_is_pruned_what_it_has_not_stays_and_the_audit_is_whole(tmp_path):
    years = timedelta(days=3000)
    with Device(tmp_path) as front:
        audit(front.db, "enrolled", "anna", REQUEST)
        for number in range(4):
            events.append(front.db, "access", NOW, "boot", {"n": number})
        events.mark_published(front.db, range(1, 6), NOW)
        assert events.mark_acknowledged(front.db, [(1, 3)], NOW) == 3
        carry_out(front.db, front.config, NOW + years, Request("retention", NOW + years, "boot"))
        kept = [event.seq for event in events.since(front.db, 0, 100) if event.kind == "access"]
        assert kept == [4, 5]
        assert chain.verify(front.db) is None


def test_health_tells_all_that_it_can(tmp_path, certificates):
    """Every field that a device has on a laptop; the rest is asked of a Pi."""
    ours = certificates.client
    files = {"mqtt.tls.ca": ours.ca, "mqtt.tls.cert": ours.cert, "mqtt.tls.key": ours.key}
    config = load_config(
        None, {"device.data_dir": tmp_path, "roster.enabled": True, "mqtt.tls.enabled": True} | files, {}
    )
    with open_db(config.database_path) as db:
        audit(db, "enrolled", "anna", REQUEST)
        events.append(db, "access", NOW, "boot", {})
        check = HealthCheck(config, db, boot_id="boot")
        told = check.look(frames=1, dropped=0, people=1, templates=1, acks_refused=0)
    missing = {name for name, value in told.model_dump().items() if value is None}
    assert missing <= {"temperature_celsius", "throttled", "device_key", "signature"}
    assert told.certificate_days == 0  # they are made for a day
