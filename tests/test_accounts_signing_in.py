"""Signing in over a real database: what is right, what is not, and what it costs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agent.accounts import changes, passwords, signing_in
from agent.accounts.passwords import NOBODY
from agent.accounts.signing_in import Attempt
from agent.errors import SignInRefused
from agent.store import accounts as store
from agent.store import events, sign_ins
from agent.store.db import open_db
from agent.trust.roles import Role
from tests.fakes.accounts import HASH, NOW, PASSWORD, WRONG_CODE, account, asks, shown
from tests.fakes.keys import KEY

HOME = "192.0.2.7"
OTHER = "lamp tram quiet oat"


class Page:
    """Somebody at the sign-in of a device; the clock is set by hand."""

    def __init__(self, db):
        self.db, self.now = db, NOW
        self.secret, self.codes = account(db)
        self.hashed = []

    def tries(self, name="annika", password=PASSWORD, code=..., address=HOME):
        typed = shown(self.secret, self.now) if code is ... else code
        attempt = Attempt(name, password, typed, address)
        request = asks(self.now, by="page")
        return signing_in.sign_in(self.db, lambda change: change(self.db), attempt, request)

    def refused(self, **typed):
        with pytest.raises(SignInRefused) as error:
            self.tries(**typed)
        return error.value.code, error.value.retry_seconds

    def later(self, **time):
        self.now += timedelta(**time)


@pytest.fixture
def page(tmp_path, monkeypatch):
    with open_db(tmp_path / "latchkey.db", key=KEY) as db:
        made = Page(db)
        real = passwords.is_password

        def counted(password, kept):
            made.hashed.append(kept)
            return kept != NOBODY and real(password, kept)

        monkeypatch.setattr(passwords, "is_password", counted)
        monkeypatch.setattr(passwords, "is_dated", lambda kept: False)
        yield made


def actions(page):
    return [event.body for event in events.since(page.db, 0, 1000) if event.body["action"].startswith("sign")]


def test_name_password_and_code_let_in_and_are_told(page):
    found = page.tries()
    assert (found.name, found.role, found.signed_in_at) == ("annika", Role.OWNER, NOW)
    (told,) = actions(page)
    assert (told["action"], told["by"]) == ("signed_in", "page:annika")
    assert told["details"] == {"account": "annika", "address": HOME}
    assert store.find(page.db, "annika") == found


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param({"password": OTHER}, id="another password"),
        pytest.param({"password": ""}, id="no password"),
        pytest.param({"password": "x" * 100_000}, id="a long password"),
        pytest.param({"code": WRONG_CODE}, id="another code"),
        pytest.param({"code": ""}, id="no code"),
        pytest.param({"code": "AAAAA-AAAAA"}, id="another recovery code"),
        pytest.param({"name": "ben"}, id="another name"),
        pytest.param({"name": "Annika"}, id="in capitals"),
        pytest.param({"name": "' OR 1=1 --"}, id="no name at all"),
    ],
)
def test_with_one_of_them_wrong_nobody_is_let_in_and_it_is_not_said_which(page, typed):
    assert page.refused(**typed) == ("wrong", 0)
    assert actions(page) == []


def test_a_name_that_nobody_has_costs_the_same(page):
    page.refused(password=OTHER)
    page.refused(name="ben")
    assert page.hashed == [HASH, NOBODY]
    assert page.db.rows("SELECT count(*) FROM sign_in_failures") == [(3,)]  # two names, one address


def test_a_code_counts_once(page):
    page.tries()
    assert page.refused() == ("wrong", 0)
    page.later(seconds=30)
    page.tries()


def test_a_recovery_code_counts_once_and_what_is_left_is_told(page):
    page.tries(code=page.codes[3].lower())
    assert actions(page)[-1]["details"]["recovery_codes_left"] == 7
    assert page.refused(code=page.codes[3]) == ("wrong", 0)
    page.tries(code=page.codes[4])


def test_after_five_failures_nothing_is_computed_and_it_says_when_to_try_again(page):
    for _ in range(4):
        assert page.refused(code=WRONG_CODE) == ("wrong", 0)
    assert page.refused(code=WRONG_CODE) == ("wrong", 30)
    page.hashed.clear()
    assert page.refused() == ("locked", 30)
    page.later(seconds=20)
    assert page.refused() == ("locked", 10)
    assert page.hashed == []
    page.later(seconds=10)
    assert page.refused(code=WRONG_CODE) == ("wrong", 60)
    page.later(seconds=60)
    page.tries()
    for _ in range(4):
        assert page.refused(code=WRONG_CODE) == ("wrong", 0)


def test_a_name_that_nobody_has_is_locked_as_well(page):
    answers = [[page.refused(name=name, code="0", address=address) for _ in range(6)]
               for name, address in (("annika", "192.0.2.8"), ("ben", "192.0.2.9"))]  # fmt: skip
    assert answers[0] == answers[1]


def test_somebody_else_locks_nobody_out_who_knows_password_and_code(page):
    for _ in range(6):
        page.refused(code=WRONG_CODE, address="198.51.100.1")
        page.later(hours=1)
    assert page.refused(address="198.51.100.1", code=WRONG_CODE)[0] == "wrong"
    assert page.refused(address="198.51.100.1")[0] == "locked"
    assert page.tries().name == "annika"


def test_many_addresses_run_out_but_not_for_where_somebody_signed_in_before(page):
    page.tries()
    page.later(minutes=1)
    for number in range(25):
        assert page.refused(code=WRONG_CODE, address=f"198.51.100.{number}")[0] == "wrong"
    assert page.refused(address="203.0.113.1") == ("locked", 3600)
    assert page.tries().name == "annika"


def test_many_names_from_one_address_are_locked(page):
    for number in range(5):
        page.refused(name=f"n{number}")
    assert page.refused() == ("locked", 30)
    assert page.tries(address="203.0.113.1").name == "annika"


def test_who_has_an_account_tries_no_other_in_between(page):
    """A success forgave the address all: with a colleague's password a code could be guessed at two a second."""
    page.tries()  # the address knows both: a tunnel ends at 127.0.0.1 whoever made it
    account(page.db, "vera", Role.VIEWER)
    for _ in range(4):
        assert page.refused(code=WRONG_CODE) == ("wrong", 0)
        assert page.tries(name="vera", code=None).name == "vera"
    assert page.refused(code=WRONG_CODE) == ("wrong", 30)
    assert page.refused(name="vera", code=None) == ("locked", 30)


def test_who_mistypes_their_own_password_is_forgiven_and_no_more(page):
    account(page.db, "vera", Role.VIEWER)
    for _ in range(3):
        page.refused(name="vera", code=None, password=OTHER)
        page.refused(code=WRONG_CODE)
        page.tries(name="vera", code=None)
    assert (sign_ins.failures(page.db, "name", "vera"), sign_ins.failures(page.db, "address", HOME).count) == (None, 3)
    page.tries()
    assert sign_ins.failures(page.db, "address", HOME) is None


def test_on_the_command_line_a_lock_is_taken_from_name_and_address(page):
    for _ in range(6):
        page.refused(code=WRONG_CODE)
    page.refused(name="nobody", code="0")
    changes.enable(page.db, asks(), "annika")
    assert page.tries().name == "annika"


def test_who_is_disabled_is_not_let_in(page):
    account(page.db, "ben", Role.OWNER)
    changes.disable(page.db, asks(), "annika")
    assert page.refused() == ("wrong", 0)
    assert page.refused(code=page.codes[0]) == ("wrong", 0)
    assert store.codes_left(page.db, "annika") == 8


def test_nor_who_has_no_second_factor(page):
    page.db.sql.execute("UPDATE accounts SET secret = NULL")
    assert page.refused() == ("wrong", 0)


def test_a_password_that_is_changed_while_it_is_checked_lets_nobody_in(page, monkeypatch):
    def changed(password, kept):
        changes.set_password(page.db, asks(), "annika", HASH[:-1])
        return True

    monkeypatch.setattr(passwords, "is_password", changed)
    assert page.refused() == ("wrong", 0)


def test_the_password_again_needs_no_code_and_is_counted(page):
    assert page.tries(code=None).name == "annika"
    assert actions(page) == []
    for _ in range(5):
        page.refused(code=None, password=OTHER)
    assert page.refused(code=None) == ("locked", 30)


def test_a_hash_of_other_parameters_is_made_anew(page, monkeypatch):
    monkeypatch.setattr(passwords, "is_dated", lambda kept: "m=47104" not in kept)
    before = store.find(page.db, "annika")
    page.tries()
    kept = store.find(page.db, "annika")
    assert "m=47104,t=1,p=1" in kept.password
    assert kept.generation == before.generation
    page.later(seconds=30)
    page.tries()
    assert store.find(page.db, "annika") == replace(kept, signed_in_at=page.now, last_step=kept.last_step + 1)
