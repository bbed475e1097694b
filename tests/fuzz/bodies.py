"""Bodies that keep to a model's JSON schema, and to the edges of it, and some that do not quite."""

import base64
import json
import re

from hypothesis import strategies as st

from tests.fakes.blocks import BLUE, GREEN, RED, Block, paint, png

PEOPLE = ("anna", "ben", "carl", "vera", "eve", "zed", "mqtt", "cli", "7", "A", "anna.2", "x" * 64)
CARDS = ("0123456789", "04A1B2C3", "QR-1", "9" * 64, "1", " ", "----", "\u0661\u0662\u0663\u0664", "ﬁﬁﬁﬁ")
PINS = ("4729", "2806", "5937", "1234", "0000", "902817", "9" * 12)
TIMES = (
    "1970-01-01T00:00:00Z", "1970-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z", "2199-12-31T23:59:59.999999-12:00",
    "2200-01-01T23:59:59+23:59", "2200-01-02T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2026-10-25T02:30:00+01:00", "2026-03-29T02:30:00", "2026-11-26", "1e9", "", 0, -1, 2**70, 1e300,
)  # fmt: skip
SOON = "@%d@"
"""So many seconds from now, see `filled`."""
ODD = (
    "", " ", "\0", "a\0b", "\n", "\r\n", "'", '"', "\\", "%s", "{}", "é", "e\u0301", "\u202e", "\u2028", "😀" * 3,
    "\ufeff", "\ud800", "²", "١٢", "None", "NaN", "1e999", "../..", "/", "#", "+", "$SYS", "*", ",", ";", "-1", "0",
    "1", "9" * 19, str(2**63), "9" * 5000, "x" * 64, "x" * 65, "x" * 128, "x" * 129, "x" * 2000, "face", "card+pin",
    "face+pin, card", "=1+1", "staff", "İ", "ß", "\u0130" * 64, "true", "[]", "mqtt", "cli",
)  # fmt: skip
PICTURES = [
    base64.b64encode(picture).decode()
    for picture in (
        *(png(paint(Block(colour, tint=tint))) for colour in (RED, GREEN, BLUE) for tint in (0, 7)),
        png(paint(Block(RED), Block(BLUE, x=20))),
        png(paint(Block(RED)))[:200],
        b"",
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n" + bytes(64),
    )
]
FACES = PICTURES[:6]
NIGHTS = """
time_zone = "Europe/Berlin"
[schedules.s]
daily = ["22:00-06:00"]
[zones.z]
anti_passback = "timed"
timed_minutes = 1
[doors.front]
factors = "card, face+pin"
mode = "first_person"
unlocked = "s"
enters = "z"
modes_by = ["staff"]
two_person = "s"
pin_every_hours = 0.1
failures = 1
[doors.side]
leaves = "z"
[[grants]]
groups = ["staff"]
doors = ["*"]
schedule = "s"
[attendance]
type_by = "first_last"
longest_hours = 48
day_starts = "23:59"
[shifts.early]
schedule = "s"
[[work]]
groups = ["staff"]
shift = "early"
"""
HARD = """
time_zone = "America/St_Johns"
[zones.z]
anti_passback = "hard"
peers_silent = "deny"
forget_hours = 8760
[doors.front]
leaves = "z"
enters = ""
factors = "pin"
mode = "free_access"
unlocked = "always"
interlock = ["side"]
[doors.side]
enters = "z"
[[grants]]
groups = ["*"]
doors = ["front"]
"""
CLOCK = 'time_zone = "Pacific/Apia"\n[[grants]]\ngroups=["*"]\ndoors=["*"]\n[attendance]\n'
RULES = (NIGHTS, HARD, CLOCK, 'time_zone = "UTC"\n', "", "time_zone", "[[[", "x=" + "[" * 100, "\0")


def mostly(usual, other, *, times):
    """The usual, so many times as often as the other."""
    return st.sampled_from([usual] * times + [other]).flatmap(lambda chosen: chosen)


texts = st.sampled_from(ODD) | st.text(max_size=20)
numbers = st.sampled_from([0, 1, -1, 2**53, 2**63 - 1, 2**63, 10**400, 0.0, -0.0, 1e308, 1e-308, 0.5]) | st.integers()
times = st.sampled_from(TIMES) | st.integers(-120, 40).map(lambda seconds: SOON % seconds)
anything = st.recursive(
    st.none() | st.booleans() | numbers | texts | times,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
ids = st.sampled_from(["1", "2", "a", "Z_-", "x" * 64]) | st.integers(0, 10**6).map(str)
people = mostly(st.sampled_from(PEOPLE[:3]), st.sampled_from(PEOPLE), times=2)

KNOWN = {
    "id": ids,
    "person": people,
    "into": people,
    "to": st.sampled_from(PEOPLE),
    "not_after": mostly(st.integers(5, 29).map(lambda seconds: SOON % seconds) | st.none(), times, times=9),
    "at": mostly(st.integers(-9000, 9).map(lambda seconds: SOON % seconds), times, times=6),
    "by": mostly(st.sampled_from(["hr", "anna"]), texts, times=3),
    "why": mostly(st.sampled_from(["forgot", " x "]), texts, times=3),
    "after": st.sampled_from([*PEOPLE, *ODD]) | st.integers(0, 40),
    "card": st.sampled_from(CARDS) | texts,
    "pin": st.sampled_from(PINS),
    "duress": st.sampled_from(PINS),
    "photo": st.sampled_from(PICTURES),
    "photos": mostly(st.sampled_from(FACES).map(lambda one: [one]), st.lists(st.sampled_from(PICTURES)), times=4),
    "parts": mostly(st.none(), st.lists(st.sampled_from(["0" * 64, "x"]), max_size=3), times=4),
    "name": mostly(st.sampled_from(["Anna", "İ" * 128, "=1+1"]) | st.none(), texts, times=6),
    "type": mostly(st.sampled_from(["in", "out", "break_start", "break_end"]), texts, times=6),
    "job": mostly(st.sampled_from(["", "4711"]) | st.none(), texts, times=6),
    "hint": st.sampled_from(["89", "6789", "B2C3", "C3", "x"]) | st.none(),
    "reason": mostly(st.just("asked for"), texts, times=6),
    "notes": mostly(st.just("x" * 2000), texts, times=6),
    "badge": mostly(st.sampled_from(["1042", "1043", "4729", "é"]) | st.none(), texts, times=8),
    "groups": st.lists(mostly(st.sampled_from(["staff", "visitors", "é" * 64]), texts, times=8), max_size=3),
    "add_groups": st.lists(mostly(st.sampled_from(["staff", "visitors", "2"]), texts, times=8), max_size=3),
    "event": st.integers(0, 60).map(str) | st.sampled_from([*ODD, *(f"@event{n}@" for n in range(6))]),
    "punch": st.sampled_from([*(f"@punch{n}@" for n in range(4)), *(f"cmd-{n}" for n in ("1", "2", "a")), "x" * 80]),
    "text": mostly(st.sampled_from(RULES[:4]), st.sampled_from(RULES) | texts, times=4),
    "anchor": st.sampled_from(["0" * 64 + "@0", "f" * 64 + "@1", "0" * 64 + "@" + "9" * 18]) | texts,
    "factors": st.sampled_from(["face", "card+pin", "face+pin, card", "pin", "card+card", ""]) | st.none(),
    "consent": st.sampled_from([True, "notice 3", " ", "\u2028"]) | st.none(),
    "zone": st.sampled_from(["", "z", "building", "canteen", "\0"]) | texts,
    "key": st.sampled_from(["in", "out", "break_start", "workshop", ""]) | texts,
    "mode": st.sampled_from(["normal", "locked_down", "free_access", "scheduled", "first_person"]) | texts,
    "search": st.sampled_from(["a", "104", *ODD]),
    "version": st.integers(1, 6) | numbers,
    "expect": mostly(st.none(), st.integers(0, 6), times=4),
    "seconds": st.sampled_from([0.1, 5, 30, 60, 3600, 0, 1e-300, float("nan"), float("inf")]),
    "state": st.sampled_from(["active", "suspended", "left", "blocked", "open", "online", "offline"]),
}
"""What is worth trying, by the name of the field: its schema knows no people, no cards and no other command."""


def bodies(model):
    """Dictionaries that are mostly what the model takes."""
    schema = model.model_json_schema()
    return _object(schema, schema.get("$defs", {}))


def _object(schema, defs):
    every = {name: _value(name, part, defs) for name, part in schema.get("properties", {}).items()}
    needed = {name: every.pop(name) for name in schema.get("required", ())}
    good = st.fixed_dictionaries(needed, optional=every)
    names = st.sampled_from([*needed, *every, "x"])
    wrong = st.builds(lambda body, name, value: body | {name: value}, good, names, anything)
    return mostly(good, wrong, times=11)


def _value(name, schema, defs):
    plain = _plain(name, schema, defs)
    return mostly(KNOWN[name], plain, times=15) if name in KNOWN else plain


def _plain(name, schema, defs):
    if "$ref" in schema:
        return _plain(name, defs[schema["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in schema:
        return st.one_of(_plain(name, each, defs) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    make = {
        "object": lambda: _object(schema, defs),
        "array": lambda: st.lists(_plain(name, schema.get("items", {}), defs), max_size=3),
        "string": lambda: _text(schema),
        "integer": lambda: st.integers(schema.get("minimum", -5), min(schema.get("maximum", 50), 50)) | numbers,
        "number": lambda: st.floats(allow_nan=True) | numbers,
        "boolean": st.booleans,
        "null": st.none,
    }
    return make.get(schema.get("type"), lambda: anything)()


def _text(schema):
    if schema.get("format") == "date-time":
        return times
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True)
    return texts.filter(lambda text: schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text)))


def written(body):
    """Returns the bytes of a body; what is only known when it is sent stands in it as @...@."""
    return json.dumps(body).encode()


def filled(payload, known):
    """Returns the bytes as they are sent: times that are near now, ids of events and punches.

    Args:
        payload: with marks such as @7@ or @event2@.
        known: what stands for a mark's inside, such as b"7".
    """
    return re.sub(rb"@(-?\w+)@", lambda mark: known(mark[1].decode()).encode(), payload)
