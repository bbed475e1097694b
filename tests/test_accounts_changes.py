"""Accounts are added, changed and removed, in the audit; an owner always stays; secrets go with the site's key."""

import json
from datetime import timedelta

import pytest

from agent.accounts import changes, roll
from agent.config import load_config
from agent.errors import CommandError
from agent.jobs.job import Job
from agent.store import accounts as store
from agent.store import events, jobs, sign_ins
from agent.store.db import open_db
from agent.store.resealing import reseal
from agent.store.sealing import holds_sealed
from agent.store.wiping import wipe
from agent.trust.roles import Role
from tests.fakes.accounts import FRESH, HASH, NOW, PASSWORD, WRONG_CODE, account, asks, shown
from tests.fakes.keys import KEY, OTHER


@pytest.fixture
def path(tmp_path):
    return tmp_path / "latchkey.db"


@pytest.fixture
def db(path):
    with open_db(path, key=KEY) as opened:
        yield opened


def audited(db):
    told = [event.body for event in events.since(db, 0, 1000) if event.kind == "audit"]
    return [(body["action"], body["by"], body["details"]) for body in told]


def refused(wanted, call, *arguments, **more):
    with pytest.raises(CommandError) as error:
        call(*arguments, **more)
    assert error.value.code == wanted
    return str(error.value)


def test_one_is_added_and_told_without_anything_secret(db, path):
    secret, codes = account(db)
    (told,) = roll.everyone(db)
    assert told["name"] == "annika"
    assert (told["role"], told["second_factor"], told["recovery_codes"]) == ("owner", True, 8)
    assert (told["signed_in_at"], told["disabled_at"], told["added_by"]) == (None, None, "cli:root")
    assert audited(db) == [("account_added", "cli:root", {"account": "annika", "role": "owner"})]
    db.wipe_log()
    whole = json.dumps(roll.everyone(db)) + repr(store.find(db, "annika")) + path.read_bytes().decode("latin-1")
    for word in (secret, *codes, PASSWORD, codes[0].replace("-", "")):
        assert word not in whole


def test_it_counts_once_a_right_code_was_shown(db):
    asked = {"name": "ben", "role": Role.VIEWER, "password": HASH, "secret": FRESH}
    assert "12:00:10 UTC" in refused("wrong_code", changes.add, db, asks(), **asked, code=WRONG_CODE)
    assert refused("bad_request", changes.add, db, asks(), **asked | {"secret": "short"}, code=shown(FRESH))
    assert roll.everyone(db) == []
    changes.add(db, asks(), **asked, code=shown(FRESH))
    assert store.find(db, "ben").last_step == int(NOW.timestamp()) // 30


@pytest.mark.parametrize(
    ("name", "role", "code"),
    [
        pytest.param("Annika", Role.OWNER, "bad_request", id="capitals"),
        pytest.param("", Role.OWNER, "bad_request", id="no name"),
        pytest.param("a" * 33, Role.OWNER, "bad_request", id="too long"),
        pytest.param("ben", Role.READER, "bad_request", id="a reader is no person"),
        pytest.param("ben", Role.COLLECTOR, "bad_request", id="nor is a collector"),
        pytest.param("annika", Role.VIEWER, "name_taken", id="taken"),
    ],
)
def test_who_cannot_be_added(db, name, role, code):
    account(db)
    refused(code, account, db, name, role)


def test_there_are_so_many_at_most(db, monkeypatch):
    monkeypatch.setattr(changes, "MOST", 1)
    account(db)
    refused("not_allowed", account, db, "ben")


@pytest.mark.parametrize(
    ("change", "details"),
    [
        pytest.param(
            lambda db: changes.set_role(db, asks(), "ben", Role.VIEWER),
            {"role": "viewer", "before": "operator"},
            id="role",
        ),
        pytest.param(lambda db: changes.set_password(db, asks(), "ben", HASH), {"password": True}, id="password"),
        pytest.param(lambda db: changes.disable(db, asks(), "ben"), {"disabled": True}, id="disabled"),
    ],
)
def test_after_a_change_nobody_is_signed_in(db, change, details):
    account(db)
    account(db, "ben", Role.OPERATOR)
    before = {each.name: each.generation for each in store.everyone(db)}
    change(db)
    ben = store.find(db, "ben")
    assert (ben.generation, ben.changed_at, ben.changed_by) == (before["ben"] + 1, NOW, "cli:root")
    assert audited(db)[-1] == ("account_changed", "cli:root", {"account": "ben"} | details)
    assert store.find(db, "annika").generation == before["annika"]


def test_what_changes_nothing_signs_nobody_out(db):
    account(db)
    before = store.find(db, "annika")
    changes.set_role(db, asks(), "annika", Role.OWNER)
    changes.enable(db, asks(), "annika")
    assert store.find(db, "annika") == before


def test_one_of_the_same_name_is_another_account(db):
    account(db)
    account(db, "ben")
    before = store.find(db, "ben").generation
    changes.remove(db, asks(), "ben")
    account(db, "ben")
    assert store.find(db, "ben").generation != before


def test_another_second_factor_comes_with_other_codes(db):
    _, codes = account(db)
    before = store.find(db, "annika").generation
    told, others = changes.set_second_factor(db, asks(), "annika", secret=FRESH, code=shown(FRESH))
    assert store.opened(db, store.find(db, "annika")) == FRESH
    assert (told["recovery_codes"], set(codes) & set(others)) == (8, set())
    more = changes.renew_codes(db, asks(), "annika")
    assert (len(more), set(more) & set(others)) == (8, set())
    assert store.find(db, "annika").generation == before + 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(changes.remove, id="removed"),
        pytest.param(changes.disable, id="disabled"),
        pytest.param(lambda db, request, name: changes.set_role(db, request, name, Role.SECURITY), id="degraded"),
    ],
)
def test_the_last_owner_stays(db, change):
    account(db)
    account(db, "ben", Role.OPERATOR)
    account(db, "cleo", Role.OWNER)
    changes.disable(db, asks(), "cleo")
    before = len(audited(db))
    assert "annika is the only owner" in refused("last_owner", change, db, asks(), "annika")
    assert len(audited(db)) == before
    changes.enable(db, asks(), "cleo")
    change(db, asks(), "annika")


@pytest.mark.parametrize(
    ("change", "by", "given_up"),
    [
        pytest.param(changes.remove, "cli:root", "cli:root", id="removed"),
        pytest.param(changes.disable, "cli:root", "cli:root", id="disabled"),
        pytest.param(lambda *of: changes.set_role(*of, Role.VIEWER), "cli:root", "cli:root", id="another role"),
        pytest.param(lambda *of: changes.set_password(*of, HASH), "page:olga", "page:olga", id="by another"),
        pytest.param(lambda *of: changes.set_password(*of, HASH), "page:ben", None, id="by themselves"),
    ],
)
def test_jobs_of_who_may_ask_no_more_are_given_up(db, change, by, given_up):
    account(db)
    account(db, "ben", Role.ENROLLER)
    for who in ("ben", "annika"):
        jobs.add(db, Job(id=who, verb="enrol", asked_by=f"page:{who}", body="{}", accepted_at=NOW, changed_at=NOW))
    change(db, asks(by=by), "ben")
    assert {job.id: job.cancelled_by for job in jobs.unfinished(db)} == {"ben": given_up, "annika": None}


def test_who_is_removed_is_gone_with_the_codes(db):
    account(db)
    account(db, "ben", Role.VIEWER)
    sign_ins.remember(db, "ben", "192.0.2.7", NOW)
    changes.remove(db, asks(), "ben")
    assert [told["name"] for told in roll.everyone(db)] == ["annika"]
    assert (store.codes_left(db, "ben"), sign_ins.familiar(db, "ben", "192.0.2.7")) == (0, None)
    assert "list" in refused("unknown_account", changes.remove, db, asks(), "ben")


def test_enabling_lifts_the_lock(db):
    account(db)
    for _ in range(30):
        sign_ins.fail(db, NOW, name="annika")
    changes.enable(db, asks(), "annika")
    assert sign_ins.failures(db, "name", "annika") is None


def test_the_policy_knows_the_account_the_site_and_the_device():
    config = load_config(None, {"device.site": "northgate", "device.name": "side-door"}, {})
    for word in ("annika", "northgate"):
        assert word not in refused("bad_password", changes.new_password, config, "annika", f"{word}.{word}-12")


class TestTheSitesKey:
    def test_the_second_factor_is_sealed_for_its_account(self, db):
        account(db)
        account(db, "ben", Role.VIEWER)
        assert holds_sealed(db)
        db.sql.execute("UPDATE accounts SET secret = (SELECT secret FROM accounts WHERE name = 'ben')")
        assert store.opened(db, store.find(db, "annika")) is None

    def test_it_is_sealed_anew_with_another_key(self, db, path):
        secret, _ = account(db)
        with db.transaction():
            reseal(db, OTHER)
        db.close()
        with open_db(path, key=OTHER) as other:
            assert store.opened(other, store.find(other, "annika")) == secret
            assert store.codes_left(other, "annika") == 8

    def test_one_that_was_tampered_with_is_dropped_and_not_carried_over(self, db, path, caplog):
        account(db)
        db.sql.execute("UPDATE accounts SET secret = zeroblob(61)")
        with db.transaction():
            reseal(db, OTHER)
        assert "latchkey account second-factor" in caplog.text
        assert store.find(db, "annika").secret is None

    def test_a_lost_key_takes_the_second_factors_with_it(self, db):
        account(db)
        before = store.find(db, "annika")
        with db.transaction():
            assert store.abandon(db) == 1
        kept = store.find(db, "annika")
        assert (kept.secret, store.codes_left(db, "annika")) == (None, 0)
        assert kept.generation == before.generation + 1

    def test_a_wipe_leaves_no_account(self, db):
        account(db)
        sign_ins.fail(db, NOW, name="annika", address="192.0.2.7")
        assert wipe(db)["accounts"] == 1
        assert db.rows("SELECT 1 FROM recovery_codes UNION SELECT 1 FROM sign_in_failures") == []


def test_there_are_so_many_failures_and_familiar_addresses_at_most(db, monkeypatch):
    monkeypatch.setattr(sign_ins, "MOST", 3)
    monkeypatch.setattr(sign_ins, "MOST_FAMILIAR", 2)
    account(db)
    for number in range(5):
        sign_ins.fail(db, NOW + timedelta(seconds=number), address=str(number))
        sign_ins.remember(db, "annika", str(number), NOW + timedelta(seconds=number))
    assert [sign_ins.failures(db, "address", str(number)) is None for number in range(5)] == [True] * 2 + [False] * 3
    assert [sign_ins.familiar(db, "annika", str(number)) is None for number in range(5)] == [True] * 3 + [False] * 2
