"""`latchkey check` and the pages for browsers: encrypted where others ask, and whether anybody may sign in."""

import pytest

from agent.cli.pages_check import pages
from agent.config import load_config
from agent.findings import State
from agent.store.db import open_db
from tests.fakes.accounts import account
from tests.fakes.keys import KEY
from tests.fakes.pki import device_files


@pytest.fixture
def look(tmp_path):
    def looks(**told):
        overrides = {"device.data_dir": tmp_path} | {key.replace("__", "."): value for key, value in told.items()}
        config = load_config(None, overrides, {})
        return pages(config)

    return looks


def beyond(tmp_path, **more):
    _, certificate, key = device_files(tmp_path, **more)
    return {"web__enabled": True, "web__host": "192.0.2.7", "admin__certificate": certificate, "admin__key": key}


def test_none_are_served(look):
    assert look().text == "none: [web] and [admin] are off"


def test_on_this_machine_none_is_encrypted(look):
    found = look(web__enabled=True)
    assert (found.state, found.text) == (State.OK, "[web] at 127.0.0.1:8080, for this machine alone")


def test_others_may_ask_and_there_is_no_certificate(look):
    found = look(web__enabled=True, web__host="192.0.2.7")
    assert (found.state, "has to be encrypted" in found.text) == (State.FAILED, True)


@pytest.mark.parametrize(
    ("days", "state", "told"),
    [
        pytest.param(90, State.OK, "certificate valid for 89 days", id="for long"),
        pytest.param(8, State.WARNING, "certificate valid for 7 days", id="not for long"),
        pytest.param(-1, State.FAILED, "the certificate has ended", id="no more"),
    ],
)
def test_how_long_the_certificate_is_valid(look, tmp_path, days, state, told):
    found = look(**beyond(tmp_path, days=days))
    assert (found.state, told in found.text) == (state, True), found


def test_a_key_that_does_not_belong_to_it(look, tmp_path):
    told = beyond(tmp_path)
    (tmp_path / "other").mkdir()
    found = look(**told | {"admin__key": device_files(tmp_path / "other")[2]})
    assert (found.state, "no certificate and its key" in found.text) == (State.FAILED, True)


def test_nobody_may_sign_in_until_somebody_may(look, tmp_path):
    assert look(admin__enabled=True).advice == "latchkey account add NAME --role owner"
    with open_db(tmp_path / "latchkey.db", key=KEY) as db:
        assert look(admin__enabled=True).state is State.WARNING
        account(db)
    found = look(admin__enabled=True)
    assert (found.state, found.text.endswith("; 1 account")) == (State.OK, True)
