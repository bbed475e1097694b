"""Opens the models in force when the agent starts; those that do not start give way to those before.

chosen ──► starting 1, 2, ... ──► proved, after a minute of work
              │ the file does not load, the self-test fails, or a third start
              └──► those before are in force
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Final

from agent.bundle import Bundle, open_bundle, read_bundle
from agent.config import Config
from agent.errors import ModelError
from agent.reembed import reembed
from agent.register import Request
from agent.seal.keys import SiteKey
from agent.store import models
from agent.store.db import Db, open_db
from agent.upgrade.in_force import with_models
from agent.upgrade.installing import tidy
from agent.upgrade.updating import go_back

log = logging.getLogger(__name__)

MOST_STARTS: Final = 2  # that end before the models have proved good


def open_models(config: Config, key: SiteKey, request: Request) -> Bundle:
    """Returns the models in force, which load on this device; for who holds the `agent_lock`.

    Raises:
        ModelError: they do not, and there are none to go back to.
    """
    with open_db(config.database_path, key=key) as db:
        state, starts = models.in_force(db), models.count_start(db)
        try:
            bundle = _loaded(config, key, db, state, starts)
        except ModelError as error:
            if state.previous is None:
                raise
            log.error("the models in force give way to those before: %s", error)  # noqa: TRY400 - no traceback
            bundle = _back(config, key, db, state.previous, request, str(error))
        tidy(db, config)
    return bundle


def _loaded(config: Config, key: SiteKey, db: Db, state: models.InForce, starts: int | None) -> Bundle:
    if starts is not None and starts > MOST_STARTS:
        raise ModelError(f"{state.folder}: the agent has ended {MOST_STARTS} times within a minute with it")
    bundle = open_bundle(config, key)
    if state.folder == models.CONFIGURED:
        return bundle  # loads when it is used, as ever
    eyes = bundle.eyes()
    if starts is not None:
        bundle.self_test(bundle.plain_encoder())
        # Who was enrolled between the switch and this start
        reembed(db, eyes.encoder, bundle.template_model, Request("start", datetime.now(UTC), "start"))
    return bundle


def _back(config: Config, key: SiteKey, db: Db, folder: str, request: Request, why: str) -> Bundle:  # noqa: PLR0917
    bundle = read_bundle(with_models(config, folder), key)
    encode = bundle.eyes().encoder
    go_back(db, bundle=bundle, request=request, why=why, at=request.at)
    reembed(db, encode, bundle.template_model, request)
    return bundle
