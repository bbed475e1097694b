"""What is held about a person as a page to read: one HTML file, nothing loaded from anywhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

HEADINGS: Final = {
    "people": ("You", "Who you are to this door."),
    "memberships": ("Groups", "They decide which doors open, and when."),
    "consents": ("Consent", "What you agreed to or took back, and who noted it."),
    "templates": (
        "Face templates",
        "Numbers made of your face, and how good the pictures were; those that are kept are in the folder templates.",
    ),
    "signatures": ("Signatures", "Numbers made of how you sign. What the pen did is not kept."),
    "pins": ("PIN", "That you have one. The PIN itself is stored in a form that cannot be read back."),
    "cards": ("Cards", "That you have them, by their last characters."),
    "standings": ("At the door", "Wrong tries, and in which zone you were last."),
    "former_ids": ("Earlier ids", "What you were called here before."),
    "undone": ("Matches that were wrong", "Visits that were taken for yours and were not."),
    "punches": ("Attendance", "When you came and went."),
    "corrections": ("Corrections", "Of your attendance, by whom and why."),
    "rosters": ("Roster", "When you were to work."),
    "roster": ("From the site", "What your site says of you, and could not be put in force at this door."),
    "events": ("Events", "What happened at the door."),
    "audit": ("Changes", "What was changed about you or by you."),
    "receipts": ("Receipts", "What was deleted of you."),
}
HIDDEN: Final = frozenset({"vector"})  # in data.json
STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8888 }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
h1 { font-size: 1.6rem; margin-bottom: 0 } h2 { font-size: 1.15rem; margin: 2.2rem 0 0 }
p { margin: .2rem 0 .8rem; opacity: .75 }
div { overflow-x: auto } table { border-collapse: collapse; font-size: .87rem }
th, td { text-align: left; vertical-align: top; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line) }
th { font-weight: 600; white-space: nowrap } td { max-width: 30rem; overflow-wrap: anywhere }
.none { color: var(--soft) } @media print { body { margin: 0 } }
"""


def page(everything: Mapping[str, Any]) -> str:
    """Returns the page of what `agent.privacy.export.held` returns."""
    person, held = str(everything["person"]), everything["held"]
    order = [kind for kind in HEADINGS if kind in held] + sorted(held.keys() - HEADINGS.keys())
    where = f"{everything['site']} / {everything['device']}"
    told = (
        f"<p>At {escape(where)}, on {escape(str(everything['at']))}. Times are UTC unless they say otherwise. "
        "Other people were taken out. The same for programs: data.json.</p>"
    )
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>What is held about {escape(person)}</title><style>{STYLE}</style></head><body>",
            f"<h1>What is held about {escape(person)}</h1>",
            told,
            *(_section(kind, held[kind]) for kind in order),
            "</body></html>\n",
        ]
    )


def _section(kind: str, rows: Sequence[Mapping[str, Any]]) -> str:
    heading, meaning = HEADINGS.get(kind, (kind.capitalize(), ""))
    columns = list(dict.fromkeys(key for row in rows for key in row if key not in HIDDEN))
    head = "".join(f"<th>{escape(column.replace('_', ' '))}</th>" for column in columns)
    body = "\n".join(f"<tr>{_cells(row.get(column) for column in columns)}</tr>" for row in rows)
    return (
        f"<h2>{escape(heading)} ({len(rows)})</h2><p>{escape(meaning)}</p>"
        f"<div><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>"
    )


def _cells(values: Iterable[object]) -> str:
    return "".join(f"<td>{_told(value)}</td>" for value in values)


def _told(value: object) -> str:
    match value:
        case None | "" | [] | {}:
            return '<span class="none">&ndash;</span>'
        case dict():
            return "<br>".join(f"{escape(str(key))}: {_told(each)}" for key, each in value.items())
        case list():
            return ", ".join(_told(each) for each in value)
        case float():
            return escape(f"{value:g}")
    return escape(str(value))
