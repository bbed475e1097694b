"""Which models a device uses: what was installed last and stands in its database, else what its configuration says."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Final

from agent.config import Config
from agent.gallery.anchors import fingerprint
from agent.store.db import open_db
from agent.store.models import CONFIGURED, in_force

log = logging.getLogger(__name__)

FOLDER: Final = "models"  # in data_dir


def models_folder(config: Config) -> Path:
    """Returns where models are installed, a folder each."""
    return config.device.data_dir / FOLDER


def configured(config: Config) -> Config:
    """Returns the configuration with the models in force.

    Raises:
        StoreError: the database cannot be read.
    """
    if not config.database_path.exists():
        return config
    with open_db(config.database_path, create=False) as db:
        return with_models(config, in_force(db).folder)


def with_models(config: Config, folder: str) -> Config:
    """Returns the configuration with the models of a folder, or as it is for CONFIGURED.

    A bundle without a detector leaves that of the configuration; the aligner is always that. What was learnt of the
    site counts for its encoder.
    """
    if folder == CONFIGURED:
        return config
    base = models_folder(config) / folder
    own = base / "detector.tflite"
    encoder = base / "encoder.tflite"
    chosen = {
        "encoder": encoder,
        "detector": own if own.exists() else config.models.detector,
        "site": _site(config.models.site, encoder),
    }
    return config.model_copy(update={"models": config.models.model_copy(update=chosen)})


def _site(site: Path | None, encoder: Path) -> Path | None:
    """The site's file, unless it was learnt with another encoder, or another card of it."""
    if site is None:
        return None
    try:
        learnt = json.loads(site.read_text(encoding="utf-8"))
        card = json.loads(encoder.with_suffix(".json").read_text(encoding="utf-8"))
        same = (learnt["model"], learnt.get("normalisation")) == (card["id"], fingerprint(card))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return site  # whoever reads it says what is wrong
    if same:
        return site
    told = "%s was learnt with %s, and not with %s or another card of it: run `latchkey calibrate` again"
    log.warning(told, site, learnt["model"], card["id"])
    return None
