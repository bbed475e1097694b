"""How people sign, in the file: sealed, moved, turned and forgotten as templates are."""

import logging

import numpy as np
import pytest

from agent.access.holder import Standing
from agent.config import load_config
from agent.errors import CommandError, StoreError
from agent.members import consent, merge, signatures
from agent.members.known import particulars
from agent.privacy.export import held, unsealed
from agent.privacy.forgetting import forget, remove
from agent.seal.turning import Turn
from agent.store import signatures as store
from agent.store.db import open_db
from agent.store.holders import register_version
from agent.store.resealing import abandon, reseal
from agent.store.sealing import holds_sealed
from agent.store.standings import load_standings, save_standings
from agent.types import Embedding
from tests.fakes.keys import KEY, OTHER
from tests.fakes.registers import NOW, add, audited, request

MODEL = KEY.model("s1")


def unit(seed, dimension=8):
    vector = np.random.default_rng(seed).normal(size=dimension)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def signed(*seeds, model=MODEL):
    return [Embedding(unit(seed), model) for seed in seeds]


@pytest.fixture
def config(tmp_path):
    return load_config(None, {"device.data_dir": tmp_path}, {})


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db", key=KEY) as db:
        add(db, "anna")
        add(db, "ben")
        store.put_signatures(db, "anna", signed(1, 2, 3), NOW)
        yield db


def test_they_are_read_as_they_were_written_and_not_readable_in_the_file(db):
    found = store.load_signatures(db, MODEL)
    assert found.keys() == {"anna"}
    assert (found["anna"].vectors == np.stack([unit(seed) for seed in (1, 2, 3)])).all()
    assert found["anna"].model == MODEL
    data = b"".join(file.read_bytes() for file in db.path.parent.iterdir())
    assert unit(1).tobytes() not in data
    assert holds_sealed(db)


def test_those_of_other_encoders_and_keys_are_not_compared(db):
    assert store.load_signatures(db, KEY.model("s2")) == {}
    assert store.load_signatures(db, OTHER.model("s1")) == {}


def test_new_ones_take_the_place_of_those_before_and_the_register_is_another(db):
    version = register_version(db)
    assert store.put_signatures(db, "anna", signed(4), NOW) == 3
    assert register_version(db) > version
    assert len(store.load_signatures(db, MODEL)["anna"].vectors) == 1


@pytest.mark.parametrize("bad", [np.zeros(8), np.ones((2, 2)), np.full(8, np.nan)], ids=["zero", "a table", "NaN"])
def test_what_is_no_unit_vector_or_not_turned_is_refused(db, bad):
    with pytest.raises(ValueError, match="unit length"):
        store.put_signatures(db, "anna", [Embedding(bad.astype(np.float32), MODEL)], NOW)
    with pytest.raises(ValueError, match="not turned by the site's key"):
        store.put_signatures(db, "anna", signed(1, model="s1"), NOW)
    assert len(store.load_signatures(db, MODEL)["anna"].vectors) == 3


def test_one_that_was_changed_in_the_file_is_left_out_and_told(db, caplog):
    db.rows("UPDATE signatures SET vector = zeroblob(61) WHERE id = 2")
    with caplog.at_level(logging.WARNING):
        assert len(store.load_signatures(db, MODEL)["anna"].vectors) == 2
    assert "signature 2 of anna is left out" in caplog.text
    with pytest.raises(StoreError, match="have anna sign again"):
        store.move_signatures(db, "anna", "ben")


def test_one_persons_do_not_open_as_anothers(db):
    db.rows("UPDATE signatures SET person = 'ben' WHERE person = 'anna'")
    assert store.load_signatures(db, MODEL) == {}


def test_they_go_along_when_people_are_renamed_and_merged(db):
    merge.rename(db, "anna", "ann", request())
    assert store.load_signatures(db, MODEL).keys() == {"ann"}
    store.put_signatures(db, "ben", signed(9), NOW)
    merge.merge(db, "ann", "ben", request())
    assert (store.load_signatures(db, MODEL)["ben"].vectors == unit(9)).all()  # those of who stays


def test_whatever_becomes_of_them_the_version_is_another(db):
    versions = [store.signatures_version(db)]
    for change in (
        lambda: store.put_signatures(db, "ben", signed(9), NOW),
        lambda: store.put_signatures(db, "ben", signed(8), NOW),
        lambda: merge.rename(db, "anna", "ann", request()),
        lambda: store.forget_signatures(db, "ben"),
        lambda: merge.merge(db, "ann", "ben", request()),
        lambda: store.forget_signatures(db, "ben"),
    ):
        change()
        versions.append(store.signatures_version(db))
    assert len({*versions}) == len(versions)


def test_a_merge_with_who_has_none_brings_them(db):
    merge.merge(db, "anna", "ben", request())
    assert len(store.load_signatures(db, MODEL)["ben"].vectors) == 3


def test_another_key_turns_them_and_nobody_has_to_sign_again(db):
    before = store.load_signatures(db, MODEL)["anna"].vectors
    with db.transaction():
        reseal(db, OTHER)
    path = db.path
    db.close()
    with open_db(path, key=OTHER) as again:
        found = store.load_signatures(again, OTHER.model("s1"))["anna"].vectors
    assert found @ found.T == pytest.approx(before @ before.T, abs=1e-5)
    assert found == pytest.approx(Turn(OTHER, 8)(Turn(KEY, 8).back(before)), abs=1e-5)


def test_what_a_lost_key_has_sealed_is_given_up(db):
    with db.transaction():
        abandon(db)
    assert db.rows("SELECT count(*) FROM signatures") == [(0,)]


def test_who_takes_consent_back_is_forgotten_at_once(db):
    consent.give(db, "anna", "notice 1", request())
    assert consent.withdraw(db, "anna", request())["signatures"] == 3
    assert store.load_signatures(db, MODEL) == {}


def test_what_was_right_at_the_door_is_forgotten_with_consent_and_not_with_other_references(db):
    def remembered():
        return load_standings(db)["anna"].signed

    save_standings(db, {"anna": Standing(failures=1, signed=(b"12345678",))})
    store.put_signatures(db, "anna", signed(7), NOW)
    assert remembered() == (b"12345678",)
    consent.give(db, "anna", "notice 1", request())
    version = register_version(db)
    consent.withdraw(db, "anna", request())
    assert remembered() == ()
    assert register_version(db) > version  # so the door looks again


def test_who_withdrew_and_is_merged_leaves_none(db):
    consent.give(db, "ben", "notice 1", request())
    consent.withdraw(db, "ben", request())
    merge.merge(db, "anna", "ben", request())
    assert store.load_signatures(db, MODEL) == {}


@pytest.mark.parametrize("gone", [remove, forget], ids=["removed", "forgotten"])
def test_they_go_with_the_person_and_the_receipt_counts_them(db, config, gone):
    gone(db, "anna", request()) if gone is remove else gone(db, config, "anna", request())
    assert db.rows("SELECT count(*) FROM signatures") == [(0,)]
    assert '"signatures":3' in db.rows("SELECT what FROM receipts")[0][0].replace(" ", "")


def test_the_person_is_handed_them_as_the_encoder_made_them(db, config):
    rows = held(db, config, "anna", NOW, opened=unsealed(db))["held"]["signatures"]
    assert [row["model"] for row in rows] == ["s1"] * 3
    assert all(len(row["vector"]) == 44 for row in rows)  # 32 bytes in base64
    assert "vector" not in held(db, config, "anna", NOW)["held"]["signatures"][0]


def test_none_without_consent_or_a_person_and_the_audit_says_how_many(db, config):
    with pytest.raises(CommandError, match="nobody is enrolled as 'zoe'"):
        signatures.put(db, "zoe", signed(1), request(), privacy=config.privacy)
    with pytest.raises(CommandError, match="has not agreed"):
        signatures.put(db, "ben", signed(1), request(), privacy=config.privacy)
    done = signatures.put(db, "ben", signed(1, 2), request(), privacy=config.privacy, consent="notice 1")
    assert done == {"person": "ben", "signatures": 2, "replaced": 0}
    assert signatures.remove(db, "ben", request()) == {"person": "ben", "signatures": 2}
    assert signatures.remove(db, "ben", request()) == {"person": "ben", "signatures": 0}
    told = [action for action, person in audited(db) if person == "ben"]
    assert told[-3:] == ["consent_given", "signature_enrolled", "signature_removed"]


def test_whoever_looks_a_person_up_sees_that_they_have_signed(db):
    assert particulars(db, "anna")["signatures"] == 3
    assert particulars(db, "ben")["signatures"] == 0
