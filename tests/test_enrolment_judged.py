"""Photos judged before anybody is enrolled, by the real models: people of the demo, and copies that are spoilt."""

import cv2
import numpy as np
import pytest

from agent.bundle import STAFF, open_bundle
from agent.enrolment import Administration
from agent.gallery.likeness import Problem
from agent.seal.keyring import site_key
from agent.store.db import open_db
from agent.types import Seen
from agent.vision.pictures import decode_picture, encode_picture
from tests.fakes.demo_door import demo_config, settle_demo


@pytest.fixture(scope="module")
def admin(tmp_path_factory):
    """Where Ada is enrolled, and nobody else."""
    config = demo_config(tmp_path_factory.mktemp("judged"))
    settle_demo(config, skip=("bruno", "clara"))
    bundle = open_bundle(config, site_key(config))
    with open_db(config.database_path, key=bundle.key) as db:
        yield Administration(bundle, bundle.eyes(), db, boot_id="test")


def photo(name):
    return (STAFF / f"{name}.jpg").read_bytes()


def spoilt(how):
    return encode_picture(how(decode_picture(photo("clara-1"))))


def levels(share, plus):
    return lambda image: np.clip(image * share + plus, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("how", "code"),
    [
        pytest.param(lambda image: cv2.GaussianBlur(image, (0, 0), 6), "too_blurred", id="out of focus"),
        pytest.param(levels(0.11, 0), "too_dark", id="by night"),
        pytest.param(levels(0.3, 180), "too_bright", id="before a window"),
        pytest.param(levels(0.2, 100), "low_contrast", id="in fog"),
        pytest.param(lambda image: cv2.resize(image, (60, 60)), "too_small", id="far away"),
        pytest.param(lambda image: np.hstack([image, image]), "two_faces", id="two people"),
        pytest.param(lambda image: image[-60:, :60].copy(), "no_face", id="nobody"),
    ],
)
def test_a_bad_photo_has_its_reason(admin, how, code):
    found = admin.judge(0, spoilt(how))
    assert isinstance(found, Problem), found.crop.quality
    assert found.code == code


def test_what_is_no_picture_is_none(admin):
    assert admin.judge(3, b"%PDF-1.7").code == "not_a_picture"


def faces(admin, *names):
    found = [admin.judge(number, photo(name)) for number, name in enumerate(names)]
    assert all(isinstance(each, Seen) for each in found)
    return found


@pytest.mark.parametrize(
    ("names", "person", "problems"),
    [
        pytest.param(["clara-1", "clara-2", "clara-3"], "clara", [], id="of one person"),
        pytest.param(["clara-1", "clara-2", "ada-2"], "clara", [(2, "different_people")], id="of two people"),
        pytest.param(["ada-1"], "", [(0, "duplicate_person")], id="of somebody who is enrolled"),
        pytest.param(["ada-1"], "ada", [], id="of that very person"),
        pytest.param(["clara-1"], "ada", [(0, "different_people")], id="of another than was enrolled before"),
    ],
)
def test_photos_are_compared_with_each_other_and_with_everybody(admin, names, person, problems):
    told = admin.compare(faces(admin, *names), person)
    assert [(each.photo, each.code) for each in told] == problems


def test_who_begins_anew_is_not_compared_with_what_was(admin):
    assert admin.compare(faces(admin, "clara-1"), "ada", replace=True) == []
    assert admin.compare([], "ada") == []
