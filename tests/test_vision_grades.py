"""How good a picture is, in words."""

from dataclasses import replace

import pytest

from agent.types import Quality
from agent.vision.grades import grades
from agent.vision.quality import QualityLimits

GOOD = Quality(180, 200, 0.0, 120, 40)


@pytest.mark.parametrize(
    ("what", "value", "grade", "words"),
    [
        ("face_px", 180, "good", "large"),
        ("face_px", 64, "fair", "rather small"),
        ("face_px", 63, "poor", "too small"),
        ("sharpness", 200, "good", "sharp"),
        ("sharpness", 8, "fair", "a little soft"),
        ("sharpness", 7, "poor", "blurred"),
        ("yaw", -0.1, "good", "facing the camera"),
        ("yaw", -0.3, "fair", "turned to the left"),
        ("yaw", 0.5, "poor", "far to the right"),
        ("exposure", 120, "good", "well lit"),
        ("exposure", 30, "fair", "rather dark"),
        ("exposure", 210, "fair", "rather bright"),
        ("exposure", 10, "poor", "too dark"),
        ("exposure", 250, "poor", "too bright"),
        ("contrast", 40, "good", "clear"),
        ("contrast", 7, "fair", "rather flat"),
        ("contrast", 3, "poor", "flat"),
    ],
)
def test_each_cause_has_its_words(what, value, grade, words):
    told = {each.what: each for each in grades(replace(GOOD, **{what: value}), QualityLimits())}
    assert (told[what].grade, told[what].words, told[what].value) == (grade, words, value)
    assert {each.grade for each in told.values() if each.what != what} == {"good"}
