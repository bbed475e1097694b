"""`latchkey admin keys rotate` where it cannot go through: nobody loses the key that devices know."""

import pytest

from agent.client import key_file
from tests.fakes.desks import Desk
from tests.fakes.devices import device
from tests.fakes.terminal import forget_logging
from tests.fakes.trust import OWNER

OK = {"ok": True, "data": {}}
REFUSED = {"ok": False, "code": "not_permitted", "message": "ben is operator, which may not ask key_rotate"}


@pytest.fixture(name="desk")
def desk_fixture(tmp_path, mosquitto, monkeypatch, capsys):
    yield Desk(tmp_path, mosquitto.port, monkeypatch, capsys)
    forget_logging()


@pytest.mark.parametrize("options", [(), ("--finish",)], ids=["alone", "with --finish"])
def test_who_may_not_keeps_their_key_and_no_other_waits(desk, mosquitto, options):
    with device(mosquitto.port, "a", key_rotate=lambda _: REFUSED):
        refused = desk("keys", "rotate", *options)
    assert refused.code == 1
    assert "(not_permitted)" in refused.out
    assert "no device has taken the new key" in refused.err
    assert "run this again" not in refused.err
    assert key_file.read(desk.profile.key_file) == OWNER
    assert not desk.profile.key_file.with_name("key.next").exists()


def test_finishing_while_all_are_away_leaves_the_key_that_they_know(desk, mosquitto):
    with device(mosquitto.port, "a") as away:
        away.status("offline")
        away.line.wait_taken()
        left = desk("keys", "rotate", "--finish")
    assert (left.code, "no device has taken the new key" in left.err) == (1, True)
    assert key_file.read(desk.profile.key_file) == OWNER
    assert desk.profile.key_file.with_name("key.next").exists()  # who is away may have taken it before


def test_finishing_does_without_who_is_away(desk, mosquitto):
    with device(mosquitto.port, "a", key_rotate=lambda _: OK), device(mosquitto.port, "b") as away:
        away.status("offline")
        away.line.wait_taken()
        done = desk("keys", "rotate", "--finish")
    assert (done.code, "your key is" in done.err) == (0, True)
    assert key_file.read(desk.profile.key_file) != OWNER
