"""The other side: asks and is answered, or says plainly that it is not."""

import pytest
from pydantic import ValidationError

from agent.mqtt.remote import NoAnswer, Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import Topics
from tests.fakes.trust import OWNER

TOPICS = Topics("hq", "door")


def test_no_broker(make_mosquitto):
    broker = make_mosquitto()
    with Remote(LinkSettings("127.0.0.1", broker.port), TOPICS, OWNER) as remote:
        with pytest.raises(NoAnswer, match="no connection to the broker at 127"):
            remote.wait_ready(0.3)
        with pytest.raises(NoAnswer, match="no connection to the broker at 127"):
            remote.request("ping", seconds=0.3)
        assert not remote.listening


def test_no_device(mosquitto):
    with Remote(LinkSettings("127.0.0.1", mosquitto.port), TOPICS, OWNER) as remote:
        remote.wait_ready()
        with pytest.raises(NoAnswer, match="not sent, the device was not online"):
            remote.request("ping", seconds=0.3)
    remote.close()


def test_a_command_that_is_none_is_not_sent(mosquitto):
    with Remote(LinkSettings("127.0.0.1", mosquitto.port), TOPICS, OWNER) as remote, pytest.raises(ValidationError):
        remote.request("remove", person="a/b")


def test_it_listens_again_when_the_broker_is_back(mosquitto, wait_for):
    with Remote(LinkSettings("127.0.0.1", mosquitto.port), TOPICS, OWNER) as remote:
        remote.wait_ready()
        mosquitto.kill()
        wait_for(lambda: not remote.listening)
        mosquitto.start()
        remote.wait_ready()
