"""Where the key is looked for, and when one is made."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent.config import load_config
from agent.errors import ConfigError, StoreError
from agent.seal import key_file
from agent.seal.keyring import find_key, key_path, settle, site_key
from agent.store.db import open_db
from agent.store.templates import enrol
from tests.fakes.keys import KEY, OTHER
from tests.test_store_people import NOW, templates


@pytest.fixture
def config(tmp_path):
    return load_config(None, {"device.data_dir": tmp_path / "data"}, {})


@pytest.fixture
def sealed(config):
    """A database that is sealed with KEY."""
    with open_db(config.database_path, key=KEY) as db:
        enrol(db, "anna", None, templates(1), NOW)


def test_it_is_beside_the_database_unless_configured(config, tmp_path):
    assert key_path(config) == tmp_path / "data" / "site.key"
    other = load_config(None, {"security.key_file": tmp_path / "safe" / "k"}, {})
    assert key_path(other) == tmp_path / "safe" / "k"


def test_the_first_use_makes_it(config):
    assert find_key(config, {}) is None
    key = site_key(config, {})
    assert key_file.read(key_path(config)) == key == site_key(config, {})
    assert (find_key(config, {}).where, find_key(config, {}).in_file) == (str(key_path(config)), True)


def test_a_variable_wins_over_a_credential_over_the_file(config, tmp_path):
    credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    made = site_key(config, credentials)  # an empty folder of credentials holds none
    (tmp_path / "site_key").write_text(KEY.text + "\n")
    assert made not in {KEY, OTHER}
    found = find_key(config, credentials)
    assert (found.key, found.where, found.in_file) == (KEY, "the credential site_key", False)
    found = find_key(config, {**credentials, "LATCHKEY_SITE_KEY": base64.b64encode(OTHER.secret).decode()})
    assert (found.key, found.where, found.in_file) == (OTHER, "LATCHKEY_SITE_KEY", False)


def test_a_key_that_is_given_makes_no_file(config):
    assert site_key(config, {"LATCHKEY_SITE_KEY": KEY.text}) == KEY
    assert not key_path(config).exists()


def test_a_given_key_that_is_none_is_told(config):
    with pytest.raises(ConfigError, match="LATCHKEY_SITE_KEY holds no site key"):
        site_key(config, {"LATCHKEY_SITE_KEY": "secret"})


@pytest.mark.usefixtures("sealed")
def test_no_key_is_made_where_one_is_lost(config):
    for ask in (find_key, site_key):
        with pytest.raises(StoreError, match=r"sealed with the key b4483c98, but there is no site key here: restore"):
            ask(config, {})
    assert not key_path(config).exists()


@pytest.mark.usefixtures("sealed")
def test_another_key_does_not_open_the_database(config):
    with pytest.raises(StoreError, match=f"sealed with the key b4483c98, but the site's key here is {OTHER.id}"):
        open_db(config.database_path, key=OTHER)


def test_another_key_may_seal_what_holds_nothing(config):
    open_db(config.database_path, key=KEY).close()
    open_db(config.database_path, key=OTHER).close()
    with pytest.raises(StoreError, match="opened without the site's key"), open_db(config.database_path) as db:
        enrol(db, "anna", None, templates(1), NOW)


def test_all_who_start_at_once_have_the_same_key(config):
    at_once = threading.Barrier(8)

    def start(_):
        at_once.wait(10)
        return site_key(config, {})

    for _ in range(20):
        with ThreadPoolExecutor(8) as pool:
            assert {*pool.map(start, range(8))} == {key_file.read(key_path(config))}
        assert [file.name for file in key_path(config).parent.iterdir()] == ["site.key"]
        key_path(config).unlink()


class TestChangeCutShort:
    """The next key waits: which one counts says the database."""

    @pytest.mark.usefixtures("sealed")
    def test_before_the_database_was_changed(self, config):
        key_file.write(key_path(config), KEY)
        key_file.stage(key_path(config), OTHER)
        assert find_key(config, {}).key == KEY
        settle(config)
        assert (find_key(config, {}).key, key_file.staged(key_path(config))) == (KEY, {})

    @pytest.mark.usefixtures("sealed")
    def test_after_the_database_was_changed(self, config):
        key_file.write(key_path(config), OTHER)
        key_file.stage(key_path(config), KEY)
        assert find_key(config, {}).key == KEY
        assert key_file.read(key_path(config)) == OTHER  # who only looks changes nothing
        settle(config)
        assert (key_file.read(key_path(config)), key_file.staged(key_path(config))) == (KEY, {})

    def test_without_a_database(self, config):
        key_file.write(key_path(config), KEY)
        key_file.stage(key_path(config), OTHER)
        settle(config)
        assert (find_key(config, {}).key, key_file.staged(key_path(config))) == (KEY, {})
