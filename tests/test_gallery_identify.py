import json

import numpy as np

from agent.gallery.identify import IdentifiedFace, identify
from agent.gallery.match import Gallery
from agent.types import Box, Crop, Embedding, Face, Match, Quality, Reason, Seen
from agent.vision.align import TEMPLATE
from agent.vision.quality import QualityLimits

MODEL = "latchkey-encoder-1-00000000"
IMAGE = np.zeros((480, 640, 3), np.uint8)
STAFF = Gallery.build(MODEL, ["anna", "bob"], np.eye(3, dtype=np.float32)[:2], [0, 1])


def seen(vector, face_px=180.0):
    unit = np.float32(vector) / np.linalg.norm(vector)
    face = Face(Box(10.04, 20, face_px, 200), TEMPLATE, 0.93)
    crop = Crop(np.zeros((112, 112, 3), np.uint8), Quality(face_px, 200, 0.0, 120, 40))
    return Seen(face, crop, Embedding(unit.astype(np.float32), MODEL))


def faces(*found, gallery=STAFF):
    return identify(IMAGE, lambda _: found, gallery, threshold=0.5, min_margin=0.1, limits=QualityLimits())


def test_every_face_with_its_reason_the_largest_first():
    result = faces(seen((1, 0.1, 0.3), 100), seen((0.3, 0.2, 1), 120), seen((1, 0.95, 0), 140), seen((1, 0, 0), 42))
    assert [(one.known, one.reason, one.match.person) for one in result] == [
        (False, Reason.AMBIGUOUS, "anna"),
        (False, Reason.UNKNOWN, "anna"),
        (True, Reason.MATCH, "anna"),
        (False, Reason.POOR_QUALITY, "anna"),
    ]
    assert result[3].detail == "too small: 42 px, need 64"
    assert result[3].rejection.code == "too_small"


def test_nobody_in_the_picture():
    assert faces() == []


def test_as_json_holds_everything():
    (one,) = faces(seen((1, 0, 0)))
    assert json.loads(json.dumps(one.as_json())) == {
        "box": [10.0, 20.0, 180.0, 200.0],
        "landmarks": [[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]],
        "score": 0.93,
        "quality": {"face_px": 180.0, "sharpness": 200.0, "yaw": 0.0, "exposure": 120.0, "contrast": 40.0},
        "rejection": None,
        "person": "anna",
        "similarity": 1.0,
        "second": "bob",
        "second_similarity": 0.0,
        "margin": 1.0,
        "threshold": 0.5,
        "verdict": "known",
        "reason": "match",
        "detail": "1.000 to anna, need 0.500",
    }


def test_as_json_has_null_for_what_is_not_a_number():
    (one,) = faces(seen((1, 0, 0)))
    nan, inf = float("nan"), float("inf")
    broken = IdentifiedFace(
        face=Face(Box(nan, 20, inf, -inf), np.full((5, 2), np.nan, np.float32), np.float32(nan)),
        quality=Quality(nan, inf, -inf, nan, 40),
        rejection=None,
        match=Match("anna", nan, "bob", inf),
        threshold=inf,
        reason=Reason.UNKNOWN,
        detail="nan to anna, need inf",
    )
    told = json.loads(json.dumps(broken.as_json(), allow_nan=False))
    assert told.keys() == one.as_json().keys()
    assert (told["box"], told["landmarks"], told["score"]) == ([None, 20.0, None, None], [[None, None]] * 5, None)
    assert told["quality"] == {"face_px": None, "sharpness": None, "yaw": None, "exposure": None, "contrast": 40.0}
    assert [told[key] for key in ("similarity", "second_similarity", "margin", "threshold")] == [None] * 4
    assert (told["person"], told["second"], told["verdict"]) == ("anna", "bob", "unknown")


def test_as_json_has_null_where_there_is_nobody():
    (one,) = faces(seen((1, 0, 0), 42), gallery=Gallery.empty(MODEL))
    told = json.loads(json.dumps(one.as_json(), allow_nan=False))
    assert [told[key] for key in ("person", "similarity", "second", "second_similarity", "margin")] == [None] * 5
    assert told["rejection"] == {"code": "too_small", "text": "too small: 42 px, need 64"}
    assert (told["verdict"], told["reason"]) == ("unknown", "poor_quality")
