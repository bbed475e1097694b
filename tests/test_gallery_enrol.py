import dataclasses

import cv2
import numpy as np
import pytest

from agent.errors import EnrolmentRefused
from agent.gallery.enrol import Enroller
from agent.gallery.match import Gallery
from agent.types import Box, Crop, Embedding, Face, Quality, Seen
from agent.vision.align import TEMPLATE
from agent.vision.quality import QualityLimits

GOOD = Quality(180, 200, 0.0, 120, 40)
MODEL = "latchkey-encoder-1-00000000"


def towards(degrees):
    """A unit vector: people are 90 degrees apart here, pictures of one person some 10."""
    return np.array((np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0), np.float32)


def seen(degrees=0.0, **quality):
    measured = dataclasses.replace(GOOD, **quality)
    face = Face(Box(0, 0, measured.face_px, 2 * measured.face_px), TEMPLATE, 0.9)
    return Seen(face, Crop(np.zeros((112, 112, 3), np.uint8), measured), Embedding(towards(degrees), MODEL))


class Album:
    """A `look` that knows each of its pictures by the grey of the first pixel."""

    def __init__(self, *pages):
        self._pages = pages

    def __call__(self, image):
        return self._pages[image[0, 0, 0]]

    @property
    def photos(self):
        return [np.full((8, 8, 3), number, np.uint8) for number in range(len(self._pages))]


def enrol(*pages, photos=None, person="anna", gallery=None):
    album = Album(*pages)
    enroller = Enroller(album, QualityLimits(), duplicate_threshold=0.6, same_person_threshold=0.5)
    return enroller.templates(photos or album.photos, person, gallery or Gallery.empty(MODEL))


def staff(**people):
    vectors = np.stack([towards(degrees) for degrees in people.values()])
    return Gallery.build(MODEL, list(people), vectors, range(len(people)))


def refusal(*pages, **options):
    with pytest.raises(EnrolmentRefused) as caught:
        enrol(*pages, **options)
    return caught.value


def test_every_photo_becomes_a_template():
    templates = enrol([seen(0)], [seen(10, face_px=99)])
    assert [quality.face_px for _, quality in templates] == [180, 99]
    assert np.array_equal(templates[1][0].vector, towards(10))
    assert templates[0][0].model == MODEL


def test_photos_may_be_bytes():
    encoded = [cv2.imencode(".png", np.full((8, 8, 3), number, np.uint8))[1].tobytes() for number in (0, 1)]
    assert len(enrol([seen(0)], [seen(5)], photos=encoded)) == 2


@pytest.mark.parametrize(
    ("faces", "code", "text"),
    [
        ([], "no_face", "no face was found"),
        ([seen(), seen(face_px=90)], "two_faces", "more than one face: 180 px and 90 px"),
        ([seen(face_px=90), seen(face_px=45)], "two_faces", "more than one face: 90 px and 45 px"),
        ([seen(face_px=50)], "too_small", "too small: 50 px, need 64"),
        ([seen(sharpness=1)], "too_blurred", "too blurred: 1.0, need 8.0"),
        ([seen(exposure=5)], "too_dark", "too dark: 5 of 255, need 20"),
        ([seen(exposure=250)], "too_bright", "too bright: 250 of 255, at most 225"),
        ([seen(contrast=1)], "low_contrast", "too little contrast: 1.0, need 6.0"),
        ([seen(yaw=0.6)], "turned_away", "turned away: yaw 0.60, at most 0.40"),
    ],
    ids=lambda value: value if isinstance(value, str) and "_" in value else "",
)
def test_a_bad_photo_is_refused_by_number_and_reason(faces, code, text):
    error = refusal([seen()], faces)
    assert (error.code, error.photo, str(error)) == (code, 1, f"photo 2: {text}")


@pytest.mark.parametrize(("front", "behind"), [(180, 89), (100, 39)], ids=["half the size", "tiny"])
def test_somebody_in_the_background_does_not_matter(front, behind):
    templates = enrol([seen(90, face_px=behind), seen(0, face_px=front)])
    assert templates[0][1].face_px == front


def test_all_that_is_wrong_is_told_at_once():
    error = refusal([seen()], [], [seen(sharpness=1)], [seen(), seen()])
    assert (error.code, error.photo) == ("no_face", 1)
    assert str(error).startswith("photo 2: no face was found; photo 3: too blurred: 1.0, need 8.0; photo 4: more than")


def test_what_is_no_picture_is_refused():
    error = refusal([seen()], photos=[np.zeros((8, 8, 3), np.uint8), b"\x89PNG\r\n\x1a\nrubbish"])
    assert (error.code, error.photo) == ("not_a_picture", 1)


def test_no_photos_are_refused():
    with pytest.raises(EnrolmentRefused) as caught:
        Enroller(Album(), QualityLimits(), duplicate_threshold=0.6, same_person_threshold=0.5).templates(
            [], "anna", Gallery.empty(MODEL)
        )
    assert (caught.value.code, caught.value.photo) == ("no_photos", None)


def test_photos_of_different_people_are_refused():
    error = refusal([seen(90)], [seen(0)], [seen(10)])
    assert (error.code, error.photo) == ("different_people", 0)
    assert str(error) == "photo 1: another person than in photo 3: similarity 0.174, need 0.500"


def test_of_two_photos_the_second_is_the_odd_one():
    assert refusal([seen(0)], [seen(90)]).photo == 1


def test_somebody_enrolled_under_another_name_is_refused():
    error = refusal([seen(100)], [seen(95)], person="anna", gallery=staff(bob=90, cy=200))
    assert (error.code, error.photo) == ("duplicate_person", 0)
    assert "photo 1: enrolled already as bob: similarity 0.985" in str(error)
    assert "photo 2: enrolled already as bob" in str(error)


def test_more_photos_of_somebody_enrolled_are_welcome():
    assert len(enrol([seen(100)], person="bob", gallery=staff(bob=90, cy=200))) == 1


def test_one_who_is_nearest_to_themselves_may_still_be_a_duplicate_of_the_second():
    error = refusal([seen(100)], person="bob", gallery=staff(bob=100, robert=110))
    assert error.code == "duplicate_person"
    assert "robert" in str(error)


def test_photos_of_somebody_else_than_the_name_stands_for_are_refused():
    error = refusal([seen(0)], person="bob", gallery=staff(bob=90, cy=200))
    assert (error.code, error.photo) == ("different_people", 0)
    assert "another person than the bob enrolled before: similarity 0.000, need 0.500; remove bob first" in str(error)
