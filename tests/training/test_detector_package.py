"""The detector's file and its card: both there or both as before, and a place where they cannot be is said first."""

import json

import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch", reason='training is not installed: pip install "latchkey[training]"')

from agent.errors import ConfigError  # noqa: E402
from tests.training.disk import full  # noqa: E402
from training.card import put  # noqa: E402
from training.detector_commands import app  # noqa: E402
from training.errors import RunError  # noqa: E402
from training.evaluation.cards import wanted_card  # noqa: E402


def held(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("size", [100, 1000])
def test_a_full_disk_leaves_the_detector_that_was_there(tmp_path, size):
    file, models = tmp_path / "made.tflite", tmp_path / "models"
    file.write_bytes(b"a" * 600)
    told = put(file, models / "detector.tflite", "ours", {"limits": ["none"]})
    assert wanted_card(models / "detector.tflite") == told == json.loads((models / "detector.json").read_text())
    before = held(models)
    file.write_bytes(b"b" * 600)
    with full(size), pytest.raises(RunError, match=r"detector\.(tflite|json) cannot be written"):
        put(file, models / "detector.tflite", "ours", {"limits": ["words" * 1000]})
    assert held(models) == before


def test_a_file_where_the_models_should_be_is_said_first(tmp_path):
    for name in ("weights.pt", "models"):
        (tmp_path / name).touch()
    arguments = ["package-detector", tmp_path / "weights.pt", "--data", tmp_path, "--models", tmp_path / "models"]
    said = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert isinstance(said.exception, ConfigError)
    assert "no folder can be made for it" in str(said.exception)
