"""`latchkey trust`: whose commands are carried out, by command."""

import pytest

from agent.trust.keys import SigningKey
from agent.trust.pairing import read_code, read_offer
from tests.fakes.terminal import Terminal, forget_logging

ANNA, BEN = SigningKey(b"a" * 32), SigningKey(b"b" * 32)


@pytest.fixture
def latchkey(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("LATCHKEY_DEVICE_KEY", raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    yield Terminal(tmp_path, monkeypatch, capsys)
    forget_logging()


def test_keys_are_added_listed_and_revoked(latchkey):
    done = latchkey("trust", "add", ANNA.public.text, "--name", "anna", "--role", "owner")
    assert (done.code, done.out) == (0, f"key {ANNA.public.id}: anna is owner\n")
    assert (
        latchkey("trust", "add", BEN.public.text, "--name", "ben", "--role", "viewer", "--json").json["name"] == "ben"
    )
    assert latchkey("trust", "revoke", BEN.public.id).out == f"key {BEN.public.id} of ben is revoked\n"
    listed = latchkey("trust", "list", "--json").json
    assert [(key["name"], key["revoked_at"] is None) for key in listed] == [("anna", True), ("ben", False)]
    assert listed[0]["added_by"].startswith("cli:")
    assert ANNA.public.id in latchkey("trust", "list").out


def test_the_last_owner_stays(latchkey):
    latchkey("trust", "add", ANNA.public.text, "--name", "anna", "--role", "owner")
    done = latchkey("trust", "revoke", ANNA.public.id)
    assert done.code == 1
    assert "anna is the only owner" in done.err


def test_without_an_owner_it_says_what_to_do(latchkey):
    latchkey("trust", "add", BEN.public.text, "--name", "ben", "--role", "viewer")
    assert "nobody owns this device yet" in latchkey("trust", "list").out


def test_the_device_s_key_is_shown_and_stays(latchkey):
    told = latchkey("trust", "device", "--json").json
    assert told == latchkey("trust", "device", "--json").json
    assert told["public"] in latchkey("trust", "device").out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("add", "AAAA", "--name", "anna", "--role", "owner"), "no public key"),
        (("add", ANNA.public.text, "--name", "Anna Weber", "--role", "owner"), "--name Anna Weber"),
        (("add", ANNA.public.text, "--name", "anna", "--role", "king"), "king"),
    ],
)
def test_what_is_no_key_is_told_without_a_traceback(latchkey, arguments, text):
    done = latchkey("trust", *arguments)
    assert done.code == 2
    assert text in done.err
    assert "Traceback" not in done.err


class TestPair:
    def test_a_code_is_shown_and_its_qr_says_where(self, latchkey):
        told = latchkey("trust", "pair", "--json").json
        assert read_offer(told["qr"]) == ("home", "door", told["code"])
        assert (told["seconds"], told["tries"]) == (900, 5)
        shown = latchkey("trust", "pair")
        assert "site home, device door, code " in shown.out
        assert read_code(shown.out.split("code ")[1].split(":")[0]) != told["code"]

    def test_with_an_owner_there_is_none(self, latchkey):
        latchkey("trust", "add", ANNA.public.text, "--name", "anna", "--role", "owner")
        done = latchkey("trust", "pair")
        assert done.code == 1
        assert "anna owns this device" in done.err

    def test_on_a_terminal_the_qr_code_is_drawn(self, latchkey, monkeypatch):
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        assert "▄" in latchkey("trust", "pair").out
