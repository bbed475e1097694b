"""Photos that arrive one by one: bounded, forgotten, complete or not."""

import pytest

from agent.errors import CommandError
from agent.mqtt.message import MAX_PAYLOAD, MAX_PHOTO_BYTES, MAX_PHOTOS
from agent.mqtt.parts import FORGET_SECONDS, Parts
from agent.mqtt.topics import PartTopic


class Clock:
    seconds = 1000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def parts(clock):
    return Parts(clock)


def add(parts, number, of, photo=b"photo", *, id_="7", size=None):
    parts.add(PartTopic(id_, number, of), photo, size=len(photo) if size is None else size)


def test_photos_in_any_order_are_collected_in_theirs(parts):
    for number in (3, 1, 2):
        add(parts, number, 3, b"%d" % number)
    assert parts.collect("7", 3) == (b"1", b"2", b"3")


def test_a_photo_sent_again_replaces_the_first(parts):
    add(parts, 1, 1, b"old")
    add(parts, 1, 1, b"new!")
    assert parts.collect("7", 1) == (b"new!",)
    assert parts.waiting_bytes == 4


def test_missing_parts_are_named_and_the_others_stay(parts):
    add(parts, 2, 3)
    with pytest.raises(CommandError, match="part 1, 3 of 3") as refused:
        parts.collect("7", 3)
    assert refused.value.code == "parts_missing"
    add(parts, 1, 3)
    add(parts, 3, 3)
    assert len(parts.collect("7", 3)) == 3


def test_dropped_and_unknown_ids_have_no_photos(parts):
    add(parts, 1, 1)
    parts.drop("7")
    parts.drop("never")
    with pytest.raises(CommandError):
        parts.collect("7", 1)


def test_photos_are_forgotten_a_minute_after_the_last_of_them(parts, clock):
    add(parts, 1, 2)
    clock.seconds += FORGET_SECONDS - 1
    add(parts, 2, 2)
    clock.seconds += FORGET_SECONDS - 1
    parts.forget()
    assert len(parts.collect("7", 2)) == 2
    clock.seconds += 2
    parts.forget()
    assert parts.waiting_bytes == 0


@pytest.mark.parametrize(
    ("id_", "number", "of", "code"),
    [
        ("7", 0, 3, "bad_request"),
        ("7", 4, 3, "bad_request"),
        ("7", 1, MAX_PHOTOS + 1, "bad_request"),
        (None, 1, 1, "bad_request"),
    ],
)
def test_numbers_that_make_no_sense(parts, id_, number, of, code):
    with pytest.raises(CommandError) as refused:
        add(parts, number, of, id_=id_)
    assert refused.value.code == code


def test_the_number_of_parts_does_not_change_on_the_way(parts):
    add(parts, 1, 2)
    with pytest.raises(CommandError, match="earlier ones said of 2"):
        add(parts, 2, 3)
    add(parts, 2, 2)
    with pytest.raises(CommandError, match="parts = 3"):
        parts.collect("7", 3)


def test_a_photo_may_be_eight_megabytes_and_all_of_them_thirty_two(parts):
    eight = b"x" * MAX_PAYLOAD
    with pytest.raises(CommandError) as refused:
        add(parts, 1, 1, b"", size=MAX_PAYLOAD + 1)
    assert refused.value.code == "too_large"
    for number in range(1, 5):
        add(parts, number, 5, eight)
    assert parts.waiting_bytes == MAX_PHOTO_BYTES
    add(parts, 4, 5, eight)  # in place of itself
    with pytest.raises(CommandError) as refused:
        add(parts, 5, 5, b"x")
    assert refused.value.code == "too_large"


def test_many_ids_with_empty_photos_do_not_pile_up(parts):
    for number in range(MAX_PHOTOS):
        add(parts, 1, 1, b"", id_=str(number))
    with pytest.raises(CommandError):
        add(parts, 1, 1, b"", id_="one-more")
