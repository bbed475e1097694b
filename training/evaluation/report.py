"""The report on an encoder, with the detector and the aligner before it, from what was measured to one HTML file."""

from __future__ import annotations

from datetime import datetime

from training.evaluation import sections
from training.evaluation.cards import read_card
from training.evaluation.evaluate import Results, Task
from training.evaluation.goals import flatten, load_goals
from training.evaluation.page import Section, render, table
from training.evaluation.prepared import EVERYBODY

LFW = (
    "Labeled Faces in the Wild, grey (LFW-a), found and aligned by our own detector; never trained on. "
    "Every picture with every other. One person who looks like many is in many pairs, so the second interval, from "
    "drawing people anew with all their pictures, is the one to believe."
)
OPEN_SET = (
    "Three pictures a person enrolled, the others search, and so do people who are not enrolled (LFW). FPIR: a "
    "stranger is taken for somebody. FNIR: an enrolled person is not recognised, or as another. Where fewer people "
    "than the gallery wants have a fourth picture, others are enrolled with what they have; nobody searches for those."
)
COHORTS = (
    f"One threshold for all, set by the {EVERYBODY}; then pairs within one cohort. Where there are no names, pairs "
    "that the reference encoders take for one person (cosine 0.5 and more) are left out, and most of the pictures were "
    "in the unlabelled part of the training data. The pictures carry no labels of origin, sex or age; where a set is "
    "from has to stand for them."
)
CALIBRATION = (
    "What sets the door's threshold. The bound is the higher one of two: exact for independent pairs (Clopper and "
    "Pearson; three in n where nothing matched), and from drawing people anew. The worst cohort is the one with "
    "the highest rate where everybody's is 1e-5; masked faces are passed over, and so is UTKFace, whose false matches "
    "are between infants."
)
DETECTOR = "Photographs of the validation split, with boxes by YuNet-n and landmarks by SCRFD-500M."
SPEED = (
    "The networks alone, called in turn in one run; the ratio is that of the fastest calls, which whatever else the "
    "machine does disturbs least. Medians hold for a quiet machine only."
)
PROBABILITIES = "The verification head on the 6,000 pairs of LFW's protocol, half of them of one person."
NORMALISED = " Normalised, as the agent compares."


def build_report(task: Task, results: Results, *, command: str, now: datetime) -> str:
    """Returns the page.

    Args:
        task: what was measured.
        results: by `evaluate`.
        command: the line that made this report.
        now: the time that it carries.
    """
    cards = {file: read_card(file) for file in (task.encoder, task.detector, task.aligner)}
    encoder, how = cards[task.encoder], NORMALISED if results.compared else ""
    name = str(encoder.get("id", task.encoder.name))
    parts = [sections.goals(load_goals(), flatten(results.figures()), results.left_out)]
    if results.lfw:
        parts += [_protocol(results), _all_pairs(results)]
    if results.open_set:
        parts.append(sections.open_set(results.open_set, OPEN_SET + how))
    if results.cohorts:
        drawn = 1e-4 if 1e-4 in results.cohorts else next(iter(results.cohorts))
        parts.append(sections.cohorts(results.cohorts, drawn, COHORTS))
    if results.fmr:
        parts.append(sections.calibration(results.fmr, CALIBRATION))
    if results.reliability:
        parts.append(sections.probabilities(results.reliability, PROBABILITIES + how))
    if results.detection:
        parts.append(sections.detection(results.detection, DETECTOR))
    if results.speed:
        parts.append(sections.speed(results.speed, "peer" if _has_peer(results) else "itself", SPEED))
    parts += [sections.cards(cards), sections.made(command, now, task.runtime, _counts(results))]
    return render(f"Evaluation of {name}", f"{now:%d %B %Y} · {encoder.get('quantisation', '')} TFLite", parts)


def _protocol(results: Results) -> Section:
    assert results.lfw is not None  # noqa: S101 - for the type checker; asked by the caller
    named = [
        ("this file", results.lfw),
        ("with the mirrored face (flip_average)", results.mirrored),
        ("before quantising", results.floats),
        ("normalised, as the agent compares", results.compared),
    ]
    rows = [
        (
            label,
            f"{sections.percent(one.accuracy)} ± {one.standard_error * 100:.2f}",
            sections.percent(one.verification.eer),
            *(sections.percent(accepts.share.value) for accepts in one.verification.true_accepts),
            sections.percent(one.found),
        )
        for label, one in named
        if one is not None
    ]
    accepts = results.lfw.verification.true_accepts
    levels = [f"TAR at {sections.rate(one.fmr)}" for one in accepts]
    head = ("", "ten-fold accuracy", "EER, all pairs", *levels, "faces found")
    lead = "6,000 pairs in ten folds, each judged by the threshold of the nine others; mean ± standard error."
    return Section("LFW protocol", lead, (table(head, rows),))


def _all_pairs(results: Results) -> Section:
    assert results.lfw is not None  # noqa: S101 - for the type checker; asked by the caller
    others = {} if results.floats is None else {"float": results.floats.verification.curve}
    return sections.verification(results.lfw.verification, "Verification", LFW, others)


def _counts(results: Results) -> dict[str, str]:
    """Returns on how much it was measured."""
    counts = {}
    if results.lfw:
        counts["LFW"] = f"{len(results.lfw.identity):,} pictures of {results.lfw.identity.max() + 1:,} people"
    if results.detection:
        counts["scenes"] = f"{results.detection.pictures:,} pictures, {results.detection.faces:,} faces"
    for one in next(iter(results.cohorts.values()), []):
        counts[one.cohort] = f"{one.pairs:,} impostor pairs" + sections.askew(one.askew)
    return counts


def _has_peer(results: Results) -> bool:
    return any(one.name == "peer" for one in results.speed)
