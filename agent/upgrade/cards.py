"""What the cards of the models say: of those in force, and of those there are to go back to."""

from __future__ import annotations

from typing import Any, Final

from typing_extensions import TypedDict

from agent.bundle import Card, read_bundle
from agent.config import Config
from agent.errors import ModelError
from agent.store import models
from agent.store.db import Db
from agent.upgrade import updating
from agent.upgrade.in_force import with_models

LEFT_OUT: Final = {"golden", "normalisation", "preset"}  # vectors, and how it was trained: for programs


class ThresholdTold(TypedDict):
    """From where on two are the same person."""

    cosine: float
    fmr: float  # false-match rate
    extrapolated: bool
    templates: int  # that it is for
    false_accepts_per_visit: float


class TableTold(TypedDict):
    """What the threshold is read from."""

    of: str  # "site", or the cohort of the card
    points: list[tuple[float, float]]  # similarity, false-match rate
    impostor_pairs: int


class Models(TypedDict):
    """Models with their cards, as these are in their files but for what is for programs: training/README.md."""

    encoder: dict[str, Any]
    detector: dict[str, Any]
    aligner: dict[str, Any]
    threshold: ThresholdTold
    table: TableTold


class Broken(TypedDict):
    """Models that cannot be read."""

    problem: str


class CardsTold(TypedDict):
    """Which models there are."""

    state: updating.StateTold
    now: Models | Broken
    before: Models | Broken | None


def cards(db: Db, config: Config, *, templates: int) -> CardsTold:
    """Returns which models there are, with their cards, and the threshold for a gallery of so many templates."""
    state = models.in_force(db)
    before = None if state.previous is None else of_folder(config, state.previous, templates)
    return {"state": updating.told(db, config), "now": of_folder(config, state.folder, templates), "before": before}


def of_folder(config: Config, folder: str, templates: int) -> Models | Broken:
    """Returns the cards of the models in a folder, and what they make of the threshold; or what is wrong with them."""
    try:
        bundle = read_bundle(with_models(config, folder))
        threshold = bundle.threshold(templates)
    except ModelError as error:
        return {"problem": str(error)}
    table = bundle.table
    return {
        "encoder": _told(bundle.encoder),
        "detector": _told(bundle.detector),
        "aligner": _told(bundle.aligner),
        "threshold": {
            "cosine": threshold.cosine,
            "fmr": threshold.fmr,
            "extrapolated": threshold.extrapolated,
            "templates": templates,
            "false_accepts_per_visit": config.gate.false_accepts_per_visit,
        },
        "table": {
            "of": "site" if bundle.site is not None else table.cohort,
            "points": [*zip(table.similarity, table.fmr, strict=True)],
            "impostor_pairs": table.impostor_pairs,
        },
    }


def _told(card: Card) -> dict[str, Any]:
    return {name: value for name, value in card.fields.items() if name not in LEFT_OUT}
