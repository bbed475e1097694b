"""The file of a run and its card into a folder that the agent loads models from, where there is a place for them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.errors import ModelError
from agent.gallery.threshold import FmrTable
from agent.signature.judge import Judge
from training import check
from training.evaluation.cards import read_card, wanted_card
from training.loop.run import Run
from training.parity import Parity
from training.preset import Preset
from training.writing import writing

PLACES = {"prepared": "encoder", "made-up": "encoder", "signature-online": "signature"}
"""What a file is called in `agent/models`, by what it was trained on."""


def place(run: Run, preset: Preset, folder: Path) -> Path:
    """Returns where in a folder of models the file of a run goes.

    Raises:
        ModelError: the agent has no use for it, or people who do not exist would take the place of real ones; or it is
            too large, or an operation of it leaves int8 on a target.
    """
    kind = preset.data.kind
    if kind not in PLACES:
        raise ModelError(
            f"--install: the agent has no place for an encoder of {kind}, as {preset.name} makes it: only for those of "
            f"faces and of signature-online. Leave --install out; nothing in {folder} was changed"
        )
    if folder.resolve() == run.folder.resolve():
        raise ModelError(f"--install: {folder} is the run's own folder: name that of the agent's models")
    if not _may_write(folder):
        raise ModelError(f"--install: {folder} is no folder that can be written: name another, or ask who owns it")
    target = folder / f"{PLACES[kind]}.tflite"
    if kind == "made-up" and target.exists() and _trained_on(target) != kind:
        raise ModelError(
            f"--install: {target} knows real faces, and {preset.name} has only seen made-up ones and tells nobody "
            "apart. Name a folder of its own, or move that file away; nothing was changed"
        )
    export = preset.export
    if findings := check.check(run.model, export.targets, most_bytes=export.most_bytes):
        raise ModelError(
            f"--install: {run.model} is not what [export] asks for, nothing was changed:\n{check.table(findings)}"
        )
    return target


def install(run: Run, preset: Preset, folder: Path) -> None:
    """Copies the file and its card.

    Raises:
        ModelError: there is no place for it, it is not fit to run, it does not say what its net says, or the agent
            would not start with its card.
        ConfigError: there is no card, or it is that of another file.
        RunError: the disk is full; what was there is kept.
    """
    target = place(run, preset, folder)
    card = wanted_card(run.model)
    apart = card.get("parity")
    if apart is None:
        raise ModelError(
            f"{run.model} has no card that says how far it is from its net: run `python -m training quantise`, then "
            f"`card`, with --run {run.folder}"
        )
    if faults := Parity(**apart).faults():
        raise ModelError(f"{run.model} is not what was trained: {'; '.join(faults)}")
    judged_by(card)
    beside = target.with_suffix(".json")
    with writing(target) as file:
        shutil.copyfile(run.model, file)
        with writing(beside) as text:  # both are there before one takes its place
            shutil.copyfile(run.model.with_suffix(".json"), text)


def _may_write(folder: Path) -> bool:
    """Whether files can be made in a folder, which may have to be made itself."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def judged_by(card: Mapping[str, Any]) -> None:
    """Reads from a card what the agent sets its thresholds by.

    Raises:
        ModelError: it would refuse them.
    """
    try:
        if card.get("kind") == "signature":
            Judge.from_card(card)
        else:
            FmrTable.from_card(card)
            FmrTable.from_card(card, "worst")
    except ModelError as error:
        raise ModelError(
            f"{card.get('id')}: the agent would not start with this card: {error}. Too few were validated on: pack "
            "more people or more pictures of each, or say split = val of more people in a CSV, and train on these"
        ) from error


def _trained_on(model: Path) -> object:
    """Returns what kind of data the card beside a file names; None where it does not."""
    preset = read_card(model).get("preset") or {}
    return preset.get("data", {}).get("kind")
