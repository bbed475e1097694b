"""Passwords: which are refused, and what is kept of the others."""

import pytest
from argon2.exceptions import VerifyMismatchError

from agent.accounts import passwords
from agent.accounts.passwords import (
    NOBODY,
    check_policy,
    hash_password,
    is_dated,
    is_password,
)
from agent.errors import CommandError

GOOD = "lamp tram quiet oats"


@pytest.mark.parametrize(
    ("password", "why"),
    [
        pytest.param("short", "has 5 characters", id="short"),
        pytest.param("elevenchars", "has 11 characters", id="one short"),
        pytest.param("elevenchars  ", "has 11 characters", id="one short with blanks"),
        pytest.param("ab" * 65, "has 130 characters", id="long"),
        pytest.param("aaaaaaaaaaaaaaaa", "repeats itself", id="one letter"),
        pytest.param("kadse4kadse4kadse4", "repeats itself", id="the same again"),
        pytest.param("ababcababcababc1", "repeats itself", id="few letters"),
        pytest.param("123456789012", "runs along", id="counting"),
        pytest.param("qwertyuiopasdf", "runs along", id="the keyboard"),
        pytest.param("abcdefghijkl2", "runs along", id="the alphabet"),
        pytest.param("Password2026!", "everybody tries", id="the word with a year"),
        pytest.param("P@ssw0rd-P@ssw0rd1", "everybody tries", id="with digits for letters"),
        pytest.param("adminadmin2026", "everybody tries", id="admin"),
        pytest.param("latchkey-door-1", "everybody tries", id="what this is"),
        pytest.param("Annika.2026.2027", "own name", id="own name"),
        pytest.param("hq-annika-199012", "own name", id="own name and site"),
        pytest.param("lamp tram\x00quiet oats", "cannot be typed", id="control characters"),
    ],
)
def test_what_anybody_would_try_first_is_refused(password, why):
    with pytest.raises(CommandError, match=why) as refused:
        check_policy(password, "annika", "hq", "front-door")
    assert refused.value.code == "bad_password"
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "correct-horse-battery-staple",
        "k7Gq!v2Lx0Zr",
        "Rindfleischetikettierung",
        "пароль из слов",
        "9402 7716 3058",
    ],
)
def test_others_are_taken(password):
    check_policy(password, "annika", "hq", "front-door")


@pytest.mark.parametrize("name", ["amy", "isa", "ai", "iloveyou"])
def test_a_name_that_can_be_read_in_two_ways_takes_no_longer(name):
    """A regular expression took 2^42 steps for `amy`, "a my", and nothing else ran meanwhile."""
    long = (name * 60)[:123]
    check_policy(f"{long}qzxkv", name, "hq", "front-door")
    with pytest.raises(CommandError, match="own name"):
        check_policy(f"{name * (90 // len(name))}password", name, "hq", "front-door")


def test_only_the_password_is_the_password_however_it_is_typed():
    kept = hash_password("cafe\u0301 am markt 7")
    assert kept.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert is_password("caf\u00e9 am markt 7", kept)
    assert is_password(" caf\u00e9 am markt 7\n", kept)
    assert not is_password("cafe am markt 7", kept)
    assert hash_password("cafe\u0301 am markt 7") != kept
    assert not is_dated(kept)


def test_no_password_is_nobody_s_and_it_costs_the_same():
    with pytest.raises(VerifyMismatchError):  # computed, and not taken for no hash at once
        passwords._HASHER.verify(NOBODY, GOOD)
    assert not is_password(GOOD, NOBODY)
    assert not is_dated(NOBODY)


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param("", id="nothing"),
        pytest.param("$scrypt$ln=14,r=8,p=1$AAAA$AAAA", id="another hash"),
        pytest.param("$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", id="four gigabytes"),
        pytest.param("$argon2id$v=19$m=1024,t=1000000,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", id="for years"),
    ],
)
def test_a_row_that_was_tampered_with_lets_nobody_in(kept):
    assert not is_password(GOOD, kept)


def test_a_hash_of_other_parameters_is_good_and_dated(monkeypatch):
    other = passwords.argon2.PasswordHasher(time_cost=2, memory_cost=1024, parallelism=1).hash(GOOD)
    assert is_password(GOOD, other)
    assert is_dated(other)
