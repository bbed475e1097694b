"""People and templates: kept, replaced, forgotten for real, and seen by other processes."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agent.errors import StoreError
from agent.store import people
from agent.store import templates as store
from agent.store.db import open_db
from agent.types import Embedding, Quality
from tests.fakes.keys import KEY

ROOT = Path(__file__).parents[1]
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
QUALITY = Quality(face_px=96.0, sharpness=210.5, yaw=-0.1, exposure=120.0, contrast=40.0)


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db", key=KEY) as db:
        yield db


def template(seed, model="m1", dimension=256):
    vector = np.random.default_rng(seed).standard_normal(dimension)
    return Embedding((vector / np.linalg.norm(vector)).astype(np.float32), KEY.model(model)), QUALITY


def templates(*seeds, model="m1"):
    return [template(seed, model) for seed in seeds]


def sealed(db, person=None):
    """The sealed vectors as they are in the file, in the order they were added."""
    query = "SELECT vector FROM templates WHERE person = coalesce(?, person) ORDER BY id"
    return [vector for (vector,) in db.rows(query, (person,))]


def on_disk(db, sealed):
    """Is any 64-byte stretch of it in any file of the database?"""
    data = b"".join(file.read_bytes() for file in db.path.parent.iterdir())
    return any(sealed[i : i + 64] in data for i in range(0, len(sealed) - 63, 64))


def test_an_enrolled_person_is_found_by_their_face(db):
    store.enrol(db, "anna", "Anna Ågren", templates(1, 2), NOW)
    store.enrol(db, "ben", "Ben", templates(3), NOW)
    gallery = store.load_gallery(db, KEY.model("m1"))
    assert (gallery.people, gallery.templates, gallery.model) == (("anna", "ben"), 3, KEY.model("m1"))
    for seed, person in ((1, "anna"), (2, "anna"), (3, "ben")):
        match = gallery.nearest(template(seed)[0].vector)
        assert (match.person, match.similarity) == (person, pytest.approx(1.0))


def test_who_is_there(db):
    store.enrol(db, "ben", "Ben", [*templates(1), *templates(2, model="m2,odd")], NOW)
    people.add_person(db, "anna", name=None, at=NOW)
    anna = people.Person("anna", "anna", 0, (), NOW)
    ben = people.Person("ben", "Ben", 2, ("m1", "m2,odd"), NOW)
    assert people.list_people(db) == [anna, ben]
    assert people.get_person(db, "ben") == ben
    assert people.get_person(db, "nobody") is None


def test_the_quality_of_a_template_is_kept(db):
    store.enrol(db, "anna", None, templates(1), NOW)
    rows = db.rows("SELECT face_px, sharpness, yaw, exposure, contrast, added_at FROM templates")
    assert rows == [(96.0, 210.5, -0.1, 120.0, 40.0, "2026-11-22T06:00:00.000000Z")]


def test_enrolling_again_adds_templates_and_may_rename(db):
    store.enrol(db, "anna", "Anna", templates(1), NOW)
    store.enrol(db, "anna", None, templates(2), NOW + timedelta(days=1))
    assert people.get_person(db, "anna") == people.Person("anna", "Anna", 2, ("m1",), NOW)
    store.enrol(db, "anna", "Anna Lind", templates(3), NOW)
    assert people.get_person(db, "anna").name == "Anna Lind"


def test_the_oldest_templates_of_a_model_give_way(db):
    store.enrol(db, "anna", None, templates(100, model="m0"), NOW)
    store.enrol(db, "ben", None, templates(200), NOW)
    store.enrol(db, "anna", None, templates(*range(8)), NOW)
    oldest = sealed(db, "anna")[1]  # [0] is of the other model
    store.enrol(db, "anna", None, templates(*range(8, 13)), NOW)
    assert people.get_person(db, "anna").templates == store.MAX_TEMPLATES + 1  # and the one of the other model
    gallery = store.load_gallery(db, KEY.model("m1"))
    similar = [dict(gallery.ranked(template(seed)[0].vector, 2))["anna"] > 0.999 for seed in range(13)]
    assert similar == [False] * 3 + [True] * 10
    assert not on_disk(db, oldest)
    assert on_disk(db, sealed(db, "anna")[-1])


def test_replacing_forgets_the_templates_of_every_model(db):
    store.enrol(db, "anna", "Anna", [*templates(1), *templates(2, model="m0")], NOW)
    first = sealed(db)[0]
    store.enrol(db, "anna", None, templates(3), NOW, replace=True)
    assert people.get_person(db, "anna") == people.Person("anna", "Anna", 1, ("m1",), NOW)
    assert not on_disk(db, first)


def test_enrolling_is_all_or_nothing(db):
    bad = Embedding(np.ones(256, np.float32), KEY.model("m1")), QUALITY
    with pytest.raises(ValueError, match="unit length"):
        store.enrol(db, "anna", "Anna", [*templates(1), bad], NOW)
    with pytest.raises(ValueError, match="without a template"):
        store.enrol(db, "anna", "Anna", [], NOW)
    assert people.list_people(db) == []


@pytest.mark.parametrize("vector", [np.zeros(4), np.full(4, np.nan), np.eye(2), np.full(4, np.inf)])
def test_a_template_that_is_no_unit_vector_is_refused(db, vector):
    with pytest.raises(ValueError, match="unit length"):
        store.enrol(db, "anna", None, [(Embedding(vector.astype(np.float32), KEY.model("m")), QUALITY)], NOW)


def test_a_wrong_id_is_refused(db):
    with pytest.raises(ValueError, match=r"'\.\./anna' is not a person id"):
        store.enrol(db, "../anna", None, templates(1), NOW)


def test_templates_for_nobody_are_refused(db):
    with pytest.raises(LookupError, match="nobody has the id 'anna'"):
        store.add_templates(db, "anna", templates(1), NOW)


def test_removing_somebody_forgets_all_of_them(db):
    store.enrol(db, "anna", "Anna", [*templates(1, 2), *templates(3, model="m0")], NOW)
    store.enrol(db, "ben", "Ben", templates(4), NOW)
    assert people.remove_person(db, "anna") == 3
    assert [person.id for person in people.list_people(db)] == ["ben"]
    assert store.load_gallery(db, KEY.model("m1")).people == ("ben",)
    assert people.remove_person(db, "anna") == 0


def test_no_byte_of_a_removed_vector_is_left_in_the_files(db):
    """Pages split, merge and move rows while many people come and go: no stale copy may stay behind."""
    rng = random.Random(3)
    alive: dict[str, list[bytes]] = {}
    gone: list[bytes] = []
    for _ in range(3):
        with db.transaction():
            for person in rng.sample(range(150), 80):
                seeds = [rng.randrange(2**40) for _ in range(rng.randint(1, 4))]
                gone += alive.get(f"p{person}", [])
                store.enrol(db, f"p{person}", None, templates(*seeds), NOW, replace=True)
                alive[f"p{person}"] = sealed(db, f"p{person}")
        for person in rng.sample(sorted(alive), len(alive) // 3):
            assert people.remove_person(db, person) == len(alive[person])
            gone += alive.pop(person)
    data = b"".join(file.read_bytes() for file in db.path.parent.iterdir())
    assert all(vector in data for vectors in alive.values() for vector in vectors)
    assert not [vector for vector in gone for i in range(0, 1024, 128) if vector[i : i + 64] in data]


def test_vectors_removed_in_a_larger_transaction_are_gone_after_it(db):
    store.enrol(db, "anna", None, templates(1), NOW)
    (first,) = sealed(db)
    assert on_disk(db, first)
    with db.transaction():
        people.remove_person(db, "anna")
    assert not on_disk(db, first)


def test_vectors_removed_while_somebody_reads_are_gone_later(db, caplog):
    store.enrol(db, "anna", None, templates(1), NOW)
    (first,) = sealed(db)
    db.sql.execute("PRAGMA busy_timeout = 50")
    with open_db(db.path) as reader:
        reader.sql.execute("BEGIN")
        reader.rows("SELECT * FROM people")
        people.remove_person(db, "anna")
        assert "while another program reads" in caplog.text
        reader.sql.execute("COMMIT")
    people.add_person(db, "ben", name=None, at=NOW)
    assert not on_disk(db, first)


def test_every_change_is_a_new_version_of_the_gallery(db):
    versions = [people.gallery_version(db)]
    for change in (
        lambda: store.enrol(db, "anna", "Anna", templates(1), NOW),
        lambda: store.add_templates(db, "anna", templates(2), NOW),
        lambda: people.add_person(db, "anna", name="Anna Lind", at=NOW),
        lambda: people.remove_person(db, "anna"),
    ):
        change()
        versions.append(people.gallery_version(db))
    assert versions == sorted(set(versions))
    store.load_gallery(db, KEY.model("m1"))
    people.remove_person(db, "anna")  # nobody
    assert people.gallery_version(db) == versions[-1]


ENROL = """
import sys; from datetime import UTC, datetime; from pathlib import Path; import numpy as np
from agent.store.db import open_db; from agent.store.templates import enrol; from agent.types import Embedding, Quality
from tests.fakes.keys import KEY
with open_db(Path(sys.argv[1]), create=False, key=KEY) as db:
    vector = np.eye(256, dtype=np.float32)[7]
    enrol(db, "ben", "Ben", [(Embedding(vector, KEY.model("m1")), Quality(1, 2, 3, 4, 5))], datetime.now(UTC))
"""


def test_the_change_of_another_process_is_seen(db):
    store.enrol(db, "anna", None, templates(1), NOW)
    before = people.gallery_version(db)
    subprocess.run([sys.executable, "-c", ENROL, str(db.path)], check=True, timeout=60, cwd=ROOT)
    assert people.gallery_version(db) > before
    gallery = store.load_gallery(db, KEY.model("m1"))
    assert gallery.people == ("anna", "ben")
    assert gallery.nearest(np.eye(256, dtype=np.float32)[7]).person == "ben"


def test_models_are_never_mixed(db):
    store.enrol(db, "anna", None, templates(1), NOW)
    store.enrol(db, "ben", None, templates(2, 3, model="m2"), NOW)
    assert (store.foreign_templates(db, KEY.model("m1")), store.foreign_templates(db, KEY.model("m2"))) == (2, 1)
    assert store.load_gallery(db, KEY.model("m1")).people == ("anna",)
    assert store.load_gallery(db, KEY.model("m2")).people == ("ben",)
    assert store.load_gallery(db, KEY.model("m3")).templates == 0


def test_templates_of_one_model_that_differ_in_length_are_told(db):
    store.enrol(db, "anna", None, [template(1), template(2, dimension=128)], NOW)
    with pytest.raises(StoreError, match="the templates of m1~b4483c98 differ in length"):
        store.load_gallery(db, KEY.model("m1"))
