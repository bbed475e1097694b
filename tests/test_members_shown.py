"""People as the page for admins shows them."""

from datetime import timedelta

import pytest

from agent.errors import CommandError
from agent.members import shown
from agent.members.merge import rename
from agent.members.undo import undo
from agent.store import events
from agent.store.db import open_db
from agent.store.directory import Wanted
from agent.vision.quality import QualityLimits
from tests.fakes.keys import KEY
from tests.fakes.registers import LATER, NOW, add, audited, request

BASIS = shown.basis("m1", NOW)
LIMITS = QualityLimits()


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "d.db", key=KEY) as opened:
        add(opened, "anna", faces=(1, 2), name="Anna")
        add(opened, "ben")
        yield opened


def happened(db, person, kind="access", minutes=0, **more):
    body = {"person": person, "outcome": "granted", "reason": "match", "similarity": 0.7, **more}
    return events.append(db, kind, NOW + timedelta(minutes=minutes), "boot", body)


def whole(db, person="anna", *, templates=True, visits=True):
    return shown.whole(db, person, BASIS, LIMITS, templates=templates, visits=visits)


def test_a_line_says_what_is_lacking(db):
    (anna, ben), count = (shown.found(db, Wanted(), BASIS)[key] for key in ("people", "count"))
    assert count == 2
    assert (anna["known"], anna["consent"], ben["known"], ben["valid_to"]) == (True, None, False, None)


def test_the_newest_template_comes_first_and_none_has_its_vector(db):
    first, second = whole(db)["shots"]
    assert first["id"] > second["id"]
    assert set(first) == {"id", "model", "in_use", "added_at", "event", "crop", "score", "measures"}
    assert [each.words for each in first["measures"]] == ["large", "sharp", "facing the camera", "well lit", "clear"]


def test_the_latest_recognitions_come_first_also_those_under_another_id(db):
    old = happened(db, "anna")
    rename(db, "anna", "anna.b", request())
    happened(db, "ben")
    happened(db, None)
    punch = happened(db, "anna.b", "attendance", 1, type="in")
    events.append(db, "alarm", LATER, "boot", {"person": "anna.b"})
    told = whole(db, "anna.b")["visits"]
    assert [(each["id"], each["kind"], each["punch"]) for each in told] == [
        (punch.id, "attendance", "in"),
        (old.id, "access", None),
    ]


def test_no_more_are_told_than_are_looked_at(db):
    for minutes in range(shown.MOST_VISITS + 5):
        happened(db, "anna", minutes=minutes)
    told = whole(db)["visits"]
    assert len(told) == shown.MOST_VISITS
    assert told[0]["seq"] == events.newest(db)


def test_what_is_undone_is_told_as_such(db):
    event = happened(db, "anna")
    undo(db, event.id, "anna", request())
    assert whole(db)["visits"][0]["undone"] is True


def test_where_somebody_was_is_for_who_may_see_it(db):
    happened(db, "anna")
    assert whole(db, visits=False)["visits"] is None
    assert whole(db, templates=False)["shots"] is None


def test_a_picture_that_is_not_kept_is_an_error_and_nobody_has_looked(db):
    with pytest.raises(CommandError, match="no picture is kept of template 1 of anna"):
        shown.crop(db, "anna", 1, request())
    with pytest.raises(CommandError, match="nobody is enrolled as 'zoe'"):
        shown.crop(db, "zoe", 1, request())
    assert audited(db) == []
