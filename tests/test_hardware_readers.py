import errno
import os
import threading
import time
from pathlib import Path

import evdev
import pytest
from evdev import InputEvent, ecodes

from agent.errors import HardwareError
from agent.hardware import backends
from agent.hardware.readers import ReaderOptions
from agent.hardware.readers.evdev import KeyboardReader, find_device
from agent.hardware.readers.keys import LONGEST, Line

SHIFT = ecodes.KEY_LEFTSHIFT
KEYS = {character: (f"KEY_{character.upper()}", character.isupper()) for character in "0123456789abcXYZ"}
KEYS |= {"*": ("KEY_KPASTERISK", False), "#": ("KEY_3", True), ":": ("KEY_SEMICOLON", True), "-": ("KEY_MINUS", False)}


def typed(text, *, enter="KEY_ENTER", start=100.0, pause=0.01):
    """The events of a keyboard that types a line."""
    events, at = [], start

    def press(code, value):
        events.append(InputEvent(int(at), int(at % 1 * 1e6), ecodes.EV_KEY, code, value))
        events.append(InputEvent(int(at), int(at % 1 * 1e6), ecodes.EV_SYN, 0, 0))

    for key, shifted in [*(KEYS[character] for character in text), *([(enter, False)] if enter else [])]:
        if shifted:
            press(SHIFT, 1)
        press(ecodes.ecodes[key], 1)
        press(ecodes.ecodes[key], 0)
        if shifted:
            press(SHIFT, 0)
        at += pause
    return events


class Keyboard:
    """A device as evdev has it; a pipe says that there are events."""

    def __init__(self, name="ACME Card Reader", *, grabbed=False, keys=(ecodes.KEY_1, ecodes.KEY_ENTER)):
        self.name, self.keys, self.grabs, self.closed = name, list(keys), 0, False
        self.fd, self._bell = os.pipe()
        self._events, self._grabbed = [], grabbed

    def type(self, events):
        self._events += events
        os.write(self._bell, b"x")

    def unplug(self):
        self._events = None
        os.write(self._bell, b"x")

    def capabilities(self):
        return {ecodes.EV_KEY: self.keys}

    def grab(self):
        if self._grabbed:
            raise OSError(errno.EBUSY, "Device or resource busy")
        self.grabs += 1

    def read(self):
        os.read(self.fd, 100)
        if self._events is None:
            raise OSError(errno.ENODEV, "No such device")
        events, self._events = self._events, []
        return events

    def close(self):
        if not self.closed:
            self.closed = True
            os.close(self.fd)
            os.close(self._bell)


def lines(events):
    line, found = Line(), []
    for event in events:
        if event.type == ecodes.EV_KEY:
            name = ecodes.KEY[event.code]
            found.append(line.key(name if isinstance(name, str) else name[0], value=event.value, at=event.timestamp()))
    return [each for each in found if each is not None]


@pytest.fixture
def reader(request):
    """Returns a function that opens a reader on what `find` gives."""

    def make(find):
        opened = KeyboardReader(ReaderOptions("acme"), find=find)
        request.addfinalizer(opened.close)
        return opened

    return make


class TestLines:
    @pytest.mark.parametrize("text", ["0012345678", "04abc", "1042*4711", "XabYcZ", "a:b-1"])
    def test_enter_ends_a_line(self, text):
        assert lines(typed(text)) == [text]

    def test_so_does_the_enter_of_the_number_block(self):
        assert lines(typed("123", enter="KEY_KPENTER")) == ["123"]

    def test_a_hash_ends_digits_and_stars(self):
        assert lines(typed("1042*4711#4712#", enter=None)) == ["1042*4711#", "4712#"]

    def test_but_is_a_sign_like_any_other_in_a_code(self):
        assert lines(typed("ab#12")) == ["ab#12"]

    def test_a_number_that_is_too_long_is_dropped_as_a_whole(self):
        assert lines(typed("1" * LONGEST)) == ["1" * LONGEST]
        assert lines(typed("1" * (LONGEST + 1)) + typed("23", start=102)) == ["23"]

    def test_a_card_with_pauses_is_none(self):
        assert lines(typed("123", pause=1.5) + typed("45", start=106)) == ["45"]

    def test_people_may_be_slower(self):
        assert lines(typed("1042*4711#", enter=None, pause=3)) == ["1042*4711#"]

    def test_what_somebody_left_behind_is_forgotten(self):
        assert lines(typed("99", enter=None) + typed("0012345678", start=120)) == ["0012345678"]

    def test_nothing_is_no_line_and_repeats_do_not_count(self):
        held = [InputEvent(100, 0, ecodes.EV_KEY, ecodes.KEY_1, value) for value in (1, 2, 2, 0)]
        assert lines(typed("") + held + typed("", start=100.1)) == ["1"]

    def test_keys_without_a_character_do_nothing(self):
        strange = [InputEvent(100, 0, ecodes.EV_KEY, ecodes.KEY_F1, 1)]
        assert lines(strange + typed("12")) == ["12"]


class TestKeyboard:
    def test_a_line_is_given_and_the_device_grabbed(self, reader):
        keyboard = Keyboard()
        opened = reader(lambda _: keyboard)
        assert opened.take(0.0) is None
        keyboard.type(typed("123") + typed("45", start=101))
        assert [opened.take(5), opened.take(5), opened.take(0.0)] == ["123", "45", None]
        assert keyboard.grabs == 1

    def test_without_a_line_it_waits(self, reader):
        opened = reader(lambda _: Keyboard())
        start = time.monotonic()
        assert opened.take(0.05) is None
        assert 0.05 <= time.monotonic() - start < 2

    def test_a_reader_that_is_unplugged_comes_back_and_half_a_number_does_not(self, reader, caplog):
        first, second = Keyboard(), Keyboard()
        there = [first, second]
        opened = reader(lambda _: there.pop(0))
        first.type(typed("12", enter=None))
        assert opened.take(0.05) is None
        first.unplug()
        second.type(typed("34"))
        deadline = time.monotonic() + 10
        while (line := opened.take(0.2)) is None:
            assert time.monotonic() < deadline
        assert line == "34"
        assert first.closed
        assert "reader lost" in caplog.text

    def test_one_that_is_not_there_is_looked_for_with_longer_pauses_and_told_once(self, reader, caplog):
        asked = []

        def nothing(wanted):
            asked.append(time.monotonic())
            raise HardwareError(f"there is no reader {wanted!r}")

        opened = reader(nothing)
        assert opened.take(1.7) is None
        assert len(asked) == 3
        assert asked[2] - asked[1] > 1.5 * (asked[1] - asked[0])
        assert caplog.text.count("there is no reader 'acme'") == 1

    def test_one_that_another_program_holds_is_left_alone(self, reader, caplog):
        keyboard = Keyboard(grabbed=True)
        assert reader(lambda _: keyboard).take(0.0) is None
        assert keyboard.closed
        assert "another program holds the reader 'acme'" in caplog.text

    def test_closing_ends_the_waiting_and_may_be_repeated(self, reader):
        keyboard = Keyboard()
        opened = reader(lambda _: keyboard)
        opened.take(0.0)
        closing = threading.Timer(0.05, opened.close)
        closing.start()
        start = time.monotonic()
        assert opened.take(30) is None
        assert time.monotonic() - start < 10
        closing.join()
        opened.close()
        assert keyboard.closed
        assert opened.take(30) is None


class TestFinding:
    def test_a_path_that_is_not_there_is_told(self):
        with pytest.raises(HardwareError, match=r"the reader '/dev/input/none' cannot be opened: No such file"):
            find_device("/dev/input/none")

    def test_a_name_that_is_not_there_is_told_with_what_is(self):
        with pytest.raises(HardwareError, match=r"there is no reader 'no such reader'; keyboards here: "):
            find_device("no such reader")

    def test_a_name_is_found_whatever_the_case(self, monkeypatch):
        made = {
            "/dev/input/event0": Keyboard("Power Button", keys=[ecodes.KEY_POWER]),
            "/dev/input/event1": Keyboard("ACME Card Reader", keys=[ecodes.KEY_VOLUMEUP]),
            "/dev/input/event2": Keyboard("ACME Card Reader"),
        }
        monkeypatch.setattr(evdev, "list_devices", lambda: list(made))
        monkeypatch.setattr(evdev, "InputDevice", made.__getitem__)
        assert find_device("card reader") is made["/dev/input/event2"]
        assert made["/dev/input/event0"].closed
        assert made["/dev/input/event1"].closed
        made["/dev/input/event2"].close()

    @pytest.mark.skipif(not Path("/dev/uinput").exists(), reason="/dev/uinput is not here: no keyboard can be made")
    def test_a_keyboard_that_the_kernel_made(self):
        with evdev.UInput(name="Latchkey test reader") as keyboard:
            opened = KeyboardReader(ReaderOptions("latchkey test reader"))
            opened.take(0.5)
            for event in typed("0123"):
                keyboard.write(event.type, event.code, event.value)
            assert opened.take(5) == "0123"
            opened.close()


def test_without_a_reader_nobody_types():
    opened = backends.load("reader", "none")(ReaderOptions())
    assert opened.take(0.01) is None
    threading.Timer(0.05, opened.close).start()
    assert opened.take(30) is None
    opened.close()


def test_the_backend_is_in_the_table():
    assert backends.load("reader", "evdev") is KeyboardReader
