"""Float PyTorch net to a full-int8 TFLite file: int8 in, int8 out, int8 weights per channel, nothing left in float."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn


def export_float(net: nn.Module, shape: tuple[int, int, int], path: Path, *, outputs: int = 0) -> None:
    """Writes the float TFLite file of a net that takes NCHW.

    Args:
        net: in evaluation mode, or put there.
        shape: (height, width, channels) of the file's NHWC input.
        path: the file to write.
        outputs: how many of the net's outputs are maps to be turned to NHWC as well; 0 where it gives plain vectors.
    """
    import litert_torch
    import torch

    height, width, channels = shape
    wrapped = litert_torch.to_channel_last_io(net.eval(), args=[0], outputs=list(range(outputs)))
    litert_torch.convert(wrapped, (torch.zeros(1, height, width, channels),)).export(str(path))


def quantise(float_file: Path, samples: Sequence[NDArray[np.float32]], path: Path) -> None:
    """Writes the int8 file.

    Args:
        float_file: from `export_float`.
        samples: (1, H, W, C) float32 inputs as the net was trained on, from training data only; their range sets the
            scale of every activation.
        path: the file to write.
    """
    from ai_edge_quantizer import calibrator, quantizer, recipe, recipe_manager

    maker = quantizer.Quantizer(str(float_file), recipe.static_wi8_ai8())
    recipes = recipe_manager.RecipeManager()
    recipes.load_quantization_recipe(recipe.static_wi8_ai8())
    signature = _signature(float_file)
    ranges_of = calibrator.Calibrator(float_file.read_bytes(), qsv_update_func=_widest)
    ranges_of.calibrate({signature[0]: [{signature[1]: sample} for sample in samples]}, recipes)
    ranges = ranges_of.get_model_qsvs()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "model.tflite"
        maker.quantize(ranges).export_model(str(out))
        path.write_bytes(out.read_bytes())


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
