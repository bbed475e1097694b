"""Special days from calendars and lists."""

import tomllib
from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.errors import RulesRefused
from agent.rulebook.holidays import Holiday, from_csv, from_ics, unknown_to
from agent.rulebook.parse import parse


def ics(*events):
    made = "".join(f"BEGIN:VEVENT\nUID:{n}\nSUMMARY:{event}\nEND:VEVENT\n" for n, event in enumerate(events))
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y//EN\n{made}END:VCALENDAR\n".replace("\n", "\r\n").encode()


def calendar(holidays):
    return parse('time_zone = "UTC"\n' + "\n".join(one.toml() for one in holidays), version=1).calendar


class TestCsv:
    def test_with_and_without_a_kind(self):
        found = from_csv("date,name,kind\n2026-12-25,Christmas\n\n# x\n12-24,Christmas Eve,half-day\n", kind="holiday")
        assert found == [
            Holiday("Christmas", "holiday", "2026-12-25"),
            Holiday("Christmas Eve", "half-day", "12-24"),
        ]

    def test_semicolons_quotes_and_a_mark_at_the_start(self):
        assert from_csv('\ufeff2026-10-03;"Tag der Einheit, frei";\r\n', kind="x") == [
            Holiday("Tag der Einheit, frei", "x", "2026-10-03")
        ]

    def test_every_line_that_is_none_is_told(self):
        with pytest.raises(RulesRefused) as refused:
            from_csv("2026-12-25,Christmas\n25.12.2026,Christmas\n2026-12-26\n", kind="x")
        assert [one.split(":")[0] for one in refused.value.problems] == ["line 2", "line 3"]

    def test_a_cell_beyond_what_csv_takes_is_told(self):
        with pytest.raises(RulesRefused, match="not CSV: field larger"):
            from_csv(f"2026-12-25,{'x' * 131_073}", kind="x")


class TestIcs:
    @pytest.mark.parametrize(
        ("event", "expected"),
        [
            pytest.param(
                "Christmas\nDTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261226",
                Holiday("Christmas", "holiday", "2026-12-25"),
                id="a day",
            ),
            pytest.param(
                "Works holidays\nDTSTART;VALUE=DATE:20260803\nDTEND;VALUE=DATE:20260822",
                Holiday("Works holidays", "holiday", "2026-08-03", "2026-08-21"),
                id="the end is not part of it",
            ),
            pytest.param(
                "x\nDTSTART;VALUE=DATE:20260803\nDURATION:P2D",
                Holiday("x", "holiday", "2026-08-03", "2026-08-04"),
                id="for",
            ),
            pytest.param("x\nDTSTART;VALUE=DATE:20260803", Holiday("x", "holiday", "2026-08-03"), id="without an end"),
            pytest.param(
                "x\nDTSTART:20260803T080000Z\nDTEND:20260804T000000Z", Holiday("x", "holiday", "2026-08-03"), id="hours"
            ),
            pytest.param(
                "Christmas\nDTSTART;VALUE=DATE:16001225\nDTEND;VALUE=DATE:16001227\nRRULE:FREQ=YEARLY",
                Holiday("Christmas", "holiday", "12-25", "12-26"),
                id="every year since long ago",
            ),
            pytest.param(
                "Memorial Day\nDTSTART;VALUE=DATE:20200525\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO",
                Holiday("Memorial Day", "holiday", "2020-05-25", repeat="FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO"),
                id="by a rule",
            ),
            pytest.param(
                "Thanksgiving\nDTSTART;VALUE=DATE:16011122\nRRULE:FREQ=YEARLY;INTERVAL=1;BYMONTH=11;BYDAY=4TH",
                Holiday("Thanksgiving", "holiday", None, repeat="FREQ=YEARLY;BYDAY=4TH;BYMONTH=11"),
                id="by a rule since long ago",
            ),
            pytest.param(
                "A\\, B\\n   c * \nDTSTART;VALUE=DATE:20260803", Holiday("A, B c", "holiday", "2026-08-03"), id="a name"
            ),
        ],
    )
    def test_an_event(self, event, expected):
        (found,) = from_ics(ics(event), kind="holiday")
        assert (found.name, found.date, found.to) == (expected.name, expected.date, expected.to)
        assert sorted((found.repeat or "").split(";")) == sorted((expected.repeat or "").split(";"))
        assert calendar([found])

    def test_what_is_cancelled_is_left_out(self):
        assert from_ics(ics("x\nDTSTART;VALUE=DATE:20260803\nSTATUS:CANCELLED"), kind="x") == []

    def test_they_come_by_date_and_hold(self):
        found = from_ics(ics("b\nDTSTART;VALUE=DATE:20261226", "a\nDTSTART;VALUE=DATE:20261225"), kind="holiday")
        assert [one.name for one in found] == ["a", "b"]
        assert calendar(found).kind(date(2026, 12, 26)) == "holiday"

    @pytest.mark.parametrize(
        ("event", "told"),
        [
            pytest.param("RRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20270803", "EXDATE", id="an exception"),
            pytest.param("RRULE:FREQ=HOURLY", "FREQ=HOURLY: want YEARLY", id="by the hour"),
            pytest.param(
                "DTEND;VALUE=DATE:20260805\nRRULE:FREQ=MONTHLY", "a series of several days", id="a series of spans"
            ),
            pytest.param("RRULE:FREQ=YEARLY\nRRULE:FREQ=DAILY", "has several rules", id="two series"),
        ],
    )
    def test_what_a_rulebook_cannot_say_is_refused_by_name(self, event, told):
        with pytest.raises(RulesRefused, match=f"2026-08-03 Odd: {told}"):
            from_ics(ics(f"Odd\nDTSTART;VALUE=DATE:20260803\n{event}"), kind="x")

    @pytest.mark.parametrize(
        "data",
        [
            *(b"", b"hello", b"\xff\xfe", b"\x1b[2J\n\x07", ics("x"), ics("x\nDTSTART:never"), b"BEGIN:VCALENDAR\n"),
            ics("x\nDTSTART:PT8H"),
            ics("x\nDTSTART:99991231T120000\nDURATION:P1D"),
            ics("x\nDTSTART;VALUE=DATE:00010101\nDTEND;VALUE=DATE:00010101"),
        ],
    )
    def test_what_is_no_calendar_is_refused(self, data):
        with pytest.raises(RulesRefused, match="not a calendar that can be read") as refused:
            from_ics(data, kind="x")
        assert str(refused.value).isprintable()


class TestAdding:
    def test_those_that_are_there_already_are_left_out(self):
        text = 'time_zone = "UTC"\n[[days]]\nname = "Xmas"\ndate = 2026-12-25\n'
        days = [Holiday("Christmas", "holiday", "2026-12-25"), Holiday("b", "holiday", "2026-12-26")]
        assert unknown_to(text, [*days, days[1]]) == days[1:]

    @settings(max_examples=50, deadline=None)
    @given(st.text(max_size=80))
    @example(";;")
    def test_any_name_can_be_written(self, name):
        (day,) = from_csv(f'12-25,"{"".join(name.split()).replace(chr(34), "")}x"', kind="holiday")
        assert tomllib.loads(day.toml())["days"] == [day.given()]
        assert calendar([day]).kind(date(2026, 12, 25)) == "holiday"
