"""`latchkey admin` and a real terminal that signs what it says: keys, pairing, and the devices' own keys."""

import re

import pytest

from agent.app import Agent
from agent.cli import main
from agent.client import Admin, Standing, key_file
from agent.trust.keys import SigningKey
from tests.fakes.agents import Terminals, empty_stage
from tests.fakes.desks import Desk
from tests.fakes.terminal import forget_logging
from tests.fakes.trust import OWNER


@pytest.fixture
def terminal(tmp_path, mosquitto, monkeypatch):
    empty_stage(monkeypatch).goes_on = True
    make = Terminals(tmp_path, monkeypatch)

    def made(**more):
        told = {"device__site": "hq", "device__name": "front", "camera__as_fast_as_possible": False}
        reach = {"mqtt__enabled": True, "mqtt__host": "127.0.0.1", "mqtt__port": mosquitto.port}
        return make(**told, **reach, **more)

    return made


@pytest.fixture(name="desk")
def desk_fixture(tmp_path, mosquitto, monkeypatch, capsys):
    yield Desk(tmp_path, mosquitto.port, monkeypatch, capsys)
    forget_logging()


def test_keys_of_a_real_terminal(terminal, desk):
    with Agent(terminal()):
        assert "front: its key is not known here" in desk("devices", "show").out
        assert desk("devices", "trust", "front", "--yes").code == 0
        assert desk("lock", "front").out == "front: locked\n"  # and nothing of being unverified
        assert desk("devices", "list", "--json").json[0]["standing"] == "verified"
        with Admin(desk.profile, hears=["health", "state/+"]) as admin:
            admin.devices()
            kept = [*admin.board.kept("health").values(), *admin.board.kept("state/door").values()]
            assert [heard.standing for heard in kept] == [Standing.VERIFIED] * 2
        bob = SigningKey.new()
        assert desk("keys", "add", bob.public.text, "--name", "bob", "--role", "owner").code == 0
        key_file.write(desk.profile.key_file, bob, None, replace=True)
        rotated = desk("keys", "rotate")
        assert (rotated.code, rotated.out) == (0, "front: knows the new key\n")
        now = key_file.read(desk.profile.key_file).public.id
        listed = {key["id"]: key for key in desk("keys", "list", "--json").json["front"]["data"]["keys"]}
        assert (listed[now]["name"], listed[now]["role"], listed[now].get("revoked_at")) == ("bob", "owner", None)
        assert listed[bob.public.id]["revoked_at"] is not None
        refused = desk("keys", "revoke", OWNER.public.id, "--yes")
        assert (refused.code, "(not_allowed)" in refused.out) == (1, True)  # it stands in the configuration


def test_the_first_owner_of_a_real_terminal(terminal, desk, tmp_path, capsys):
    config = terminal(trust__owner="")
    models = "".join(f'{name} = "{tmp_path / name}.tflite"\n' for name in ("encoder", "detector"))
    file = tmp_path / "agent.toml"
    file.write_text(f'[device]\nsite = "hq"\nname = "front"\ndata_dir = "{config.device.data_dir}"\n[models]\n{models}')
    with Agent(config):
        assert desk("lock", "front").code == 1  # nobody owns it
        capsys.readouterr()
        assert main(["trust", "pair", "--config", str(file)]) == 0
        code = re.search(r"\b([0-9A-Z]{5}-[0-9A-Z]{5})\b", capsys.readouterr().out)[1]
        wrong = desk("pair", "front", "00000-00000")
        assert (wrong.code, "4 tries are left" in wrong.err) == (1, True)
        paired = desk("pair", "front", code)
        assert (paired.code, f"it knows key {OWNER.public.id} as admin" in paired.out) == (0, True)
        assert desk("lock", "front").out == "front: locked\n"
        assert desk("pair", "front", code).code == 1  # it has an owner
