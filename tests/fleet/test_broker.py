"""Addresses of brokers, as the command line says them; keys of collectors in files of their own."""

import pytest

from agent.errors import ConfigError
from agent.fleet.broker import Broker, open_source
from agent.fleet.secret import for_us_alone, make_key, read_key
from agent.mqtt.settings import TlsFiles


@pytest.mark.parametrize(
    ("text", "hosts", "virtual_host"),
    [
        ("mqtt://broker", (("broker", 1883),), "/"),
        ("mqtts://me@broker:8884", (("broker", 8884),), "/"),
        ("amqp://me@a,b:5673/%2F", (("a", 5672), ("b", 5673)), "/"),
        ("amqps://me@a/fleet", (("a", 5671),), "fleet"),
    ],
)
def test_an_address(text, hosts, virtual_host):
    broker = Broker.parse(text)
    assert (broker.hosts, broker.virtual_host) == (hosts, virtual_host)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("broker:1883", "no broker"),
        ("http://broker", "no broker"),
        ("mqtt://", "no broker"),
        ("mqtt://me:secret@broker", "no password in an address"),
        ("mqtt://broker:x", "Port could not be cast"),
        ("amqp://a,:5672", "a host is missing"),
    ],
)
def test_what_is_no_address_is_told_without_a_password(text, said):
    with pytest.raises(ConfigError, match=said) as caught:
        Broker.parse(text)
    assert "secret" not in str(caught.value)


def test_a_collector_speaks_what_the_address_says():
    more = {"name": "c", "most": 10, "password": None, "tls": TlsFiles(), "group": "collector"}
    assert type(open_source(Broker.parse("mqtt://a"), **more)).__name__ == "MqttSource"
    assert type(open_source(Broker.parse("amqp://a,b"), **more)).__name__ == "AmqpSource"
    with pytest.raises(ConfigError, match="load balancer"):
        open_source(Broker.parse("mqtt://a,b"), **more)


def test_a_key_is_made_once_for_its_user_alone(tmp_path):
    file = tmp_path / "collector.key"
    public = make_key(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_key(file.read_text(), "here").public == public
    assert for_us_alone(file) == file
    with pytest.raises(ConfigError, match="is there already"):
        make_key(file)
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        for_us_alone(file)
    with pytest.raises(ConfigError, match="No such file"):
        for_us_alone(tmp_path / "none")
    with pytest.raises(ConfigError, match="No such file"):
        make_key(tmp_path / "none" / "key")
    with pytest.raises(ConfigError, match="here: not a key"):
        read_key("nonsense", "here")
