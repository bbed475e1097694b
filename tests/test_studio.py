"""The camera lent to whoever is enrolled: frame by frame, with a clock of its own; faces are blocks."""

import dataclasses
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from agent.bundle import open_bundle
from agent.config import load_config
from agent.config.people import Privacy
from agent.enrolling import Enrolling
from agent.enrolment import Administration
from agent.errors import CommandError, EnrolmentRefused
from agent.gallery.likeness import Likeness
from agent.gallery.sitting import Sitting
from agent.guidance import CONSENT, ENROLLED, OVER
from agent.hardware.backends import BACKENDS
from agent.live import TAKEN_DOWN_BY, Live
from agent.mqtt.verbs.faces import EnrolLiveCommand
from agent.store import consents, people
from agent.store.db import open_db
from agent.store.templates import load_gallery
from agent.studio import Session, Studio
from agent.types import Box, Crop, Face, Frame, Quality
from agent.vision.quality import QualityLimits
from tests.fakes import blocks
from tests.fakes.blocks import BLUE, GREEN, RED, Block, paint
from tests.fakes.keys import KEY

BEGAN = datetime(2026, 11, 26, 6, tzinfo=UTC)
FRAME_SECONDS = 0.2


class Hall:
    """A studio and what is shown to it; time goes by with the frames."""

    def __init__(self, bundle, db):
        self.bundle, self.db, self.seconds, self.frames = bundle, db, 0.0, 0
        self.guided, self.changed, self.eyes = [], [], bundle.eyes()
        self.studio = Studio(self.eyes, self.gallery)
        self.studio.guide = self.guided.append
        write = lambda change: change(db)
        self.enrolling = Enrolling(bundle, db, write, boot_id="boot", now=lambda: BEGAN)
        self.live = Live(
            bundle, self.studio, self.enrolling, lambda: self.changed.append(True), clock=lambda: self.seconds
        )

    def gallery(self):
        return load_gallery(self.db, self.bundle.template_model, self.bundle.space)

    def enrol(self, person, colour):
        Administration(self.bundle, self.eyes, self.db, boot_id="boot").enrol(
            person, None, [paint(Block(colour))], by="cli"
        )

    def show(self, image):
        at = BEGAN + timedelta(seconds=self.seconds)
        lent = self.studio.see(Frame(image, at, self.frames, "camera"))
        self.frames, self.seconds = self.frames + 1, self.seconds + FRAME_SECONDS
        return lent

    def act(self, play, **more):
        """Does the job while `play(frame number)` is before the camera. Returns its answer and its steps."""
        steps, told = self.live.work.run(self.command(**more), 0), []
        try:
            while True:
                told.append(next(steps))
                self.show(play(len(told)))
        except StopIteration as end:
            return end.value, told

    @staticmethod
    def command(**more):
        return EnrolLiveCommand.model_validate({"id": "e1", "person": "anna", "shots": 3, "seconds": 20.0} | more)


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    monkeypatch.setitem(BACKENDS["engine"], "ai-edge-litert", blocks.ENGINE)
    monkeypatch.setattr("agent.live.WAIT_SECONDS", 0.0)
    blocks.write_cards(tmp_path)
    models = {f"models.{name}": tmp_path / f"{name}.tflite" for name in ("encoder", "detector")}
    told = {"device.data_dir": tmp_path, "privacy.require_consent": False, **models}
    return open_bundle(load_config(None, told, {"LATCHKEY_CONFIG": ""}), KEY)


@pytest.fixture
def hall(bundle):
    with open_db(bundle.config.database_path, key=KEY) as db:
        yield Hall(bundle, db)


def moving(colour):
    pictures = [paint(Block(colour, tint=tint)) for tint in (0, 15, 30)]
    return lambda number: pictures[number // 10 % 3]


def always(*blocks_):
    image = paint(*blocks_)
    return lambda _: image


def test_the_person_is_enrolled_and_the_others_are_told(hall):
    answer, told = hall.act(moving(RED), name="Anna")
    assert answer == {"person": "anna", "name": "Anna", "added": 3, "templates": 3}
    assert [step.done for step in told] == sorted(step.done for step in told)
    assert {step.of for step in told} == {3}
    assert hall.changed == [True]
    assert hall.guided[-1].hint == OVER
    assert not hall.show(paint())


def test_more_shots_are_added_to_somebody_who_is_there(hall):
    hall.enrol("anna", RED)
    answer, _ = hall.act(moving(RED), shots=2)
    assert answer["templates"] == answer["added"] + 1


@pytest.mark.parametrize(
    ("play", "code", "told"),
    [
        (always(), "timed_out", "0 of 3 shots: look_here, look_left, look_right are missing"),
        (always(Block(RED), Block(BLUE, x=20)), "timed_out", "the last hint was one_at_a_time"),
        (always(Block(RED, px=40)), "timed_out", "the last hint was closer"),
        (always(Block(RED)), "timed_out", "1 of 3 shots: look_left, look_right are missing"),
        (moving(GREEN), "duplicate_person", "enrolled already as ben"),
        (lambda number: (moving(RED) if number < 10 else moving(BLUE))(number), "different_people", "begin again"),
    ],
    ids=["nobody comes", "two at once", "too far away", "a picture", "enrolled already", "another takes over"],
)
def test_it_ends_by_itself(hall, play, code, told):
    hall.enrol("ben", GREEN)
    with pytest.raises((CommandError, EnrolmentRefused), match=told) as refused:
        hall.act(play)
    assert refused.value.code == code
    assert [person.id for person in people.list_people(hall.db)] == ["ben"]
    assert not hall.show(paint())
    assert hall.guided[-1].hint == OVER


def test_somebody_else_under_a_known_name_is_refused(hall):
    hall.enrol("anna", GREEN)
    with pytest.raises(EnrolmentRefused) as refused:
        hall.act(moving(RED))
    assert refused.value.code == "different_people"
    assert hall.act(moving(RED), replace=True)[0]["templates"] == 3


def asked(hall, *, pressed, play=None, **more):
    """Does the job with a person who presses a button when the text is shown; returns its answer and its steps."""
    steps, told = hall.live.work.run(hall.command(ask_consent=True, **more), 0), []
    try:
        while True:
            told.append(next(steps))
            if told[-1].note == CONSENT and pressed is not None:
                assert not hall.studio.answer(hall.guided[-1].session + 1, agreed=True)  # another's button
                assert hall.studio.answer(hall.guided[-1].session, agreed=pressed)
            hall.show((play or moving(RED))(len(told)))
    except StopIteration as end:
        return end.value, told


@pytest.fixture
def careful(hall, bundle):
    strict = bundle.config.model_copy(update={"privacy": Privacy(consent_text="notice 2")})
    return Hall(dataclasses.replace(bundle, config=strict), hall.db)


def test_who_is_asked_and_agrees_is_enrolled_and_it_is_on_record_who_took_that_down(careful):
    answer, told = asked(careful, pressed=True)
    assert answer["templates"] == 3
    assert [step.note for step in told][:2] == [CONSENT, "hold_still"]
    given = consents.in_force(careful.db, "anna")
    assert (given.text, given.by) == ("notice 2", TAKEN_DOWN_BY)
    assert (careful.guided[0].hint, careful.guided[-1].why) == (CONSENT, ENROLLED)


@pytest.mark.parametrize(
    ("pressed", "code"),
    [pytest.param(False, "no_consent", id="no"), pytest.param(None, "timed_out", id="nobody presses anything")],
)
def test_without_a_yes_there_is_no_shot(careful, pressed, code):
    with pytest.raises(CommandError) as refused:
        asked(careful, pressed=pressed)
    assert refused.value.code == careful.guided[-1].why == code
    assert {each.done for each in careful.guided} == {0}
    assert people.list_people(careful.db) == []
    assert careful.studio.glance is None


def test_whoever_stands_there_may_stop_the_shots(hall):
    steps = hall.live.work.run(hall.command(), 0)
    next(steps)
    hall.show(paint(Block(RED)))
    assert hall.studio.glance.hint is not None
    assert hall.studio.answer(hall.guided[-1].session, agreed=False)
    with pytest.raises(CommandError) as refused:
        next(steps)
    assert refused.value.code == hall.guided[-1].why == "cancelled"
    assert not hall.studio.answer(hall.guided[-1].session, agreed=True)  # it is over


def test_no_camera_at_all_is_a_time_out(hall):
    steps = hall.live.work.run(hall.command(), 0)
    next(steps)
    hall.seconds += 21
    with pytest.raises(CommandError, match="0 of 3"):
        next(steps)


def test_given_up_the_camera_is_the_door_s_again(hall):
    steps = hall.live.work.run(hall.command(), 0)
    next(steps)
    assert hall.show(paint(Block(RED)))
    steps.close()
    assert not hall.show(paint(Block(RED)))


def test_no_consent_no_camera(hall, bundle):
    strict = bundle.config.model_copy(update={"privacy": Privacy()})
    hall = Hall(dataclasses.replace(bundle, config=strict), hall.db)
    with pytest.raises(CommandError) as refused:
        hall.act(moving(RED))
    assert (refused.value.code, hall.guided) == ("no_consent", [])
    assert hall.act(moving(RED), consent="notice 1")[0]["templates"] == 3


def test_crops_are_kept_where_they_are_to_be(hall, bundle):
    security = bundle.config.security.model_copy(update={"keep_crops": True})
    config = bundle.config.model_copy(update={"security": security})
    Hall(dataclasses.replace(bundle, config=config), hall.db).act(moving(RED))
    assert hall.db.rows("SELECT count(crop) FROM templates") == [(3,)]


def test_what_was_seen_as_the_session_ended_is_not_told_after_its_end():
    class Eyes:
        def faces(self, *_):
            seat.close()  # in the meantime
            return [face]

        def crop(self, *_):
            return Crop(paint()[:112, :112], Quality(face_px=20, sharpness=60, yaw=0, exposure=120, contrast=40))

    face = Face(Box(10, 10, 20, 20), np.zeros((5, 2), np.float32), 0.9)  # too far away
    guided = []
    studio = Studio(Eyes(), lambda: None)
    studio.guide = guided.append
    sitting = Sitting(3, 20.0, limits=QualityLimits(), same_person=0.5)
    session = Session("anna", sitting, 3, likeness=Likeness(0.9, 0.5), limits=QualityLimits())
    with ExitStack() as seat:
        seat.enter_context(studio.seated(session))
        studio.see(Frame(paint(), BEGAN, 1, "camera"))
    assert [each.hint for each in guided] == ["look_here", OVER]
