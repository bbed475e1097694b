"""What is noted when a run's weights are made a file: how far it is from its net, and which weights these were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.errors import RunError
from training.loop.run import Run, digest
from training.writing import write_whole

WEIGHTS = "weights_sha256"


def place(run: Run) -> Path:
    """Returns where it is noted."""
    return run.folder / "golden.json"


def weights_of(run: Run) -> dict[str, Any]:
    """Returns what tells a run's weights from those of another look, and how many samples they have seen."""
    lines = run.lines()
    return {
        **({"seen": lines[-1]["seen"]} if lines else {}),
        **({WEIGHTS: digest(run.weights)} if run.weights.exists() else {}),
    }


def note(run: Run, told: Mapping[str, Any]) -> None:
    """Notes what is known of a run's file, with `weights_of` what it was made of.

    Raises:
        RunError: there is no room for it.
    """
    write_whole(place(run), json.dumps(told))


def noted(run: Run) -> dict[str, Any]:
    """Returns what was noted of a run's file; nothing where none was made.

    Raises:
        RunError: the run has other weights now, or the note is damaged.
    """
    try:
        told = dict(json.loads(place(run).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"{place(run)} cannot be read: {error}. {_anew(run)}") from error
    if WEIGHTS in told and run.weights.exists() and told[WEIGHTS] != digest(run.weights):
        raise RunError(
            f"{run.model} was made of other weights than {run.weights} holds now: the run has gone on. {_anew(run)}"
        )
    return told


def _anew(run: Run) -> str:
    return f"Make the file anew: python -m training quantise --run {run.folder}"
