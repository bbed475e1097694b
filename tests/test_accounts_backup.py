"""Accounts in a backup: they come back with the device, and nothing comes back that was taken away since."""

import pytest

from agent.accounts import changes
from agent.backup import staging
from agent.errors import BackupError
from agent.seal.reissue import reissue
from agent.store import accounts as store
from agent.store.db import open_db
from agent.trust.roles import Role
from tests.fakes.accounts import FRESH, HASH, account, asks, shown
from tests.fakes.keys import KEY, OTHER
from tests.test_backup import Device


@pytest.fixture
def device(tmp_path):
    made = Device(tmp_path / "front").fill()
    with made.db() as db:
        account(db)
        account(db, "ben", Role.VIEWER)
    return made


def names(db):
    return {each.name: each.role.value for each in store.everyone(db)}


def test_they_come_back_on_a_new_device_with_their_second_factors(device, tmp_path):
    with device.db() as db:
        secret = store.opened(db, store.find(db, "annika"))
    file = device.backup()
    device.data.rename(tmp_path / "dead")
    device.data.mkdir()
    device.restore(file)
    with device.db() as db:
        assert names(db) == {"annika": "owner", "ben": "viewer"}
        assert (store.opened(db, store.find(db, "annika")), store.codes_left(db, "annika")) == (secret, 8)


def test_what_was_changed_since_stays_changed(device):
    file = device.backup()
    with device.db() as db:
        changes.remove(db, asks(), "ben")
        changes.set_password(db, asks(), "annika", HASH[:-2])
        account(db, "cleo", Role.OWNER)
        changes.set_second_factor(db, asks(), "cleo", secret=FRESH, code=shown(FRESH))
    device.restore(file)
    with device.db() as db:
        assert names(db) == {"annika": "owner", "cleo": "owner"}
        assert store.find(db, "annika").password == HASH[:-2]
        assert (store.opened(db, store.find(db, "cleo")), store.codes_left(db, "cleo")) == (FRESH, 8)


def test_on_a_device_of_another_life_both_have_their_accounts(device, tmp_path):
    other = Device(tmp_path / "other").fill()
    with other.db() as db:
        account(db, "annika", Role.SECURITY)
        account(db, "cleo", Role.OWNER)
    other.restore(device.backup(configuration=None))
    with other.db() as db:
        assert names(db) == {"annika": "security", "ben": "viewer", "cleo": "owner"}


def test_where_the_key_was_changed_since_a_second_factor_that_is_the_same_stays(device):
    file = device.backup()
    with device.db() as db:
        secret = store.opened(db, store.find(db, "annika"))
        changes.set_second_factor(db, asks(), "ben", secret=FRESH, code=shown(FRESH))
    reissue(device.config, asks(), OTHER)
    device.restore(file)
    with device.db() as db:
        assert store.opened(db, store.find(db, "annika")) == secret
        assert store.find(db, "ben").secret is None


def test_a_device_that_is_given_another_key_does_not_take_it(tmp_path, monkeypatch):
    device = Device(tmp_path / "front").fill()
    with device.db() as db:
        db.sql.execute("DELETE FROM templates")
        account(db)
    file = device.backup()
    monkeypatch.setenv("LATCHKEY_SITE_KEY", OTHER.text)
    with pytest.raises(BackupError, match=f"sealed with the key {KEY.id}, but LATCHKEY_SITE_KEY gives {OTHER.id}"):
        device.stage(file)
    assert not (device.data / staging.STAGED).exists()
    with open_db(device.config.database_path) as db:
        assert names(db) == {"annika": "owner"}
