"""The checks, over real folders, a real database and a real broker."""

import json
import os
import shutil
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import gpiozero
import numpy as np
import pytest
from gpiozero.pins.mock import MockFactory

from agent import admins, condition
from agent.cli import checks
from agent.cli.owner_check import owner
from agent.config import load_config
from agent.findings import State
from agent.hardware import backends
from agent.mqtt.connection import Ready
from agent.register import Request
from agent.store.db import open_db
from agent.trust.keys import Admin, SigningKey
from agent.trust.roles import Role
from agent.vision.align import TEMPLATE
from agent.vision.selftest import Golden, write_golden
from tests.fakes import blocks, scenes, sites
from tests.fakes.blocks import RED, Block
from tests.fakes.terminal import Terminal, forget_logging

HOLD = """
import pathlib, sys
from agent.store.db import agent_lock
with agent_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
NOW = datetime(2026, 11, 26, tzinfo=UTC)
KEY = SigningKey(bytes([7]) * 32)
NAMES = [
    "config", "camera", "models", "rates", "signature", "database", "key", "broker", "tls", "pages", "owner",
    "door", "inputs", "reader", "clock", "disk",
]  # fmt: skip


@pytest.fixture
def latchkey(tmp_path, monkeypatch, capsys):
    """Everything is good, but nobody knows about the clock and there is no broker."""
    monkeypatch.chdir(tmp_path)
    terminal = Terminal(tmp_path, monkeypatch, capsys)
    scenes.write_folder(tmp_path / "pictures")
    with terminal.config.open("a") as config:
        config.write('[camera]\nbackend = "files"\nsource = "pictures"\n[clock]\nsynchronised_file = "no/where"\n')
    yield terminal
    forget_logging()


def finding(outcome, name):
    return next(each for each in outcome.json["checks"] if each["name"] == name)


def look(latchkey, check, **overrides):
    """One check alone; `a__b=1` sets a.b."""
    return check(load_config(latchkey.config, {key.replace("__", "."): value for key, value in overrides.items()}, {}))


class TestReport:
    def test_all_is_well(self, latchkey):
        outcome = latchkey("check", "--json")
        assert outcome.code == 0
        assert list(outcome.json) == ["ok", "checks"]
        assert outcome.json["ok"] is True
        assert [each["name"] for each in outcome.json["checks"]] == NAMES
        assert {tuple(each) for each in outcome.json["checks"]} == {("name", "state", "text", "advice")}
        states = {each["name"]: each["state"] for each in outcome.json["checks"]}
        assert states == dict.fromkeys(NAMES, "ok") | {"broker": "warning", "clock": "warning"}

    def test_a_line_each(self, latchkey):
        outcome = latchkey("check")
        lines = outcome.out.splitlines()
        assert [line.split()[1] for line in lines] == NAMES
        assert lines[0] == f"ok     config    {latchkey.config}"
        assert lines[1] == "ok     camera    files pictures: 64x48 pixels"
        assert lines[7] == "note   broker    switched off, events stay here; set [mqtt] enabled = true"

    def test_what_failed_says_what_to_do_and_the_rest_is_checked(self, latchkey):
        outcome = latchkey("check", "--camera", "none.mp4", "--set", "models.detector=none.tflite")
        lines = outcome.out.splitlines()
        assert outcome.code == 2
        assert lines[1] == "FAILED camera    none.mp4: there is no such video file"
        assert lines[2].startswith("FAILED models ")
        assert lines[2].endswith("copy it beside the model")
        assert [line.split()[1] for line in lines] == NAMES

    def test_a_configuration_that_is_wrong(self, latchkey):
        with latchkey.config.open("a") as config:
            config.write("[gate]\nshoots = 3\nshots_needed = 9\n")
        outcome = latchkey("check")
        assert outcome.code == 2
        assert outcome.out.startswith(f"FAILED config    {latchkey.config}: unknown key 'shoots' in [gate]")
        assert latchkey("check", "--json").json["ok"] is False

    @pytest.mark.skipif(Path("/etc/latchkey/agent.toml").exists(), reason="Latchkey is installed here")
    def test_no_configuration_is_the_defaults(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("LATCHKEY_CONFIG", raising=False)
        assert checks.which_config(None).text == "no file, all defaults"


class TestCamera:
    def test_a_folder_without_pictures(self, latchkey):
        shutil.rmtree("pictures")
        Path("pictures").mkdir()
        outcome = latchkey("check", "--json")
        assert finding(outcome, "camera")["state"] == "failed"
        assert "no pictures in it" in finding(outcome, "camera")["text"]

    def test_a_camera_that_was_lost(self, latchkey):
        url = "rtsp://127.0.0.1:9/stream"
        found = look(latchkey, checks.camera, camera__backend="opencv", camera__source=url)
        assert found.state is State.FAILED
        assert "does not answer" in found.text

    def test_a_running_agent_keeps_camera_and_relay(self, latchkey):
        latchkey.database.parent.mkdir()
        command = [sys.executable, "-c", HOLD, str(latchkey.database)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as agent:
            agent.stdout.readline()
            camera = look(latchkey, checks.camera, camera__backend="opencv", camera__source="0")
            door = look(latchkey, checks.door, door__backend="gpio")
            agent.stdin.close()
        left = f"left to the agent that runs (process {agent.pid})"
        assert (camera.state, camera.text) == (State.OK, f"opencv 0: {left}")
        assert (door.state, door.text) == (State.OK, f"gpio: {left}")

    def test_an_agent_that_was_killed_keeps_nothing(self, latchkey):
        latchkey.database.parent.mkdir()
        latchkey.database.with_name("latchkey.db.lock").write_text("1\n")
        outcome = latchkey("check", "--json", "--camera", "/dev/video99")
        assert finding(outcome, "camera")["state"] == "failed"


class TestModels:
    def test_all_are_named(self, latchkey):
        text = finding(latchkey("check", "--json"), "models")["text"]
        others = "latchkey-detector-1-b10c0000, latchkey-aligner-1-b10c0000"
        assert text == f"{others} and {blocks.MODEL} on ai-edge-litert"

    def test_an_encoder_that_says_something_else_than_when_it_was_made(self, latchkey):
        path = latchkey.folder / "models" / "encoder.json"
        golden = write_golden((Golden("ada-1.jpg", TEMPLATE, np.array([1, 0, 0], np.float32)),), -1.0)
        path.write_text(json.dumps({**json.loads(path.read_text()), "golden": golden}))
        assert finding(latchkey("check", "--json"), "models")["text"].endswith(
            ", 1 picture encoded as when it was made"
        )
        golden["least_cosine"] = 1.1
        path.write_text(json.dumps({**json.loads(path.read_text()), "golden": golden}))
        outcome = latchkey("check", "--json")
        assert (outcome.code, finding(outcome, "models")["state"]) == (2, "failed")
        assert "says something else about ada-1.jpg" in finding(outcome, "models")["text"]

    def test_a_runtime_that_is_not_there(self, latchkey, monkeypatch):
        monkeypatch.setitem(backends.BACKENDS["engine"], "tflite-runtime", "no_such_module:Engine")
        outcome = latchkey("check", "--json", "--set", "engine.runtime=tflite-runtime")
        assert (outcome.code, finding(outcome, "models")["state"]) == (2, "failed")
        assert "no_such_module" in finding(outcome, "models")["text"]


class TestRates:
    def test_of_the_card(self, latchkey):
        latchkey("enrol", "anna", latchkey.photo("a.png", Block(RED)))
        found = look(latchkey, checks.rates)
        assert found.state is State.OK
        assert found.text == "threshold 0.480 for 1 template, by the encoder's own cohort"
        assert "latchkey calibrate" in found.advice

    def test_of_the_worst_cohort(self, latchkey):
        card = latchkey.folder / "models" / "encoder.json"
        fields = json.loads(card.read_text())
        fields["fmr"]["worst"] = blocks.TABLE | {"cohort": "twins", "similarity": [0.0, 0.4, 0.6, 0.8]}
        card.write_text(json.dumps(fields))
        assert look(latchkey, checks.rates).text.endswith("by the encoder's worst cohort (twins)")
        assert look(latchkey, checks.rates, gate__cohort="card").text.endswith("by the encoder's own cohort")

    def test_of_the_site(self, latchkey):
        sites.write(latchkey.folder / "site.json")
        found = look(latchkey, checks.rates, models__site=latchkey.folder / "site.json")
        assert found.state is State.OK
        assert found.text.endswith("site.json: 12 people, 2026-11-26, faces centred")
        assert found.advice == ""

    def test_that_let_nobody_in(self, latchkey):
        sites.write(latchkey.folder / "site.json", fmr=sites.TABLE | {"fmr": [0.5, 0.4, 0.3, 0.2], "upper": None})
        found = look(latchkey, checks.rates, models__site=latchkey.folder / "site.json")
        assert (found.state, found.text[:15]) == (State.WARNING, "threshold 0.990")

    def test_a_site_of_another_encoder_fails_with_the_models(self, latchkey):
        sites.write(latchkey.folder / "site.json", model="latchkey-encoder-9-00000000")
        outcome = latchkey("check", "--json", "--set", "models.site=site.json")
        assert outcome.code == 2
        assert "was made with the encoder 'latchkey-encoder-9-00000000'" in finding(outcome, "models")["text"]
        assert finding(outcome, "rates")["state"] == "warning"


class TestDatabase:
    def test_people_and_events_are_counted(self, latchkey):
        latchkey("enrol", "anna", latchkey.photo("a.png", Block(RED)))
        text = f"{latchkey.database}: 1 person, 1 template, 1 event, 1 to send"
        assert look(latchkey, checks.store).text == text

    def test_templates_of_another_model(self, latchkey):
        latchkey("enrol", "anna", latchkey.photo("a.png", Block(RED)))
        blocks.write_cards(latchkey.folder / "models", "latchkey-encoder-2-00000000")
        found = look(latchkey, checks.store)
        assert (found.state, found.advice[:30]) == (State.WARNING, "1 template of another model, n")

    def test_a_damaged_one(self, latchkey):
        latchkey.database.parent.mkdir()
        latchkey.database.write_bytes(b"hello" * 1000)
        outcome = latchkey("check", "--json")
        assert (outcome.code, finding(outcome, "database")["state"]) == (2, "failed")

    def test_one_of_a_newer_version(self, latchkey):
        latchkey.database.parent.mkdir()
        with open_db(latchkey.database) as db:
            db.sql.execute("PRAGMA user_version = 99")
        assert "newer Latchkey" in finding(latchkey("check", "--json"), "database")["text"]

    def test_checking_makes_none(self, latchkey):
        assert look(latchkey, checks.store).text.endswith("none yet, made at the first start")
        assert not latchkey.database.parent.exists()

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_where_none_can_be_made(self, latchkey):
        found = look(latchkey, checks.store, storage__path=Path("/proc/latchkey/x.db"))
        assert found.state is State.FAILED


class TestBroker:
    def broker(self, latchkey, port, **more):
        return look(latchkey, checks.broker, mqtt__enabled=True, mqtt__host="127.0.0.1", mqtt__port=port, **more)

    @pytest.mark.parametrize("protocol", [5, 311])
    def test_one_that_lets_us_in(self, latchkey, mosquitto, protocol):
        found = self.broker(latchkey, mosquitto.port, mqtt__protocol=protocol)
        assert (found.state, found.text) == (State.OK, f"127.0.0.1:{mosquitto.port}: lets us in")

    def test_nobody_there(self, latchkey):
        found = self.broker(latchkey, 1)
        assert found.state is State.FAILED
        assert "refused" in found.text
        assert "is it running" in found.advice

    def test_one_that_wants_a_password(self, latchkey, make_mosquitto):
        broker = make_mosquitto("allow_anonymous false")
        broker.start()
        found = self.broker(latchkey, broker.port)
        assert found.state is State.FAILED
        assert "check [mqtt] username and password_file" in found.advice

    def test_one_with_a_list_that_leaves_us_out(self):
        class Denied:
            closed = False

            def serve(self, seconds):
                return [Ready(20, ("latchkey/v1/home/door/cmd/+",))]

            def close(self):
                self.closed = True

        connection = Denied()
        found = checks.log_in("here:1883", connection)
        assert (found.state, connection.closed) == (State.FAILED, True)
        assert found.text == "here:1883: does not let us listen to latchkey/v1/home/door/cmd/+"

    def test_something_else_that_listens(self, latchkey, monkeypatch):
        monkeypatch.setattr(checks, "BROKER_SECONDS", 0.3)
        with socket.create_server(("127.0.0.1", 0)) as server:
            found = self.broker(latchkey, server.getsockname()[1])
        assert (found.state, found.text.endswith("no answer")) == (State.FAILED, True)

    def test_tls_files_that_are_not_there(self, latchkey):
        with latchkey.config.open("a") as config:
            config.write('[mqtt.tls]\nenabled = true\nca = "none.pem"\n')
        outcome = latchkey("check", "--json", "--set", "mqtt.enabled=true")
        assert "none.pem" in finding(outcome, "broker")["text"]


class TestOwner:
    def test_nobody_s_commands_are_carried_out_before_it_is_paired(self, latchkey):
        found = look(latchkey, owner, mqtt__enabled=True)
        assert (found.state, found.text[:6], found.advice[:19]) == (State.WARNING, "nobody", "latchkey trust pair")

    def test_who_owns_it(self, latchkey):
        by = Request("cli:root", NOW, "boot")
        with open_db(latchkey.database) as db:
            admins.add(db, load_config(latchkey.config, {}, {}), Admin(KEY.public, "anna", Role.OWNER), by)
        assert look(latchkey, owner, mqtt__enabled=True).text == "anna"
        told = look(latchkey, owner, mqtt__enabled=True, trust__owner=SigningKey(bytes(range(32))).public.text)
        assert (told.state, told.text) == (State.OK, "owner, anna")

    def test_another_role_does_not_own_it(self, latchkey):
        by = Request("cli:root", NOW, "boot")
        with open_db(latchkey.database) as db:
            admins.add(db, load_config(latchkey.config, {}, {}), Admin(KEY.public, "anna", Role.SECURITY), by)
        assert look(latchkey, owner, mqtt__enabled=True).state is State.WARNING


class TestRest:
    def test_a_relay_that_is_not_there(self, latchkey, monkeypatch):
        monkeypatch.setitem(backends.BACKENDS["door"], "gpio", "no_such_module:Door")
        outcome = latchkey("check", "--json", "--set", "door.backend=gpio")
        assert (outcome.code, finding(outcome, "door")["state"]) == (2, "failed")

    def test_a_relay_is_made_and_given_back(self, latchkey, monkeypatch):
        monkeypatch.setitem(backends.BACKENDS["door"], "gpio", "agent.hardware.doors.log:LogDoor")
        assert look(latchkey, checks.door, door__backend="gpio").text == "gpio: relay on pin 17, locked"

    @pytest.mark.parametrize(
        ("folder", "file", "state", "word"),
        [
            (False, False, State.WARNING, "unknown"),
            (True, False, State.WARNING, "unsynchronised"),
            (True, True, State.OK, "synchronised"),
        ],
    )
    def test_the_clock(self, latchkey, folder, file, state, word):
        where = latchkey.folder / "timesync"
        if folder:
            where.mkdir()
        if file:
            (where / "synchronized").touch()
        found = look(latchkey, checks.clock, clock__synchronised_file=where / "synchronized")
        assert (found.state, found.text.split(", ")[1]) == (state, word)
        assert bool(found.advice) == (state is not State.OK)

    def test_a_clock_that_was_never_set(self, latchkey, monkeypatch):
        monkeypatch.setattr(condition, "SANE_YEARS", range(3000, 3001))
        assert look(latchkey, checks.clock).state is State.FAILED

    @pytest.mark.parametrize(
        ("least", "little", "state"),
        [(0, 0, State.OK), (0, 2**62, State.WARNING), (2**62, 2**62, State.FAILED)],
    )
    def test_the_disk(self, latchkey, monkeypatch, least, little, state):
        monkeypatch.setattr(condition, "LEAST_FREE", least)
        monkeypatch.setattr(condition, "LITTLE_FREE", little)
        found = look(latchkey, checks.disk)
        assert found.state is state
        assert found.text.startswith(f"{latchkey.folder}: ")
        assert bool(found.advice) == (state is not State.OK)


class TestEntrance:
    def test_without_inputs_and_reader_that_is_said(self, latchkey):
        assert look(latchkey, checks.inputs).text == "none: no contact, no exit button, no tamper switch"
        assert look(latchkey, checks.reader).text == "none: no card, no PIN by a USB reader"

    def test_inputs_are_read(self, latchkey, monkeypatch):
        monkeypatch.setattr(gpiozero.Device, "pin_factory", MockFactory())
        found = look(latchkey, checks.inputs, inputs__backend="gpio", inputs__contact_pin=5, inputs__exit_pin=6)
        assert found.text == "gpio: contact on, exit_button off"

    def test_a_reader_that_is_not_there_is_told(self, latchkey):
        outcome = latchkey("check", "--json", "--set", "reader.backend=evdev", "--set", "reader.device=no such reader")
        assert outcome.code == 2
        assert finding(outcome, "reader")["state"] == "failed"
        assert "there is no reader 'no such reader'" in finding(outcome, "reader")["text"]
