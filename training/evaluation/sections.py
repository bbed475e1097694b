"""The sections of a report, each from one measure. Any of them can stand in the report of another kind of encoder."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from training.evaluation import plots
from training.evaluation.bounds import Share
from training.evaluation.cohorts import CohortRate
from training.evaluation.detection import Detection
from training.evaluation.goals import Goal, shown, times
from training.evaluation.openset import OpenSet
from training.evaluation.page import Section, beside, code, facts, figures, paragraph, table, verdicts
from training.evaluation.reliability import Reliability
from training.evaluation.speed import Speed, machine
from training.evaluation.verify import Verification
from training.measure import Rates

DASH = "—"
SAID = ("id", "sha256", "quantisation", "input", "dimension", "data", "licence", "limits")
"""What of a card stands in the report; figures and tables have sections of their own."""


def percent(share: float, digits: int = 2) -> str:
    """Returns a share for a table, "not measured" as a dash."""
    return DASH if np.isnan(share) else f"{share * 100:.{digits}f} %"


def rate(value: float) -> str:
    """Returns a rate for a table: "0.12", "1.2e-5"."""
    if value == 0 or value >= 0.01:
        return f"{value:.2g}"
    return f"{value:.1e}".replace(".0e", "e").replace("e-0", "e-")


def ends(lower: float, upper: float) -> str:
    """Returns an interval of shares."""
    return f"{lower * 100:.2f} to {upper * 100:.2f} %"


def goals(wanted: Sequence[Goal], measured: Mapping[str, float], left_out: Sequence[str] = ()) -> Section:
    """What was wanted, what was measured, what public models reach; and why what is left out was not measured."""
    rows: list[tuple[Sequence[str], bool | None]] = []
    for goal in wanted:
        value = measured.get(goal.figure, float("nan"))
        met = None if np.isnan(value) else goal.met(value)
        rows.append(((goal.name, shown(value, goal.unit), goal.wanted(), goal.public or DASH), met))
    measured_ones = [met for _, met in rows if met is not None]
    lead = f"{sum(measured_ones)} of {len(measured_ones)} goals that were measured are met."
    reasons = [paragraph(f"Left out. {reason}") for reason in left_out]
    return Section("Summary", lead, (verdicts(("figure", "measured", "goal", "public models"), rows), *reasons))


def verification(one: Verification, title: str, lead: str, others: Mapping[str, Rates] | None = None) -> Section:
    """Error rates over all pairs: curves, score histogram, true accept rates with both kinds of bounds.

    Args:
        one: what is reported on.
        title: of the section.
        lead: its first paragraph.
        others: further curves to draw beside it, by name; the first is called "this file".
    """
    curves = {"this file": one.curve} | dict(others or {})
    thresholds = {"equal errors": one.eer_similarity}
    thresholds |= {f"FMR {rate(accepts.fmr)}": accepts.similarity for accepts in one.true_accepts[1::2]}
    rows = []
    for x in one.true_accepts:
        wilson = ends(x.share.lower, x.share.upper)
        rows.append((rate(x.fmr), f"{x.similarity:.3f}", percent(x.share.value), wilson, ends(*x.people)))
    head = ("FMR", "similarity", "true accepts", "95 %, pairs independent (Wilson)", "95 %, people drawn anew")
    pairs = f"{one.genuine_pairs:,} pairs of one person, {one.impostor_pairs:,} of two. Equal error rate"
    return Section(
        title,
        lead,
        (
            table(head, rows, f"{pairs} {percent(one.eer)} at a similarity of {one.eer_similarity:.3f}."),
            figures(
                (plots.roc(curves), "ROC: how many of the right people get in, by how many of the wrong ones do."),
                (plots.det(curves), "DET: both error rates on normal deviates; nearer to the corner is better."),
                (plots.histogram(one.histogram, thresholds), "Scores of both kinds, each with area 1."),
            ),
        ),
    )


def open_set(sizes: Sequence[OpenSet], lead: str) -> Section:
    """Searches by enrolled people and by strangers, by size of gallery."""
    head = ("enrolled", "templates", "searches by them", "by strangers", "rank 1")
    levels = list(sizes[0].fnir) if sizes else []
    rows = [
        (
            f"{x.people:,}",
            f"{x.templates:,.0f}",
            f"{x.mated:,}",
            f"{x.strangers:,}",
            percent(x.rank1),
            *(_spread(*x.fnir[one]) for one in levels),
        )
        for x in sizes
    ]
    caption = "Means over galleries drawn anew, ± standard deviation between them."
    return Section(
        "Open-set identification",
        lead,
        (
            table((*head, *(f"FNIR at FPIR {level * 100:g} %" for level in levels)), rows, caption),
            figures((plots.open_set(sizes), "A door opens wrongly with FPIR and stays shut wrongly with FNIR.")),
        ),
    )


def cohorts(by_level: Mapping[float, Sequence[CohortRate]], drawn_at: float, lead: str) -> Section:
    """False match rates of cohorts at the thresholds of everybody.

    Args:
        by_level: rates by the false match rate of everybody; the first cohort of each is everybody.
        drawn_at: which of them is drawn.
        lead: the first paragraph.
    """
    levels = list(by_level)
    rows = []
    for number, one in enumerate(by_level[drawn_at]):
        rates_ = [by_level[level][number] for level in levels]
        bound = max(one.fmr.upper, one.people[1])
        fnmr = DASH if one.fnmr is None else percent(one.fnmr, 1)
        rows.append((one.cohort, f"{one.pairs:,}", *(rate(x.fmr.value) for x in rates_), rate(bound), fnmr))
    columns = tuple(f"FMR, everybody's {rate(level)}" for level in levels)
    head = ("both pictures are of", "pairs", *columns, f"at most, at {rate(drawn_at)}", "missed there")
    caption = "Points: measured; lines: the exact interval and that from drawing people anew; upright: everybody."
    plot = plots.cohort_bars(by_level[drawn_at], drawn_at)
    return Section("Cohorts", lead, (figures((plot, caption)), table(head, rows)))


def calibration(fmr: Mapping[str, Any], lead: str) -> Section:
    """The card's table that sets thresholds, in every fifth of its points."""
    plot, told = plots.calibration(fmr), "Lines: measured; shaded above: up to the 95 % bound."
    tables = []
    named = [("", fmr)] + ([("worst cohort: ", fmr["worst"])] if "worst" in fmr else [])
    for prefix, one in named:
        points = list(zip(one["similarity"], one["fmr"], one["upper"], strict=True))
        shown = points[::5] + ([points[-1]] if len(points) % 5 != 1 else [])
        rows = [(f"{similarity:.2f}", rate(measured), rate(most)) for similarity, measured, most in shown]
        caption = f"{prefix}{one.get('cohort', '')}, {one['impostor_pairs']:,} pairs" + askew(
            one.get("pictures_left_out", 0)
        )
        tables.append(table(("similarity", "false match rate", "at most (95 %)"), rows, caption))
    return Section("Calibration", lead, (figures((plot, told)), beside(*tables)))


def askew(pictures: int) -> str:
    """Returns what stands behind a cohort's pairs where pictures of it were left out."""
    return f"; {pictures:,} pictures left out, whose crops no door would make" if pictures else ""


def probabilities(bins: Reliability, lead: str) -> Section:
    """Whether a verification head's probabilities are true."""
    rows = [
        (percent(float(p), 1), f"{n:,}", percent(s.value, 1), ends(s.lower, s.upper))
        for p, s, n in zip(bins.predicted, bins.shares, bins.pairs, strict=True)
    ]
    text = f"Expected calibration error {percent(bins.calibration_error)}; Brier score {bins.brier:.4f}."
    return Section(
        "Probabilities",
        lead,
        (
            paragraph(text),
            figures((plots.reliability(bins), "On the dotted line probabilities are true.")),
            table(("probability, mean of the bin", "pairs", "of one person", "95 %"), rows),
        ),
    )


def detection(one: Detection, lead: str) -> Section:
    """Faces found, by size; how well landmarks lie."""
    rows = [
        (_width(low, high), f"{n:,}", percent(share.value, 1), ends(share.lower, share.upper))
        for low, high, share, n in one.by_size
    ]
    return Section(
        "Detector",
        lead,
        (
            paragraph(_told(one)),
            figures((plots.recall_by_size(one), "Faces found, by width, with 95 % intervals (Wilson).")),
            table(("width, pixels", "faces", "found", "95 %"), rows),
        ),
    )


def speed(runs: Sequence[Speed], peer: str, lead: str) -> Section:
    """Time and size of files."""
    head = ("file", "threads", "median", "fastest", f"over {peer}", "size")
    rows = []
    for x in runs:
        spent = (f"{x.median_ms:.2f} ms", f"{x.fastest_ms:.2f} ms", times(x.ratio))
        rows.append((x.name, str(x.threads), *spent, shown(x.size, "MB")))
    return Section("Speed and size", lead, (table(head, rows),))


def cards(of: Mapping[Path, Mapping[str, Any]]) -> Section:
    """What the files say of themselves."""
    parts = [
        facts(
            {"file": f"{file.name}, {file.stat().st_size:,} bytes"}
            | {key: _text(card[key]) for key in SAID if key in card}
        )
        for file, card in of.items()
    ]
    return Section("Model cards", "What the files say of themselves.", tuple(parts))


def made(command: str, now: datetime, runtime: str, counts: Mapping[str, str]) -> Section:
    """The line that made the report, when and where, and on how much."""
    where = f"{machine()}, Python {platform.python_version()}"
    told = {"date": f"{now:%Y-%m-%d %H:%M %Z}".strip(), "runtime": runtime, "machine": where, **counts}
    return Section("How this was made", "", (code(command), facts(told)))


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _told(one: Detection) -> str:
    aligned = "" if np.isnan(one.aligned_px) else f", and by {one.aligned_px:.2f} once it is aligned"
    false, off = f"{one.false_per_picture:.2f} false ones a picture", percent(one.landmark_error, 1)
    return (
        f"Of {one.faces:,} faces in {one.pictures:,} pictures {_within(one.recall)} are found at IoU 0.5, with "
        f"{false}. Landmarks are off by {off} of the eye distance in the median, which moves the crop of a near face "
        f"by {one.misplacement_px:.2f} pixels{aligned}."
    )


def _spread(mean: float, deviation: float) -> str:
    return DASH if np.isnan(mean) else f"{percent(mean)} ± {deviation * 100:.2f}"


def _within(share: Share) -> str:
    return f"{percent(share.value, 1)} ({ends(share.lower, share.upper)})"


def _width(low: float, high: float) -> str:
    return f"{low:.0f} and more" if np.isinf(high) else f"{low:.0f} to {high:.0f}"
