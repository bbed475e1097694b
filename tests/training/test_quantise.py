"""Float and int8 files: that the numbers stay, that nothing is left in float, and ranges that are asked for."""

import numpy as np
import pytest

pytest.importorskip("torch", reason='training is not installed: pip install "latchkey[training]"')

from agent.hardware.engines.litert import LiteRtModel
from training.graph import read_graph
from training.quantise import calibrate, quantise, tensors_of

pytestmark = pytest.mark.timeout(400)  # the first conversion of a session loads a compiler


@pytest.mark.parametrize(("family", "shape"), [("door", (1, 32, 32, 3)), ("tcn", (1, 16, 5)), ("gru", (1, 16, 5))])
def test_files_take_one_sample_and_say_one_vector(exported, family, shape):
    files = exported(family)
    for file, kind in ((files.float_file, np.float32), (files.int8_file, np.int8)):
        model = LiteRtModel(file, sha256=None)
        assert [(spec.shape, spec.dtype) for spec in model.inputs] == [(shape, kind)]
        assert [(spec.shape, spec.dtype) for spec in model.outputs] == [((1, 16), kind)]


@pytest.mark.parametrize("family", ["door", "tcn", "gru"])
def test_weights_have_a_scale_for_each_channel_and_nothing_is_float(exported, family):
    graph = read_graph(exported(family).int8_file)
    assert {tensor.dtype for tensor in graph.tensors} == {"int8", "int32"}
    filters = [node.inputs[1] for node in graph.nodes if node.name == "CONV_2D"]
    assert [filter_ for filter_ in filters if len(filter_.scales) != filter_.shape[0]] == []


def test_ranges_cover_every_sample(exported):
    files = exported("door")
    samples = [sample[None].permute(0, 2, 3, 1).contiguous().numpy() for sample in files.samples[:4]]
    seen = calibrate(files.float_file, samples)
    for sample in samples:
        for name, values in tensors_of(files.float_file, sample).items():
            if name in seen:
                assert seen[name]["min"].min() <= values.min() + 1e-6
                assert seen[name]["max"].max() >= values.max() - 1e-6


def test_ranges_that_are_asked_for_count_instead(exported, tmp_path):
    files = exported("door")
    samples = [sample[None].permute(0, 2, 3, 1).contiguous().numpy() for sample in files.samples[:4]]
    held = tensors_of(files.float_file, samples[0])
    said = next(values for values in held.values() if values.shape == (1, 16))
    names = [name for name, values in held.items() if np.array_equal(values.ravel(), said.ravel())]
    quantise(files.float_file, samples, tmp_path / "other.tflite", ranges=dict.fromkeys(names, (-51.0, 51.0)))
    spec = LiteRtModel(tmp_path / "other.tflite", sha256=None).outputs[0]
    assert len(names) == 2  # before and after it lost its two dimensions of one
    assert spec.scale == pytest.approx(102 / 255)
