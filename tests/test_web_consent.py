"""The text to agree to: read once, of every language there is a file of."""

import pytest

from agent.errors import ConfigError
from agent.web.consent import LONGEST, load_texts

LANGUAGES = ["en", "de", "ar"]


def test_no_file_no_text():
    assert load_texts(None, LANGUAGES, "en") == {}


def test_a_file_a_language_and_not_all_have_to_be_there(tmp_path):
    (tmp_path / "consent.en.txt").write_text("\ufeffYes?\n", encoding="utf-8")
    (tmp_path / "consent.ar.txt").write_text("نعم؟", encoding="utf-8")
    found = load_texts(tmp_path / "consent.{language}.txt", LANGUAGES, "en")
    assert found == {"en": b"Yes?", "ar": "نعم؟".encode()}


def test_one_for_all(tmp_path):
    (tmp_path / "consent.txt").write_text("Ja?")
    assert load_texts(tmp_path / "consent.txt", LANGUAGES, "de") == dict.fromkeys(LANGUAGES, b"Ja?")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(None, "there is no .*consent.de.txt; it is shown in the language 'de'", id="absent"),
        pytest.param(b"\xff\xfeJ\x00", "is not in UTF-8", id="another encoding"),
        pytest.param(b" \n", "is empty", id="empty"),
        pytest.param(b"x" * (LONGEST + 1), "more than 32768 bytes", id="a book"),
    ],
)
def test_what_will_not_do_is_said_at_the_start(tmp_path, content, told):
    if content is not None:
        (tmp_path / "consent.de.txt").write_bytes(content)
    with pytest.raises(ConfigError, match=told):
        load_texts(tmp_path / "consent.{language}.txt", LANGUAGES, "de")
