"""What is kept of faces is sealed: nothing readable in the file, nothing that opens elsewhere or after a change."""

from __future__ import annotations

import logging
import sqlite3

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import StoreError
from agent.seal.turning import Turn
from agent.store import people
from agent.store import templates as store
from agent.store.crops import count_crops, forget_crops, kept_crops
from agent.store.db import open_db
from agent.store.migrations import STEPS, migrate
from agent.store.resealing import abandon, reseal
from agent.store.sealing import card_key, count_sealed, holds_sealed, sealed_by
from agent.store.wiping import wipe
from agent.types import Crop, Embedding
from agent.vision.pictures import decode_picture
from tests.fakes.keys import KEY, OTHER
from tests.test_store_people import NOW, QUALITY, template, templates

MODEL = KEY.model("m1")


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db", key=KEY) as db:
        yield db


def crop(shade):
    image = np.full((112, 112, 3), shade, np.uint8)
    image[30:80, 30:80] = 255 - shade
    return Crop(image, QUALITY)


def on_disk(folder):
    return b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())


def stretches(data):
    return [data[i : i + 32] for i in range(0, len(data) - 31, 32)]


def plain_vector(seed):
    return template(seed)[0].vector


class TestAtRest:
    def test_neither_vectors_nor_crops_nor_the_key_are_in_the_files(self, db):
        store.enrol(db, "anna", None, [(template(seed)[0], crop(seed)) for seed in range(3)], NOW)
        (kept, *_) = kept_crops(db)
        data = on_disk(db.path.parent)
        for secret in (template(0)[0].vector.tobytes(), kept.picture, KEY.secret, card_key(db)):
            assert not [part for part in stretches(secret) if part in data]

    def test_without_the_key_everything_else_is_there(self, db):
        store.enrol(db, "anna", None, templates(1), NOW)
        with open_db(db.path) as other:
            assert people.get_person(other, "anna").templates == 1
            assert sealed_by(other) == KEY.id
            for ask in (
                lambda: store.load_gallery(other, MODEL),
                lambda: store.add_templates(other, "anna", templates(2), NOW),
                lambda: card_key(other),
                lambda: store.foreign_templates(other, MODEL),
                lambda: [*kept_crops(other)],
            ):
                with pytest.raises(StoreError, match="was opened without the site's key"):
                    ask()

    def test_what_is_not_turned_by_the_key_is_not_kept(self, db):
        for model in ("m1", OTHER.model("m1")):
            with pytest.raises(ValueError, match="is not turned by the site's key b4483c98"):
                store.enrol(db, "anna", None, [(Embedding(plain_vector(1), model), QUALITY)], NOW)

    def test_templates_of_another_key_are_foreign(self, db):
        store.enrol(db, "anna", None, templates(1), NOW)
        for model in ("m1", OTHER.model("m1")):
            assert store.load_gallery(db, model).templates == 0
            assert store.foreign_templates(db, model) == 1


class TestTampering:
    @pytest.fixture
    def crew(self, db):
        for i, person in enumerate(("anna", "ben", "carl")):
            store.enrol(db, person, None, templates(2 * i, 2 * i + 1), NOW)
        return db

    @given(st.integers(0, 5), st.integers(0, 10_000))
    @settings(max_examples=25, deadline=None)
    def test_a_template_with_one_bit_changed_is_left_out(self, tmp_path_factory, row, bit):
        with open_db(tmp_path_factory.mktemp("db") / "latchkey.db", key=KEY) as db:
            for person in ("anna", "ben", "carl"):
                store.enrol(db, person, None, templates(*range(2)), NOW)
            number, person, vector = db.rows("SELECT id, person, vector FROM templates")[row]
            changed = bytearray(vector)
            changed[bit // 8 % len(vector)] ^= 1 << bit % 8
            db.sql.execute("UPDATE templates SET vector = ? WHERE id = ?", (bytes(changed), number))
            loaded = store.load_templates(db, MODEL)
        assert (dict(loaded.damaged), loaded.gallery.templates) == ({person: 1}, 5)

    def test_templates_do_not_open_as_another_persons(self, crew, caplog):
        crew.sql.execute(
            "UPDATE templates SET vector = (SELECT vector FROM templates WHERE person = 'carl') WHERE person = 'anna'"
        )
        loaded = store.load_templates(crew, MODEL)
        assert (dict(loaded.damaged), loaded.gallery.people) == ({"anna": 2}, ("ben", "carl"))
        assert "a template of anna is left out: changed since it was sealed, or moved" in caplog.text

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param("UPDATE templates SET person = 'ben' WHERE person = 'anna'", id="given to another person"),
            pytest.param("UPDATE templates SET vector = x'00' WHERE person = 'anna'", id="overwritten"),
            pytest.param("UPDATE templates SET vector = zeroblob(1053) WHERE person = 'anna'", id="blanked"),
        ],
    )
    def test_what_was_changed_by_hand_is_left_out(self, crew, change):
        crew.sql.execute(change)
        assert sum(store.load_templates(crew, MODEL).damaged.values()) == 2

    def test_as_another_models_it_does_not_open(self, crew):
        crew.sql.execute("UPDATE templates SET model = 'm2' WHERE person = 'anna'")
        assert dict(store.load_templates(crew, KEY.model("m2")).damaged) == {"anna": 2}

    def test_the_secret_of_the_cards_is_told(self, crew):
        crew.sql.execute("UPDATE sealing SET cards = zeroblob(61)")
        with pytest.raises(StoreError, match="the secret that card numbers are hashed with is"):
            card_key(crew)


class TestForgetting:
    def test_the_shots_of_an_event(self, db):
        store.enrol(db, "anna", None, templates(1), NOW)
        store.add_templates(db, "anna", templates(2, 3), NOW, event="01K")
        assert store.forget_shots(db, "01K") == 2
        assert store.forget_shots(db, "01K") == 0
        assert people.get_person(db, "anna").templates == 1

    def test_a_persons_templates_but_not_the_person(self, db):
        store.enrol(db, "anna", None, templates(1, 2), NOW)
        assert store.forget_templates(db, "anna") == 2
        assert people.get_person(db, "anna").templates == 0

    def test_crops_alone(self, db):
        for person in ("anna", "ben"):
            store.enrol(db, person, None, [(template(1)[0], crop(9)), template(2)], NOW)
        assert (count_crops(db), forget_crops(db), forget_crops(db), count_crops(db)) == (2, 2, 0, 0)
        assert store.load_gallery(db, MODEL).templates == 4


class TestMoving:
    def test_templates_become_those_of_another(self, db):
        store.enrol(db, "anna", None, [(template(1)[0], crop(7)), *templates(2)], NOW)
        store.enrol(db, "ann", None, templates(3), NOW)
        assert store.move_templates(db, "anna", "ann") == 2
        gallery = store.load_gallery(db, MODEL)
        assert (gallery.people, gallery.templates) == (("ann",), 3)
        assert gallery.nearest(plain_vector(1)).similarity == pytest.approx(1)
        assert [kept.person for kept in kept_crops(db)] == ["ann"]

    def test_the_oldest_give_way(self, db):
        store.enrol(db, "anna", None, templates(*range(8)), NOW)
        store.enrol(db, "ann", None, templates(*range(8, 16)), NOW)
        store.move_templates(db, "anna", "ann")
        assert people.get_person(db, "ann").templates == store.MAX_TEMPLATES

    def test_one_that_does_not_open_stops_it(self, db):
        store.enrol(db, "anna", None, templates(1, 2), NOW)
        people.add_person(db, "ann", name=None, at=NOW)
        db.sql.execute("UPDATE templates SET vector = zeroblob(1053) WHERE id = 2")
        with pytest.raises(
            StoreError, match="a template of anna is sealed in a format that is not known: 00: enrol anna again"
        ):
            store.move_templates(db, "anna", "ann")
        assert people.get_person(db, "anna").templates == 2


class TestCrops:
    def test_they_are_kept_as_pictures(self, db):
        store.enrol(db, "anna", None, [(template(1)[0], crop(40)), template(2)], NOW)
        (kept,) = kept_crops(db)
        assert (kept.person, kept.encoder) == ("anna", "m1")
        assert np.abs(decode_picture(kept.picture).astype(int) - crop(40).image).mean() < 3

    def test_those_of_one_person_or_of_other_encoders(self, db):
        for person in ("anna", "ben"):
            shots = [(template(1, model)[0], crop(9)) for model in ("m1", "m2")]
            store.enrol(db, person, None, shots, NOW)
        assert [kept.encoder for kept in kept_crops(db, person="ben")] == ["m1", "m2"]
        assert [(kept.person, kept.encoder) for kept in kept_crops(db, but_model=MODEL)] == [
            ("anna", "m2"),
            ("ben", "m2"),
        ]

    def test_one_that_was_changed_is_passed_over(self, db, caplog):
        store.enrol(db, "anna", None, [(template(1)[0], crop(9))], NOW)
        db.sql.execute("UPDATE templates SET crop = zeroblob(99)")
        assert [*kept_crops(db)] == []
        assert "a crop of anna is passed over" in caplog.text


class TestOlderVersion:
    """A database from before sealing, with vectors as the encoder made them."""

    @pytest.fixture
    def old(self, tmp_path):
        path = tmp_path / "latchkey.db"
        sql = sqlite3.connect(path, isolation_level=None)
        sql.execute("PRAGMA journal_mode = WAL")
        sql.execute("PRAGMA secure_delete = ON")
        migrate(sql, path, STEPS[:1])
        sql.execute("BEGIN")
        for i in range(80):
            sql.execute("INSERT INTO people VALUES (?, ?, '2026-01-01T00:00:00.000000Z')", (f"p{i}", f"P {i}"))
            for seed in (2 * i, 2 * i + 1):
                sql.execute(
                    "INSERT INTO templates (person, model, vector, face_px, sharpness, yaw, exposure, contrast,"
                    " added_at) VALUES (?, 'm1', ?, 1, 2, 3, 4, 5, '2026-01-01T00:00:00.000000Z')",
                    (f"p{i}", plain_vector(seed).tobytes()),
                )
        sql.execute("DELETE FROM templates WHERE id = 160")
        sql.execute("COMMIT")
        return path, sql

    def test_everybody_is_known_and_no_plain_byte_is_left(self, old, caplog):
        caplog.set_level(logging.INFO)
        path, sql = old
        sql.close()
        with open_db(path, key=KEY) as db:
            assert "159 templates of an older version are sealed now" in caplog.text
            loaded = store.load_templates(db, MODEL)
            assert (loaded.gallery.templates, len(loaded.gallery.people), loaded.damaged) == (159, 80, {})
            turn = Turn(KEY, 256)
            for seed in (0, 1, 77, 158):
                match = loaded.gallery.nearest(turn(plain_vector(seed)))
                assert (match.person, match.similarity) == (f"p{seed // 2}", pytest.approx(1, abs=1e-5))
            data = on_disk(path.parent)
            assert not [part for seed in range(160) for part in stretches(plain_vector(seed).tobytes()) if part in data]
            assert db.rows("SELECT face_px, contrast, added_at FROM templates LIMIT 1") == [
                (1.0, 5.0, "2026-01-01T00:00:00.000000Z")
            ]
            store.add_templates(db, "p1", templates(7), NOW)
            assert db.rows("SELECT max(id) FROM templates") == [(161,)]  # 160 is never used again

    def test_it_waits_for_the_key(self, old):
        path, sql = old
        sql.close()
        with open_db(path) as db:
            assert (people.get_person(db, "p1").templates, count_sealed(db), sealed_by(db)) == (2, 0, None)
        with open_db(path, key=KEY) as db:
            assert count_sealed(db) == 159

    def test_what_cannot_be_written_anew_now_is_the_next_time(self, old, monkeypatch):
        monkeypatch.setattr("agent.store.db.BUSY_SECONDS", 0.05)
        path, sql = old
        sql.execute("BEGIN")
        sql.execute("SELECT * FROM people").fetchone()  # another program reads the whole time
        with open_db(path, key=KEY) as db:
            assert count_sealed(db) == 159
            assert db.rows("SELECT swept FROM sealing") == [(0,)]
        sql.close()
        with open_db(path, key=KEY) as db:
            assert db.rows("SELECT swept FROM sealing") == [(1,)]
            data = on_disk(path.parent)
            assert not [part for seed in range(9) for part in stretches(plain_vector(seed).tobytes()) if part in data]


class TestAnotherKey:
    def test_everybody_is_known_under_the_new_key_alone(self, db):
        store.enrol(db, "anna", None, [(template(1)[0], crop(9))], NOW)
        store.enrol(db, "ben", None, [*templates(2), *templates(3, model="m2")], NOW)
        cards, before = card_key(db), store.load_gallery(db, MODEL).vectors
        with db.transaction():
            assert reseal(db, OTHER) == 3
        with pytest.raises(StoreError, match="the site's key was changed meanwhile"):
            store.add_templates(db, "anna", templates(4), NOW)
        with pytest.raises(StoreError, match="sealed with the key"):
            open_db(db.path, key=KEY)
        with open_db(db.path, key=OTHER) as new:
            gallery = store.load_gallery(new, OTHER.model("m1"))
            turned = Turn(OTHER, 256)(Turn(KEY, 256).back(before))
            assert gallery.people == ("anna", "ben")
            assert gallery.vectors == pytest.approx(turned, abs=1e-5)
            assert np.abs(gallery.vectors @ before.T).max() < 0.4  # nobody is like who they were
            assert card_key(new) == cards
            assert [kept.person for kept in kept_crops(new)] == ["anna"]
            assert store.load_gallery(new, OTHER.model("m2")).people == ("ben",)
            assert new.rows("SELECT swept FROM sealing") == [(1,)]

    def test_no_sealed_byte_of_before_is_left(self, db):
        for i in range(200):
            store.enrol(db, f"p{i}", None, templates(i), NOW)
        before = [vector for (vector,) in db.rows("SELECT vector FROM templates")]
        with db.transaction():
            reseal(db, OTHER)
        open_db(db.path, key=OTHER).close()
        data = on_disk(db.path.parent)
        assert not [part for vector in before for part in stretches(vector) if part in data]

    def test_no_similarity_changes_over_many_keys(self, tmp_path):
        path, key = tmp_path / "latchkey.db", KEY
        shots = [template(seed, dimension=64) for seed in range(5)]
        with open_db(path, key=key) as db:
            store.enrol(db, "anna", None, shots, NOW)
        for i in range(30):
            following = type(KEY)(bytes([i]) * 32)
            with open_db(path, key=key) as db, db.transaction():
                reseal(db, following)
            key = following
        with open_db(path, key=key) as db:
            now = store.load_gallery(db, key.model("m1")).vectors
        vectors = np.stack([embedding.vector for embedding, _ in shots])
        assert np.abs(now @ now.T - vectors @ vectors.T).max() < 1e-5

    def test_what_does_not_open_is_dropped_and_told(self, db, caplog):
        store.enrol(db, "anna", None, templates(1, 2), NOW)
        db.sql.execute("UPDATE templates SET vector = zeroblob(1053) WHERE id = 1")
        with db.transaction():
            assert reseal(db, OTHER) == 1
        assert "a template of anna is dropped" in caplog.text
        assert count_sealed(db) == 1

    def test_a_lost_key_is_given_up(self, db):
        store.enrol(db, "anna", None, templates(1, 2), NOW)
        db.sql.execute("INSERT INTO cards VALUES ('d', 'anna', '42', '')")
        with db.transaction():
            assert abandon(db) == (2, 1, 0, 0)
        assert not holds_sealed(db)
        with open_db(db.path, key=OTHER) as new:
            assert people.get_person(new, "anna").templates == 0
            assert sealed_by(new) == OTHER.id


def test_the_secret_of_the_cards_is_that_of_the_first_key(db):
    assert card_key(db) == KEY.card_key


def test_after_a_wipe_nothing_is_sealed_until_the_next_start(db):
    wipe(db)
    for ask in (lambda: card_key(db), lambda: store.enrol(db, "anna", None, templates(1), NOW)):
        with pytest.raises(StoreError, match=r"was wiped: start the agent again|was changed meanwhile"):
            ask()
    with open_db(db.path, key=OTHER) as new:
        store.enrol(new, "anna", None, [template_of(OTHER)], NOW)


def template_of(key):
    embedding, quality = template(1)
    return Embedding(embedding.vector, key.model("m1")), quality
