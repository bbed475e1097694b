"""Fixtures of the tests that run the whole agent as a process."""

import pytest

from tests.end_to_end.pictures import make_pictures
from tests.end_to_end.terminal import Terminal
from tests.end_to_end.witness import Witness


@pytest.fixture(scope="session")
def pictures():
    return make_pictures()


@pytest.fixture
def make_terminal(tmp_path):
    """Makes terminals, each in a folder of its own, and ends what they started."""
    made = []

    def make(**settings):
        made.append(Terminal(tmp_path / f"terminal{len(made)}", **settings))
        return made[-1]

    yield make
    for terminal in made:
        terminal.close()


@pytest.fixture
def witness(mosquitto):
    """Listens to a broker that runs."""
    with Witness(mosquitto.port) as listening:
        listening.remote.wait_ready(60)
        yield listening
