"""A timesheet as one HTML file that needs nothing else: light, dark, and on A4, a person a page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from html import escape
from importlib.resources import files
from typing import Final

from agent.attendance.sheet import Day, Flag, Sheet
from agent.reports.basis import Attendance
from agent.reports.flags import BAD, flag_says, to_look_at, tone
from agent.reports.lanes import Lane
from agent.reports.rows import came_and_left, paused
from agent.reports.words import clock, hours

_WEEKEND: Final = 5
_TONES: Final = {"bad": " b", "warn": " w", "": ""}
_TALLEST: Final = 12 * 3600  # seconds of work that fill a small bar of the overview


def as_html(found: Attendance) -> str:
    """Returns the file. Everything that people typed is escaped."""
    title = f"Attendance \u00b7 {_period(found)}"
    style = files("agent.reports").joinpath("page.css").read_text(encoding="utf-8")
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        # Even if something slipped through: no script runs, nothing is fetched
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>",
        *_top(found),
        *(_overview(found) if len(found.sheets) > 1 else ()),
    ]
    for sheet in found.sheets:
        parts += _person(found, sheet)
    if not found.sheets:
        parts.append('<section class="card only">Nobody punched, and nobody was to.</section>')
    return "\n".join([*parts, "</main></body></html>", ""])


def _top(found: Attendance) -> Iterator[str]:
    made = found.at.astimezone(found.rules.zone)
    yield '<header class="top"><div><div class="eyebrow">Attendance</div>'
    yield f"<h1>{_period(found)}</h1>"
    yield f'<div class="soft">{escape(found.rules.zone.key)} \u00b7 made {made:%Y-%m-%d %H:%M}</div></div>'
    yield '<ul class="legend"><li><i class="i-work"></i>worked</li><li><i class="i-break"></i>break</li>'
    yield '<li><i class="i-plan"></i>planned</li></ul></header>'


def _overview(found: Attendance) -> Iterator[str]:
    yield '<section class="card only all"><table><tr><th>Name</th><th class="spark">Days</th>'
    yield from (f'<th class="n">{title}</th>' for title in ("Worked", "Planned", "Balance", "Overtime", "To look at"))
    yield "</tr>"
    for number, sheet in enumerate(found.sheets):
        flagged = to_look_at(sheet.days)
        yield f'<tr><td><a href="#p{number}">{escape(found.name(sheet.person))}</a></td>'
        yield f'<td class="spark">{_spark(sheet)}</td>'
        yield f'<td class="n">{hours(sheet.total("worked_seconds"))}</td>'
        planned = sheet.total("planned_seconds")
        yield f'<td class="n soft">{_some(planned)}</td>'
        yield f'<td class="n">{_balance(sheet.total("balance_seconds")) if planned else ""}</td>'
        yield f'<td class="n">{_some(sheet.total("overtime_seconds"))}</td>'
        yield f'<td class="n bad">{flagged or ""}</td></tr>'
    yield "</table></section>"


def _spark(sheet: Sheet) -> str:
    """A small bar a day: what was worked before what was planned."""
    step, bars = 100 / max(len(sheet.days), 1), []
    for number, day in enumerate(sheet.days):
        for kind, seconds in (("p", day.planned_seconds), ("w", day.worked_seconds)):
            tall = min(seconds / _TALLEST, 1) * 26
            if tall:
                box = f'x="{number * step:.2f}" y="{26 - tall:.1f}" width="{step * 0.72:.2f}" height="{tall:.1f}"'
                bars.append(f'<rect class="{kind}" {box}/>')
        if BAD & set(day.flags):
            bars.append(f'<rect class="b" x="{number * step:.2f}" y="24" width="{step * 0.72:.2f}" height="2"/>')
    return f'<svg viewBox="0 0 100 26" preserveAspectRatio="none" aria-hidden="true">{"".join(bars)}</svg>'


def _person(found: Attendance, sheet: Sheet) -> Iterator[str]:
    number, name, lane = found.sheets.index(sheet), found.name(sheet.person), Lane.around(sheet.days, found.rules.zone)
    only = " only" if len(found.sheets) == 1 else ""
    about = [sheet.person] * (name != sheet.person) + ([f"shift {sheet.shift}"] if sheet.shift else [])
    title = escape(" \u00b7 ".join(about))
    yield f'<section class="card{only}" id="p{number}"><div class="who"><div><h2>{escape(name)}</h2>'
    yield f'<div class="soft">{title}</div></div><dl class="sums">'
    yield from (f"<div><dt>{escape(title)}</dt><dd>{value}</dd></div>" for title, value in _sums(sheet))
    yield '</dl></div><table><tr><th></th><th class="bar"><div class="axis">'
    yield from (f'<span style="left:{left}%">{hour}</span>' for left, hour in lane.hours)
    yield '</div></th><th class="times"></th><th class="n">Worked</th><th class="n">Breaks</th>'
    yield '<th class="n">Balance</th><th></th></tr>'
    week: list[Day] = []
    planned = any(day.planned for day in sheet.days)
    for day in sheet.days:
        week.append(day)
        yield from _day(day, lane, planned=planned)
        if day.day.weekday() == 6 or day is sheet.days[-1]:  # noqa: PLR2004 - Sunday
            yield from _week(week, planned=planned)
            week = []
    yield '</table><div class="sign"><span>Date, employee</span><span>Date, manager</span></div></section>'


def _sums(sheet: Sheet) -> Iterator[tuple[str, str]]:
    yield "Worked", hours(sheet.total("worked_seconds"))
    if sheet.total("planned_seconds"):
        yield "Planned", hours(sheet.total("planned_seconds"))
        yield "Balance", _balance(sheet.total("balance_seconds"))
    if sheet.total("overtime_seconds"):
        yield "Overtime", hours(sheet.total("overtime_seconds"))
    yield from ((kind.capitalize(), hours(seconds)) for kind, seconds in sheet.special.items())
    yield from ((f"Job {job}", hours(seconds)) for job, seconds in sheet.jobs.items())


def _day(day: Day, lane: Lane, *, planned: bool) -> Iterator[str]:
    free = day.kind is not None or day.day.weekday() >= _WEEKEND
    came, left = came_and_left(day)
    times = "\u2013".join(clock(at, lane.zone) if at else "\u2026" for at in (came, left)) if came else ""
    due = planned and day.settled and (day.planned or day.stays)
    steps = (lane.last - lane.first) / lane.step
    yield f'<tr class="{"free" if free else "work-day"}"><td class="day"><b>{day.day.day}</b>'
    yield f'<span>{day.day:%a}</span></td><td class="bar"><div class="lane" style="--steps:{steps:g}">'
    for piece in lane.pieces(day):
        width = f";width:{piece.width:.2f}%" if piece.width else ""
        yield f'<i class="{piece.kind}" style="left:{piece.left}%{width}" title="{escape(piece.says)}"></i>'
    yield f'</div></td><td class="times">{times}</td><td class="n">{_some(day.worked_seconds)}</td>'
    yield f'<td class="n soft">{_some(paused(day))}</td>'
    yield f'<td class="n">{_balance(day.balance_seconds) if due else ""}</td><td class="flags">'
    if day.kind:
        yield f'<span class="flag">{escape(day.kind)}</span>'
    for flag in day.flags:
        if not (flag is Flag.UNPLANNED and free):
            yield f'<span class="flag{_TONES[tone(flag)]}">{escape(flag_says(day, flag))}</span>'
    yield "</td></tr>"


def _week(days: list[Day], *, planned: bool) -> Iterator[str]:
    if not any(day.worked_seconds or day.planned_seconds for day in days):
        return
    number = days[0].day.isocalendar().week
    worked, balance = (sum(getattr(day, what) for day in days) for what in ("worked_seconds", "balance_seconds"))
    over = sum(day.overtime_seconds for day in days)
    yield f'<tr class="week"><td colspan="2">week {number}</td><td class="times"></td>'
    yield f'<td class="n">{hours(worked)}</td><td></td><td class="n">{_balance(balance) if planned else ""}</td>'
    yield f'<td class="flags">{f"<span class=flag>overtime {hours(over)}</span>" if over else ""}</td></tr>'


def _balance(seconds: int) -> str:
    tone = "good" if seconds >= 60 else "bad" if seconds <= -60 else "soft"  # noqa: PLR2004 - a minute
    return f'<span class="{tone}">{hours(seconds, signed=True)}</span>'


def _some(seconds: int) -> str:
    return hours(seconds) if seconds else ""


def _period(found: Attendance) -> str:
    first, last = found.first, found.last
    whole_month = first.day == 1 and (last.year, last.month) == (first.year, first.month)
    return f"{first:%B %Y}" if whole_month and _is_last(last) else f"{first} to {last}"


def _is_last(day: date) -> bool:
    return date.fromordinal(day.toordinal() + 1).day == 1
