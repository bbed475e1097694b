"""One connection, where many files are open."""

import os
import time

import pytest

from agent.mqtt.connection import Acked, Connection, Gone, Outgoing, Ready
from agent.mqtt.settings import LinkSettings


@pytest.fixture
def many_files():
    """More than select can tell apart."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 1300:
        pytest.skip("no more than 1,300 files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1300), hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    yield
    for each in held:
        os.close(each)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_who_only_looks_may_have_any_number_of_files_open(mosquitto, many_files):
    settings = LinkSettings("127.0.0.1", mosquitto.port, client_id="many")
    connection = Connection(settings, None, client_id="many", will=None, subscriptions=("a",))
    connection.open()
    assert connection.fileno() > 1023
    happened, until = [], time.monotonic() + 20
    while not any(isinstance(each, Acked) for each in happened) and time.monotonic() < until:
        news = connection.serve(0.0)
        happened += news
        if any(isinstance(each, Ready) for each in news):
            connection.publish(Outgoing("b", b"x"))
    assert not any(isinstance(each, Gone) for each in happened)
    assert any(isinstance(each, Acked) for each in happened)
    connection.drop()
