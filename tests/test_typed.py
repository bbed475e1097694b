import logging
from datetime import UTC, datetime

from agent.typed import Typed
from agent.types import Credential

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Lines:
    """A reader that gives what it was made with, and then nothing."""

    def __init__(self, *lines):
        self._lines = list(lines)

    def take(self, seconds):
        return self._lines.pop(0) if self._lines else None

    def close(self):
        pass


def heard(*lines):
    told = []
    typed = Typed(Lines(*lines), told.append, now=lambda: NOON)
    for _ in range(len(lines) + 1):
        typed.step()
    return told


def test_what_is_typed_becomes_credentials():
    assert heard("1042*4711#", "0012345678") == [
        Credential(NOON, badge="1042", pin="4711"),
        Credential(NOON, card="0012345678"),
    ]


def test_garbage_is_dropped_and_not_logged(caplog):
    with caplog.at_level(logging.INFO):
        assert heard("47*11*99", "4711#") == [Credential(NOON, pin="4711")]
    assert "PIN is typed as" in caplog.text
    assert "47*11" not in caplog.text
