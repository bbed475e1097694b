"""`latchkey admin relay`: a profile, a key, and a program that ends when it is told to."""

import json
import signal
import subprocess
import sys

import pytest

from agent.cli.entry import main
from agent.client import key_file
from agent.client.profile import Profile
from agent.homeassistant.bundle import lock_topic
from tests.fakes.trust import OWNER
from tests.homeassistant.listener import listening


@pytest.fixture
def profile(tmp_path, mosquitto):
    broker = {"host": "127.0.0.1", "port": mosquitto.port, "tls": False}
    made = Profile.make(tmp_path / "profile", {"site": "hq", "name": "homeassistant", "broker": broker})
    key_file.write(made.key_file, OWNER, None)
    return made


def test_it_signs_until_it_is_stopped(profile, mosquitto, wait_for):
    command = [sys.executable, "-m", "agent.cli", "admin", "relay", "--homeassistant", "--seconds=7", "--at=front"]
    relay = subprocess.Popen([*command, "--profile", str(profile.folder)], stderr=subprocess.PIPE, text=True)
    try:
        with listening(mosquitto, "latchkey/v1/hq/+/cmd/+") as doors:
            wait_for(lambda: "Sending SUBACK to latchkey-relay-hq" in mosquitto.log())
            wait_for(lambda: doors.look().ready)
            doors.says(lock_topic("homeassistant", "hq", "side"), b"UNLOCK")
            doors.says(lock_topic("homeassistant", "hq", "front"), b"UNLOCK")
            wait_for(lambda: doors.look().heard)
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(10) == 0
        told = relay.stderr.read()
    finally:
        relay.kill()
        relay.stderr.close()
    (heard,) = doors.heard
    body = json.loads(heard.payload)
    assert (heard.topic, body["target"], body["key"]) == (
        "latchkey/v1/hq/front/cmd/unlock",
        "hq/front",
        OWNER.public.id,
    )
    assert body["seconds"] == 7.0
    assert "unlock front" in told
    assert "request for side is not passed on" in told
    assert OWNER.secret.hex() not in told


def test_what_is_missing_is_said(profile, capsys, tmp_path):
    assert main(["admin", "relay", "--profile", str(profile.folder)]) == 2
    assert "--homeassistant" in capsys.readouterr().err
    assert main(["admin", "relay", "--homeassistant", "--profile", str(tmp_path / "none")]) == 2
    assert main(["admin", "relay", "--homeassistant", "--prefix", "a/b", "--profile", str(profile.folder)]) == 2
    profile.key_file.unlink()
    assert main(["admin", "relay", "--homeassistant", "--profile", str(profile.folder)]) == 2
    assert "admin key create" in capsys.readouterr().err
