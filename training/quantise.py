"""Float PyTorch net to a full-int8 TFLite file: int8 in, int8 out, int8 weights per channel, nothing left in float."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from training.compact import compact
from training.writing import writing

Ranges = Mapping[str, tuple[float, float]]
"""The smallest and the largest value of tensors, by name."""


def export_float(net: nn.Module, shape: tuple[int, ...], path: Path, *, outputs: int = 0) -> None:
    """Writes the float TFLite file of a net.

    Args:
        net: in evaluation mode, or put there; of one size (`fix`).
        shape: of the file's input without the batch: (height, width, channels) for a net that takes NCHW, or
            (steps, channels) for one that takes sequences.
        path: the file to write.
        outputs: how many of the net's outputs are maps to be turned to NHWC as well; 0 where it gives plain vectors.
    """
    import litert_torch
    import torch

    net.eval()
    if len(shape) == 3:
        net = litert_torch.to_channel_last_io(net, args=[0], outputs=list(range(outputs))).eval()
    litert_torch.convert(net, (torch.zeros(1, *shape),)).export(str(path))


def quantise(
    float_file: Path, samples: Sequence[NDArray[np.float32]], path: Path, *, ranges: Ranges | None = None
) -> None:
    """Writes the int8 file, made compact.

    Args:
        float_file: from `export_float`.
        samples: (1, H, W, C) or (1, T, C) float32 inputs as the net was trained on, from training data only; their
            range sets the scale of every activation.
        path: the file to write.
        ranges: of activations, by their names in the float file, which count instead of what the samples show: those
            that a net was tuned to (`training.qat`).
    """
    from ai_edge_quantizer import quantizer, recipe

    maker = quantizer.Quantizer(str(float_file), recipe.static_wi8_ai8())
    seen = calibrate(float_file, samples)
    for name, (low, high) in (ranges or {}).items():
        seen[name] = {"min": _like(seen[name]["min"], low), "max": _like(seen[name]["max"], high)}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "model.tflite"
        maker.quantize(seen).export_model(str(out))
        with writing(path) as part:
            part.write_bytes(compact(out.read_bytes()))


def calibrate(float_file: Path, samples: Sequence[NDArray[np.float32]]) -> dict[str, dict[str, Any]]:
    """Returns `min` and `max` of every tensor of a float file, as the quantiser wants them, over all samples."""
    from ai_edge_quantizer import calibrator, recipe, recipe_manager

    recipes = recipe_manager.RecipeManager()
    recipes.load_quantization_recipe(recipe.static_wi8_ai8())
    name, argument = _signature(float_file)
    seen = calibrator.Calibrator(float_file.read_bytes(), qsv_update_func=_widest)
    seen.calibrate({name: [{argument: sample} for sample in samples]}, recipes)
    return dict(seen.get_model_qsvs())


def tensors_of(float_file: Path, sample: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """Returns all that a float file computes from one (1, ...) sample, tensor by tensor."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES  # a delegate would keep what is in between to itself
    model = Interpreter(str(float_file), experimental_preserve_all_tensors=True, experimental_op_resolver_type=plain)
    model.allocate_tensors()
    model.set_tensor(model.get_input_details()[0]["index"], sample)
    model.invoke()
    computed = {i for operation in model._get_ops_details() for i in operation["outputs"]}  # noqa: SLF001 - no other way
    computed |= {tensor["index"] for tensor in model.get_input_details()}
    return {
        tensor["name"]: model.get_tensor(tensor["index"])
        for tensor in model.get_tensor_details()
        if tensor["index"] in computed
    }


def _like(seen: NDArray[np.float32], value: float) -> NDArray[np.float32]:
    return np.full_like(seen, value)


def _widest(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Returns the range that holds both.

    The library's own moving average forgets what is rare: large faces, and the scores of those who are there at all.
    """
    if not before:
        return now
    return {"min": np.minimum(before["min"], now["min"]), "max": np.maximum(before["max"], now["max"])}


def _signature(file: Path) -> tuple[str, str]:
    from ai_edge_litert.interpreter import Interpreter

    name, parts = next(iter(Interpreter(str(file)).get_signature_list().items()))
    return name, parts["inputs"][0]
