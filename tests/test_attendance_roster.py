"""Rosters and times as people write them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.attendance.roster import RosterError, read_csv
from agent.attendance.roster_ics import read_ics
from agent.attendance.walltime import instant
from tests.fakes.timeclock import BERLIN, utc


class TestTimes:
    @pytest.mark.parametrize(
        ("text", "want"),
        [
            ("2026-11-02 08:00", "2026-11-02 07:00"),
            ("2026-07-02T08:00:30", "2026-07-02 06:00:30"),
            ("2026-11-02T08:00+00:00", "2026-11-02 08:00"),
            ("2026-10-25T02:30+02:00", "2026-10-25 00:30"),
        ],
    )
    def test_by_the_clock_on_the_wall_unless_they_say_otherwise(self, text, want):
        assert instant(text, BERLIN) == utc(want)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("2026-10-25 02:30", "comes twice {where} 2026-10-25T02:30+02:00 or 2026-10-25T02:30+01:00"),
            ("2026-03-29 02:30", "does not exist {where} 2026-03-29T01:30+01:00 or 2026-03-29T03:30+02:00"),
            ("yesterday", "'yesterday' is not a time; want it as in 2026-11-02 08:00"),
        ],
    )
    def test_refused_with_both_readings(self, text, message):
        with pytest.raises(ValueError, match="2026") as caught:
            instant(text, BERLIN)
        assert message.format(where="in Europe/Berlin, where the clock changes: say") in str(caught.value)

    @given(st.datetimes(), st.sampled_from(["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia"]))
    def test_what_is_accepted_is_what_the_clock_shows(self, told, name):
        zone = ZoneInfo(name)
        try:
            found = instant(told.isoformat(), zone)
        except (ValueError, OverflowError):
            return
        assert found.astimezone(zone).replace(tzinfo=None) == told


class TestCsv:
    def test_a_night_ends_on_the_day_after(self):
        found = read_csv("person,date,start,end\nanna,2026-11-02,22:00,06:00\nben,2026-11-02,16:00,24:00\n", BERLIN)
        assert [(each.person, each.starts_at, each.ends_at) for each in found] == [
            ("anna", utc("2026-11-02 21:00"), utc("2026-11-03 05:00")),
            ("ben", utc("2026-11-02 15:00"), utc("2026-11-02 23:00")),
        ]

    def test_as_a_spreadsheet_writes_it(self):
        found = read_csv("\ufeffPerson;Date;Start;End;Note\r\nanna;2026-11-02;08:00;12:00;a, b\r\n;;;;\r\n", BERLIN)
        assert [each.person for each in found] == ["anna"]

    def test_over_both_changes_real_hours(self):
        text = "person,date,start,end\nanna,2026-03-28,22:00,06:00\nanna,2026-10-24,22:00,06:00\n"
        hours = [(each.ends_at - each.starts_at).seconds // 3600 for each in read_csv(text, BERLIN)]
        assert hours == [7, 9]

    def test_a_time_that_the_clock_shows_twice_with_its_offset(self):
        text = "person,date,start,end\nanna,2026-10-25,02:30+01:00,02:45+01:00\n"
        (found,) = read_csv(text, BERLIN)
        assert (found.starts_at, found.ends_at) == (utc("2026-10-25 01:30"), utc("2026-10-25 01:45"))

    def test_every_wrong_line_is_told(self):
        lines = (
            "anna,2.11.2026,08:00,12:00",
            ",2026-11-02,08:00,12:00",
            "ben,2026-11-02,8,12:00",
            "ben,2026-11-02,08:00",
            "ben,9999-12-31,22:00,06:00",
        )
        text = "\n".join(("person,date,start,end", *lines))
        with pytest.raises(RosterError) as caught:
            read_csv(text, BERLIN)
        assert str(caught.value).splitlines() == [
            "line 2: '2.11.2026' is not a date; want it as in 2026-11-02",
            "line 3: no person",
            "line 4: '8' is not a time of day; want it as in 08:00",
            "line 5: '' is not a time of day; want it as in 08:00",
            "line 6: want a time in the years 1970 to 2199",
        ]

    def test_missing_columns_are_named(self):
        with pytest.raises(RosterError, match="line 1: no column start, end"):
            read_csv("person,date\n", BERLIN)

    def test_a_cell_beyond_what_csv_takes_is_told(self):
        for text in (f"person,date,start,end\nanna,{'x' * 131_073}\n", "x" * 131_073):
            with pytest.raises(RosterError, match=r"line [12]: not CSV: field larger"):
                read_csv(text, BERLIN)


def calendar(*events):
    body = "\r\n".join("\r\n".join(("BEGIN:VEVENT", *lines, "END:VEVENT")) for lines in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n{body}\r\nEND:VCALENDAR\r\n".encode()


NIGHT = ("UID:n", "DTSTART;TZID=Europe/Berlin:20261024T220000", "DTEND;TZID=Europe/Berlin:20261025T060000")
UNTIL = utc("2026-12-31 00:00")


class TestIcs:
    def read(self, *events, person="anna"):
        found = read_ics(calendar(*events), BERLIN, until=UNTIL, person=person)
        return [f"{each.person} {each.starts_at:%m-%d %H:%M}-{each.ends_at:%H:%M}" for each in found]

    def test_over_the_change_of_the_clock(self):
        assert self.read(NIGHT) == ["anna 10-24 20:00-05:00"]

    def test_a_recurring_event_by_the_clock_on_the_wall(self):
        assert self.read((*NIGHT, "RRULE:FREQ=DAILY;COUNT=3", "EXDATE;TZID=Europe/Berlin:20261025T220000")) == [
            "anna 10-24 20:00-05:00",
            "anna 10-26 21:00-05:00",
        ]

    @pytest.mark.parametrize("until", ["20261026T210000Z", "20261026"])
    def test_it_ends_in_utc_or_on_a_day(self, until):
        assert len(self.read((*NIGHT, f"RRULE:FREQ=DAILY;UNTIL={until}"))) == 3

    def test_one_without_an_end_is_followed_for_a_while(self):
        assert len(self.read((*NIGHT, "RRULE:FREQ=WEEKLY"))) == 10

    def test_one_time_of_it_is_moved(self):
        moved = (
            "UID:n",
            "RECURRENCE-ID;TZID=Europe/Berlin:20261025T220000",
            "DTSTART:20261026T080000",
            "DURATION:PT4H",
        )
        assert self.read((*NIGHT, "RRULE:FREQ=DAILY;COUNT=2"), moved) == [
            "anna 10-24 20:00-05:00",
            "anna 10-26 07:00-11:00",
        ]

    def test_attendees_name_people(self):
        assert self.read((*NIGHT, "ATTENDEE:mailto:Ben@example.org"), person=None) == ["ben 10-24 20:00-05:00"]

    def test_cancelled_events_are_left_out(self):
        assert self.read((*NIGHT, "STATUS:CANCELLED")) == []

    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            (("DTSTART;VALUE=DATE:20261024", "DTEND;VALUE=DATE:20261025"), "lasts whole days: want times"),
            (("DTSTART:20261024T080000",), "has no end"),
            (("DTSTART:20261024T080000", "DTEND:20261026T080000"), "want at most a day"),
            (("DTSTART:20261024T080000", "DTEND:20261024T090000", "RRULE:FREQ=SECONDLY"), "recurs secondly"),
            ((*NIGHT[1:], "RRULE:FREQ=DAILY;INTERVAL=0"), "recurs at once"),
        ],
    )
    def test_what_cannot_be_a_shift_is_told(self, lines, message):
        with pytest.raises(RosterError, match=message):
            self.read(("UID:n", *lines))

    def test_every_event_names_somebody(self):
        with pytest.raises(RosterError, match="names no attendee"):
            self.read(NIGHT, person=None)

    def test_another_file_is_told(self):
        with pytest.raises(RosterError, match="not a calendar file"):
            read_ics(b"person,date", BERLIN, until=UNTIL)

    @pytest.mark.parametrize(
        "lines",
        [
            pytest.param(("RECURRENCE-ID:20261025T220000", "RECURRENCE-ID:20261026T220000"), id="moved twice"),
            pytest.param(("RECURRENCE-ID:P99999999999D",), id="no time"),
            pytest.param(("RECURRENCE-ID:00010101T000000",), id="no time in UTC"),
        ],
    )
    def test_what_an_event_moves_has_to_be_a_time(self, lines):
        with pytest.raises(RosterError, match="not a calendar file"):
            self.read((*NIGHT, *lines))
