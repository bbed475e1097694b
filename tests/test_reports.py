"""Reports as files and tables: complete, adding up, and safe whatever people are called."""

from __future__ import annotations

import csv
import io
import re
import sys
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from xml.sax.saxutils import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.attendance.plan import Employee
from agent.attendance.rules import Deduction
from agent.attendance.timesheet import timesheets
from agent.errors import ConfigError
from agent.reports.basis import Attendance, month_of
from agent.reports.lanes import Lane
from agent.reports.page import as_html
from agent.reports.rows import COLUMNS, as_csv, as_json, day_table, total_table
from agent.reports.spreadsheet import as_xlsx
from agent.reports.words import hours
from tests.fakes.timeclock import BERLIN, Days, punch, punches, shift, site, wall

EVIL = "=HYPERLINK(\"http://evil\")<script>alert('x')</script>"
FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
NOW = wall("2026-12-02 00:00")


@pytest.fixture(scope="module")
def found():
    rules = site(
        calendar=Days(d2026_11_18="holiday"),
        deductions=(Deduction(360, 30),),
        overtime_weekly_minutes=30 * 60,
        **shift("08:00-17:00", special={"holiday": ()}),
    )
    days = [day for day in range(2, 21) if date(2026, 11, day).weekday() < 5]
    text = "\n".join(f"2026-11-{day:02}: in 08:00 ( 12:00 ) 12:30 out 17:00" for day in days)
    made = punches(text) + punches("2026-11-03: in 22:00 out 06:30+1\n2026-11-05: in 22:00", "ben")
    made.append(punch("in", wall("2026-11-30 08:00"), job="+J7"))
    people = {"anna": Employee(frozenset({"staff"}))}
    sheets = timesheets(made, rules, FIRST, LAST, people=people, at=NOW)
    return Attendance(FIRST, LAST, rules, {"anna": EVIL}, tuple(sheets), NOW)


class TestCsv:
    def test_a_line_a_day_that_adds_up(self, found):
        lines = list(csv.DictReader(io.StringIO(as_csv(found), newline="")))
        anna = [line for line in lines if line["person"] == "anna"]
        assert sum(int(line["worked_seconds"]) for line in anna) == found.sheets[0].total("worked_seconds")
        assert (lines[0]["day"], lines[0]["in"]) == ("2026-11-02", "2026-11-02T08:00:00+01:00")
        assert tuple(lines[0]) == COLUMNS

    @given(st.text(max_size=20))
    def test_no_cell_is_a_formula(self, name):
        (sheet,) = timesheets(
            punches("2026-11-02: in 08:00 out 09:00"), site(), FIRST, FIRST + timedelta(1), people={}, at=NOW
        )
        report = Attendance(FIRST, LAST, site(), {"anna": name}, (sheet,), NOW)
        for line in list(csv.reader(io.StringIO(as_csv(report), newline="")))[1:]:
            assert len(line) == len(COLUMNS)
            assert all(not cell.lstrip().startswith(("=", "+", "-", "@")) for cell in line)
            assert line[1] in {name, f"'{name}"}


def test_json_adds_up(found):
    anna, ben = as_json(found)
    assert anna["worked_seconds"] == sum(day["worked_seconds"] for day in anna["days"])
    assert (ben["person"], ben["name"], ben["shift"]) == ("ben", "ben", None)
    assert anna["jobs"] == {}


def test_tables(found):
    heads, lines = total_table(found)
    assert len(heads) == len(lines[0])
    assert lines[0][:4] == ["anna", EVIL, "180:00", "127:30"]
    heads, lines = day_table(found)
    assert lines[0] == ["anna", "Mon 2026-11-02", "08:00", "17:00", "9:00", "8:30", "0:30", "0:00", "\u22120:30", ""]
    assert len(heads) == len(lines[0])


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "rect"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


class TestPage:
    def test_is_well_formed_and_shows_everybody(self, found):
        page = Page(as_html(found))
        assert page.open == []
        assert "November 2026" in page.words
        assert page.words.count(EVIL) == 2
        assert len([tag for tag, has in page.tags if has.get("class") == "day"]) == 60

    def test_counts_the_days_to_look_at_as_the_table_does(self, found):
        late = punches("2026-11-02: in 09:00 out 17:00", "carl")
        (sheet,) = timesheets(
            late, found.rules, FIRST, FIRST + timedelta(1), people={"carl": Employee(frozenset({"staff"}))}, at=NOW
        )
        report = replace(found, sheets=(*found.sheets, sheet))
        _, lines = total_table(report)
        shown = re.findall(r'<td class="n bad">(\d*)</td>', as_html(report))
        assert shown == [line[-1] for line in lines]
        assert shown[-1] == "1"

    def test_runs_and_fetches_nothing(self, found):
        page = Page(as_html(found))
        assert not {tag for tag, _ in page.tags} & {"script", "img", "link", "iframe", "form"}
        assert all(not has.get("href", "#").startswith(("http", "javascript")) for _, has in page.tags)
        assert any("default-src 'none'" in has.get("content", "") for _, has in page.tags)
        assert "url(" not in as_html(found)

    def test_has_a_bar_a_day(self, found):
        kinds = [has["class"] for tag, has in Page(as_html(found)).tags if tag == "i" and "style" in has]
        assert kinds.count("work") == 15 + 1
        assert kinds.count("break") == 15
        assert kinds.count("plan") == 20
        assert kinds.count("mark") == 2

    def test_without_anybody(self, found):
        assert "Nobody punched" in as_html(replace(found, sheets=()))


def test_a_lane_holds_a_night():
    made = punches("2026-11-03: in 22:00 out 06:30+1")
    (sheet,) = timesheets(made, site(), FIRST, LAST, people={}, at=NOW)
    lane = Lane.around(sheet.days, BERLIN)
    assert (lane.first, lane.last, lane.step) == (20, 32, 2)
    (piece,) = lane.pieces(sheet.days[2])
    assert (piece.kind, piece.says) == ("work", "22:00\u201306:30")
    assert 0 <= piece.left < piece.left + piece.width <= 100


class TestSpreadsheet:
    def cells(self, found, page):
        with zipfile.ZipFile(io.BytesIO(as_xlsx(found))) as book:
            strings, sheet = (
                book.read(f"xl/{name}.xml").decode() for name in ("sharedStrings", f"worksheets/sheet{page}")
            )
            texts = [unescape(text, {"&quot;": '"'}) for text in re.findall(r"<si><t[^>]*>(.*?)</t></si>", strings)]
            assert "<f>" not in sheet
            found_cells = re.findall(r'<c r="(\w+)"(?: s="\d+")?(?: t="(\w)")?><v>(.*?)</v>', sheet)
            values = {at: (kind, value) for at, kind, value in found_cells}
            return {
                at: texts[int(value)] if kind == "s" else float(value) for at, (kind, value) in values.items() if value
            }

    def test_durations_are_days_that_add_up(self, found):
        totals, days = self.cells(found, 1), self.cells(found, 2)
        assert totals["D2"] * 86400 == pytest.approx(found.sheets[0].total("worked_seconds"))
        assert totals["H2"] < 0
        of_anna = sum(days[f"H{line}"] for line in range(2, 200) if days.get(f"A{line}") == "anna")
        assert of_anna == pytest.approx(totals["D2"])

    def test_text_stays_text(self, found):
        assert self.cells(found, 1)["B2"] == EVIL

    def test_says_what_is_missing(self, found, monkeypatch):
        monkeypatch.setitem(sys.modules, "xlsxwriter", None)
        with pytest.raises(ConfigError, match=r"pip install 'latchkey\[reports\]'"):
            as_xlsx(found)


@pytest.mark.parametrize(
    ("seconds", "signed", "want"),
    [
        (0, True, "0:00"),
        (59, True, "0:00"),
        (-59, True, "0:00"),
        (3660, False, "1:01"),
        (3660, True, "+1:01"),
        (-5400, True, "\u22121:30"),
        (360000, False, "100:00"),
    ],
)
def test_hours_are_cut_to_minutes(seconds, signed, want):
    assert hours(seconds, signed=signed) == want


def test_months():
    assert month_of("2028-02") == (date(2028, 2, 1), date(2028, 2, 29))
    with pytest.raises(ValueError, match="'11/2026' is not a month; want it as in 2026-11"):
        month_of("11/2026")
    with pytest.raises(ValueError, match="'9999-12' is not a month"):
        month_of("9999-12")
