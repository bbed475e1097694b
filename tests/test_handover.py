"""Templates from one device of a site to another: sealed all the way, and judged like photos."""

import base64
import dataclasses
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.bundle import open_bundle
from agent.config import load_config
from agent.config.people import Privacy
from agent.enrolling import Enrolling
from agent.enrolment import Administration
from agent.errors import CommandError, EnrolmentRefused
from agent.handover import Handover
from agent.hardware.backends import BACKENDS
from agent.mqtt.verbs.faces import MAX_TEMPLATES, EnrolTemplatesCommand
from agent.store import templates
from agent.store.db import open_db
from agent.store.sealing import STORED, Whose
from tests.fakes import blocks
from tests.fakes.blocks import BLUE, GREEN, RED, Block, normalise, paint
from tests.fakes.keys import KEY, OTHER
from tests.fakes.registers import audited

NOW = datetime(2026, 11, 26, 6, tzinfo=UTC)


class Device:
    """A terminal's database, and what it hands over."""

    def __init__(self, folder, key=KEY, *, crops=False, consent=False):
        told = {
            "device.data_dir": folder,
            "privacy.require_consent": consent,
            "security.keep_crops": crops,
            "models.encoder": folder.parent / "encoder.tflite",
            "models.aligner": folder.parent / "aligner.tflite",
            "models.detector": folder.parent / "detector.tflite",
        }
        folder.mkdir()
        self.bundle = open_bundle(load_config(None, told, {"LATCHKEY_CONFIG": ""}), key)
        self.db = open_db(self.bundle.config.database_path, key=key)
        self.handover = Handover(self.bundle, self.db)
        self.enrolling = Enrolling(self.bundle, self.db, lambda change: change(self.db), boot_id="b", now=lambda: NOW)

    def enrol(self, person, *images):
        admin = Administration(self.bundle, self.bundle.eyes(), self.db, boot_id="b", now=lambda: NOW)
        return admin.enrol(person, person.title(), list(images), by="cli", consent="notice")

    def take(self, told, *, consent=None, **more):
        fields = {name: value for name, value in told.items() if name != "name"} | {"id": "c1"} | more
        fields["templates"] = tuple(fields["templates"])
        return self.handover.take(self.enrolling, EnrolTemplatesCommand.model_validate(fields), consent)

    def refused(self, *arguments, **more):
        with pytest.raises((CommandError, EnrolmentRefused)) as error:
            self.take(*arguments, **more)
        return error.value.code

    def gallery(self):
        return templates.load_gallery(self.db, self.bundle.template_model, self.bundle.space)


@pytest.fixture(params=[False, True], ids=["cosines", "normalised"])
def device(tmp_path, monkeypatch, request):
    monkeypatch.setitem(BACKENDS["engine"], "ai-edge-litert", blocks.ENGINE)
    blocks.write_cards(tmp_path)
    if request.param:
        normalise(tmp_path / "encoder.json")
    made = []

    def device(name, **options):
        made.append(Device(tmp_path / name, **options))
        return made[-1]

    yield device
    for each in made:
        each.db.close()


@pytest.fixture
def front(device):
    front = device("front")
    front.enrol("anna", paint(Block(RED)), paint(Block(RED, tint=20)))
    return front


def with_vector(told, front, vector):
    """What is handed over, with another vector in it."""
    sealed, _ = Whose("anna", blocks.MODEL).close(front.db.seal, vector.astype(STORED).tobytes())
    return told | {"templates": [told["templates"][0] | {"vector": base64.b64encode(sealed).decode()}]}


def test_they_are_the_same_at_the_other_door(front, device):
    back = device("back")
    told = front.handover.give("anna")
    assert (told["name"], told["model"], told["site_key"]) == ("Anna", blocks.MODEL, KEY.id)
    assert back.take(told, name="Anna") == {"person": "anna", "name": "Anna", "added": 2, "templates": 2}
    assert (back.gallery().vectors == front.gallery().vectors).all()
    assert audited(back.db) == [("enrolled", "anna")]
    assert back.take(told)["added"] == 0  # a command that is repeated
    assert back.handover.give("anna")["templates"][0]["face_px"] == told["templates"][0]["face_px"]


@pytest.mark.parametrize("wanted", [True, False])
def test_crops_go_along_where_they_are_wanted(device, wanted):
    front, back = device("front", crops=True), device("back", crops=wanted)
    front.enrol("anna", paint(Block(RED)))
    back.take(front.handover.give("anna"))
    assert back.db.rows("SELECT count(crop) FROM templates") == [(int(wanted),)]


def test_of_another_model_or_site_they_are_refused(front, device):
    told = front.handover.give("anna")
    assert device("back").refused(told | {"model": "another"}) == "other_model"
    assert device("elsewhere", key=OTHER).refused(told) == "other_site_key"
    assert device("liar", key=OTHER).refused(told | {"site_key": OTHER.id}) == "damaged"


def test_they_open_for_nobody_else(front, device):
    assert device("back").refused(front.handover.give("anna"), person="ben") == "damaged"


def test_somebody_who_is_enrolled_already_is_refused(front, device):
    back = device("back")
    back.enrol("ben", paint(Block(RED)))
    assert back.refused(front.handover.give("anna")) == "duplicate_person"
    assert back.gallery().people == ("ben",)


def test_another_person_under_the_same_name_is_refused_or_replaced(front, device):
    back = device("back")
    back.enrol("anna", paint(Block(BLUE)), paint(Block(BLUE, tint=9)))
    told = front.handover.give("anna")
    assert back.refused(told) == "different_people"
    assert back.take(told, replace=True)["templates"] == 2


def test_without_consent_nothing_is_kept(front, device):
    back = device("back", consent=True)
    told = front.handover.give("anna")
    assert back.refused(told) == "no_consent"
    assert back.take(told, consent="notice 2")["added"] == 2
    assert Privacy().require_consent


def test_vectors_of_another_length_are_refused_before_they_spoil_the_gallery(front, device):
    back = device("back")
    back.enrol("ben", paint(Block(GREEN)))
    odd = dataclasses.replace(front.bundle.encoder)
    assert odd.id == blocks.MODEL
    told = front.handover.give("anna")
    for length in (2, 4, 5):  # 4: as they are compared, normalised
        assert back.refused(with_vector(told, front, np.eye(length)[0])) == "damaged"
    for raw in (b"", b"123", np.full(3, np.nan, "<f4").tobytes(), np.ones(3, "<f4").tobytes()):
        sealed, _ = Whose("anna", blocks.MODEL).close(front.db.seal, raw)
        told["templates"] = [told["templates"][0] | {"vector": base64.b64encode(sealed).decode()}]
        assert back.refused(told) == "damaged"


def test_nor_do_they_where_nobody_is_enrolled_yet(front, device):
    back = device("back")
    if back.bundle.anchors is None:
        pytest.skip("who is the first there says how long vectors are")
    for length in (2, 4):
        assert back.refused(with_vector(front.handover.give("anna"), front, np.eye(length)[0])) == "damaged"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_changed_on_the_way_does_not_open(front, data):
    told = front.handover.give("anna")
    sealed = bytearray(base64.b64decode(told["templates"][0]["vector"]))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    told["templates"][0]["vector"] = base64.b64encode(bytes(sealed)).decode()
    assert front.refused(told) == "damaged"


def test_as_many_go_at_once_as_a_person_may_have():
    assert MAX_TEMPLATES == templates.MAX_TEMPLATES
