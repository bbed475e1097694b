from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.access.keypad import LONGEST, parse
from agent.types import Credential

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "credential"),
    [
        pytest.param("4711#", Credential(NOON, pin="4711"), id="a PIN"),
        pytest.param("1042*4711#", Credential(NOON, badge="1042", pin="4711"), id="a badge number and a PIN"),
        pytest.param("*4711", Credential(NOON, pin="4711"), id="a PIN on a keypad without a hash"),
        pytest.param("*4711#", Credential(NOON, pin="4711"), id="a PIN with both signs"),
        pytest.param("1042*4711", Credential(NOON, badge="1042", pin="4711"), id="both on a keypad without a hash"),
        pytest.param("0012345678", Credential(NOON, card="0012345678"), id="digits alone are a card"),
        pytest.param(" 0012345678\r", Credential(NOON, card="0012345678"), id="spaces around it do not count"),
        pytest.param("04A1B2C3", Credential(NOON, card="04A1B2C3"), id="a card in hexadecimal"),
        pytest.param("LK:7f3a-00#x*", Credential(NOON, card="LK:7f3a-00#x*"), id="a QR code with any sign"),
    ],
)
def test_a_line_is_a_credential(text, credential):
    assert parse(text, NOON) == credential


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "1 to 64 characters, not 0", id="nothing"),
        pytest.param("  ", "not 0", id="spaces"),
        pytest.param("1" * 65, "not 65", id="too long"),
        pytest.param("#", "PIN#", id="a hash alone"),
        pytest.param("*", "PIN#", id="a star alone"),
        pytest.param("1042*#", "PIN#", id="no PIN"),
        pytest.param("1*2*3#", "PIN#", id="two stars"),
        pytest.param("47#11", "PIN#", id="a hash in the middle"),
        pytest.param("1" * 17 + "#", "PIN#", id="a PIN of 17 digits"),
        pytest.param("12\x0034", "ASCII", id="a control character"),
        pytest.param("\u0661\u0662", "ASCII", id="digits of another script"),
        pytest.param("\u0661\u0662#", "ASCII", id="a PIN in another script"),
    ],
)
def test_garbage_is_refused_and_not_repeated(text, says):
    with pytest.raises(ValueError, match=says) as refused:
        parse(text, NOON)
    assert len(text.strip("#* ")) < 3 or text not in str(refused.value)


@given(st.text(max_size=80))
def test_whatever_is_typed_is_one_kind_of_credential_or_refused(text):
    try:
        credential = parse(text, NOON)
    except ValueError:
        return
    assert (credential.card is None) != (credential.pin is None)
    assert credential.badge is None or credential.pin is not None
    assert len(credential.card or "") <= LONGEST


def test_no_secret_shows():
    assert "4711" not in repr(parse("1042*4711#", NOON))
    assert "0815" not in repr(parse("0815", NOON))
