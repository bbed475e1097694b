"""The check of the site's key, and of what it seals."""

from __future__ import annotations

from agent.bundle import open_bundle
from agent.cli.opened import database
from agent.cli.output import counted
from agent.config import Config
from agent.errors import ModelError
from agent.findings import Finding, State
from agent.seal.keyring import find_key, key_path
from agent.seal.keys import SiteKey
from agent.store.templates import load_templates


def site_key(config: Config) -> SiteKey | None:
    """The key there is; none is made."""
    found = find_key(config)
    return found.key if found else None


def sealing(config: Config) -> Finding:
    """Opens every template that is compared."""
    found = find_key(config)
    if found is None:
        return Finding("key", State.OK, f"{key_path(config)}: none yet, made at the first start")
    text = f"{found.key.id}, from {found.where}"
    if not config.database_path.exists():
        return Finding("key", State.OK, text)
    try:
        model = open_bundle(config, found.key).template_model
    except ModelError:
        return Finding("key", State.WARNING, f"{text}; templates cannot be told without the models", "see there")
    with database(config, key=found.key) as db:
        loaded = load_templates(db, model)
    if loaded.damaged:
        damaged = sum(loaded.damaged.values())
        text += f"; {counted(damaged, 'template')} changed since sealed: {', '.join(sorted(loaded.damaged)[:5])}"
        return Finding("key", State.WARNING, text, "look for who did that, or a failing disk; enrol those people again")
    return Finding("key", State.OK, f"{text}, opens {counted(loaded.gallery.templates, 'template')}")
