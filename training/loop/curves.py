"""The log of a run as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.writing import writing

FIGURES = ("eer", "tar@1e-03", "tar@1e-04")


def draw(lines: list[dict[str, Any]], path: Path, figures: Sequence[str] = FIGURES) -> None:
    """Draws losses and validation figures over the samples seen.

    Args:
        lines: of the log, see `training.loop.train`.
        path: a .png file.
        figures: of validation: from 0 to 1, or pixels, whose names end in _px.
    """
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    seen = [line["seen"] / 1e3 for line in lines]
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
    for name in sorted({name for line in lines for name in line["loss"]}):
        left.plot(seen, [line["loss"].get(name) for line in lines], ".-", label=name)
    left.set(title="Loss", ylabel="mean since the last look")
    factor, unit, top = scale(figures)
    for name in figures:
        middle.plot(seen, [factor * line["val"].get(name, float("nan")) for line in lines], ".-", label=name)
    middle.set(title="Validation", ylabel=unit, ylim=(0, top))
    right.plot(seen, [line["rate"] for line in lines], ".-")
    right.set(title="Learning rate", yscale="log")
    for axes in (left, middle, right):
        axes.set_xlabel("thousand samples seen")
        axes.grid(alpha=0.3)
        if axes is not right:
            axes.legend(frameon=False)
    try:
        with writing(path) as part:
            figure.savefig(part, dpi=110, format="png")
    finally:
        plt.close(figure)


def scale(figures: Sequence[str]) -> tuple[float, str, float | None]:
    """Returns by what figures are multiplied, their unit then, and where their axis ends; None leaves that open."""
    if all(name.endswith("_px") for name in figures):
        return 1.0, "pixels", None
    return 100.0, "per cent", 100.0
