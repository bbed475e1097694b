"""Codes of the second factor, by RFC 6238: each once, one step either side."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from agent.accounts.second_factor import RECOVERY_CODES, Factor, is_secret, recovery_codes
from tests.fakes.accounts import FRESH

SECRET = FRESH  # RFC 6238, appendix B: "12345678901234567890"
NOW = datetime(2026, 11, 26, 12, 0, 10, tzinfo=UTC)
STEP = int(NOW.timestamp()) // 30


def code(seconds=0):
    return pyotp.TOTP(SECRET).at(NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("at", "told"),  # the last six digits of the table for SHA-1
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037"), (20000000000, "353130")],
)
def test_the_codes_of_the_standard(at, told):
    assert Factor(SECRET).step_of(told, datetime.fromtimestamp(at, UTC)) == at // 30


@pytest.mark.parametrize(
    ("typed", "last", "step"),
    [
        pytest.param(code(), 0, STEP, id="of now"),
        pytest.param(code(-30), 0, STEP - 1, id="of the step before"),
        pytest.param(code(30), 0, STEP + 1, id="of the step after"),
        pytest.param(code(-60), 0, None, id="two steps late"),
        pytest.param(code(60), 0, None, id="two steps early"),
        pytest.param(f"{code()[:3]} {code()[3:]}", 0, STEP, id="as the app shows it"),
        pytest.param(code(), STEP, None, id="used already"),
        pytest.param(code(-30), STEP, None, id="older than one used"),
        pytest.param(code(30), STEP, STEP + 1, id="newer than one used"),
        pytest.param("", 0, None, id="nothing"),
        pytest.param(code()[:5], 0, None, id="a digit short"),
        pytest.param("\N{FULLWIDTH DIGIT ONE}23456", 0, None, id="digits of another script"),
        pytest.param("\udcff23456", 0, None, id="a byte that is no UTF-8"),
    ],
)
def test_which_code_counts(typed, last, step):
    assert Factor(SECRET).step_of(typed, NOW, last) == step


def test_what_the_app_takes():
    factor = Factor.new()
    uri = urlsplit(factor.uri("annika", "front-door.hq"))
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert parse_qs(uri.query) == {"secret": [factor.secret], "issuer": ["Latchkey"]}
    assert is_secret(factor.secret)
    assert len(factor.secret) * 5 == 160
    assert factor.secret not in repr(factor)


@pytest.mark.parametrize("text", ["", SECRET[:-1], SECRET.lower(), SECRET[:-1] + "1", SECRET + "A"])
def test_what_is_no_secret(text):
    assert not is_secret(text)


def test_recovery_codes_are_read_however_they_are_written():
    codes, factor = recovery_codes(), Factor(SECRET)
    assert len(set(codes)) == RECOVERY_CODES
    assert all(len(each) == 11 for each in codes)
    assert factor.digest("0123A-BC1DE") == factor.digest("oi23abcLde") == factor.digest(" o123a bc1de ")
    assert factor.digest(codes[0]) != factor.digest(codes[1])
    assert factor.digest(codes[0]) != Factor.new().digest(codes[0])


def test_a_recovery_code_that_is_no_utf8_is_none():
    factor = Factor(SECRET)
    assert factor.digest("\udcff") not in {factor.digest(code) for code in recovery_codes()}
