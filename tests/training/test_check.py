"""Good files pass; each kind of bad one is found, and the offending operation named."""

from pathlib import Path

import pytest

pytest.importorskip("ai_edge_litert", reason='training is not installed: pip install "latchkey[training]"')

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from agent.errors import ModelError
from tests.training.unfit import by_half_pixels
from training.check import check, table
from training.compact import compact, read

MODELS = Path(__file__).parents[2] / "agent" / "models"

pytestmark = pytest.mark.timeout(400)  # the first conversion of a session loads a compiler


@pytest.fixture
def encoder(tmp_path):
    """The agent's own, made compact."""
    file = tmp_path / "encoder.tflite"
    file.write_bytes(compact((MODELS / "encoder.tflite").read_bytes()))
    return file


@pytest.fixture
def as_the_quantiser_writes(encoder):
    """The same with its largest buffer at the end of the file."""
    model = read(encoder.read_bytes())
    buffer = max(model.buffers, key=lambda one: 0 if one.data is None else len(one.data))
    data, buffer.data = bytes(buffer.data), None
    buffer.offset, buffer.size = 2**40, len(data)  # not 0, or it would not be written

    def written():
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    buffer.offset = len(written())
    encoder.write_bytes(written() + data)
    return encoder


@pytest.fixture
def spoilt(encoder):
    """Writes the encoder anew after something was done to it."""

    def spoil(change):
        model = read(encoder.read_bytes())
        change(model, model.subgraphs[0])
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        encoder.write_bytes(bytes(builder.Output()))
        return encoder

    return spoil


def become(model, graph, name, number):
    """Operation `number` becomes another; the others of its kind stay."""
    model.operatorCodes.append(schema.OperatorCodeT())
    code = model.operatorCodes[-1]
    code.builtinCode = getattr(schema.BuiltinOperator, name)
    code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 2
    operator = graph.operators[number]
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.builtinOptions, operator.builtinOptionsType = None, 0


def number_of(graph, model, name):
    codes = [model.operatorCodes[operator.opcodeIndex].builtinCode for operator in graph.operators]
    return codes.index(getattr(schema.BuiltinOperator, name))


class TestGood:
    def test_our_encoder(self, encoder):
        assert check(encoder, most_bytes=1_500_000) == []

    @pytest.mark.parametrize("family", ["door", "fast", "tcn", "gru"])
    def test_what_every_family_exports(self, exported, family):
        assert check(exported(family).int8_file) == []

    def test_our_detector_on_the_cpu(self):
        assert check(MODELS / "detector.tflite", ["xnnpack"]) == []

    def test_our_aligner(self):
        assert check(MODELS / "aligner.tflite", ["xnnpack", "edgetpu"], most_bytes=300_000) == []

    def test_nothing_found_is_no_line(self):
        assert table([]) == ""


class TestFile:
    def test_a_float_file(self, exported):
        findings = check(exported("tcn").float_file, ["xnnpack"])
        assert [f.reason for f in findings if f.target == "file"] == [
            "the input is float32, not int8",
            "the output is float32, not int8",
        ]
        assert any("is float32, not int8" in f.reason and f.operation == "CONV_2D" for f in findings)

    def test_one_that_is_too_large(self, encoder):
        (finding,) = check(encoder, most_bytes=1_000_000)
        assert (finding.target, finding.reason) == ("file", f"{encoder.stat().st_size:,} bytes, 1,000,000 are allowed")

    def test_one_that_may_change_its_shape(self, spoilt):
        def change(_model, graph):
            graph.tensors[graph.inputs[0]].shapeSignature = np.array([1, -1, -1, 3], np.int32)

        findings = check(spoilt(change), ["xnnpack"])
        assert [(f.target, f.node) for f in findings] == [("file", None), ("xnnpack", 0)]
        assert all("may change its shape" in f.reason for f in findings)

    def test_one_that_takes_several_at_once(self, spoilt):
        def change(_model, graph):
            graph.tensors[graph.inputs[0]].shape = np.array([4, 64, 64, 3], np.int32)

        assert "not one at a time" in check(spoilt(change), [])[0].reason

    def test_one_with_two_inputs(self, spoilt):
        def change(_model, graph):
            graph.inputs = [*graph.inputs, graph.operators[0].outputs[0]]

        assert "2 inputs, not 1" in [f.reason for f in check(spoilt(change), [])]

    def test_what_is_no_model(self, tmp_path):
        (tmp_path / "x.tflite").write_bytes(b"hello" * 100)
        with pytest.raises(ModelError, match="not a TFLite model"):
            check(tmp_path / "x.tflite")

    def test_a_target_that_does_not_exist(self, encoder):
        with pytest.raises(ValueError, match="no target tpu: there are xnnpack, edgetpu"):
            check(encoder, ["tpu"])


class TestOperations:
    def test_prelu_breaks_the_graph_on_a_cpu_but_not_on_an_edge_tpu(self, spoilt):
        def change(model, graph):
            become(model, graph, "PRELU", number_of(graph, model, "ADD"))

        file = spoilt(change)
        (finding,) = check(file, ["xnnpack"])
        assert (finding.node, finding.operation) == (8, "PRELU")
        assert str(finding) == "xnnpack: operation 8 (PRELU, writes layers.2): XNNPACK has no int8 kernel for it"
        assert [f.operation for f in check(file, ["edgetpu"])] == ["PRELU"]  # its slopes differ between pixels
        assert table([finding]) == f"  {finding}"

    def test_a_recurrent_unit_of_tflite(self, spoilt):
        def change(model, graph):
            become(model, graph, "UNIDIRECTIONAL_SEQUENCE_LSTM", 3)

        file = spoilt(change)
        for target, reason in (("xnnpack", "has no int8 kernel"), ("edgetpu", "does not know it")):
            (finding,) = check(file, [target])
            assert (finding.node, finding.operation) == (3, "UNIDIRECTIONAL_SEQUENCE_LSTM")
            assert reason in finding.reason

    def test_an_operation_in_float(self, spoilt):
        def change(model, graph):
            output = graph.operators[number_of(graph, model, "ADD")].outputs[0]
            graph.tensors[output].type = schema.TensorType.FLOAT32

        findings = check(spoilt(change), ["xnnpack"])
        assert [(f.node, f.operation) for f in findings] == [(8, "ADD"), (9, "CONV_2D")]  # who writes it, who reads it
        assert {f.reason for f in findings} == {"layers.2 is float32, not int8"}

    def test_a_fused_activation_without_a_kernel(self, spoilt):
        def change(model, graph):
            graph.operators[1].builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.TANH

        (finding,) = check(spoilt(change), ["xnnpack"])
        assert (finding.node, finding.reason) == (1, "its fused TANH has no int8 kernel")

    def test_a_dilation_that_differs(self, spoilt):
        def change(model, graph):
            graph.operators[1].builtinOptions.dilationWFactor = 2

        (finding,) = check(spoilt(change), ["edgetpu"])
        assert finding.reason == "its dilation is 2 across and 1 down, not the same"

    def test_weights_that_are_computed(self, spoilt):
        def change(model, graph):
            graph.tensors[graph.operators[1].inputs[1]].buffer = 0

        file = spoilt(change)
        for target in ("xnnpack", "edgetpu"):
            assert check(file, [target])[0].reason == "its filter layers.0.1 is not constant"

    def test_a_convolution_without_a_bias(self, spoilt):
        def change(model, graph):
            graph.operators[1].inputs = [*graph.operators[1].inputs[:2], -1]

        assert [f.reason for f in check(spoilt(change), ["xnnpack"])] == ["it has no bias"]

    def test_a_mean_over_channels(self, spoilt, exported):
        file = exported("tcn").int8_file
        model = read(file.read_bytes())
        mean = next(o for o in model.subgraphs[0].operators if len(o.inputs) == 2 and o.builtinOptionsType == 27)
        axes = model.subgraphs[0].tensors[mean.inputs[1]]
        model.buffers[axes.buffer].data = np.array([3, 3], np.int32).view(np.uint8)
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        other = file.with_name("mean.tflite")
        other.write_bytes(bytes(builder.Output()))
        (finding,) = check(other, ["xnnpack"])
        assert finding.operation == "MEAN"
        assert "it reduces axes [3" in finding.reason
        assert check(other, ["edgetpu"]) == []  # 32 channels are a multiple of 4


class TestEdgeTpu:
    def test_weights_behind_the_flatbuffer(self, as_the_quantiser_writes):
        finding = check(as_the_quantiser_writes, ["edgetpu"])[0]
        assert finding.node is None
        assert finding.reason.startswith("the weights stand behind the FlatBuffer")

    def test_versions_from_before_int8_and_from_after_the_compiler(self, spoilt):
        def change(model, _graph):
            for code in model.operatorCodes:
                code.version = {schema.BuiltinOperator.CONV_2D: 6, schema.BuiltinOperator.ADD: 1}.get(
                    code.builtinCode, code.version
                )

        findings = {f.operation: f.reason for f in check(spoilt(change), ["edgetpu"])}
        assert findings == {
            "CONV_2D": "version 6 of it is newer than the compiler, which knows 5",
            "ADD": "version 1 of it is from before int8, which came with version 2",
        }

    def test_a_map_of_more_than_three_dimensions(self, spoilt):
        def change(_model, graph):
            tensor = graph.tensors[graph.operators[8].outputs[0]]
            tensor.shape = np.array([2, 8, 16, 48], np.int32)

        (finding,) = check(spoilt(change), ["edgetpu"])
        assert finding.reason == "only its last 3 dimensions may exceed 1: (2, 8, 16, 48)"

    def test_resizing_by_half_pixels(self, tmp_path):
        findings = check(by_half_pixels(tmp_path / "detector.tflite"), ["edgetpu"])
        assert [f.reason for f in findings if f.operation == "RESIZE_BILINEAR"] == [
            "version 3 of it is newer than the compiler, which knows 2"
        ]
