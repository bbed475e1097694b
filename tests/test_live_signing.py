"""Signing at the kiosk as a job: from the command to what is kept, with a clock of its own."""

from contextlib import ExitStack

import numpy as np
import pytest

from agent.clerks import Office
from agent.clerks.signatures import handlers
from agent.config import Config, load_config
from agent.errors import CommandError, EnrolmentRefused
from agent.guidance import CONSENT, ENROLLED, OVER, SIGN, SIGN_AGAIN
from agent.live import TAKEN_DOWN_BY
from agent.live_signing import LiveSigning
from agent.mqtt.verbs.signatures import COMMANDS
from agent.signature.trace import trace
from agent.signing import open_signing
from agent.signing_session import MOST, SigningSession
from agent.store import consents
from agent.store.db import open_db
from agent.store.signatures import load_signatures
from agent.studio import Studio
from tests.fakes.keys import KEY
from tests.fakes.pens import points, signed
from tests.fakes.registers import NOW, add, audited, request


class NoJobs:
    """Checks, and leaves the doing to whoever runs the steps."""

    def handler(self, _verb, _work, *, check):
        return lambda command: check(command) or {"job": "accepted"}


class Desk:
    """A kiosk with a person before it, and whoever asks them to sign."""

    def __init__(self, folder, db, signing, **settings):
        self.db, self.signing, self.seconds, self.guided, self.changes = db, signing, 0.0, [], 0
        given = {"device.data_dir": folder, "privacy.consent_text": "notice 3", "web.enabled": True} | settings
        self.config = load_config(None, given, {})
        self.studio = Studio(None, None)
        self.studio.guide = self.guided.append
        self.live = LiveSigning(
            signing,
            self.studio,
            privacy=self.config.privacy,
            write=lambda change: change(db),
            request=lambda by, _: request(by=by),
            changed=self._changed,
            clock=lambda: self.seconds,
        )
        office = Office(self.config, db, lambda change: change(db), "boot", self._changed, lambda: NOW)
        self.handlers = handlers(office, signing, jobs=NoJobs(), live=self.live)

    def _changed(self):
        self.changes += 1

    def command(self, verb="enrol_signature_live", **fields):
        return COMMANDS[verb].model_validate({"id": "c1", "person": "anna"} | fields, strict=False)

    def ask(self, verb, **fields):
        return self.handlers[verb](self.command(verb, **fields))

    def act(self, play, **fields):
        """Does the job while `play(step, guidance)` happens; returns its answer and its steps."""
        steps, told = self.live.work.run(self.command(**fields), 0), []
        try:
            while True:
                told.append(next(steps))
                self.seconds += 1
                play(len(told), self.guided[-1])
        except StopIteration as end:
            return end.value, told

    def sign(self, writer, time):
        return self.studio.sign(self.guided[-1].session, self.signing.encode(trace(points(writer, time))))


@pytest.fixture(scope="module")
def signing():
    return open_signing(Config(), KEY)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(SigningSession, "wait", lambda *_: None)


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db", key=KEY) as db:
        add(db, "anna")
        yield db


@pytest.fixture
def desk(tmp_path, db, signing):
    return Desk(tmp_path, db, signing)


def test_five_that_agree_are_kept_and_nothing_else(desk, signing):
    done, steps = desk.act(lambda step, _: desk.sign(1, step), consent="notice 3")
    assert done == {"person": "anna", "signatures": 5, "replaced": 0}
    assert [(step.done, step.of, step.note) for step in steps] == [(n, 5, SIGN) for n in range(5)]
    assert len(load_signatures(desk.db, signing.model)["anna"].vectors) == 5
    assert (desk.guided[-1].hint, desk.guided[-1].why) == (OVER, ENROLLED)
    assert desk.changes == 1
    assert audited(desk.db)[-1] == ("signature_enrolled", "anna")


def test_one_that_is_not_like_the_others_is_asked_for_again(desk):
    writers = [1, 1, 0, 1, 1, 1]
    done, _ = desk.act(lambda step, _: desk.sign(writers[step - 1], step), consent="notice 3")
    assert done["signatures"] == 5
    assert SIGN_AGAIN in [each.hint for each in desk.guided]


def test_the_same_recording_again_does_not_count(desk):
    times = [1, 1, 2, 3, 4, 5]
    desk.act(lambda step, _: desk.sign(1, times[step - 1]), consent="notice 3")
    assert [each.hint for each in desk.guided[:4]] == [SIGN, SIGN, SIGN_AGAIN, SIGN]


def test_whoever_is_asked_agrees_before_the_first_signature(desk):
    def play(step, guidance):
        if step == 1:
            assert guidance.hint == CONSENT
            desk.sign(1, 99)  # not yet
            assert desk.studio.answer(guidance.session, agreed=True)
        else:
            desk.sign(1, step)

    done, steps = desk.act(play, ask_consent=True)
    assert (done["signatures"], steps[0].note) == (5, CONSENT)
    given = consents.in_force(desk.db, "anna")
    assert (given.text, given.by) == ("notice 3", TAKEN_DOWN_BY)


@pytest.mark.parametrize(
    ("play", "fields", "code"),
    [
        (lambda desk, _: desk.studio.answer(1, agreed=False), {"ask_consent": True}, "no_consent"),
        (lambda desk, _: desk.studio.answer(1, agreed=False), {"consent": "n"}, "cancelled"),
        (lambda *_: None, {"consent": "n", "seconds": 10}, "timed_out"),
        (lambda desk, step: desk.sign(step, step), {"consent": "n"}, "different_signatures"),
    ],
    ids=["who does not agree", "who gives up", "who does not sign", "who signs otherwise each time"],
)
def test_nothing_is_kept_of(desk, play, fields, code):
    with pytest.raises((CommandError, EnrolmentRefused)) as refused:
        desk.act(lambda step, _: play(desk, step), **fields)
    assert refused.value.code == code
    assert (desk.guided[-1].hint, desk.guided[-1].why) == (OVER, code)
    assert desk.db.rows("SELECT count(*) FROM signatures") == [(0,)]
    assert desk.seconds <= MOST + 1


def test_a_job_that_is_closed_lets_the_screen_go(desk):
    steps = desk.live.work.run(desk.command(consent="n"), 0)
    next(steps)
    steps.close()
    assert desk.guided[-1].hint == OVER
    assert not desk.sign(1, 1)


def test_a_signature_for_another_session_is_not_taken(desk, signing):
    with ExitStack() as stack:
        session = stack.enter_context(desk.studio.seated(SigningSession(signing.judge, 3)))
        assert not desk.studio.sign(desk.guided[-1].session + 1, signing.encode(trace(points(1))))
        assert session.guidance().done == 0


class TestFromAFile:
    def test_what_the_pen_did_is_not_kept(self, desk):
        drawn = [{"points": points(1, each)} for each in range(3)]
        done = desk.ask("enrol_signature", signatures=drawn, consent=True)
        assert done == {"person": "anna", "signatures": 3, "replaced": 0}
        file = b"".join(each.read_bytes() for each in desk.db.path.parent.glob("latchkey.db*"))
        assert str(points(1)[5][0]).encode() not in file
        assert np.float32(points(1)[5][0]).tobytes() not in file
        assert desk.ask("signature_remove") == {"person": "anna", "signatures": 3}
        assert desk.changes == 2

    def test_one_that_is_none_is_named(self, desk):
        drawn = [{"points": points(1)}, {"points": signed(1)[:5].tolist()}]
        with pytest.raises(EnrolmentRefused) as refused:
            desk.ask("enrol_signature", signatures=drawn, consent=True)
        assert (refused.value.code, refused.value.photo) == ("too_short", 1)

    @pytest.mark.parametrize("verb", ["enrol_signature", "enrol_signature_live"])
    def test_without_an_encoder_it_is_said(self, tmp_path, db, verb):
        fields = {"signatures": [{"points": points(1)}]} if verb == "enrol_signature" else {}
        with pytest.raises(CommandError) as refused:
            Desk(tmp_path, db, None).ask(verb, consent="n", **fields)
        assert refused.value.code == "no_encoder"

    def test_without_a_screen_a_person_or_consent_nobody_is_asked_to_sign(self, tmp_path, db, signing):
        for settings, fields, said in (
            ({"web.enabled": False}, {"consent": "n"}, "there is no screen to sign on"),
            ({}, {"consent": "n", "person": "zoe"}, "nobody is enrolled as 'zoe'"),
            ({}, {}, "has not agreed"),
        ):
            with pytest.raises(CommandError, match=said):
                Desk(tmp_path, db, signing, **settings).ask("enrol_signature_live", **fields)
