"""The site's key: what it is read from, what is derived from it, and that it is never shown."""

import base64
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import ConfigError
from agent.seal.keys import KEY_BYTES, SiteKey
from tests.fakes.keys import KEY, OTHER

secrets = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)


@given(secrets)
@settings(deadline=None)
def test_hex_and_base64_are_read_with_blanks_around(secret):
    key = SiteKey(secret)
    for text in (key.text, key.text.upper(), f"  {key.text}\n", base64.b64encode(secret).decode() + "\r\n"):
        assert SiteKey.parse(text, "here") == key


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("00" * 31, id="too short"),
        pytest.param("00" * 33, id="too long"),
        pytest.param("zz" * 32, id="no hex"),
        pytest.param("a passphrase that somebody likes", id="words"),
        pytest.param("AAAA" * 12, id="base64 of 36 bytes"),
        pytest.param("ä" * 64, id="not ASCII"),
    ],
)
def test_what_is_no_key_is_refused_without_being_shown(text):
    with pytest.raises(ConfigError, match="here holds no site key: want 64 hex digits, or 32 bytes in base64") as told:
        SiteKey.parse(text, "here")
    assert text == "" or text not in str(told.value)
    assert told.value.__cause__ is None


def test_a_key_of_another_length_is_a_mistake():
    with pytest.raises(ValueError, match="32 bytes, got 16"):
        SiteKey(bytes(16))


def test_the_secret_is_not_shown():
    assert KEY.text not in repr(KEY) + str(KEY)
    assert "secret" not in repr(KEY)
    with pytest.raises(FrozenInstanceError):
        KEY.secret = bytes(32)


def test_new_keys_are_all_different():
    assert len({SiteKey.new().text for _ in range(100)}) == 100


def test_each_purpose_has_a_key_of_its_own():
    derived = [key for site in (KEY, OTHER) for key in (site.seal_key, site.turn_key, site.card_key, site.secret)]
    assert len({*derived}) == 8
    assert {len(key) for key in derived} == {32}


def test_what_is_derived_stays_the_same_for_ever():
    """A change here makes every template of every installation unreadable."""
    assert KEY.id == "b4483c98"
    assert KEY.seal_key.hex()[:16] == "0ace94e48153e537"
    assert KEY.turn_key.hex()[:16] == "cc8c579c6d5c644b"
    assert KEY.card_key.hex()[:16] == "81ac24940c63d9c5"


def test_a_model_is_that_of_an_encoder_and_a_key():
    assert KEY.model("encoder-1") == "encoder-1~b4483c98"
    assert KEY.encoder("encoder-1~b4483c98") == "encoder-1"
    assert OTHER.encoder("encoder-1~b4483c98") is None
    assert KEY.encoder("encoder-1") is None
