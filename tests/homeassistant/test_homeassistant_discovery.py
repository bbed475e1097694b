"""Home Assistant is told of the terminal, again when it asks, and that it is there no more."""

import json
import subprocess
import textwrap
from pathlib import Path

import pytest

from agent.app import Agent
from agent.cli.entry import main
from agent.homeassistant.discovery import Discovery, announced, births, remembered_in, to_remove
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import BirthTopic, Topics
from tests.fakes.agents import Terminals, empty_stage
from tests.homeassistant.listener import connected, listening

TOPIC = "homeassistant/device/door/latchkey_home_door_aba26fd0/config"


@pytest.fixture
def terminals(tmp_path, monkeypatch):
    empty_stage(monkeypatch)
    return Terminals(tmp_path, monkeypatch)


class Told:
    """A discovery whose messages are kept, and whose clock is set."""

    def __init__(self, config):
        config.device.data_dir.mkdir(exist_ok=True)
        self.sent, self.now = [], 0.0
        topics = Topics(config.device.site, config.device.name)
        self.discovery = Discovery(config, topics, self.sent.append, clock=lambda: self.now)
        self.discovery.start()

    @property
    def topics(self):
        return [(message.topic, bool(message.payload)) for message in self.sent]


def test_nothing_is_said_unless_it_is_enabled(terminals):
    config = terminals()
    assert Told(config).sent == []
    assert births(config) == ()
    assert not remembered_in(config).exists()


def test_it_is_announced_and_again_at_a_birth_but_not_at_every_one(terminals):
    config = terminals(homeassistant__enabled=True)
    told = Told(config)
    for payload, now, times in ((b"online", 1.0, 1), (b"offline", 9.0, 1), (b"online", 9.0, 2), (b"online", 9.1, 2)):
        told.now = now
        told.discovery.born(payload)
        assert told.topics == [(TOPIC, True)] * times
    assert all(message.retain for message in told.sent)
    assert births(config) == ("homeassistant/status",)
    assert isinstance(Topics("hq", "door", births=births(config)).parse("homeassistant/status"), BirthTopic)


def test_what_was_announced_is_taken_away_when_it_is_disabled_until_the_broker_has_heard(terminals):
    config = terminals()
    Told(terminals(homeassistant__enabled=True))
    assert Told(config).topics == [(TOPIC, False)]
    again = Told(config)  # the broker was away the first time
    assert again.topics == [(TOPIC, False)]
    again.discovery.settled()
    assert Told(config).topics == []


def test_after_a_new_prefix_the_old_one_is_taken_away(terminals):
    Told(terminals(homeassistant__enabled=True))
    told = Told(terminals(homeassistant__enabled=True, homeassistant__prefix="ha"))
    assert told.topics == [(TOPIC, False), (TOPIC.replace("homeassistant", "ha"), True)]
    told.discovery.settled()
    assert to_remove(terminals()) == {TOPIC, TOPIC.replace("homeassistant", "ha")}


@pytest.mark.parametrize("changed", [{"device__name": "gate"}, {"device__site": "hq"}], ids=["name", "site"])
def test_after_a_new_name_the_old_one_is_taken_away(terminals, changed):
    Told(terminals(homeassistant__enabled=True))
    told = Told(terminals(homeassistant__enabled=True, **changed))
    assert told.topics[0] == (TOPIC, False)
    assert (len(told.topics), told.topics[1][1]) == (2, True)


def test_a_file_of_something_else_makes_nothing_be_taken_away(terminals):
    config = terminals()
    config.device.data_dir.mkdir(exist_ok=True)
    remembered_in(config).write_bytes(b"homeassistant/#\nlatchkey/v1/hq/door/status\n\xff\0\n" + b"x" * 100_000)
    assert announced(remembered_in(config)) == set()
    assert Told(config).sent == []


def test_a_disk_that_cannot_be_written_is_no_reason_not_to_start(terminals, caplog):
    config = terminals(homeassistant__enabled=True)
    (remembered_in(config).with_suffix(".new")).mkdir(parents=True)
    assert Told(config).topics == [(TOPIC, True)]
    assert "cannot be written" in caplog.text


def test_a_whole_agent_over_a_real_broker(terminals, mosquitto, wait_for):
    config = terminals(
        homeassistant__enabled=True, mqtt__enabled=True, mqtt__host="127.0.0.1", mqtt__port=mosquitto.port
    )
    with listening(mosquitto, "homeassistant/device/+/+/config") as home:
        wait_for(lambda: home.look().ready)
        with Agent(config) as agent:
            assert agent.desk.link.wait_connected(10)
            wait_for(lambda: home.look().heard)
            agent.desk.discovery._told -= 60
            home.says("homeassistant/status", b"online")
            home.says("homeassistant/status", b"offline", retain=True)
            wait_for(lambda: len(home.look().heard) == 2)
        assert [message.topic for message in home.heard] == [TOPIC] * 2
        components = json.loads(home.heard[0].payload)["components"]
        assert components["lock"]["state_topic"] == "latchkey/v1/home/door/state/door"
    with listening(mosquitto, "homeassistant/device/+/+/config") as late:  # it is retained
        wait_for(lambda: late.look().heard)
        with Agent(terminals(mqtt__enabled=True, mqtt__host="127.0.0.1", mqtt__port=mosquitto.port)):
            wait_for(lambda: late.look().heard[-1].payload == b"")
    assert announced(remembered_in(config)) == set()


def test_an_access_list_keeps_a_device_from_announcing_another(make_mosquitto, tmp_path, wait_for):
    page = (Path(__file__).parents[2] / "deploy" / "HOMEASSISTANT.md").read_text(encoding="utf-8")
    acl = tmp_path / "acl"
    acl.write_text("topic read homeassistant/#\n" + textwrap.dedent(page.split("```acl\n", 1)[1].split("```", 1)[0]))
    acl.chmod(0o600)
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    subprocess.run(["mosquitto_passwd", "-b", passwords, "door", "p"], check=True, capture_output=True)
    broker = make_mosquitto(f"allow_anonymous true\npassword_file {passwords}\nacl_file {acl}")
    broker.start()
    other = TOPIC.replace("door", "side")
    device = LinkSettings("127.0.0.1", broker.port, username="door", password="p")  # noqa: S106
    with listening(broker, "homeassistant/#") as home:
        wait_for(lambda: home.look().ready)
        for forbidden in (other, "homeassistant/latchkey/home/door/lock/set"):
            with connected(device, "homeassistant/status") as door:
                wait_for(lambda: door.look().ready)
                door.says(forbidden, b"UNLOCK")
                denied = f"Denied PUBLISH from door (d0, q1, r0, m2, '{forbidden}'"
                wait_for(lambda door=door, denied=denied: door.look() and denied in broker.log())
        with connected(device, "homeassistant/status") as door:
            wait_for(lambda: door.look().ready)
            door.says(TOPIC, b"{}")
            wait_for(lambda: door.look() and home.look().heard)
        assert [message.topic for message in home.heard] == [TOPIC]


def test_the_commands(terminals, tmp_path, mosquitto, wait_for, capsys):
    sets = [f"device.data_dir={tmp_path}/data", "mqtt.host=127.0.0.1", f"mqtt.port={mosquitto.port}"]
    options = [part for each in sets for part in ("--set", each)]
    assert main(["homeassistant", "show", *options]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["topic"] == TOPIC
    assert "lock" in shown["payload"]["components"]
    with listening(mosquitto, "homeassistant/device/+/+/config") as home:
        wait_for(lambda: home.look().ready)
        home.says(TOPIC, b"{}", retain=True)
        wait_for(lambda: home.look().heard)
        assert main(["homeassistant", "remove", *options]) == 0
        assert capsys.readouterr().out == f"removed: {TOPIC}\n"
        wait_for(lambda: home.look().heard[-1].payload == b"")
    mosquitto.kill()
    assert main(["homeassistant", "remove", *options]) == 2
    assert "cannot connect to 127.0.0.1" in capsys.readouterr().err
