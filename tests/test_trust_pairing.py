"""A device and its first owner learn each other's keys, and nobody in between can replace either."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import admins, pairing
from agent.config import load_config
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.mqtt.pair import PairMessage
from agent.register import Request
from agent.store import pairing as stored
from agent.store.db import open_db
from agent.trust.keys import Admin, SigningKey, packed
from agent.trust.pairing import (
    ALPHABET,
    LIFETIME,
    TRIES,
    Suitor,
    Transcript,
    new_code,
    offer,
    read_code,
    read_offer,
    spoken,
    stretched,
)
from agent.trust.roles import Role
from tests.fakes.registers import audited

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
ANNA, EVE, DEVICE, OTHER = (SigningKey(bytes([number]) * 32) for number in (1, 2, 3, 4))


class Door:
    """The device's side, over a real database; messages are JSON, as on the wire."""

    def __init__(self, folder, db, **config):
        self.db, self.now = db, NOW
        self.config = load_config(None, {"device.data_dir": folder, **config}, {})

    def begin(self):
        return pairing.begin(self.db, self.config, self._request("cli:root"))

    def hear(self, body):
        message = PairMessage.model_validate_json(json.dumps({"id": "p1", **body}))
        if message.greets:
            return pairing.greet(self.db, self.config, DEVICE.public, self.now)
        return pairing.claim(self.db, self.config, DEVICE.public, message, self._request("mqtt"))

    def owners(self):
        return [owner.name for owner in admins.owners(self.db, self.config)]

    def _request(self, by):
        return Request(by, self.now, "boot")


@pytest.fixture
def door(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        yield Door(tmp_path, db)


def suitor(code, key=ANNA, name="anna"):
    return Suitor(code, "home", "door", public=key.public, name=name)


def refused(code):
    return pytest.raises(CommandError, check=lambda error: error.code == code)


def test_both_learn_the_other_s_key(door):
    anna = suitor(door.begin())
    answer = door.hear(anna.claim(door.hear({})))
    assert anna.device_key(answer) == DEVICE.public
    assert door.owners() == ["anna"]
    assert audited(door.db) == [("pairing_begun", None), ("paired", ANNA.public.id)]


def test_the_code_is_nowhere_in_the_database(door):
    code = door.begin()
    assert code.encode() not in door.db.path.read_bytes() + door.db.path.with_name("latchkey.db-wal").read_bytes()


def test_there_is_no_second_pairing(door):
    anna = suitor(door.begin())
    claim = anna.claim(door.hear({}))
    door.hear(claim)
    with refused(Code.NO_PAIRING):
        door.hear(claim)
    with refused(Code.NO_PAIRING):
        door.hear({})
    with pytest.raises(CommandError, match="anna owns this device"):
        door.begin()


def test_a_device_with_an_owner_in_its_configuration_is_not_paired(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db, refused(Code.NOT_ALLOWED):
        Door(tmp_path, db, **{"trust.owner": ANNA.public.text}).begin()


def test_five_wrong_codes_end_it_also_for_who_has_the_right_one(door):
    code = door.begin()
    wrong = "0" * 10 if code != "0" * 10 else "1" * 10
    anna, eve = suitor(code), suitor(wrong, EVE, "eve")
    for left in range(TRIES - 1, -1, -1):
        with pytest.raises(CommandError, match=f"{left} tries are left"):
            door.hear(eve.claim({"nonce": packed(stored.load(door.db).nonce), "public": DEVICE.public.text}))
    with refused(Code.NO_PAIRING):
        door.hear(anna.claim({"nonce": packed(bytes(16)), "public": DEVICE.public.text}))
    assert door.owners() == []
    assert [action for action, _ in audited(door.db)] == ["pairing_begun"] + ["pairing_refused"] * TRIES


def test_an_owner_who_is_added_on_the_device_meanwhile_ends_it(door):
    anna = suitor(door.begin())
    claim = anna.claim(door.hear({}))
    admins.add(door.db, door.config, Admin(EVE.public, "berta", Role.OWNER), Request("cli:root", NOW, "boot"))
    for message in ({}, claim):
        with refused(Code.NO_PAIRING):
            door.hear(message)
    assert door.owners() == ["berta"]


def test_a_code_ends(door):
    anna = suitor(door.begin())
    claim = anna.claim(door.hear({}))
    door.now = NOW + LIFETIME + timedelta(seconds=1)
    with refused(Code.NO_PAIRING):
        door.hear(claim)
    door.now = NOW - timedelta(seconds=1)  # a clock that was set back makes it no longer
    with refused(Code.NO_PAIRING):
        door.hear({})


def test_a_new_code_ends_the_one_before(door):
    anna = suitor(door.begin())
    claim = anna.claim(door.hear({}))
    door.begin()
    with refused(Code.WRONG_CODE):
        door.hear(claim)


class TestSomebodyInBetween:
    def test_cannot_put_a_key_in_the_place_of_the_admin_s(self, door):
        anna = suitor(door.begin())
        with refused(Code.WRONG_CODE):
            door.hear(anna.claim(door.hear({})) | {"public": EVE.public.text})

    def test_cannot_put_a_key_in_the_place_of_the_device_s(self, door):
        anna = suitor(door.begin())
        with refused(Code.WRONG_CODE):
            door.hear(anna.claim(door.hear({}) | {"public": EVE.public.text}))
        assert door.owners() == []

    def test_cannot_answer_for_the_device(self, door):
        code = door.begin()
        anna = suitor(code)
        claim = anna.claim(door.hear({}) | {"public": EVE.public.text})
        for proof in (claim["proof"], packed(bytes(32))):  # its own proof sent back, or one that is made up
            with pytest.raises(ValueError, match="somebody is in between"):
                anna.device_key({"proof": proof})
        with pytest.raises(ValueError, match="somebody is in between"):
            anna.device_key({})

    def test_cannot_change_the_name_or_a_nonce(self, door):
        anna = suitor(door.begin())
        claim = anna.claim(door.hear({}))
        for change in ({"name": "eve"}, {"nonce": packed(bytes(16))}):
            with refused(Code.WRONG_CODE):
                door.hear(claim | change)

    def test_cannot_send_it_to_another_device(self, door, tmp_path):
        anna = suitor(code := door.begin())
        claim = anna.claim(door.hear({}))
        with open_db(tmp_path / "other.db") as db:
            other = Door(tmp_path, db, **{"device.name": "side"})
            stored.save(db, replace(stored.load(door.db)))
            assert code
            with refused(Code.WRONG_CODE):
                other.hear(claim)


def test_a_key_or_a_name_that_was_here_before_does_not_come_back(door):
    anna = suitor(door.begin())
    door.hear(anna.claim(door.hear({})))
    door.db.sql.execute("UPDATE admins SET revoked_at = added_at")
    code = door.begin()
    for key, name, why in ((ANNA, "berta", Code.KEY_TAKEN), (EVE, "anna", Code.NAME_TAKEN)):
        again = suitor(code, key, name)
        with refused(why):
            door.hear(again.claim(door.hear({})))


def test_a_proof_is_of_one_side():
    said = Transcript("home", "door", "a", "b", "c", "d", "anna")
    assert said.proves(said.proof(b"s", "admin"), b"s", "admin")
    assert not said.proves(said.proof(b"s", "admin"), b"s", "device")
    assert not said.proves("ä", b"s", "device")


@pytest.mark.parametrize("greeting", [{}, {"nonce": 7, "public": "x"}, {"nonce": "AAAA", "public": ANNA.public.text}])
def test_what_is_no_greeting_is_refused(greeting):
    with pytest.raises(ValueError, match=r"no nonce|want 16 bytes"):
        suitor("0" * 10).claim(greeting)


def test_a_code_has_fifty_bits_and_is_read_as_people_write():
    code = new_code()
    assert len(code) == 10
    assert set(code) <= set(ALPHABET)
    assert len(ALPHABET) == 32
    assert read_code(f" {spoken(code).lower()} ") == code
    assert read_code("olI00-00000") == "0110000000"


@given(st.text(max_size=30))
def test_whatever_is_typed_is_a_code_or_refused(text):
    try:
        assert len(read_code(text)) == 10
    except ValueError as error:
        assert "a pairing code has 10 letters and digits" in str(error)  # noqa: PT017


def test_a_qr_code_says_site_device_and_code():
    assert read_offer(offer("hq", "front:door", "7K3M9PXA2C")) == ("hq", "front:door", "7K3M9PXA2C")
    with pytest.raises(ValueError, match="not the QR code of a pairing"):
        read_offer("https://example.org")


def test_a_nonce_makes_another_secret_of_a_code():
    assert stretched("0" * 10, bytes(16)) != stretched("0" * 10, b"1" * 16)
