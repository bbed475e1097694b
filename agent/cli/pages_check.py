"""`latchkey check` looks at the pages for browsers: whether they are encrypted where others ask, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.cli.opened import database
from agent.cli.output import counted
from agent.condition import RENEW
from agent.config import Config
from agent.errors import ConfigError
from agent.findings import Finding, State
from agent.pki.ending import days_left
from agent.pki.registry import SOON


def pages(config: Config) -> Finding:
    """Says who may see which page, and for how many days its certificate is still valid."""
    wanted = [table for table in ("web", "admin") if getattr(config, table).enabled]
    if not wanted:
        return Finding("pages", State.OK, "none: [web] and [admin] are off")
    try:
        from agent.web.identity import identity_of, kiosk_identity, tls_context
    except ImportError as error:
        return Finding("pages", State.FAILED, f"{error.name} is not installed", "pip install 'latchkey[web]'")
    left: list[int] = []
    try:
        for table, identity in (("web", kiosk_identity), ("admin", identity_of)):
            if table in wanted and (found := identity(config)) is not None:
                tls_context(*found)
                left.append(days_left(found[0], datetime.now(UTC)))
    except ConfigError as error:
        return Finding("pages", State.FAILED, str(error))
    where = ", ".join(f"[{each}] at {getattr(config, each).host}:{getattr(config, each).port}" for each in wanted)
    if left and min(left) < 0:
        return Finding("pages", State.FAILED, f"{where}: the certificate has ended", RENEW)
    told = f"certificate valid for {counted(min(left), 'day')}" if left else "for this machine alone"
    text = f"{where}, {told}"
    if left and min(left) <= SOON.days:
        return Finding("pages", State.WARNING, text, RENEW)
    return _people(config, text) if config.admin.enabled else Finding("pages", State.OK, text)


def _people(config: Config, text: str) -> Finding:
    from agent.store import accounts

    if not config.database_path.exists():
        return Finding("pages", State.WARNING, f"{text}; nobody may sign in", "latchkey account add NAME --role owner")
    with database(config) as db:
        able = [one for one in accounts.everyone(db) if one.disabled_at is None and one.secret is not None]
    if not able:
        return Finding("pages", State.WARNING, f"{text}; nobody may sign in", "latchkey account add NAME --role owner")
    return Finding("pages", State.OK, f"{text}; {counted(len(able), 'account')}")
