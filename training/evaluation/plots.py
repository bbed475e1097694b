"""The plots of a report, each from measured values to one SVG element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from training.evaluation.cohorts import CohortRate
from training.evaluation.detection import Detection
from training.evaluation.drawing import FAINT, INK, SERIES, SIZE, deviate, deviates, draw, log_shares, percent
from training.evaluation.openset import GRID as FPIR_GRID
from training.evaluation.openset import OpenSet
from training.evaluation.reliability import Reliability
from training.evaluation.verify import Histogram
from training.measure import Rates

STYLES = ("-", "--", "-.", ":")  # beside the colour, for those who see or print none
LOWEST = 1e-7  # of plotted false match rates: below it even LFW has less than three pairs


def roc(curves: Mapping[str, Rates]) -> str:
    """Returns true accept rate against false match rate, logarithmic."""

    def paint(axes: Axes) -> None:
        for (name, rates), style in zip(curves.items(), _styles(), strict=False):
            shown = rates.fmr > 0
            axes.plot(rates.fmr[shown], 1 - rates.fnmr[shown], style, label=name)
        low = min(float(rates.fmr[rates.fmr > 0].min()) for rates in curves.values())
        log_shares(axes, "x", max(_decade(low), LOWEST), 1)
        axes.set_ylim(0, 1.01)
        _percents(axes)
        axes.set(xlabel="false match rate", ylabel="true accept rate")
        _legend(axes, len(curves), "lower right")

    return draw(paint)


def det(curves: Mapping[str, Rates]) -> str:
    """Returns the trade-off of detection errors on normal deviates (Martin et al. 1997)."""

    def paint(axes: Axes) -> None:
        for (name, rates), style in zip(curves.items(), _styles(), strict=False):
            shown = (rates.fmr > 0) & (rates.fmr < 1) & (rates.fnmr > 0) & (rates.fnmr < 1)
            axes.plot(deviate(rates.fmr[shown]), deviate(rates.fnmr[shown]), style, label=name)
        axes.plot(deviate([1e-6, 0.5]), deviate([1e-6, 0.5]), color=FAINT, linewidth=0.8, linestyle=":")
        lows = [_lowest(curves, which) for which in ("fmr", "fnmr")]
        deviates(axes, "x", min(max(_decade(lows[0]), LOWEST), 1e-3), 0.6)
        deviates(axes, "y", min(max(_decade(lows[1]), 1e-3), 1e-2), 0.96)
        axes.set(xlabel="false match rate", ylabel="false non-match rate")
        _legend(axes, len(curves), "upper right")

    return draw(paint)


def histogram(scores: Histogram, thresholds: Mapping[str, float]) -> str:
    """Returns how similar the same and different people are, with named thresholds."""

    def paint(axes: Axes) -> None:
        kinds = ((scores.impostor, "different people", SERIES[1]), (scores.genuine, "the same person", SERIES[0]))
        for values, name, colour in kinds:
            axes.stairs(values, scores.edges, fill=True, color=colour, alpha=0.3)
            axes.stairs(values, scores.edges, color=colour, linewidth=1.4, label=name)
        top = float(max(scores.genuine.max(), scores.impostor.max()))
        for number, (name, similarity) in enumerate(thresholds.items()):
            axes.axvline(similarity, color=INK, linewidth=0.9, linestyle=STYLES[1 + number % 3])
            axes.text(similarity, top * (1.36 - 0.1 * number), f" {name}: {similarity:.2f}", fontsize=9, va="top")
        axes.set(xlabel="similarity", ylabel="density", yticks=[], ylim=(0, top * 1.4))
        axes.legend(loc="upper left")

    return draw(paint)


def open_set(sizes: Sequence[OpenSet]) -> str:
    """Returns FNIR against FPIR, a line for each size of gallery."""

    def paint(axes: Axes) -> None:
        for one, style in zip(sizes, _styles(), strict=False):
            axes.plot(FPIR_GRID, one.curve, style, label=f"{one.people:,} enrolled")
        log_shares(axes, "x", 1e-3, 1)
        axes.set_ylim(0, 1.01)
        _percents(axes)
        axes.set(xlabel="false positive identification rate", ylabel="false negative identification rate")
        _legend(axes, 2, "upper right")

    return draw(paint)


def cohort_bars(rates: Sequence[CohortRate], overall: float) -> str:
    """Returns each cohort's false match rate with its interval, beside the rate of everybody."""

    def paint(axes: Axes) -> None:
        places = np.arange(len(rates))[::-1]
        lowest = min([overall, *(one.fmr.value for one in rates if one.hits)])
        floor = _decade(lowest)
        for place, one in zip(places, rates, strict=True):
            value = max(one.fmr.value, floor)
            axes.plot([floor, value], [place, place], color=SERIES[0], linewidth=7, solid_capstyle="butt", alpha=0.45)
            ends = [max(min(one.fmr.lower, one.people[0]), floor), max(one.fmr.upper, one.people[1])]
            axes.plot(ends, [place, place], color=INK, linewidth=1.2)
            axes.plot([value], [place], "o", color=SERIES[0], markersize=5)
            axes.text(floor, place + 0.28, one.cohort, fontsize=9)  # above, since names are long and telephones narrow
        axes.vlines(np.full(len(rates), overall), places - 0.2, places + 0.2, color=SERIES[1], linewidth=1.6)
        highest = max([overall, *(max(one.fmr.upper, one.people[1]) for one in rates)])
        log_shares(axes, "x", floor, 10 ** float(np.ceil(np.log10(highest))))
        axes.set_yticks([])
        axes.grid(visible=False, axis="y")
        axes.set(xlabel="false match rate", ylim=(-0.6, len(rates) - 0.1))

    return draw(paint, size=(SIZE[0], 0.7 + 0.36 * len(rates)))


def calibration(fmr: Mapping[str, Any]) -> str:
    """Returns a card's tables: rate by similarity and its upper bound, of everybody and of the worst cohort."""

    def paint(axes: Axes) -> None:
        tables = {str(fmr.get("cohort", "everybody")): fmr}
        if "worst" in fmr and fmr["worst"]["cohort"] != fmr.get("cohort"):
            tables[f"worst: {fmr['worst']['cohort']}"] = fmr["worst"]
        for (name, table), colour, style in zip(tables.items(), SERIES, STYLES, strict=False):
            axes.plot(table["similarity"], table["fmr"], style, color=colour, label=name)
            axes.fill_between(table["similarity"], table["fmr"], table["upper"], color=colour, alpha=0.3, linewidth=0)
        rates = [rate for table in tables.values() for rate in (*table["fmr"], *table["upper"])]
        log_shares(axes, "y", _decade(min(rates)), 1)
        axes.set(xlabel="similarity", ylabel="false match rate")
        axes.legend(loc="upper right")

    return draw(paint)


def reliability(bins: Reliability) -> str:
    """Returns what share of pairs is of one person, by what probability the head gives."""

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.9, linestyle=":")
        shares = bins.shares
        values = np.array([share.value for share in shares])
        ends = np.array([[share.value - share.lower, share.upper - share.value] for share in shares]).T
        axes.errorbar(bins.predicted, values, ends, fmt="o-", color=SERIES[0], ecolor=INK, elinewidth=1)
        axes.set(xlabel="probability given", ylabel="share of one person", xlim=(0, 1), ylim=(0, 1.02))
        _percents(axes)

    return draw(paint)


def recall_by_size(detection: Detection) -> str:
    """Returns the share of faces found, by width."""

    def paint(axes: Axes) -> None:
        values = np.array([share.value for _, _, share, _ in detection.by_size])
        ends = np.array([[s.value - s.lower, s.upper - s.value] for _, _, s, _ in detection.by_size]).T
        places = np.arange(len(values))
        axes.bar(places, values, color=SERIES[0], alpha=0.45, width=0.7)
        axes.errorbar(places, values, np.maximum(ends, 0), fmt="none", ecolor=INK, elinewidth=1.2)
        axes.set_xticks(places, [_width(low, high) for low, high, _, _ in detection.by_size])
        axes.set(xlabel="width of the face, pixels", ylabel="found", ylim=(0, 1.02))
        axes.grid(visible=False, axis="x")
        _percents(axes)

    return draw(paint)


def _styles() -> tuple[str, ...]:
    return STYLES


def _legend(axes: Axes, entries: int, where: str) -> None:
    if entries > 1:
        axes.legend(loc=where)


def _percents(axes: Axes) -> None:
    ticks = np.linspace(0, 1, 6)
    axes.set_yticks(ticks, [percent(round(float(tick), 2)) for tick in ticks])


def _width(low: float, high: float) -> str:
    return f"{low:.0f}+" if np.isinf(high) else f"{low:.0f}\N{EN DASH}{high:.0f}"


def _decade(value: float) -> float:
    return float(10.0 ** np.floor(np.log10(value)))


def _lowest(curves: Mapping[str, Rates], which: str) -> float:
    values: list[NDArray[np.float64]] = [getattr(rates, which) for rates in curves.values()]
    return min(float(v[v > 0].min()) for v in values)
