"""The card beside a model file, as training reads and writes it; `agent.bundle` is how the agent does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.errors import ConfigError
from agent.gallery.anchors import Anchors, read_anchors
from training.writing import write_whole


def read_card(file: Path) -> dict[str, Any]:
    """Returns the card beside a file; an empty one where there is none.

    Raises:
        ConfigError: it is no JSON.
    """
    path = file.with_suffix(".json")
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ConfigError(f"{path} is not a card: {error}; package the model again") from error


def anchors_of(file: Path) -> Anchors | None:
    """Returns the anchors on the card beside a file; None where there are none, or is no card.

    Raises:
        ConfigError: it is the card of another file.
        ModelError: they are none.
    """
    card = read_card(file)
    anchors = read_anchors(card)
    if anchors is not None or "sha256" in card:
        refuse_other(file, card)
    return anchors


def refuse_other(file: Path, card: Mapping[str, Any]) -> None:
    """Does nothing if a card is that of the file beside it.

    Raises:
        ConfigError: it is of another.
    """
    if card.get("sha256") != hashlib.sha256(file.read_bytes()).hexdigest():
        raise ConfigError(
            f"{file.with_suffix('.json')} is of another file than {file.name}, and says nothing of this one: make it "
            "anew, with `python -m training card`"
        )


def wanted_card(file: Path) -> dict[str, Any]:
    """Returns the card beside a file.

    Raises:
        ConfigError: there is none, or it is no JSON, or that of another file.
    """
    if not (card := read_card(file)):
        raise ConfigError(f"{file.with_suffix('.json')} is missing: make it first, with `python -m training card`")
    refuse_other(file, card)
    return card


def write_card(file: Path, card: Mapping[str, Any]) -> None:
    """Writes a card beside the file it describes."""
    write_whole(file.with_suffix(".json"), json.dumps(dict(card), indent=1) + "\n")


def add(file: Path, figures: Mapping[str, Mapping[str, float]], **more: Any) -> None:
    """Writes what was measured into the card beside a file; what is None was not.

    Args:
        file: the model.
        figures: by what they were measured on; others that are there already stay.
        more: other keys of the card.

    Raises:
        ConfigError: there is no card to write into, or it is none, or that of another file.
    """
    card = wanted_card(file)
    card["figures"] = {**card.get("figures", {}), **{name: dict(values) for name, values in figures.items()}}
    write_card(file, card | {key: value for key, value in more.items() if value is not None})
