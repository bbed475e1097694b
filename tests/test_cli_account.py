"""`latchkey account`: asked on a terminal, or by a file; what is secret is printed once, and never an argument."""

import io
import re
import sys
from datetime import UTC, datetime

import pyotp
import pytest

from agent.store import accounts, events
from agent.store.db import open_db
from tests.fakes.accounts import PASSWORD, WRONG_CODE
from tests.fakes.terminal import Terminal, forget_logging


class Person:
    """Types what is asked for: looks at what was shown, and at the app."""

    def __init__(self, capsys, *lines):
        self.capsys, self.lines, self.shown = capsys, list(lines), ""

    def readline(self, *_):
        self.shown += self.capsys.readouterr().err
        line = self.lines.pop(0) if self.lines else ""
        if line == "code":
            secret = re.findall(r"secret=([A-Z2-7]+)", self.shown)[-1]
            line = pyotp.TOTP(secret).at(datetime.now(UTC))
        return f"{line}\n" if line else ""


@pytest.fixture
def latchkey(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("LATCHKEY_SITE_KEY", raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    yield Terminal(tmp_path, monkeypatch, capsys)
    forget_logging()


@pytest.fixture
def typing(monkeypatch, capsys):
    def types(*lines):
        person = Person(capsys, *lines)
        monkeypatch.setattr(sys, "stdin", person)
        return person

    return types


@pytest.fixture
def annika(latchkey, typing):
    typing(PASSWORD, "code")
    done = latchkey("account", "add", "annika", "--role", "owner", "--password-file", "-")
    assert done.code == 0, done.err
    return done


def kept(latchkey, name="annika"):
    with open_db(latchkey.database) as db:
        return accounts.find(db, name)


def test_one_is_added_and_the_recovery_codes_are_shown(latchkey, typing):
    person = typing(PASSWORD, "code")
    done = latchkey("account", "add", "annika", "--role", "owner", "--password-file", "-")
    assert done.code == 0, done.err
    assert done.out.startswith("annika may sign in to the admin page, as owner\n8 recovery codes")
    assert len(re.findall(r"^  [0-9A-Z]{5}-[0-9A-Z]{5}$", done.out, re.MULTILINE)) == 8
    assert "otpauth://totp/Latchkey:annika%40door.home?secret=" in person.shown
    assert PASSWORD not in done.out + person.shown + done.err
    (told,) = latchkey("account", "list", "--json").json
    assert (told["name"], told["role"], told["second_factor"], told["recovery_codes"]) == ("annika", "owner", True, 8)
    assert "annika" in latchkey("account", "list").out


def test_the_password_may_stand_in_a_file_and_the_answer_is_for_programs(latchkey, typing, tmp_path):
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    person = typing(WRONG_CODE, "code")
    done = latchkey("account", "add", "ben", "--role", "viewer", "--password-file", tmp_path / "password", "--json")
    assert (done.code, done.json["name"], len(done.json["recovery_codes"])) == (0, "ben", 8)
    assert "that is not the code of now" in person.shown


@pytest.mark.parametrize(
    ("lines", "arguments", "told"),
    [
        pytest.param(("short",), ("ben", "--role", "viewer"), "has 5 characters", id="a short password"),
        pytest.param(("password password",), ("ben", "--role", "viewer"), "everybody tries", id="a common one"),
        pytest.param((), ("ben", "--role", "viewer"), "stdin holds no password", id="none"),
        pytest.param((PASSWORD,), ("ben", "--role", "viewer"), "no code was given", id="no code"),
        pytest.param((PASSWORD, "1", "2", "3"), ("ben", "--role", "viewer"), "not the code of now", id="wrong ones"),
        pytest.param((PASSWORD, "code"), ("Ben", "--role", "viewer"), "is no name", id="no name"),
        pytest.param((PASSWORD, "code"), ("ben", "--role", "reader"), "is no role of a person", id="no person"),
    ],
)
def test_what_does_not_do_is_told_and_nothing_is_kept(latchkey, typing, lines, arguments, told):
    typing(*lines)
    done = latchkey("account", "add", *arguments, "--password-file", "-")
    assert (done.code, told in done.err) == (1, True), done.err
    assert "Traceback" not in done.err
    assert latchkey("account", "list", "--json").json == []


def test_it_is_asked_twice_without_an_echo(latchkey, monkeypatch):
    asked = iter([PASSWORD, f"{PASSWORD}!"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(asked))
    done = latchkey("account", "add", "annika", "--role", "owner")
    assert (done.code, "that was another password" in done.err) == (1, True)


def test_a_file_that_is_not_there_is_told(latchkey, tmp_path):
    done = latchkey("account", "add", "annika", "--role", "owner", "--password-file", tmp_path / "none")
    assert (done.code, "cannot read the password: No such file" in done.err) == (2, True)


def test_the_last_owner_stays_and_another_lets_it_go(latchkey, typing, annika):
    for command in (("remove", "annika"), ("disable", "annika"), ("role", "annika", "viewer")):
        done = latchkey("account", *command)
        assert (done.code, "annika is the only owner" in done.err) == (1, True)
    typing(PASSWORD, "code")
    assert latchkey("account", "add", "ben", "--role", "owner", "--password-file", "-").code == 0
    assert latchkey("account", "role", "annika", "viewer").out == "annika is viewer\n"
    assert latchkey("account", "disable", "annika").out == "annika may not sign in\n"
    assert latchkey("account", "enable", "annika", "--json").json["disabled_at"] is None
    assert latchkey("account", "remove", "annika").out == "annika is removed\n"
    assert kept(latchkey) is None
    with open_db(latchkey.database) as db:
        done = [event.body["action"] for event in events.since(db, 0, 100)]
    assert done == ["account_added"] * 2 + ["account_changed"] * 3 + ["account_removed"]


def test_password_second_factor_and_recovery_codes_are_renewed(latchkey, typing, annika):
    before = kept(latchkey)
    typing("wool crane mint ladder")
    assert latchkey("account", "password", "annika", "--password-file", "-").out == "annika has another password\n"
    typing("code")
    done = latchkey("account", "second-factor", "annika", "--json")
    after = kept(latchkey)
    assert (after.password != before.password, after.secret != before.secret) == (True, True)
    codes = latchkey("account", "recovery-codes", "annika", "--json").json["recovery_codes"]
    assert not set(codes) & set(done.json["recovery_codes"])


@pytest.mark.parametrize("command", ["password", "second-factor", "recovery-codes", "enable", "disable", "remove"])
def test_an_account_that_there_is_not_is_told_before_anything_is_asked(latchkey, monkeypatch, annika, command):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    done = latchkey("account", command, "ben")
    assert (done.code, done.err) == (1, "latchkey: there is no account 'ben': see latchkey account list\n")


def test_a_key_that_is_lost_takes_the_second_factors_and_says_so(latchkey, typing, annika):
    (latchkey.folder / "data" / "site.key").unlink()
    done = latchkey("keys", "create", "--replace-lost", "--yes")
    assert "1 account without a second factor now: latchkey account second-factor NAME" in done.out
    assert "missing" in latchkey("account", "list").out
    typing("code")
    assert latchkey("account", "second-factor", "annika").code == 0


class TestScreens:
    def test_a_link_is_printed_and_the_screen_is_listed_and_removed(self, latchkey):
        sets = ("--set", "web.host=192.0.2.7", "--set", "web.port=8443")
        done = latchkey("account", "screen", "lobby", *sets)
        assert re.fullmatch(r"https://192\.0\.2\.7:8443/kiosk#screen=[\w-]{43}\n", done.out)
        told = latchkey("account", "screen", "lobby", "--json", *sets).json
        assert (told["name"], told["seconds"]) == ("lobby", 86_400)
        assert [(each["name"], each["opened"]) for each in latchkey("account", "screens", "--json").json] == [
            ("lobby", False)
        ]
        assert "lobby" in latchkey("account", "screens").out
        assert latchkey("account", "screen", "lobby", "--remove").out == "lobby shows nothing more\n"
        assert latchkey("account", "screen", "lobby", "--remove", "--json").code == 1

    @pytest.mark.parametrize(
        ("sets", "where"),
        [
            (("web.host=2001:db8::7",), "https://[2001:db8::7]:8080/"),
            (("web.host=0.0.0.0", 'admin.names=["front.lan"]'), "https://front.lan:8080/"),
        ],
    )
    def test_the_link_is_for_a_name_that_a_browser_knows(self, latchkey, sets, where):
        given = [word for each in sets for word in ("--set", each)]
        assert latchkey("account", "screen", "lobby", *given).out.startswith(where)

    def test_on_this_machine_none_is_needed(self, latchkey):
        done = latchkey("account", "screen", "lobby")
        assert (done.code, "on this machine alone" in done.err) == (1, True)


@pytest.mark.parametrize(
    "command",
    [
        ("account", "disable", "\udcff"),
        ("account", "screen", "\udcff", "--remove"),
        ("people", "remove", "\udcff", "--yes"),
        ("people", "list", "--search", "\udcff"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_what_is_no_utf8_is_said(latchkey, annika, command):
    done = latchkey(*command)
    assert done.code in {1, 2}
    assert "no UTF-8" in done.err
    assert "Traceback" not in done.err


def test_a_code_that_is_no_utf8_is_asked_for_again(latchkey, typing):
    typing(PASSWORD, "\udcff23456", "code")
    done = latchkey("account", "add", "annika", "--role", "owner", "--password-file", "-")
    assert done.code == 0, done.err
