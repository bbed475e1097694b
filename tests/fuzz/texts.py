"""Files as people and other programs write them, and as nobody should."""

from pathlib import Path

from hypothesis import strategies as st

from tests.fuzz.bodies import ODD, PEOPLE, mostly

DEPLOY = Path(__file__).parents[2] / "deploy"
ODDITIES = st.sampled_from([text for text in ODD if text != "\ud800"]) | st.text(max_size=8)
VALUES = (
    "1", "-1", "0", "1.5", "1e400", "nan", "-inf", "0x7fffffffffffffffff", "9" * 400, "9" * 5000, "true", '""', "''",
    "[]", "[[]]", "{}", "{a=1}", "2026-12-24", "0001-01-01", "9999-12-31", "07:00:00", "23:59:59.999999",
    "2026-12-24T18:30:00-23:59", '"12-24"', '"02-29"', '"02-30"', '"0001-01-01"', '"9999-12-31"', '"24:00"',
    '"22:00-06:00"', '["00:00-24:00"]', '["12:00-12:00"]', '"always"', '"office"', '"face"', '"card+pin, face"',
    '"card+card"', '"daily"', '"mon-sun"', '"*"', '["*"]', '"é"', '"\\u0000"', '"Europe/Berlin"', '"Europe"',
    '"../../etc/passwd"', '"localtime"', '"GMT0"', '"FREQ=DAILY"', '"FREQ=YEARLY;BYDAY=53MO"',
    '"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"', '"FREQ=MONTHLY;BYSETPOS=366;BYDAY=MO"',
    '"FREQ=WEEKLY;INTERVAL=999;BYDAY=MO,TU"', '"FREQ=YEARLY;UNTIL=00010101"',
    '"FREQ=YEARLY;COUNT=9999;UNTIL=99991231T235959Z"', '"FREQ=YEARLY;BYWEEKNO=53;BYDAY=SU"',
    '"FREQ=YEARLY;BYYEARDAY=-366"', '"FREQ=;"', '"' + "x" * 300 + '"', "a.b.c", "# no", '"""', "'''x", "[" * 40,
    "\ud7ff", "-\u0661",
)  # fmt: skip
KEYS = (
    "name", "kind", "date", "to", "easter", "orthodox", "repeat", "factors", "mode", "unlocked", "mon", "daily",
    "holiday", "é", '"a b"', "a.b", "",
)  # fmt: skip


@st.composite
def mutated(draw, file, values=VALUES):
    """A file of `deploy` in which a few lines are others, elsewhere, twice or away."""
    lines = (DEPLOY / file).read_text(encoding="utf-8").splitlines()
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["value", "value", "value", "key", "away", "twice", "move", "odd", "cut"])):
            case "value":
                lines[at] = f"{lines[at].partition('=')[0]}= {draw(st.sampled_from(values))}"
            case "key":
                lines.insert(at, f"{draw(st.sampled_from(KEYS))} = {draw(st.sampled_from(values))}")
            case "away":
                del lines[at]
            case "twice":
                lines.insert(at, lines[at])
            case "move":
                lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(at))
            case "odd":
                lines.insert(at, draw(ODDITIES))
            case "cut":
                lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
    return draw(st.sampled_from(["\n", "\n", "\r\n", "\r"])).join(lines)


@st.composite
def words(draw, file, values):
    """Lines of a file in which a few words are others."""
    lines = [line.split() for line in (DEPLOY / file).read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if line and not line[0].startswith("#")]
    for _ in range(draw(st.integers(1, 4))):
        line = draw(st.sampled_from(lines))
        at, word = draw(st.integers(0, len(line))), draw(st.sampled_from(values) | ODDITIES)
        match draw(st.sampled_from(["like", "like", "like", "gone", "gone", "instead", "between", "away", "line"])):
            case "like":  # what stands there in another line
                other = draw(st.sampled_from(lines))
                if 0 < at < min(len(line), len(other)) and line[0] != "person" != other[0]:
                    line[at:] = other[at:]
            case "gone":
                lines.remove(line)
            case "instead":
                line[at : at + 1] = [word]
            case "between":
                line.insert(at, word)
            case "away":
                del line[at : at + 1]
            case "line":
                lines.insert(draw(st.integers(0, len(lines))), [word, *line[1:]])
    return "\n".join(map("  ".join, lines))


TIMES = (
    "08:00", "24:00", "24:01", "23:59:59.999999", "00:00", "02:30", "02:30+01:00", "08:00Z", "08:00-23:59", "+00:00",
    "T08", "8", "", "2026-11-02", "2026-10-25", "2026-03-29", "1970-01-01", "1969-12-31", "2199-12-31", "2200-01-01",
    "0001-01-01", "9999-12-31", "2026-W45-1", "20261102", "2026-13-01", "2026-11-02T08:00", "9999-12-31T23:59-14:00",
    "0001-01-01T00:00+14:00", "12-24",
)  # fmt: skip
LONG = "@long@"
"""Stands for a cell that is longer than Python's csv takes: see `written`."""
CELLS = mostly(
    st.sampled_from([*PEOPLE, *TIMES, "staff", "active", "yes", "card+pin", "Anna", "1042"]),
    ODDITIES | st.sampled_from([LONG, '"', '"a', 'a"b', '"\n"', "'=1", "\r", "a;b"]),
    times=9,
)


DATES = st.sampled_from(["2026-11-02", "2026-10-25", "2026-03-29", "1970-01-01", "2199-12-31", "2026-02-30", ""])
CLOCK = st.sampled_from(["08:00", "12:00", "24:00", "00:00", "02:30", "02:30+01:00", "23:59:59.999999"])
GOOD = {
    "id": st.sampled_from([*PEOPLE[:6], "new", "New.1"]),
    "person": st.sampled_from(PEOPLE[:3]),
    "date": DATES,
    "start": CLOCK,
    "end": CLOCK,
    "name": st.sampled_from(["", "Anna", "'=1", "İ" * 128]),
    "badge": st.sampled_from(["", "", "1", "2", "1042"]),
    "groups": st.sampled_from(["", "staff", "staff, a", "a|b"]),
    "from": st.just("") | DATES,
    "to": st.just("2199-12-31") | DATES,
    "state": st.sampled_from(["", "active", "Left", "blocked"]),
    "factors": st.sampled_from(["", "card+pin", "face", "pin"]),
    "extended": st.sampled_from(["", "yes", "no"]),
    "visitor": st.sampled_from(["", "yes", "0"]),
    "notes": st.sampled_from(["", "x" * 2000, "'+1"]),
}
"""Cells that are mostly right, by column."""


@st.composite
def tables(draw, *columns):
    """CSV with most of these columns, once or twice, in some order."""
    delimiter = draw(st.sampled_from([",", ";"]))
    head = draw(st.permutations(columns))
    if draw(st.booleans()):  # most of them good
        rows = draw(st.lists(st.tuples(*(GOOD.get(name, CELLS) for name in head)), min_size=1, max_size=4))
    else:
        head += draw(st.lists(mostly(st.sampled_from(columns), CELLS, times=1), max_size=1))
        size = len(head)
        rows = draw(st.lists(st.lists(CELLS, min_size=max(0, size - 1), max_size=size + 1), max_size=4))
    end = draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n"]))
    return draw(st.sampled_from(["", "\ufeff"])) + end.join(delimiter.join(row) for row in [head, *rows])


MOMENTS = (
    "20261024T220000", "20261025T023000", "20261025T060000Z", "20261026T000000", "20261024", "00010101T000000",
    "00010101T000000Z", "99991231T235959", "99991231T235959Z", "99991231", "19700101T000000", "22000101T000000",
    "20261324T000000", "PT8H", "P9999D", "-PT1H", "P99999999999D", "PT99999999999999H", "20261024T220000/PT8H",
    "20261024T220000,20261025T220000", "x", "", "1", "T", "P",
)  # fmt: skip
PARAMETERS = (
    "", "", "", ";TZID=Europe/Berlin", ";TZID=Nowhere/Else", ";TZID=", ";TZID=../../etc", ";VALUE=DATE",
    ";VALUE=PERIOD", ";VALUE=DATE-TIME", ";VALUE=DURATION", ";X", ";=", ';TZID="a:b"', ";TZID=W. Europe Standard Time",
    ";RANGE=THISANDFUTURE",
)  # fmt: skip
REPEATS = (
    "FREQ=DAILY", "FREQ=DAILY;COUNT=3", "FREQ=WEEKLY;BYDAY=MO,FR", "FREQ=YEARLY", "FREQ=YEARLY;BYDAY=1MO;BYMONTH=5",
    "FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=DAILY;UNTIL=20261026", "FREQ=DAILY;UNTIL=20261026T210000Z",
    "FREQ=DAILY;UNTIL=99991231T235959Z", "FREQ=DAILY;UNTIL=00010101", "FREQ=HOURLY", "FREQ=SECONDLY",
    "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=-1", "FREQ=DAILY;COUNT=-1", "FREQ=DAILY;BYHOUR=1,2,3",
    "FREQ=DAILY;BYSETPOS=0", "FREQ=DAILY;BYHOUR=25", "FREQ=x", "COUNT=3", "FREQ=DAILY;FREQ=WEEKLY",
    "FREQ=DAILY;UNTIL=x", "FREQ=WEEKLY;WKST=XX", "FREQ=DAILY;INTERVAL=99999999999", "FREQ=YEARLY;BYEASTER=0",
    "FREQ=DAILY;BYDAY=+6MO", "FREQ=YEARLY;INTERVAL=5000", "", ";", "=", "FREQ=DAILY;COUNT=1;UNTIL=20261026",
    "FREQ=YEARLY;BYWEEKNO=54", "FREQ=DAILY;UNTIL=20261026T210000Z,20261027", "RRULE:FREQ=DAILY",
)  # fmt: skip
WHOLE = (
    (),
    ("DTSTART:20261024T080000", "DTEND:20261024T170000"),
    ("DTSTART;TZID=Europe/Berlin:20261024T220000", "DURATION:PT8H", "ATTENDEE:mailto:ben@example.org"),
    ("DTSTART:99991231T220000Z", "DTEND:99991231T230000Z"),
    ("DTSTART:00010101T000000Z", "DTEND:00010101T040000Z"),
    ("DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20261227"),
    ("DTSTART;VALUE=DATE:20261225",),
    ("DTSTART;VALUE=DATE:16001225", "SUMMARY:long ago"),
)
"""What makes an event, whatever else it says; nothing: it has to say it."""
PLAIN = {
    "UID": ("n", "m", "", "é"),
    "SUMMARY": ("Christmas", "", "a\\nb", "*", "x" * 200, "\u202e"),
    "STATUS": ("CANCELLED", "CONFIRMED", ""),
    "ATTENDEE": ("mailto:Ben@example.org", "mailto:", "", "ben", "MAILTO:@x", "mailto:" + "x" * 200),
}


@st.composite
def calendars(draw):
    """iCalendar with the properties of an event, some odd, some twice, now and then cut."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x"]
    for _ in range(draw(st.integers(1, 3))):
        whole = draw(st.sampled_from(WHOLE))
        lines += ["BEGIN:VEVENT", *whole, *draw(st.lists(_property(), min_size=not whole, max_size=2)), "END:VEVENT"]
    lines += ["END:VCALENDAR"]
    if draw(st.integers(0, 5)) == 5:
        stray = st.sampled_from(["BEGIN:VEVENT", "END:VEVENT", "BEGIN:VTIMEZONE"])
        lines.insert(draw(st.integers(0, len(lines))), draw(ODDITIES | stray))
    data = "\r\n".join(lines).encode()
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 9)) == 9 else data


def _property():
    timed = st.builds(
        "{}{}:{}".format,
        st.sampled_from(["DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RDATE", "EXDATE", "RDATE", "EXDATE"]),
        st.sampled_from(PARAMETERS),
        mostly(st.sampled_from(MOMENTS), ODDITIES, times=12),
    )
    rule = mostly(st.sampled_from(REPEATS[:9]), st.sampled_from(REPEATS), times=1).map("RRULE:{}".format)
    plain = st.sampled_from([f"{name}:{value}" for name, values in PLAIN.items() for value in values])
    spare = st.sampled_from(
        ["EXDATE:20261025T080000", "RDATE:20261026T080000", "RECURRENCE-ID:20261025T080000Z", "UID:n"]
    )
    return st.one_of(timed, rule, rule, plain, spare)


def written(text):
    return text.replace(LONG, "x" * 131_073)
