"""Another key for the site: everything is sealed and turned anew, and nobody has to be met again.

Killed at any point, the database opens afterwards with exactly one key that is there:

    1. the new key is laid beside the old one      old database, old key; the new one is thrown away
    2. the transaction seals everything anew       the database names the new key, which waits beside the old one
       and names the new key
    3. the new key takes the place of the old one  done
    4. the file is written anew                    again when it is opened next

Pictures of people nobody knows are not sealed anew: they are deleted before step 3.

`agent.seal.keyring.find_key` takes the key that the database names; `settle` tidies up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.audit import audit
from agent.config import Config
from agent.errors import ConfigError
from agent.seal import key_file
from agent.seal.keyring import find_key, given_key, key_path, settle
from agent.seal.keys import SiteKey
from agent.store.db import agent_lock, open_db
from agent.store.resealing import abandon, reseal
from agent.store.sealing import holds_sealed, sealed_by
from agent.unknown import album

if TYPE_CHECKING:
    from agent.register import Request


@dataclass(frozen=True, slots=True)
class Reissued:
    """What was done."""

    old: str | None  # fingerprints
    new: str
    templates: int
    cards: int = 0  # forgotten
    signatures: int = 0  # forgotten
    factors: int = 0  # the second factors of accounts, forgotten
    pictures: int = 0  # of people nobody knows, deleted


def reissue(config: Config, request: Request, new: SiteKey | None = None) -> Reissued:
    """Seals everything with a new key, and wipes the old one.

    Args:
        config: which database and key file.
        request: who asks.
        new: that of another device of the site; None makes one.

    Raises:
        StoreError: an agent runs, or the database cannot be used; nothing was changed.
        ConfigError: there is no key in a file.
    """
    with agent_lock(config.database_path):
        settle(config)
        found = find_key(config)
        if found is None:
            raise ConfigError(f"{key_path(config)}: there is no site key yet, and nothing that it has sealed")
        if not found.in_file:
            raise ConfigError(
                f"the site's key comes from {found.where}, which cannot be written from here: take it out of there, "
                "put it into a file, name that as [security] key_file, reissue, and put the new key back"
            )
        key = new or SiteKey.new()
        if key == found.key:
            raise ConfigError(f"that is the site's key already: {key.id}")
        with open_db(config.database_path, create=False, key=found.key) as db:
            key_file.stage(key_path(config), key)
            with db.transaction():
                templates = reseal(db, key)
                done = Reissued(found.key.id, key.id, templates)
                audit(db, "keys_reissued", None, request, {"old": done.old, "new": done.new, "templates": templates})
        album.burn(config)  # they are sealed with the old key, and not for long
        key_file.promote(key_path(config), key)
        with open_db(config.database_path, create=False, key=key):  # sweeps
            return done


def replace_lost(config: Config, request: Request) -> Reissued:
    """Lets another key take the place of one that is lost, and forgets what only that one opens.

    That is templates, cards, signatures, the second factors of accounts, and the pictures of people nobody knows. The
    other key is the one at hand, or a new one.

    Raises:
        ConfigError: the key is not lost.
        StoreError: an agent runs, or the database cannot be used.
    """
    path = key_path(config)
    with agent_lock(config.database_path):
        with open_db(config.database_path, create=False) as db:
            given = given_key()
            key = given.key if given else key_file.read(path)
            if key is not None and (not holds_sealed(db) or sealed_by(db) == key.id):
                raise ConfigError(f"the site's key {key.id} is not lost; to change it: latchkey keys reissue")
            if key is None:
                key = SiteKey.new()
                key_file.write(path, key)
            with db.transaction():
                old = sealed_by(db)
                counts = abandon(db)._asdict()
                audit(db, "keys_replaced", None, request, {"new": key.id, **counts})
        pictures = album.burn(config)
        with open_db(config.database_path, create=False, key=key):  # names it
            return Reissued(old, key.id, pictures=pictures, **counts)
