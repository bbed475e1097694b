"""From keys to lines: what a reader types on the US layout that all of them come with."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 64  # characters; a QR code of more is no credential of ours
MACHINE_SECONDS: Final = 1.0  # between two keys of a reader, at the most; they need milliseconds
PERSON_SECONDS: Final = 10.0  # the same for somebody at a keypad; then whoever typed has gone

_PLAIN: Final = {
    **{f"KEY_{letter}": letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    **{f"KEY_{digit}": digit for digit in "0123456789"},
    **{f"KEY_KP{digit}": digit for digit in "0123456789"},
    "KEY_MINUS": "-", "KEY_EQUAL": "=", "KEY_LEFTBRACE": "[", "KEY_RIGHTBRACE": "]", "KEY_BACKSLASH": "\\",
    "KEY_SEMICOLON": ";", "KEY_APOSTROPHE": "'", "KEY_GRAVE": "`", "KEY_COMMA": ",", "KEY_DOT": ".",
    "KEY_SLASH": "/", "KEY_SPACE": " ", "KEY_KPASTERISK": "*", "KEY_KPPLUS": "+", "KEY_KPMINUS": "-",
    "KEY_KPDOT": ".", "KEY_KPSLASH": "/", "KEY_NUMERIC_STAR": "*", "KEY_NUMERIC_POUND": "#",
    **{f"KEY_NUMERIC_{digit}": digit for digit in "0123456789"},
}  # fmt: skip
_SHIFTED: Final = {
    **{f"KEY_{letter}": letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    "KEY_1": "!", "KEY_2": "@", "KEY_3": "#", "KEY_4": "$", "KEY_5": "%", "KEY_6": "^", "KEY_7": "&", "KEY_8": "*",
    "KEY_9": "(", "KEY_0": ")", "KEY_MINUS": "_", "KEY_EQUAL": "+", "KEY_LEFTBRACE": "{", "KEY_RIGHTBRACE": "}",
    "KEY_BACKSLASH": "|", "KEY_SEMICOLON": ":", "KEY_APOSTROPHE": '"', "KEY_GRAVE": "~", "KEY_COMMA": "<",
    "KEY_DOT": ">", "KEY_SLASH": "?",
}  # fmt: skip
_SHIFTS: Final = {"KEY_LEFTSHIFT", "KEY_RIGHTSHIFT"}
_ENDS: Final = {"KEY_ENTER", "KEY_KPENTER"}
_OF_A_KEYPAD: Final = set("0123456789*")


class Line:
    """Fed with keys; gives a line when Enter comes, or the `#` of a keypad after digits and stars.

    Half of a number is another number, so a line that is too long is dropped up to its end, and so is one that is a
    card's by its looks but was typed with pauses: no reader does that. What was left behind by somebody who has gone
    is forgotten with the next key.
    """

    def __init__(self) -> None:
        self._text = ""
        self._slow = False  # with pauses, as people type
        self._shifts: set[str] = set()
        self._last = 0.0

    def key(self, name: str, *, value: int, at: float) -> str | None:
        """Takes a key; returns the line that it ends, with the `#` if that ended it.

        Args:
            name: as in Linux, "KEY_A".
            value: 1 it goes down, 0 it goes up, 2 it is held and repeats.
            at: seconds of any clock.
        """
        if name in _SHIFTS:
            (self._shifts.add if value else self._shifts.discard)(name)
            return None
        if value != 1:
            return None
        self._note_pause(at)
        if name in _ENDS:
            return self._end()
        character = (_SHIFTED.get(name) if self._shifts else None) or _PLAIN.get(name, "")
        typed_so_far, self._text = self._text, self._text + character
        if character == "#" and set(typed_so_far) <= _OF_A_KEYPAD:
            return self._end()
        return None

    def _note_pause(self, at: float) -> None:
        pause, self._last = at - self._last, at
        if pause > PERSON_SECONDS:
            self._text, self._slow = "", False
        elif pause > MACHINE_SECONDS and self._text:
            self._slow = True

    def _end(self) -> str | None:
        text, slow = self._text, self._slow
        self._text, self._slow = "", False
        by_a_person = set(text) <= _OF_A_KEYPAD | {"#"} and not text.isdigit()
        return text if 0 < len(text) <= LONGEST and (by_a_person or not slow) else None
