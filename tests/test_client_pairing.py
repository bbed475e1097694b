"""Becoming the first owner: with the code, and with nobody in between."""

import threading

import pytest

from agent.client import Admin, NoAnswer, Profile, Untrusted, known
from agent.client.pairing import HEARS, pair
from agent.errors import CommandError
from agent.mqtt.line import Line
from agent.mqtt.settings import LinkSettings
from agent.trust.keys import SigningKey, packed
from agent.trust.pairing import Transcript, new_nonce, offer, stretched
from agent.trust.statement import canonical, read_json
from tests.fakes.desks import Desk
from tests.fakes.terminal import forget_logging
from tests.fakes.trust import OWNER

CODE, KEY, LIAR = "7K3M9PXA2C", SigningKey(bytes([7]) * 32), SigningKey(bytes([8]) * 32)
PREFIX = "latchkey/v1/hq/front"


class Terminal:
    """The device's side, as deploy/MQTT.md has it."""

    def __init__(self, port, key=KEY, *, lie=None):
        self.nonce, self.key, self.lie, self.owner = packed(new_nonce()), key, lie, None
        self.line = Line(LinkSettings("127.0.0.1", port), [f"{PREFIX}/pair"], self._hear)

    def _hear(self, message):
        body = read_json(message.payload)
        answer = self._second(body) if "proof" in body else {"ok": True, "nonce": self.nonce, "public": self._public}
        self.line.send(f"{PREFIX}/pair/{body['id']}/answer", canonical({"id": body["id"]} | answer))

    @property
    def _public(self):
        return (self.lie or self.key).public.text

    def _second(self, body):
        from agent.trust.keys import unpacked

        secret = stretched(CODE, unpacked(self.nonce, 16))
        said = Transcript("hq", "front", self.nonce, self.key.public.text, body["nonce"], body["public"], body["name"])
        if not said.proves(body["proof"], secret, "admin"):
            return {"ok": False, "code": "bad_pairing", "message": "that is not the code: 4 tries are left"}
        self.owner = body["public"]
        return {"ok": True, "proof": said.proof(secret, "device")}


@pytest.fixture(name="profile")
def profile_fixture(tmp_path, mosquitto):
    broker = {"host": mosquitto.host, "port": mosquitto.port, "tls": False}
    return Profile.make(tmp_path / "admin", {"site": "hq", "name": "anna", "broker": broker})


@pytest.fixture
def terminal(mosquitto):
    made = Terminal(mosquitto.port)
    with made.line:
        made.line.wait_ready()
        yield made


def test_both_know_each_other_afterwards(profile, terminal):
    with Admin(profile, OWNER, hears=[HEARS]) as admin:
        assert pair(admin, "front", "7k3m9-pxa2c") == KEY.public
    assert terminal.owner == OWNER.public.text
    assert known.read(profile.devices_file) == {"hq/front": KEY.public}


def test_a_wrong_code(profile, terminal):
    with Admin(profile, OWNER, hears=[HEARS]) as admin:
        with pytest.raises(CommandError, match="front: that is not the code: 4 tries are left"):
            pair(admin, "front", "7K3M9PXA2D")
        with pytest.raises(CommandError, match="a pairing code has 10 letters"):
            pair(admin, "front", "short")
    assert (terminal.owner, known.read(profile.devices_file)) == (None, {})


def test_somebody_in_between_who_gives_a_key_of_its_own(profile, terminal):
    terminal.lie = LIAR
    with Admin(profile, OWNER, hears=[HEARS]) as admin, pytest.raises(CommandError, match="not the code"):
        pair(admin, "front", CODE)
    assert (terminal.owner, known.read(profile.devices_file)) == (None, {})


def test_somebody_in_between_who_says_that_it_is_done(profile, terminal):
    terminal._second = lambda _: {"ok": True, "proof": packed(bytes(32))}
    with Admin(profile, OWNER, hears=[HEARS]) as admin, pytest.raises(Untrusted, match="somebody is in between"):
        pair(admin, "front", CODE)
    assert known.read(profile.devices_file) == {}


def test_nobody_answers(profile):
    with Admin(profile, OWNER, hears=[HEARS]) as admin, pytest.raises(NoAnswer, match="shows it a code"):
        pair(admin, "front", CODE, wait_seconds=0.3)


@pytest.mark.parametrize("greeting", [{}, {"nonce": "x", "public": "y"}, {"nonce": 1, "public": 2}])
def test_a_greeting_that_is_none(profile, terminal, greeting):
    terminal._hear = None
    said = threading.Event()

    def hear(message):
        said.set()
        id_ = read_json(message.payload)["id"]
        terminal.line.send(f"{PREFIX}/pair/{id_}/answer", canonical({"id": id_, "ok": True} | greeting))

    terminal.line._heard = hear
    with Admin(profile, OWNER, hears=[HEARS]) as admin, pytest.raises(CommandError, match="front: "):
        pair(admin, "front", CODE, wait_seconds=2)
    assert said.is_set()


def test_the_command(tmp_path, mosquitto, monkeypatch, capsys, terminal):
    desk = Desk(tmp_path, mosquitto.port, monkeypatch, capsys)
    done = desk("pair", "front", CODE)
    assert (done.code, f"known by key {KEY.public.id}" in done.out) == (0, True)
    assert desk("pair", offer("hq", "front", CODE), "--json").json["public"] == KEY.public.text
    for wrong, said in ((offer("other", "front", CODE), "a device of site other"), ("latchkey:x", "not the QR code")):
        refused = desk("pair", wrong)
        assert (refused.code, said in refused.err) == (1, True)
    forget_logging()
