from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.types import Box, Face
from agent.vision.track import Tracker, TrackSettings, iou

START = datetime(2026, 11, 22, 6, tzinfo=UTC)
ANNA, BOB = np.float32((1, 0)), np.float32((0, 1))


def at(seconds):
    return START + timedelta(seconds=seconds)


def face(x, y=100.0, size=80.0):
    return Face(Box(x, y, size, size * 1.3), np.zeros((5, 2), np.float32), 0.9)


def ids(tracks):
    return [track.id for track in tracks]


def test_one_person_standing_there_for_ten_seconds_is_one_visit():
    tracker, rng = Tracker(), np.random.default_rng(0)
    seen = set()
    for step in range(100):
        (track,) = tracker.update([face(100 + rng.normal(0, 4), 100 + rng.normal(0, 4))], at(step / 10))
        seen.add(track.id)
    assert seen == {1}
    assert track.frames == 100
    assert track.since == START
    assert tracker.take_ended() == []


def test_a_frame_without_a_face_now_and_then_is_survived():
    tracker = Tracker()
    for step in range(60):
        faces = [] if step % 7 in (2, 3, 4) else [face(100)]
        assert ids(tracker.update(faces, at(step / 10))) == [1] * len(faces)


def test_a_gap_that_is_too_long_ends_the_track_and_the_id_is_not_used_again():
    tracker = Tracker()
    tracker.update([face(100)], at(0))
    tracker.update([], at(1.0))
    assert tracker.take_ended() == []
    tracker.update([], at(1.1))
    assert tracker.take_ended() == [1]
    assert tracker.take_ended() == []
    assert ids(tracker.update([face(100)], at(1.2))) == [2]


def test_after_a_long_silence_of_the_camera_nobody_is_taken_for_the_last_one():
    tracker = Tracker()
    tracker.update([face(100)], at(0))
    assert ids(tracker.update([face(100)], at(30))) == [2]
    assert tracker.take_ended() == [1]


def test_the_answer_is_in_the_order_of_the_faces():
    tracker = Tracker()
    assert ids(tracker.update([face(10), face(200), face(400)], at(0))) == [1, 2, 3]
    assert ids(tracker.update([face(402), face(12), face(198)], at(0.1))) == [3, 1, 2]


def test_somebody_who_walks_faster_than_their_face_is_wide_keeps_the_id():
    tracker = Tracker()
    for step in range(8):
        assert ids(tracker.update([face(10 + 75 * step)], at(step / 10))) == [1]


def test_the_nearer_face_wins_the_track():
    tracker = Tracker()
    tracker.update([face(100)], at(0))
    assert ids(tracker.update([face(135), face(104)], at(0.1))) == [2, 1]


@pytest.mark.parametrize(("x", "size"), [(300, 80), (110, 250), (110, 20)], ids=["far", "much larger", "much smaller"])
def test_another_face_is_another_track(x, size):
    tracker = Tracker()
    tracker.update([face(100)], at(0))
    assert ids(tracker.update([face(x, size=size)], at(0.1))) == [2]


def test_somebody_who_comes_nearer_stays_the_same():
    tracker = Tracker()
    for step in range(20):
        size = 40 * 1.12**step
        assert ids(tracker.update([face(320 - size / 2, 240 - size / 2, size)], at(step / 10))) == [1]


def test_two_people_who_swap_places_get_new_ids_once_their_embeddings_say_so():
    tracker = Tracker()
    assert ids(tracker.update([face(100), face(150)], at(0))) == [1, 2]
    assert tracker.confirm(1, ANNA) == 1
    assert tracker.confirm(2, BOB) == 2
    assert ids(tracker.update([face(100), face(150)], at(0.1))) == [1, 2]  # the boxes cannot tell
    assert tracker.confirm(1, BOB) == 3
    assert tracker.confirm(2, ANNA) == 4
    assert tracker.take_ended() == [1, 2]
    assert ids(tracker.update([face(102), face(152)], at(0.2))) == [3, 4]
    assert tracker.confirm(3, BOB) == 3


def test_the_embedding_may_drift_slowly():
    tracker = Tracker(TrackSettings(min_similarity=0.3))
    for step in range(30):
        tracker.update([face(100)], at(step / 10))
        angle = step / 10  # more than a right angle in the end
        assert tracker.confirm(1, np.float32((np.cos(angle), np.sin(angle)))) == 1


def test_a_split_goes_on_where_the_old_track_was():
    tracker = Tracker()
    tracker.update([face(100)], at(0))
    assert tracker.split(1) == 2
    (track,) = tracker.update([face(101)], at(0.1))
    assert (track.id, track.frames) == (2, 2)


def test_a_split_begins_in_the_frame_that_shows_somebody_else():
    tracker = Tracker()
    tracker.update([face(100)], at(0))
    tracker.confirm(1, ANNA)
    tracker.update([face(101)], at(7))  # after a gap: another id already
    tracker.confirm(2, ANNA)
    tracker.update([face(102)], at(7.5))
    assert tracker.confirm(2, BOB) == 3
    (track,) = tracker.update([face(103)], at(7.6))
    assert (track.id, track.frames, track.since) == (3, 2, at(7.5))


def test_the_end_of_the_camera_ends_all():
    tracker = Tracker()
    tracker.update([face(10), face(300)], at(0))
    tracker.finish()
    assert tracker.take_ended() == [1, 2]
    assert ids(tracker.update([face(10)], at(0.1))) == [3]


def test_a_clock_that_steps_back_neither_ends_nor_freezes_a_track():
    tracker = Tracker()
    tracker.update([face(100)], at(0))
    assert ids(tracker.update([face(100)], at(-3600))) == [1]
    tracker.update([], at(-3600 + 0.9))
    assert tracker.take_ended() == []
    tracker.update([], at(-3600 + 1.1))
    assert tracker.take_ended() == [1]


boxes = st.builds(Box, *[st.floats(0, 600)] * 2, *[st.floats(0, 200)] * 2)
frames = st.lists(st.tuples(st.floats(-2, 3), st.lists(boxes, max_size=4)), max_size=15)


@settings(deadline=None)
@given(frames)
def test_every_id_is_given_to_one_face_at_a_time_ends_once_and_never_comes_back(frames):
    tracker, now, alive, gone = Tracker(), 0.0, set(), []
    for step, found in frames:
        now += step
        tracks = tracker.update([Face(box, np.zeros((5, 2), np.float32), 1.0) for box in found], at(now))
        assert [track.face.box for track in tracks] == found
        assert len(set(ids(tracks))) == len(found)
        gone += tracker.take_ended()
        assert not set(ids(tracks)) & set(gone)
        alive |= set(ids(tracks))
    tracker.finish()
    gone += tracker.take_ended()
    assert sorted(gone) == sorted(alive) == list(range(1, len(alive) + 1))


@settings(deadline=None)
@given(boxes, boxes)
def test_iou_is_symmetric_and_a_share(a, b):
    assert 0 <= iou(a, b) <= 1 + 1e-9
    assert iou(a, b) == pytest.approx(iou(b, a))


def test_iou_of_known_boxes():
    assert iou(Box(0, 0, 10, 10), Box(5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert iou(Box(0, 0, 10, 10), Box(0, 0, 10, 10)) == 1
    assert iou(Box(0, 0, 10, 10), Box(10, 0, 5, 5)) == 0
    assert iou(Box(3, 3, 0, 0), Box(3, 3, 0, 0)) == 0
