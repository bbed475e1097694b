"""Plots as inline SVG that takes its colours and its type from the page it stands in: light, dark, or on paper."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

INK, FAINT, GRID = "#010203", "#010204", "#010205"
SERIES = ("#010211", "#010212", "#010213", "#010214")
"""Stand-ins that no plot would choose; each becomes a variable of the page's style sheet."""
_VARIABLES = {INK: "--ink", FAINT: "--faint", GRID: "--rule"} | {c: f"--series-{i}" for i, c in enumerate(SERIES, 1)}
SIZE = (5.2, 3.5)  # inches, 72 units each: on a telephone's 360 pixels the type is still readable
_NUMBER = count(1)  # ids of two plots on one page must differ
_STYLE = {
    "svg.fonttype": "none",  # text stays text: searchable, and in the page's own type
    "svg.hashsalt": "latchkey",  # the same plot is the same bytes
    "font.size": 10,
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.prop_cycle": f"cycler('color', {list(SERIES)!r})",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
}


def draw(paint: Callable[[Axes], None], *, size: tuple[float, float] = SIZE) -> str:
    """Returns the SVG element of what `paint` puts on one pair of axes.

    Args:
        paint: draws in `INK`, `FAINT`, `GRID` and `SERIES` only.
        size: inches.
    """
    with rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        paint(figure.add_subplot())
        out = io.StringIO()
        # without a creator or a date: nothing on the page points anywhere
        nothing: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(out, format="svg", transparent=True, metadata=nothing)
    return _inline(out.getvalue())


def _inline(svg: str) -> str:
    """Returns the element alone: no prologue, sized by the page, ids of its own, colours from the style sheet."""
    svg = svg[svg.index("<svg") :].strip()
    head, rest = svg.split(">", 1)
    viewport = re.search(r'viewBox="[^"]+"', head)
    prefix = f"p{next(_NUMBER)}-"
    rest = re.sub(r'\bid="', f'id="{prefix}', rest)
    rest = re.sub(r'(xlink:)?href="#', f'href="#{prefix}', rest)
    rest = rest.replace("url(#", f"url(#{prefix}")
    rest = re.sub(r"<metadata>.*?</metadata>", "", rest, flags=re.DOTALL)
    for colour, variable in _VARIABLES.items():
        rest = rest.replace(colour, f"var({variable})")
    return f'<svg role="img" {viewport.group() if viewport else ""}>{rest}'


def percent(share: float) -> str:
    """Returns a share as an axis shows it: "0.1 %"."""
    return f"{share * 100:.6g} %"


def log_shares(axes: Axes, which: str, low: float, high: float) -> None:
    """Makes an axis logarithmic, labelled in powers of ten that a browser's own type can show."""
    ticks = [10.0**power for power in range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)]
    getattr(axes, f"set_{which}scale")("log")
    getattr(axes, f"set_{which}ticks")(ticks, [_power(tick) for tick in ticks])
    getattr(axes, f"set_{which}lim")(low, high)
    axis = getattr(axes, f"{which}axis")
    axis.set_minor_locator(_no_ticks())


def deviates(axes: Axes, which: str, low: float, high: float) -> None:
    """Labels an axis of normal deviates with the shares they stand for."""
    shares = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95)
    shown = [share for share in shares if low <= share <= high]
    getattr(axes, f"set_{which}ticks")(norm.ppf(shown), [percent(s) if s >= 0.01 else _power(s) for s in shown])
    getattr(axes, f"set_{which}lim")(*norm.ppf([low, high]))


def deviate(shares: ArrayLike) -> NDArray[np.float64]:
    """Returns the normal deviate of shares (T,): errors of normally distributed scores lie on a line (Martin 1997)."""
    return np.asarray(norm.ppf(np.clip(np.asarray(shares, np.float64), 1e-9, 1 - 1e-9)))


def _power(value: float) -> str:
    power = round(np.log10(value))
    return "1" if power == 0 else "10" + str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _no_ticks() -> Any:
    from matplotlib.ticker import NullLocator

    return NullLocator()
