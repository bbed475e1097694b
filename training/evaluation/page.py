"""A report as one HTML file: sections of text, tables and plots, without a script or anything from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

TEMPLATE = Path(__file__).with_name("page.html")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, one paragraph of what is seen below, and the parts."""

    title: str
    lead: str
    parts: tuple[str, ...] = ()  # HTML, from the functions of this module


def render(title: str, subtitle: str, sections: Sequence[Section], *, language: str = "en") -> str:
    """Returns the whole page."""
    numbered = list(enumerate(sections, start=1))
    contents = "".join(f'<li><a href="#section-{i}">{escape(one.title)}</a></li>' for i, one in numbered)
    body = "".join(
        f'<section id="section-{i}"><h2>{escape(one.title)}</h2>'
        + (f'<p class="lead">{escape(one.lead)}</p>' if one.lead else "")
        + "".join(one.parts)
        + "</section>"
        for i, one in numbered
    )
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        language=escape(language), title=escape(title), subtitle=escape(subtitle), contents=contents, body=body
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """Returns a table; cells that begin as numbers do stand to the right, the first column heads its row."""
    columns = "".join(f'<th scope="col"{_side(rows, i)}>{_whole(name)}</th>' for i, name in enumerate(head))
    lines = []
    for row in rows:
        first = f'<th scope="row">{escape(row[0])}</th>'
        rest = "".join(f"<td{_side(rows, i)}>{escape(cell)}</td>" for i, cell in enumerate(row[1:], start=1))
        lines.append(f"<tr>{first}{rest}</tr>")
    above = f'<p class="above">{escape(caption)}</p>' if caption else ""
    return (
        f'{above}<div class="wide"><table><thead><tr>{columns}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def figures(*plots: tuple[str, str]) -> str:
    """Returns plots (SVG and caption) side by side where there is room."""
    inside = "".join(f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>" for svg, caption in plots)
    return f'<div class="plots{" single" if len(plots) == 1 else ""}">{inside}</div>'


def beside(*parts: str) -> str:
    """Returns parts side by side where there is room."""
    return '<div class="plots">' + "".join(f"<div>{part}</div>" for part in parts) + "</div>"


def paragraph(text: str) -> str:
    """Returns a paragraph."""
    return f"<p>{escape(text)}</p>"


def facts(pairs: Mapping[str, str]) -> str:
    """Returns names with what is said of each."""
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in pairs.items()) + "</dl>"


def code(text: str) -> str:
    """Returns a command line or the like, as it is."""
    return f"<pre><code>{escape(text)}</code></pre>"


def verdicts(head: Sequence[str], rows: Sequence[tuple[Sequence[str], bool | None]]) -> str:
    """Returns a table whose last column says whether each row's goal is met; None where it was not measured."""
    words = {True: ("met", "met"), False: ("missed", "missed"), None: ("open", "not measured")}
    columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in (*head, ""))
    lines = []
    for cells, met in rows:
        kind, word = words[met]
        first, *rest = cells
        inside = "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        lines.append(f'<tr><th scope="row">{escape(first)}</th>{inside}<td class="{kind}">{word}</td></tr>')
    return (
        f'<div class="wide"><table class="goals"><thead><tr>{columns}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _whole(text: str) -> str:
    """Returns a heading that wraps only between words: not within "1e-4", nor before a percent sign."""
    joined = re.sub(r"(?<=\de)-(?=\d)", "\N{NON-BREAKING HYPHEN}", text).replace(" %", "\N{NO-BREAK SPACE}%")
    return escape(joined)


def _side(rows: Sequence[Sequence[str]], column: int) -> str:
    """Returns the class of a column of numbers."""
    cells = [row[column] for row in rows if column < len(row)]
    numbers = [cell[:1] in "0123456789-<" for cell in cells if cell not in {"", "—"}]
    return ' class="number"' if column and cells and all(numbers) else ""
