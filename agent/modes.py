"""The mode of the door: who may set it. `agent.access.modes` says what it does."""

from __future__ import annotations

from typing import Any

from agent.access.modes import BY_SCHEDULE
from agent.access.rules import DoorRules, Mode
from agent.audit import audit
from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.mqtt.telemetry import timestamp
from agent.register import Request
from agent.store.db import Db
from agent.store.door import DoorMode, load_mode, save_mode


def set_mode(
    db: Db, mode: Mode, rules: DoorRules, request: Request, *, groups: frozenset[str] = frozenset()
) -> DoorMode:
    """Sets the mode for good, also over a restart; returns what is kept now.

    Args:
        db: the database.
        mode: from now on.
        rules: of this door: they say who may.
        request: who asks; `request.by` begins with "cli" or "mqtt", or is the person who asks at the door.
        groups: of the person at the door.

    Raises:
        CommandError: whoever asks may not, or the mode wants a schedule that the rules do not name.
    """
    if not rules.modes_by & {request.by.partition(":")[0], *groups}:
        may = ", ".join(sorted(rules.modes_by)) or "nobody"
        raise CommandError(
            Code.NOT_ALLOWED, f"{request.by} may not set the mode of {rules.name}: its rules say modes_by = {may}"
        )
    if mode in BY_SCHEDULE and rules.unlocked is None:
        raise CommandError(
            Code.BAD_REQUEST, f"the mode {mode} wants a schedule: name one by `unlocked` in the rules of {rules.name}"
        )
    with db.transaction():
        was = load_mode(db).mode or rules.mode
        save_mode(db, mode, request.at, request.by)
        audit(db, "mode_set", None, request, {"mode": mode.value, "was": was.value})
        return load_mode(db)


def mode_as_json(kept: DoorMode, rules: DoorRules) -> dict[str, Any]:
    """Returns the mode in force as JSON values: `mode`, `since` and `by`, null where the rules say it."""
    return {
        "mode": (kept.mode or rules.mode).value,
        "since": timestamp(kept.since) if kept.since is not None else None,
        "by": kept.by,
    }
