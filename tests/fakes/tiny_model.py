"""Makes a TFLite file of one quantised layer by hand, small enough to know its answers."""

import numpy as np
import pytest

flatbuffers = pytest.importorskip("flatbuffers")
schema = pytest.importorskip("ai_edge_litert.schema_py_generated", reason="has the schema of TFLite files")

INPUT_SCALE, INPUT_ZERO = 0.5, 3
WEIGHT_SCALE = 0.25
OUTPUT_SCALE, OUTPUT_ZERO = 0.5, -1
WEIGHTS = np.array([[1, 2, 3, 4], [-1, 0, 1, 0]], np.int8)
BIAS = np.array([10, -10], np.int32)


def build():
    """Return the file's bytes: (1, 4) int8 -> fully connected -> (1, 2) int8."""
    model = schema.ModelT()
    model.version = 3
    model.buffers = [buffer(), buffer(WEIGHTS), buffer(BIAS)]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 4
    model.operatorCodes = [code]
    model.subgraphs = [graph()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def answer(inputs):
    """Return what the model has to answer to (1, 4) int8, in whole steps of the output; exact but for rounding."""
    real = (inputs.astype(int) - INPUT_ZERO) @ WEIGHTS.T.astype(int) + BIAS
    return real * INPUT_SCALE * WEIGHT_SCALE / OUTPUT_SCALE + OUTPUT_ZERO


def buffer(array=None):
    made = schema.BufferT()
    if array is not None:
        made.data = np.frombuffer(array.tobytes(), np.uint8)
    return made


def graph():
    made = schema.SubGraphT()
    int8, int32 = schema.TensorType.INT8, schema.TensorType.INT32
    made.tensors = [
        tensor("in", (1, 4), int8, 0, (INPUT_SCALE, INPUT_ZERO)),
        tensor("weights", (2, 4), int8, 1, (WEIGHT_SCALE, 0)),
        tensor("bias", (2,), int32, 2, (INPUT_SCALE * WEIGHT_SCALE, 0)),
        tensor("out", (1, 2), int8, 0, (OUTPUT_SCALE, OUTPUT_ZERO)),
    ]
    made.inputs, made.outputs = [0], [3]
    operator = schema.OperatorT()
    operator.opcodeIndex = 0
    operator.inputs, operator.outputs = [0, 1, 2], [3]
    operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    operator.builtinOptions = schema.FullyConnectedOptionsT()
    made.operators = [operator]
    return made


def tensor(name, shape, kind, number, steps):
    scale, zero = steps
    made = schema.TensorT()
    made.name, made.shape, made.type, made.buffer = name, list(shape), kind, number
    made.quantization = schema.QuantizationParametersT()
    made.quantization.scale, made.quantization.zeroPoint = [scale], [zero]
    return made
