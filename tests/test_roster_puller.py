"""From an admin to devices, over a real Mosquitto: what is put arrives, once, and what is missed is caught up with."""

import json
import threading
from dataclasses import replace

import pytest

from agent.errors import CommandError, StoreFull
from agent.members.particulars import set_person
from agent.mqtt.connection import Outgoing
from agent.mqtt.settings import LinkSettings
from agent.roster import puller as puller_module
from agent.roster.client import RosterClient
from agent.roster.puller import Puller
from agent.roster.registrar import Registrar
from agent.roster.service import RosterService
from agent.store import admins, roster
from agent.store.db import open_db
from agent.store.people import get_person
from agent.trust.keys import Admin
from agent.trust.roles import Role
from tests.fakes.registers import add, audited, request
from tests.fakes.rosters import ENROLLER, NOW, SERVICE, Device, admin_body
from tests.fakes.trust import OWNER

PROTOCOLS = pytest.mark.parametrize("protocol", [5, 311])


class Running:
    """Steps things in a thread of their own until it is left."""

    def __init__(self, make):
        self._make, self._closing = make, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.made = None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._closing.set()
        self._thread.join(10)

    def _run(self):
        self.made = made = self._make()
        while not self._closing.is_set():
            made.step(0.05)
        made.close()


@pytest.fixture
def settings(mosquitto):
    return LinkSettings("127.0.0.1", mosquitto.port, reconnect_min_seconds=0.05, reconnect_max_seconds=0.1)


def service(settings, folder):
    db = open_db(folder / "roster.db")
    return Running(lambda: RosterService(settings, Registrar(db, "hq", OWNER.public, SERVICE)))


def puller(settings, device):
    return Running(
        lambda: Puller(
            settings, "hq", device.name, taking=device.taking, write=lambda change: change(device.db), db=device.db
        )
    )


@pytest.mark.parametrize("configured", ["", "mine"])
def test_no_two_of_a_machine_are_one_client_to_the_broker(settings, tmp_path, configured):
    """The broker would throw out one for the other, again and again."""
    settings, ids = replace(settings, client_id=configured), []
    with open_db(tmp_path / "roster.db") as db:
        ids.append(RosterService(settings, Registrar(db, "hq", OWNER.public, SERVICE))._line._settings.client_id)
    for name in ("roster", "a", "a-roster"):
        with Device(tmp_path, name) as device:
            ids += [puller(settings, device)._make()._line._settings.client_id, configured or f"latchkey-hq-{name}"]
    assert len(set(ids)) == (3 if configured else 7)


@PROTOCOLS
def test_what_an_admin_puts_is_in_force_at_every_device(settings, protocol, tmp_path, wait_for):
    settings = replace(settings, protocol=protocol)
    with Device(tmp_path, "front") as front, Device(tmp_path, "back") as back:
        listening = puller(settings, front), puller(settings, back)
        with service(settings, tmp_path), RosterClient(settings, "hq", OWNER) as admin, listening[0], listening[1]:
            admin.put("person/anna", {"name": "Anna", "groups": ["staff"]})
            wait_for(lambda: get_person(front.db, "anna") and get_person(back.db, "anna"))
            admin.put("person/anna", None)
            wait_for(lambda: not get_person(front.db, "anna") and not get_person(back.db, "anna"))


def test_who_was_away_reads_each_changed_object_once(settings, tmp_path, wait_for):
    with Device(tmp_path) as device, service(settings, tmp_path), RosterClient(settings, "hq", OWNER) as admin:
        with puller(settings, device):
            for person in ("anna", "ben", "carla"):
                admin.put(f"person/{person}", {"name": person})
            wait_for(lambda: device.cursor == 3)
        for badge in range(10):
            admin.put("person/anna", {"name": "anna", "badge": str(badge)})
        with puller(settings, device):
            wait_for(lambda: device.cursor == 13)
        assert get_person(device.db, "anna").badge == "9"
        assert roster.held(device.db, "person/anna").version == 11


def test_the_broker_may_go_and_come(settings, mosquitto, tmp_path, wait_for):
    admins = RosterClient(settings, "hq", OWNER)
    with Device(tmp_path) as device, service(settings, tmp_path), puller(settings, device), admins as admin:
        admin.put("person/anna", {"name": "Anna"})
        wait_for(lambda: device.cursor == 1)
        mosquitto.restart()
        wait_for(lambda: not admin._line.connected)
        wait_for(lambda: admin._line.connected)
        admin.put("person/ben", {"name": "Ben"})
        wait_for(lambda: device.cursor == 2)


def test_a_forged_head_and_noise_change_nothing(settings, tmp_path, wait_for, caplog):
    admins = RosterClient(settings, "hq", OWNER)
    with Device(tmp_path) as device, service(settings, tmp_path), puller(settings, device), admins as admin:
        admin.put("person/anna", {"name": "Anna"})
        wait_for(lambda: device.cursor == 1)
        forged = admin.head.model_copy(update={"seq": 99})
        for payload in (forged.to_json(), b"", b"{", b"\xff", b"[1]", b'{"seq": -1}'):
            admin._line.send(Outgoing("latchkey/v1/hq/@roster/head", payload))
            admin._line.send(Outgoing("latchkey/v1/hq/@roster/page/front", payload))
            admin._line.send(Outgoing("latchkey/v1/hq/@roster/put/x", payload))
            admin._line.send(Outgoing("latchkey/v1/hq/@roster/ask/x", payload))
            admin._line.send(Outgoing("latchkey/v1/hq/@roster/pull/x", payload))
        wait_for(lambda: ("roster_doubted", None) in audited(device.db))
        assert (device.cursor, roster.reading(device.db).head) == (1, 1)
        assert admin.get("person/anna").header.version == 1


def test_an_admin_sees_what_there_is_and_who_made_it(settings, tmp_path):
    with service(settings, tmp_path), RosterClient(settings, "hq", OWNER) as admin:
        admin.put(f"admin/{ENROLLER.public.id}", admin_body(ENROLLER, "erik", "enroller"))
        admin.put("person/ben", {"name": "Ben"})
        with RosterClient(settings, "hq", ENROLLER, owner=OWNER.public) as other:
            other.put("person/ben", {"name": "Ben", "badge": "7"})
            with pytest.raises(CommandError, match="erik is enroller") as refused:
                other.put("rules", {"text": ""})
            assert refused.value.code == "not_permitted"
        assert [each.header.object for _, each in admin.browse("person/")] == ["person/ben"]
        assert [row["key"] for row in admin.history("person/ben")] == [ENROLLER.public.id, OWNER.public.id]
        assert admin.get("person/ben").body == {"name": "Ben", "badge": "7"}
        assert admin.get("person/nobody") is None


class Withholding(Registrar):
    """Tells of everything, and leaves one person out."""

    def pull(self, device, payload):
        page = json.loads(super().pull(device, payload))
        page["rows"] = [row for row in page["rows"] if row[1]["object"] != "person/ben"]
        return json.dumps(page).encode()


def test_a_service_that_keeps_something_back_is_seen(settings, tmp_path, wait_for):
    db = open_db(tmp_path / "roster.db")
    hostile = Running(lambda: RosterService(settings, Withholding(db, "hq", OWNER.public, SERVICE)))
    admins = RosterClient(settings, "hq", OWNER)
    with Device(tmp_path) as device, hostile, puller(settings, device), admins as admin:
        admin.put("person/anna", {"name": "Anna"})
        wait_for(lambda: device.cursor == 1)
        admin.put("person/ben", {"name": "Ben"})
        wait_for(lambda: (roster.reading(device.db).trouble or "").startswith("withheld"))
        assert get_person(device.db, "anna")


def test_trouble_that_is_over_is_told_no_more(settings, tmp_path, wait_for):
    admins = RosterClient(settings, "hq", OWNER)
    with Device(tmp_path) as device, service(settings, tmp_path), puller(settings, device), admins as admin:
        admin.put("person/anna", {"name": "Anna"})
        wait_for(lambda: device.cursor == 1)
        good = admin.head
        forged = good.model_copy(update={"seq": 99})
        admin._line.send(Outgoing("latchkey/v1/hq/@roster/head", forged.to_json()))
        wait_for(lambda: roster.reading(device.db).trouble)
        admin._line.send(Outgoing("latchkey/v1/hq/@roster/head", good.to_json(), retain=True))
        wait_for(lambda: roster.reading(device.db).trouble is None)


def test_a_full_disk_is_tried_again(settings, tmp_path, wait_for, monkeypatch):
    monkeypatch.setattr(puller_module, "HOLD_SECONDS", 0.05)
    full = iter([True, True])

    with Device(tmp_path) as device, service(settings, tmp_path), RosterClient(settings, "hq", OWNER) as admin:

        def write(change):
            if next(full, False):
                raise StoreFull("no room")
            return change(device.db)

        def make():
            return Puller(settings, "hq", "front", taking=device.taking, write=write, db=device.db)

        admin.put("person/anna", {"name": "Anna"})
        with Running(make):
            wait_for(lambda: get_person(device.db, "anna"), seconds=20)


def test_what_was_not_in_force_is_tried_again_by_and_by(settings, tmp_path, wait_for, monkeypatch):
    monkeypatch.setattr(puller_module, "AGAIN_SECONDS", 0.05)
    admins = RosterClient(settings, "hq", OWNER)
    with Device(tmp_path) as device, service(settings, tmp_path), admins as admin:
        add(device.db, "local")
        set_person(device.db, "local", {"badge": "7"}, request())
        with puller(settings, device):
            admin.put("person/anna", {"name": "Anna", "badge": "7"})
            wait_for(lambda: roster.count_problems(device.db) == 1)
            set_person(device.db, "local", {"badge": None}, request())
            wait_for(lambda: roster.count_problems(device.db) == 0)


@pytest.mark.parametrize("certified", [False, True], ids=["whatever key its service has", "its service by the owner"])
def test_a_device_that_gets_its_owner_later_takes_what_it_could_not_believe(settings, certified, tmp_path, wait_for):
    with Device(tmp_path, owner=None) as front, service(settings, tmp_path):
        with RosterClient(settings, "hq", OWNER) as admin:
            if certified:
                admin.put("service", {"public": SERVICE.public.text})
            admin.put("person/anna", {"name": "Anna"})
        with puller(settings, front):
            told = ("roster_doubted", None) if certified else ("roster_refused", "anna")
            wait_for(lambda: told in audited(front.db))
            admins.add(front.db, Admin(OWNER.public, "olga", Role.OWNER), NOW, "pairing")
            wait_for(lambda: get_person(front.db, "anna") is not None)
            wait_for(lambda: roster.count_problems(front.db) == 0)
