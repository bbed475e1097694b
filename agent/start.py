"""What comes first when the agent starts: its database, alone; its key; what is not as it was the last time."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime

from agent.audit import audit, audit_start
from agent.backup import leftovers
from agent.bundle import Bundle
from agent.clock import clock_state
from agent.config import Config
from agent.device_key import key_path
from agent.privacy import wipe
from agent.register import Request
from agent.seal.keyring import key_files, settle, site_key
from agent.store.crops import forget_crops
from agent.store.db import Db, agent_lock, open_db
from agent.upgrade.starting import open_models


def open_house(stack: ExitStack, config: Config, boot_id: str, *, reads: int) -> tuple[Bundle, Db, list[Db]]:
    """Returns the models, the database to write to, and others to read from; `stack` closes them.

    Pictures that were kept go where they are to be kept no longer. A wipe that was interrupted is gone on with first,
    then a change of the key; models that do not start give way to those before; what is another than at the last start,
    software, models or configuration, is audited.

    Raises:
        LatchkeyError: another agent runs, the database or the key cannot be used, a model is missing.
    """
    path, request = (
        config.database_path,
        Request("start", datetime.now(UTC), boot_id, clock=clock_state(config.clock.synchronised_file)),
    )
    stack.enter_context(agent_lock(path))
    if wipe.pending(config) is not None:
        with open_db(path) as db:
            wipe.finish(db, config, [*key_files(config), key_path(config)], request)
    settle(config)
    leftovers.clear(config, starting=True)
    bundle = open_models(config, site_key(config), request)
    db, *others = (stack.enter_context(open_db(path, key=bundle.key)) for _ in range(1 + reads))
    if not config.security.keep_crops and (crops := forget_crops(db)):
        audit(db, "crops_forgotten", None, request, {"crops": crops})
    if config.homeassistant.enabled and config.homeassistant.camera:
        audit(db, "camera_told", None, request, {"to": "homeassistant"})
    audit_start(db, config, [bundle.model_id, bundle.detector.id, bundle.aligner.id], request)
    return bundle, db, others
