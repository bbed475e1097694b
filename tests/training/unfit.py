"""A file that is not fit for an Edge TPU: our detector as it was before its maps were doubled with aligned corners."""

from pathlib import Path

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from training.compact import compact, read

DETECTOR = Path(__file__).parents[2] / "agent" / "models" / "detector.tflite"


def by_half_pixels(path):
    """Writes the detector's file with the version of RESIZE_BILINEAR that the compiler does not know."""
    model = read(DETECTOR.read_bytes())
    resize = schema.BuiltinOperator.RESIZE_BILINEAR
    (number,) = (i for i, code in enumerate(model.operatorCodes) if code.builtinCode == resize)
    model.operatorCodes[number].version = 3
    for operator in (each for each in model.subgraphs[0].operators if each.opcodeIndex == number):
        operator.builtinOptions.alignCorners, operator.builtinOptions.halfPixelCenters = False, True
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path.write_bytes(compact(bytes(builder.Output())))
    return path
