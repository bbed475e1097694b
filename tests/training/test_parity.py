"""PyTorch, both files and the agent's path say the same; what devices compare themselves with is right."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='training is not installed: pip install "latchkey[training]"')

from agent.hardware.engines.litert import LiteRtModel  # noqa: E402
from agent.vision.encode import Encoder  # noqa: E402
from agent.vision.selftest import read_golden, self_test  # noqa: E402
from training import nets  # noqa: E402
from training.parity import FLOAT, INT8, Parity, golden, parity, staff  # noqa: E402

DETECTOR = Path(__file__).parents[2] / "agent" / "models" / "detector.tflite"

pytestmark = pytest.mark.timeout(400)  # the first conversion of a session loads a compiler


@pytest.fixture
def crops():
    """(112, 112, 3) uint8: smooth, as faces are."""
    rng = np.random.default_rng(0)
    return [np.kron(rng.integers(0, 256, (7, 7, 3), np.uint8), np.ones((16, 16, 1), np.uint8)) for _ in range(6)]


@pytest.mark.parametrize("family", ["door", "fast"])
def test_all_forms_of_an_image_encoder_agree(exported, crops, family):
    files = exported(family)
    agent = Encoder(LiteRtModel(files.int8_file, sha256=None), "compared").vector
    found = parity(files.net, files.float_file, files.int8_file, crops, agent)
    assert found.faults() == []
    assert set(found.figures()) == {"float_file", "int8_file", "agent"}
    assert found.int8_file > found.float_file
    tuned = parity(files.net, files.float_file, files.int8_file, crops, untuned=files.float_file)
    assert set(tuned.figures()) == {"float_file", "int8_file", "untuned"}
    assert tuned.untuned == pytest.approx(tuned.int8_file, abs=1e-5)  # nothing was tuned here


@pytest.mark.parametrize("family", ["tcn", "gru"])
def test_all_forms_of_a_sequence_encoder_agree(exported, family):
    files = exported(family)
    found = parity(files.net, files.float_file, files.int8_file, list(files.samples[:6].numpy()))
    assert found.faults() == []
    assert set(found.figures()) == {"float_file", "int8_file"}  # what was not measured is not told


def test_another_net_is_told_from_its_file(exported, crops):
    files = exported("door")
    torch.manual_seed(7)
    other = nets.make("door", dimension=16, width=0.25)
    agent = Encoder(LiteRtModel(files.int8_file, sha256=None), "compared").vector
    faults = parity(other, files.float_file, files.int8_file, crops, agent).faults()
    forms = ["the float file", "the int8 file", "the agent's path"]
    assert [fault.split(" and PyTorch differ")[0] for fault in faults] == forms


def test_every_bound_is_looked_at():
    assert len(Parity(2 * FLOAT, 2 * INT8, 2 * INT8).faults()) == 3
    assert Parity(FLOAT, INT8, INT8).faults() == []
    assert Parity(0, 0, 1).faults() == ["the agent's path and PyTorch differ by 1, at most 0.05 is allowed"]


def test_a_device_compares_itself_with_what_pytorch_said(exported):
    files = exported("door")
    card = {"golden": golden(files.net, files.int8_file, DETECTOR)}
    crops, least = read_golden(card)
    assert len(crops) == 4
    assert 0.9 < least < 1
    encoder = Encoder(LiteRtModel(files.int8_file, sha256=None), "tested")
    assert self_test(encoder, crops, least, staff).good
    other = Encoder(LiteRtModel(exported("fast").int8_file, sha256=None), "tested")
    assert not self_test(other, crops, least, staff).good
