"""The report on one run: what its files are worth on people whom training has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from training.evaluation import sections
from training.evaluation.own import FLOAT, Own
from training.evaluation.page import Section, paragraph, render, table
from training.evaluation.sections import DASH, ends, percent, rate
from training.package import Packaging

PAIRS = (
    "The validation split, whose people training has not seen: every sample with every other. One person who looks "
    "like many is in many pairs, so the second interval, from drawing people anew with all their samples, is the one "
    "to believe. The best weights were chosen by these people too: others may do a little worse."
)
FORGED = " A forgery is a sample of its own, of nobody else, and makes a pair of two people with whom it imitates."
OPEN_SET = (
    "{enrolled} of each person enrolled, the others search, and so does everybody who is not enrolled. FPIR: a "
    "stranger is taken for somebody. FNIR: an enrolled person is not recognised, or as another."
)
CALIBRATION = (
    "What sets a door's threshold. The bound is the higher one of two: exact for independent pairs (Clopper and "
    "Pearson; three in n where nothing matched), and from drawing people anew."
)
SPEED = (
    "The networks alone, called in turn in one run; the ratio is that of the fastest calls, which whatever else the "
    "machine does disturbs least. Medians hold for this machine, and for a quiet one only."
)
FORGERIES = (
    "Equal error rates on the writers of the test, whom neither training nor choice has seen, with 95 % intervals from "
    "drawing writers anew. Random: somebody else's own signature; skilled: by somebody who practised this one."
)
TRIALS = ("random_1", "skilled_1", "random_5", "skilled_5")


def build_own_report(
    packaging: Packaging, own: Own, card: Mapping[str, Any], *, command: str, now: datetime, runtime: str
) -> str:
    """Returns the page.

    Args:
        packaging: what was measured.
        own: by `measure_run`.
        card: of the run; empty where there is none.
        command: the line that made this report.
        now: the time that it carries.
        runtime: that the files ran on.
    """
    preset, model = packaging.preset, packaging.run.model
    signed = preset.data.kind.startswith("signature")
    curves = {} if own.floats is None else {"float": own.floats.curve}
    parts = [_summary(own), sections.verification(own.verification, "Verification", PAIRS + FORGED * signed, curves)]
    if own.forgeries:
        parts.append(_forgeries(own.forgeries))
    if own.open_set:
        enrolled = "One sample" if own.enrolled == 1 else f"{own.enrolled} samples"
        parts.append(sections.open_set(own.open_set, OPEN_SET.format(enrolled=enrolled)))
    if own.fmr["similarity"]:
        parts.append(sections.calibration(own.fmr, CALIBRATION))
    counts = {"preset": f"{preset.name}: {preset.about}", "validation": f"{own.samples:,} samples"}
    parts += [
        sections.speed(own.speed, "the int8 file", SPEED),
        sections.cards({model: card}),
        sections.made(command, now, runtime, counts),
    ]
    return render(f"Evaluation of {card.get('id', packaging.run.folder)}", f"{now:%d %B %Y} · int8 TFLite", parts)


def _summary(own: Own) -> Section:
    """The figures of both files side by side."""
    before, after = own.floats, own.verification
    rows = [_row("equal error rate", after.eer, None if before is None else before.eer, better=-1)]
    for number, one in enumerate(after.true_accepts):
        floats = None if before is None else before.true_accepts[number].share.value
        rows.append(_row(f"true accepts at FMR {rate(one.fmr)}", one.share.value, floats, better=1))
    for threads in sorted({one.threads for one in own.speed}):
        ms = {one.name == FLOAT: f"{one.median_ms:.2f} ms" for one in own.speed if one.threads == threads}
        rows.append((f"time, {threads} thread{'s' * (threads > 1)}", ms[False], ms.get(True, DASH), DASH))
    size = {one.name == FLOAT: f"{one.size / 1e6:.2f} MB" for one in own.speed}
    rows.append(("size", size[False], size.get(True, DASH), DASH))
    left_out = [paragraph(f"Left out. {reason}") for reason in own.left_out]
    if not own.fmr["similarity"]:
        left_out.append(paragraph("Left out. Calibration: the pairs of two people are too few for a table."))
    forged = f" and {own.forged:,} forgeries" if own.forged else ""
    counted = f"{own.samples - own.forged:,} samples of {own.people:,} people{forged}"
    lead = f"{counted}, {after.impostor_pairs:,} pairs of two of them."
    return Section("Summary", lead, (table(("", "int8", "float", "int8 costs"), rows), *left_out))


def _row(name: str, after: float, before: float | None, *, better: int) -> tuple[str, str, str, str]:
    if before is None:
        return name, percent(after), DASH, DASH
    return name, percent(after), percent(before), f"{(before - after) * better * 100:.2f} points"


def _forgeries(found: Mapping[str, Mapping[str, float]]) -> Section:
    rows = [(name, *(_eer(one, kind) for kind in TRIALS)) for name, one in found.items()]
    head = ("", *(kind.replace("_1", ", 1 reference").replace("_5", ", 5 references") for kind in TRIALS))
    return Section("Forgeries", FORGERIES, (table(head, rows),))


def _eer(one: Mapping[str, float], kind: str) -> str:
    if f"eer_{kind}" not in one:  # as nobody was imitated, or has signed five times
        return DASH
    return f"{percent(one[f'eer_{kind}'], 1)} ({ends(one[f'eer_{kind}_low'], one[f'eer_{kind}_high'])})"
