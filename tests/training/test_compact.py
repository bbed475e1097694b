"""Smaller files that say the same."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason='training is not installed: pip install "latchkey[training]"')

from agent.hardware.engines.litert import LiteRtModel
from training.compact import compact, short
from training.graph import read_graph

MODELS = Path(__file__).parents[2] / "agent" / "models"

pytestmark = pytest.mark.timeout(400)  # the first conversion of a session loads a compiler


@pytest.mark.parametrize("name", ["encoder", "detector", "aligner"])
def test_a_file_made_compact_says_the_same_bit_for_bit(name, tmp_path):
    before, after = MODELS / f"{name}.tflite", tmp_path / "after.tflite"
    after.write_bytes(compact(before.read_bytes()))
    models = [LiteRtModel(file, sha256=None) for file in (before, after)]
    spec = models[0].inputs[0]
    assert models[1].inputs[0] == spec
    pixels = np.random.default_rng(0).integers(-128, 128, spec.shape, np.int8)
    for said, says in zip(*(model(pixels) for model in models), strict=True):
        np.testing.assert_array_equal(says, said)
    assert after.stat().st_size <= before.stat().st_size
    graph = read_graph(after)
    assert not graph.weights_outside
    assert {node.version for node in graph.nodes if node.name == "CONV_2D"} == {3}


def test_done_twice_it_is_no_larger(exported):
    content = exported("door").int8_file.read_bytes()
    assert abs(len(compact(content)) - len(content)) < 64


def test_zero_points_are_written_once(exported):
    size = exported("door").int8_file.stat().st_size
    graph = read_graph(exported("door").int8_file)
    weights = sum(np.prod(t.shape) * (1 if t.dtype == "int8" else 4) for t in graph.tensors if t.constant)
    channels = sum(len(t.scales) for t in graph.tensors)
    assert size < weights + 5 * channels + 300 * len(graph.tensors)  # four bytes a scale; with zero points it were 12


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("serving_default_args_0", "serving_default_args_0"),
        ("a.ChannelLastIOWrapper/a.Encoder_wrapped/torch.Sequential_layers/b.Block_5/torch.Conv2d_0;", "layers.5.0"),
        ("b.Tcn/torch.Sequential_trunk/b.Dilated_1;3", "trunk.1"),
        ("model/p_re_lu/add", "model/p_re_lu/add"),
        ("layers.5.0#17", "layers.5.0"),
        ("b.Tcn;3", "b.Tcn"),
    ],
)
def test_names_are_paths_of_modules(name, path):
    assert short(name) == path
