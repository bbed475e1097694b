"""How a running agent is, in words."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from agent import condition
from agent.config import load_config
from agent.findings import State
from agent.store import models
from agent.store.db import open_db
from agent.upgrade.cards import cards
from tests.fakes import blocks, bundles
from tests.fakes.agents import Terminals

NOW = datetime.now(UTC)


@dataclass
class Agent:
    """As much of one as is looked at."""

    config: object
    frames: int = 10
    silent: float = 0.0
    connected: bool | None = None
    damaged: int = 0
    foreign: int = 0
    compared: int = 3
    visits: object = field(init=False)

    def __post_init__(self):
        self.visits = SimpleNamespace(frames=self.frames, at=datetime.now(UTC) - timedelta(seconds=self.silent))
        self.desk = None if self.connected is None else SimpleNamespace(link=SimpleNamespace(connected=self.connected))
        self.knowledge = SimpleNamespace(damaged=self.damaged, foreign=self.foreign)
        gallery = SimpleNamespace(templates=self.compared)
        self.recogniser = SimpleNamespace(known=SimpleNamespace(gallery=gallery))


@pytest.fixture
def config(tmp_path):
    return load_config(None, {"device.data_dir": tmp_path, "camera.backend": "demo"}, {})


@pytest.mark.parametrize(
    ("agent", "state", "text"),
    [
        pytest.param({}, State.OK, "demo: pictures come", id="pictures come"),
        pytest.param({"frames": 0}, State.WARNING, "demo: no picture yet", id="none yet"),
        pytest.param({"silent": 60}, State.FAILED, "demo: no picture for 60 s", id="none any more"),
    ],
)
def test_whether_pictures_come(config, agent, state, text):
    found = condition.camera(Agent(config, **agent))
    assert (found.state, found.text) == (state, text)


@pytest.mark.parametrize(
    ("connected", "state", "text"),
    [
        (None, State.OK, "switched off, events stay here"),
        (True, State.OK, "localhost:1883: connected"),
        (False, State.WARNING, "localhost:1883: not connected, events wait here and are sent later"),
    ],
)
def test_whether_the_broker_hears_us(config, connected, state, text):
    found = condition.broker(Agent(config, connected=connected))
    assert (found.state, found.text) == (state, text)


@pytest.mark.parametrize(
    ("agent", "text"),
    [
        ({}, "3 compared"),
        ({"damaged": 2}, "3 compared; 2 changed since sealed"),
        ({"foreign": 1}, "3 compared; 1 of another model"),
    ],
)
def test_whether_all_templates_are_compared(config, agent, text):
    assert condition.templates(Agent(config, **agent)).text == text


def test_a_certificate_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "c.pem").write_text("none")
    settings = {"admin.certificate": tmp_path / "c.pem", "admin.key": tmp_path / "c.pem", "device.data_dir": tmp_path}
    assert condition.page(load_config(None, settings, {})).state is State.FAILED


def test_models_on_probation_those_before_and_their_cards(tmp_path, monkeypatch):
    config = Terminals(tmp_path, monkeypatch)()
    bundles.blocks(config.device.data_dir / "models" / "newer", golden={"crops": []}, data="of blocks", detector=True)
    with open_db(config.database_path) as db:
        assert condition.in_force(db, config).text == f"{blocks.MODEL}: as configured"
        models.choose(db, "newer", NOW)
        assert condition.in_force(db, config).state is State.WARNING
        told = cards(db, config, templates=2)
        assert (told["state"]["previous"], told["before"]["encoder"]["id"]) == ("configured", blocks.MODEL)
        assert (told["now"]["encoder"]["id"], told["now"]["encoder"]["data"]) == (bundles.NEWER, "of blocks")
        assert "golden" not in told["now"]["encoder"]
        models.prove(db)
        assert condition.in_force(db, config).text == "newer: installed, and has proved good"
        (tmp_path / "encoder.json").unlink()
        assert "no card for encoder.tflite" in cards(db, config, templates=2)["before"]["problem"]
