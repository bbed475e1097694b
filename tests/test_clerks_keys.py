"""Whose commands are carried out: added, rotated, revoked; and always somebody who may."""

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError

from agent import admins
from agent.clerks import Office
from agent.clerks.keys import handlers
from agent.config import load_config
from agent.errors import CommandError
from agent.jobs.job import Job, State
from agent.mqtt.message import Code
from agent.mqtt.verbs.keys import COMMANDS
from agent.register import Request
from agent.store import jobs
from agent.store.db import open_db
from agent.trust.keys import SigningKey, packed, rotation_text
from tests.fakes.registers import NOW, audited, details
from tests.fakes.trust import OWNER

ANNA, BEN, CARL, DEVICE = (SigningKey(bytes([number]) * 32) for number in (1, 2, 3, 4))


class Desk:
    """Takes commands as JSON, signed by a key."""

    def __init__(self, folder, db, **config):
        self.db = db
        self.config = load_config(None, {"device.data_dir": folder, **config}, {})
        office = Office(self.config, db, lambda change: change(db), "boot", lambda: None, lambda: NOW)
        self.handlers = handlers(office, DEVICE.public, "encoder-1")

    def __call__(self, verb, by=ANNA, **fields):
        command = COMMANDS[verb].model_validate_json(json.dumps({"id": "c1", **fields}))
        done = self.handlers[verb](command.asked("mqtt:anna", by.public.id))
        return json.loads(json.dumps(done))

    def add(self, key, name, role="owner"):
        return self("key_add", public=key.public.text, name=name, role=role)

    def keys(self):
        return {key["name"]: key["role"] for key in self("keys")["keys"] if not key["revoked_at"]}


@pytest.fixture
def desk(tmp_path):
    """Anna owns it."""
    with open_db(tmp_path / "latchkey.db") as db:
        made = Desk(tmp_path, db)
        made.add(ANNA, "anna")
        yield made


@pytest.fixture
def configured(tmp_path):
    """Its owner stands in the configuration."""
    with open_db(tmp_path / "latchkey.db") as db:
        yield Desk(tmp_path, db, **{"trust.owner": OWNER.public.text})


def proof(new, old):
    return packed(new.sign(rotation_text(old.public.id)))


def refused(code):
    return pytest.raises(CommandError, check=lambda error: error.code == code)


def test_every_verb_has_its_clerk(desk):
    assert desk.handlers.keys() == COMMANDS.keys()


def test_a_key_is_added_told_and_audited(desk):
    done = desk.add(BEN, "ben", "enroller")
    assert done == {"id": BEN.public.id, "name": "ben", "role": "enroller"}
    told = desk("keys")["keys"][1]
    assert told == {
        **done, "public": BEN.public.text, "added_at": "2026-11-26T06:00:00.000Z", "added_by": "mqtt:anna",
        "replaces": None, "revoked_at": None,
    }  # fmt: skip
    assert audited(desk.db)[-1] == ("key_added", BEN.public.id)
    assert details(desk.db) == {"name": "ben", "role": "enroller"}


def test_the_same_again_changes_nothing(desk):
    assert desk.add(BEN, "ben") == desk.add(BEN, "ben")
    assert len(audited(desk.db)) == 2


def test_a_key_and_a_name_are_one_holder_s_for_ever(desk):
    desk.add(BEN, "ben")
    with refused(Code.KEY_TAKEN):
        desk.add(BEN, "ben", "viewer")
    with refused(Code.KEY_TAKEN):
        desk.add(BEN, "benjamin")
    with refused(Code.NAME_TAKEN):
        desk.add(CARL, "ben")
    desk("key_revoke", id_of=BEN.public.id)
    with refused(Code.KEY_TAKEN):
        desk.add(BEN, "ben")
    with refused(Code.NAME_TAKEN):
        desk.add(CARL, "ben")


def test_a_key_is_rotated_by_its_holder(desk):
    done = desk("key_rotate", public=CARL.public.text, proof=proof(CARL, ANNA))
    assert done == {"id": CARL.public.id, "name": "anna", "role": "owner", "replaces": ANNA.public.id}
    assert desk.keys() == {"anna": "owner"}
    assert audited(desk.db)[-1] == ("key_rotated", CARL.public.id)
    assert details(desk.db) == {"replaces": ANNA.public.id, "name": "anna", "role": "owner"}
    with refused(Code.NO_SUCH_KEY):
        desk("key_rotate", public=BEN.public.text, proof=proof(BEN, ANNA))


def test_an_owner_rotates_the_key_of_another(desk):
    desk.add(BEN, "ben", "viewer")
    desk("key_rotate", public=CARL.public.text, proof=proof(CARL, BEN), id_of=BEN.public.id)
    assert desk.keys() == {"anna": "owner", "ben": "viewer"}


@pytest.mark.parametrize(
    ("new", "by", "code"),
    [
        pytest.param(CARL, BEN, Code.BAD_REQUEST, id="a proof by another key"),
        pytest.param(BEN, BEN, Code.KEY_TAKEN, id="a key that somebody has"),
        pytest.param(ANNA, ANNA, Code.KEY_TAKEN, id="the same key"),
    ],
)
def test_a_key_does_not_take_the_place_of_another_without_proof(desk, new, by, code):
    desk.add(BEN, "ben")
    with refused(code):
        desk("key_rotate", public=new.public.text, proof=proof(by, ANNA))
    assert desk.keys() == {"anna": "owner", "ben": "owner"}


def test_a_proof_is_for_one_place(desk):
    desk.add(BEN, "ben")
    with refused(Code.BAD_REQUEST):
        desk("key_rotate", public=CARL.public.text, proof=proof(CARL, BEN))


def test_the_last_owner_stays(desk):
    desk.add(BEN, "ben", "security")
    with refused(Code.LAST_OWNER):
        desk("key_revoke", id_of=ANNA.public.id)
    desk.add(CARL, "carl")
    desk("key_revoke", id_of=ANNA.public.id)
    assert desk.keys() == {"ben": "security", "carl": "owner"}
    with refused(Code.LAST_OWNER):
        desk("key_revoke", id_of=CARL.public.id)


def test_revoking_is_audited_once_and_bears_repeating(desk):
    desk.add(BEN, "ben", "viewer")
    assert desk("key_revoke", id_of=BEN.public.id) == desk("key_revoke", id_of=BEN.public.id)
    actions = [action for action, *_ in audited(desk.db)]
    assert actions == ["key_added", "key_added", "key_revoked"]


def test_with_a_key_go_the_jobs_that_it_has_asked_for(desk):
    """Else a stolen key that queued a restore has it done after it was revoked."""
    desk.add(BEN, "ben")
    for job_id, by in (("j1", "mqtt:ben"), ("j2", "mqtt:anna"), ("j3", "mqtt:ben")):
        jobs.add(desk.db, Job(id=job_id, verb="restore", asked_by=by, body="{}", accepted_at=NOW, changed_at=NOW))
    jobs.finish(desk.db, replace(jobs.find(desk.db, "j3"), state=State.DONE))
    desk("key_revoke", id_of=BEN.public.id)
    assert [jobs.find(desk.db, each).cancelled_by for each in ("j1", "j2", "j3")] == ["mqtt:anna", None, None]
    assert [action for action, _ in audited(desk.db)[-2:]] == ["key_revoked", "job_cancelled"]
    assert details(desk.db) == {"job": "j1", "verb": "restore"}


@pytest.mark.parametrize(("by", "given_up"), [("mqtt:ben", 0), ("mqtt:anna", 1)], ids=["holder", "another"])
def test_a_key_that_another_rotates_may_have_been_stolen(desk, by, given_up):
    desk.add(BEN, "ben")
    jobs.add(desk.db, Job(id="j1", verb="restore", asked_by="mqtt:ben", body="{}", accepted_at=NOW, changed_at=NOW))
    asked = Request(by, NOW, "boot")
    proved = CARL.sign(rotation_text(BEN.public.id))
    admins.rotate(desk.db, desk.config, asked, old_id=BEN.public.id, new=CARL.public, proof=proved)
    assert [job.cancelled_by for job in jobs.unfinished(desk.db)] == [by if given_up else None]


def test_a_key_that_nobody_has_is_not_revoked(desk):
    with refused(Code.NO_SUCH_KEY):
        desk("key_revoke", id_of="0" * 16)


class TestTheOwnerInTheConfiguration:
    def test_is_told(self, configured):
        (owner,) = configured("keys")["keys"]
        assert (owner["name"], owner["role"], owner["added_by"]) == ("owner", "owner", "configuration")

    def test_is_neither_revoked_nor_rotated_over_mqtt(self, configured):
        for verb, fields in (
            ("key_revoke", {"id_of": OWNER.public.id}),
            ("key_rotate", {"public": ANNA.public.text, "proof": proof(ANNA, OWNER)}),
        ):
            with pytest.raises(CommandError, match=r"stands in the device's configuration, \[trust\] owner"):
                configured(verb, by=OWNER, **fields)

    def test_has_a_name_of_its_own(self, configured):
        with refused(Code.NAME_TAKEN):
            configured.add(ANNA, "owner")
        with refused(Code.KEY_TAKEN):
            configured.add(OWNER, "anna")

    def test_all_others_may_go(self, configured):
        configured.add(ANNA, "anna")
        configured("key_revoke", by=OWNER, id_of=ANNA.public.id)
        assert configured.keys() == {"owner": "owner"}


def test_the_device_tells_its_key(desk):
    told = desk("device")
    assert (told["public"], told["key"], told["boot_id"]) == (DEVICE.public.text, DEVICE.public.id, "boot")
    assert (told["site"], told["device"], told["groups"], told["model"]) == ("home", "door", [], "encoder-1")


@pytest.mark.parametrize(
    ("verb", "fields"),
    [
        ("key_add", {"public": "AAAA", "name": "ben", "role": "viewer"}),
        ("key_add", {"public": "!" * 44, "name": "ben", "role": "viewer"}),
        ("key_add", {"public": BEN.public.text, "name": "Ben", "role": "viewer"}),
        ("key_add", {"public": BEN.public.text, "name": "ben", "role": "king"}),
        ("key_rotate", {"public": BEN.public.text, "proof": "AAAA"}),
        ("key_revoke", {"id_of": "anna"}),
    ],
)
def test_what_is_no_key_is_refused(desk, verb, fields):
    with pytest.raises(ValidationError):
        desk(verb, **fields)
