"""What readers, keypads and the page send: lines, keys, and the body of a POST."""

import json
from contextlib import ExitStack, suppress
from datetime import UTC, datetime

import numpy as np
from pydantic import ValidationError

from agent.access import keypad
from agent.errors import SignatureRefused
from agent.hardware.readers.keys import _PLAIN, Line
from agent.signature.features import features
from agent.signature.trace import trace
from agent.web.drawn import Drawn
from agent.web.intake import Typed
from tests.fakes.pens import points
from tests.fuzz.target import Target, text

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
KEYS = [*_PLAIN, "KEY_ENTER", "KEY_KPENTER", "KEY_LEFTSHIFT", "KEY_3", "KEY_F13", ""]


def lines(_stack: ExitStack):
    """A card, a QR code, or what is typed on a keypad."""

    def feed(data):
        with suppress(ValueError):
            read = keypad.parse(text(data), NOW)
            assert read.card or read.pin
            assert len(read.card or read.pin or "") <= keypad.LONGEST

    return feed


def keys(_stack: ExitStack):
    """Key by key, with pauses: three bytes each."""

    def feed(data):
        line, at = Line(), 0.0
        for key, value, pause in zip(*(data[start::3] for start in range(3)), strict=False):
            at += pause / 16
            line.key(KEYS[key % len(KEYS)], value=value % 3, at=at)

    return feed


def typed(_stack: ExitStack):
    def feed(data):
        try:
            read = Typed.model_validate_json(data)
        except ValidationError:
            return
        with suppress(ValueError):
            read.credential(NOW)

    return feed


def drawn(_stack: ExitStack):
    """A signature: what is none is refused, and what is one becomes numbers."""

    def feed(data):
        try:
            read = Drawn.model_validate_json(data)
        except ValidationError:
            return
        with suppress(SignatureRefused):
            assert np.isfinite(features(trace(read.points))).all()

    return feed


LINE_SEEDS = [b"04A1B2C3", b"1042*4711#", b"4711#", b"*2806", b"0123456789", b"QR:anna/1", "٠١٢".encode()]
DRAWN_SEEDS = [json.dumps({"points": points(1)[::4]}).encode(), b'{"points": [[1, 2, 3, 0.5, 0]]}']
TARGETS = (
    Target("lines", lines, LINE_SEEDS, share=120, longest=256),
    Target("keys", keys, [bytes([5, 1, 0, 70, 1, 1]), bytes(range(120))], share=60, longest=600),
    Target("drawn", drawn, DRAWN_SEEDS, share=60),
    Target("typed", typed, [b'{"typed": "1042*4711#"}', b'{"key": "in", "typed": "4711"}'], share=120, longest=512),
)
