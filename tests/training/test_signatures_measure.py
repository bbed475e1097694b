from pathlib import Path

import numpy as np
import pytest

from agent.errors import ModelError
from agent.vision.model import TensorSpec
from tests.training.pens import writers
from tests.training.test_signatures_load import archive
from training.preset import load
from training.signatures.measure import WARPING, encoder, measure, table
from training.signatures.source import Drawings, Trajectories

FACES = Path(__file__).parents[2] / "agent" / "models" / "encoder.tflite"  # an encoder of pictures, if not of these


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return archive(tmp_path_factory.mktemp("signatures") / "made.npz", writers(14, genuine=4, forgeries=2))


def test_a_file_is_measured_on_pictures_of_its_own_size(folder):
    found = measure(Drawings(folder, load("signature-offline")), {"faces": FACES})
    assert list(found) == ["faces"]
    assert 0 <= found["faces"]["eer_random_1"] < 0.5  # even one for faces sees that writers differ


def test_time_warping_stands_beside(folder):
    found = measure(Trajectories(folder, load("signature-online")), {})
    assert found[WARPING]["eer_random_1"] < 0.2


def test_a_file_of_another_preset_is_said(folder):
    with pytest.raises(ModelError, match=r"encoder\.tflite: takes \(64, 64, 3\)"):
        measure(Trajectories(folder, load("signature-online")), {"faces": FACES})


class Halves:
    """Gives back the first two numbers of an int8 input."""

    inputs = (TensorSpec("x", (1, 4), np.dtype(np.int8), 0.5, 10),)
    outputs = (TensorSpec("y", (1, 2), np.dtype(np.int8), 0.25, -4),)

    def __call__(self, stored):
        assert stored.dtype == np.int8
        return [stored[:, :2]]


def test_int8_goes_in_and_real_numbers_come_out():
    said = encoder(Halves())(np.array([[1.0, -2.0, 0, 0], [1000.0, 0, 0, 0]], np.float32))
    # 1 / 0.5 + 10 = 12; (12 + 4) * 0.25 = 4; what is too large is cut off at 127
    assert said.tolist() == [[4.0, 2.5], [32.75, 3.5]]


def test_figures_are_a_table_with_intervals():
    rates = {"eer_random_1": 0.0312, "eer_random_1_low": 0.01, "eer_random_1_high": 0.0551}
    lines = table({"net": rates}).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2] == "| net | 3.1 (1.0 to 5.5) | - | - | - |"
