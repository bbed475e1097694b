"""Another key for the site: everybody stays known, the old key opens nothing, and no kill leaves it half done."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.config import load_config
from agent.errors import ConfigError, StoreError
from agent.register import Request
from agent.seal import key_file
from agent.seal.keyring import find_key, key_path, site_key
from agent.seal.reissue import reissue, replace_lost
from agent.store import events, people
from agent.store.db import agent_lock, open_db
from agent.store.signatures import put_signatures
from agent.store.templates import enrol, load_gallery
from tests.fakes.keys import KEY, OTHER
from tests.test_store_people import templates

ROOT = Path(__file__).parents[1]
NOW = datetime(2026, 11, 26, tzinfo=UTC)
REQUEST = Request("cli", NOW, "boot")


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.delenv("LATCHKEY_SITE_KEY", raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.fixture
def config(tmp_path):
    config = load_config(None, {"device.data_dir": tmp_path / "data"}, {})
    key_file.write(key_path(config), KEY)
    with open_db(config.database_path, key=KEY) as db:
        enrol(db, "anna", None, templates(1, 2), NOW)
    return config


def audited(config):
    with open_db(config.database_path) as db:
        return [event.body for event in events.recent(db, 10)]


def test_everybody_is_known_under_a_new_key(config):
    done = reissue(config, REQUEST)
    key = site_key(config)
    assert (done.old, done.new, done.templates) == (KEY.id, key.id, 2)
    assert key != KEY
    with open_db(config.database_path, key=key) as db:
        assert load_gallery(db, key.model("m1")).people == ("anna",)
    assert [file.name for file in sorted(key_path(config).parent.glob("*key*"))] == [
        "latchkey.db",
        "latchkey.db.lock",
        "site.key",
    ]
    (body,) = audited(config)
    assert (body["action"], body["by"]) == ("keys_reissued", "cli")
    assert key.text not in json.dumps(body)


def test_the_key_of_another_device_may_be_taken(config):
    assert reissue(config, REQUEST, OTHER).new == OTHER.id
    assert site_key(config) == OTHER
    with pytest.raises(ConfigError, match=f"that is the site's key already: {OTHER.id}"):
        reissue(config, REQUEST, OTHER)


def test_not_while_an_agent_runs(config):
    with agent_lock(config.database_path), pytest.raises(StoreError, match="another agent"):
        reissue(config, REQUEST)
    assert (site_key(config), audited(config)) == (KEY, [])


def test_not_where_the_key_is_given(config, monkeypatch):
    monkeypatch.setenv("LATCHKEY_SITE_KEY", KEY.text)
    with pytest.raises(ConfigError, match="comes from LATCHKEY_SITE_KEY, which cannot be written from here"):
        reissue(config, REQUEST)


def test_not_where_there_is_none(tmp_path):
    config = load_config(None, {"device.data_dir": tmp_path / "new"}, {})
    with pytest.raises(ConfigError, match="there is no site key yet"):
        reissue(config, REQUEST)


def test_killed_before_any_line_it_was_done_or_not(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "tests.fakes.killed", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    states = json.loads(run.stdout)
    assert states == sorted(states, reverse=True)  # "old" up to the commit, "new" from there on
    assert (states.count("old") > 50, states.count("new") > 20) == (True, True)


class TestLost:
    def test_a_lost_key_is_given_up_with_what_it_seals(self, config):
        with open_db(config.database_path, key=KEY) as db:
            put_signatures(db, "anna", [seen for seen, _ in templates(3, 4, 5)], NOW)
        key_path(config).unlink()
        done = replace_lost(config, REQUEST)
        assert done.signatures == 3
        assert (done.old, done.templates, done.cards) == (KEY.id, 2, 0)
        assert find_key(config).key.id == done.new
        with open_db(config.database_path, key=site_key(config)) as db:
            assert people.get_person(db, "anna").templates == 0
        (body,) = audited(config)
        assert body["action"] == "keys_replaced"
        counts = {"templates": 2, "cards": 0, "signatures": 3, "factors": 0}
        assert {name: body["details"][name] for name in counts} == counts

    def test_a_wrong_key_that_is_there_takes_its_place(self, config):
        key_path(config).unlink()
        key_file.write(key_path(config), OTHER)
        assert replace_lost(config, REQUEST).new == OTHER.id
        open_db(config.database_path, key=OTHER).close()

    def test_a_key_that_is_there_is_not_lost(self, config):
        with pytest.raises(ConfigError, match=f"the site's key {KEY.id} is not lost"):
            replace_lost(config, REQUEST)
        assert site_key(config) == KEY
