"""What somebody is asked to do while their face is taken: table after table, frame by frame."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.gallery.sitting import HOLD_SECONDS, POSES, STRANGER_SECONDS, Glimpse, Hint, Pose, Sitting, nose_down
from agent.types import Box, Crop, Embedding, Face, Quality, Rejection, Seen
from agent.vision.quality import QualityLimits

BEGAN = datetime(2026, 11, 26, 6, tzinfo=UTC)
FRAME_SECONDS = 0.1
ANNA, BEN = 0, 1
LOOKS = {Pose.STRAIGHT: (0, 0), Pose.LEFT: (0.25, 0), Pose.RIGHT: (-0.25, 0), Pose.UP: (0, -0.1), Pose.DOWN: (0, 0.1)}


def seen(yaw=0.0, nod=0.0, *, who=ANNA, other=0.0, sharpness=100.0):
    """A face; `other` makes it another picture of the same person."""
    marks = np.array([(30, 40), (70, 40), (50 + 40 * yaw, 60 + 40 * nod), (35, 80), (65, 80)], np.float32)
    vector = np.zeros(8, np.float32)
    vector[who], vector[4], vector[5], vector[6] = 1.0, yaw, nod, other
    vector /= np.linalg.norm(vector)
    quality = Quality(150.0, sharpness, yaw, 120.0, 40.0)
    crop = Crop(np.zeros((112, 112, 3), np.uint8), quality)
    return Seen(Face(Box(0, 0, 150, 150), marks, 0.9), crop, Embedding(vector, "m"))


class Stand:
    """A sitting that is fed at ten frames a second."""

    def __init__(self, shots=5, seconds=60.0):
        self.sitting = Sitting(shots, seconds, limits=QualityLimits(), same_person=0.5)
        self.at = BEGAN

    def show(self, front=None, *, frames=1, **more):
        for _ in range(frames):
            hint = self.sitting.see(Glimpse(self.at, front, **more))
            self.at += timedelta(seconds=FRAME_SECONDS)
        return hint

    def until_taken(self, front, most=200):
        """How many frames it takes until a shot is taken."""
        for frames in range(1, most):
            if self.show(front) is Hint.TAKEN:
                return frames
        raise AssertionError("nothing is taken")


@pytest.fixture
def stand():
    return Stand()


def test_each_pose_is_asked_for_and_taken_in_turn(stand):
    asked = []
    for pose in POSES:
        asked.append(stand.sitting.pose)
        stand.until_taken(seen(*LOOKS[pose]))
    assert asked == list(POSES)
    assert stand.sitting.complete
    assert stand.sitting.got == list(POSES)
    assert stand.sitting.missing == []
    assert stand.show(seen()) is Hint.TAKEN
    assert len(stand.sitting.taken) == 5


@pytest.mark.parametrize(
    ("glimpse", "hint"),
    [
        ({}, Hint.LOOK_HERE),
        ({"crowded": True}, Hint.ONE_AT_A_TIME),
        ({"rejection": Rejection("too_small", "")}, Hint.CLOSER),
        ({"rejection": Rejection("turned_away", "")}, Hint.LOOK_HERE),
        ({"rejection": Rejection("too_dark", "")}, Hint.TOO_DARK),
        ({"rejection": Rejection("low_contrast", "")}, Hint.TOO_DARK),
        ({"rejection": Rejection("too_bright", "")}, Hint.TOO_BRIGHT),
        ({"rejection": Rejection("too_blurred", "")}, Hint.HOLD_STILL),
        ({"front": seen(yaw=0.3)}, Hint.LOOK_HERE),
        ({"front": seen()}, Hint.HOLD_STILL),
    ],
    ids=lambda value: str(value) if isinstance(value, Hint) else "",
)
def test_what_is_told_of_the_first_frame(stand, glimpse, hint):
    assert stand.show(**glimpse) is hint
    assert not stand.sitting.taken


@pytest.mark.parametrize("number", range(1, 5), ids=[pose.name for pose in POSES[1:]])
def test_who_looks_straight_ahead_is_told_where_to_look(stand, number):
    for pose in POSES[:number]:
        stand.until_taken(seen(*LOOKS[pose]))
    assert stand.show(seen()) is Hint(POSES[number].value)


def test_of_half_a_second_the_best_is_taken(stand):
    best = seen(yaw=0.01, sharpness=500.0)
    worse = seen(sharpness=20.0)
    for front in (worse, best, *[worse] * 10):
        if stand.show(front) is Hint.TAKEN:
            break
    assert stand.sitting.taken == [best]
    assert (stand.at - BEGAN).total_seconds() >= HOLD_SECONDS


def test_who_moves_meanwhile_begins_to_hold_still_anew(stand):
    for _ in range(5):
        stand.show(seen(), frames=4)
        stand.show(seen(yaw=0.3))
    assert stand.sitting.taken == []


def test_who_cannot_turn_is_taken_as_they_are_after_a_while(stand):
    stand.until_taken(seen())
    frames = stand.until_taken(seen(other=0.1))
    assert 60.0 * 0.6 / 5 <= frames * FRAME_SECONDS < 60.0 / 5
    assert stand.sitting.got == [Pose.STRAIGHT, Pose.STRAIGHT]


def test_the_very_same_picture_teaches_nothing(stand):
    stand.until_taken(seen())
    stand.show(seen(), frames=600)
    assert len(stand.sitting.taken) == 1
    assert stand.sitting.missing == list(POSES[1:])


def test_a_second_person_takes_no_shot_over(stand):
    stand.until_taken(seen())
    assert stand.show(seen(0.25, who=BEN)) is Hint.ONE_AT_A_TIME
    stand.show(seen(0.25, who=BEN), frames=round(STRANGER_SECONDS / FRAME_SECONDS) + 1)
    assert stand.sitting.stranger_seconds > STRANGER_SECONDS
    assert len(stand.sitting.taken) == 1
    stand.show(seen(0.25))
    assert stand.sitting.stranger_seconds == 0.0


def test_somebody_who_is_enrolled_already_is_noted(stand):
    stand.until_taken(seen())
    assert stand.sitting.rival is None
    for _ in range(10):
        stand.show(seen(0.25), rival="ben")
    assert stand.sitting.rival == "ben"


def test_more_shots_than_poses_begin_again():
    stand = Stand(shots=7)
    for pose in POSES:
        stand.until_taken(seen(*LOOKS[pose]))
    assert stand.sitting.missing == [Pose.STRAIGHT, Pose.LEFT]
    stand.until_taken(seen(other=0.2))
    stand.until_taken(seen(0.3, other=0.2))
    assert stand.sitting.complete


def test_the_nose_goes_down_with_the_head():
    up, straight, down = (nose_down(seen(nod=nod).face.landmarks) for nod in (-0.1, 0.0, 0.1))
    assert up < straight < down
    assert nose_down(np.zeros((5, 2), np.float32)) == 0.5


GLIMPSES = st.one_of(
    st.just({}),
    st.just({"crowded": True}),
    st.sampled_from(["too_small", "too_blurred", "what"]).map(lambda code: {"rejection": Rejection(code, "")}),
    st.builds(
        lambda yaw, nod, who, other: {"front": seen(yaw, nod, who=who, other=other)},
        st.floats(-0.4, 0.4), st.floats(-0.3, 0.3), st.sampled_from([ANNA, ANNA, ANNA, BEN]), st.floats(0, 0.3),
    ),
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(GLIMPSES, st.integers(1, 12)), max_size=40), st.integers(1, 10))
def test_whatever_is_seen_shots_are_few_different_and_of_one_person(story, shots):
    stand = Stand(shots=shots, seconds=10.0)
    for glimpse, frames in story:
        assert stand.show(**glimpse, frames=frames) in set(Hint)
        assert len(stand.sitting.taken) + len(stand.sitting.missing) == shots
    vectors = [each.embedding.vector for each in stand.sitting.taken]
    for number, vector in enumerate(vectors):
        assert float(vectors[0] @ vector) >= 0.5
        assert all(float(vector @ other) <= 0.9996 for other in vectors[:number])
