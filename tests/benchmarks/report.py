"""What the benchmark at the door found, as tables in Markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from statistics import median

from agent.cli.output import counted
from agent.types import Match
from tests.benchmarks.replay import Visit
from tests.benchmarks.results import Kind, Results, Tried

BEGIN, END = "<!-- door: begin, written by door.py -->", "<!-- door: end -->"
PROMPT_SECONDS = 1.0


def rewritten(readme: str, text: str) -> str:
    """Returns the README with the section between the markers replaced.

    Raises:
        ValueError: the markers are not there.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the README has no lines {BEGIN!r} and {END!r} to write between")
    return f"{before}{BEGIN}\n{text.strip()}\n{END}{after}"


def tables(results: Results, *, command: str) -> str:
    """Returns the whole section."""
    parts = [_head(results, command), _totals(results), _people(results), _papers(results)]
    if results.of(Kind.PASSER):
        parts.append(_videos(results))
    if mistakes := _mistakes(results):
        parts.append(mistakes)
    return "\n\n".join(parts)


def _head(results: Results, command: str) -> str:
    bundle, galleries = results.bundle, [staff.gallery for staff in results.staff]
    largest = max(gallery.templates for gallery in galleries)
    threshold = bundle.threshold(largest)
    beyond = f", beyond the {bundle.table.fmr[-1]:.1e} that its card has measured" if threshold.extrapolated else ""
    people = sorted(len(gallery.people) for gallery in galleries)
    return (
        f"{results.at:%Y-%m-%d %H:%M} UTC, {results.seconds:.0f} s, `{command}`\n\n"
        f"Encoder `{bundle.model_id}`, detector `{bundle.detector.id}`, aligner `{bundle.aligner.id}`. In each of "
        f"{counted(len(galleries), 'turn')} "
        f"{' to '.join(map(str, dict.fromkeys((people[0], people[-1]))))} people enrolled, with {largest} templates at "
        f"the most: threshold {threshold.cosine:.3f} (false match rate {threshold.fmr:.1e}{beyond})."
    )


def _totals(results: Results) -> str:
    members, strangers = results.of(Kind.MEMBER), results.of(Kind.STRANGER)
    refused, asked = (sum(counts) for counts in zip(*((len(s.refused), s.asked) for s in results.staff), strict=True))
    waits = sorted(each.visit.waited for each in members if each.let_in)
    rows = [
        ("enrolments refused", _share(refused, asked), "failure to enrol"),
        ("visits of enrolled people refused", _share(_count(members, _refused), len(members)), "false rejections"),
        ("… let in as somebody else", _share(_count(members, _mistaken), len(members)), "misidentifications"),
        (
            "… let in within a second",
            _share(sum(wait <= PROMPT_SECONDS for wait in waits), len(members)),
            _waits(waits),
        ),
        ("… let in after a refusal", _share(_count(members, _at_last), len(members)), ""),
        ("… lowest similarity of a visit", _alike(members, min), "its best shot"),
        ("visits of strangers let in", _share(_count(strangers, _mistaken), len(strangers)), "false accepts"),
        ("… highest similarity of a visit", _alike(strangers, max), "its best shot"),
        *_paper_rows(results.of(Kind.PHOTO)),
    ]
    return _table(["what", "of how many", ""], rows)


def _paper_rows(papers: Sequence[Tried]) -> list[tuple[str, str, str]]:
    """Printed photographs: ISO/IEC 30107-3:2023, 3.2.10, has two readings of IAPIR."""
    of_staff = [each for each in papers if each.enrolled]
    return [
        (
            "photographs of enrolled people let in as these",
            _share(_count(of_staff, lambda each: each.let_in), len(of_staff)),
            "IAPIR, the target is returned",
        ),
        (
            "photographs let in as anybody",
            _share(_count(papers, lambda each: bool(each.visit.grants)), len(papers)),
            "IAPIR, somebody is returned",
        ),
    ]


def _people(results: Results) -> str:
    rows = []
    for person in results.people:
        members, strangers = results.of(Kind.MEMBER, person), results.of(Kind.STRANGER, person)
        let_in = [each for each in members if each.let_in]
        similarities = [_best(each.visit).similarity for each in let_in]
        nearest = max((_best(each.visit) for each in strangers), key=lambda match: match.similarity)
        waits = sorted(each.visit.waited for each in let_in)
        rows.append(
            (
                person,
                str(len(members)),
                str(len(let_in)),
                _why_not([each for each in members if not each.let_in]),
                _some(similarities, "{:.3f}"),
                f"{members[0].threshold:.3f}" if members else "",
                f"{median(waits):.1f}, {waits[-1]:.1f}" if waits else "",
                f"{_count(strangers, _mistaken)} of {len(strangers)}",
                f"{nearest.similarity:.3f} to {nearest.person}" if nearest.person else "",
            )
        )
    head = ["person", "visits", "granted", "denied, why", "similarity", "threshold", "seconds to open, longest"]
    return _table([*head, "granted as a stranger", "most alike"], rows)


def _papers(results: Results) -> str:
    rows = []
    for who in dict.fromkeys(each.who for each in results.of(Kind.PHOTO)):
        papers = results.of(Kind.PHOTO, who)
        rows.append(
            (
                who if any(each.enrolled for each in papers) else f"{who} (not enrolled)",
                str(len(papers)),
                str(_count(papers, lambda each: each.let_in)),
                _whom(papers),
                _why_not([each for each in papers if not each.visit.grants]),
                _some([_best(each.visit).similarity for each in papers if each.visit.grants], "{:.3f}"),
            )
        )
    head = ["photograph of", "shown", "granted as that person", "as somebody else", "denied, why", "similarity"]
    return _table(head, rows)


def _videos(results: Results) -> str:
    rows = []
    for each in results.of(Kind.PASSER) + results.of(Kind.SPEAKER):
        visit, best = each.visit, _best(each.visit)
        rows.append(
            (
                each.who,
                "from its first half second" if each.enrolled else "no",
                f"{visit.with_face} of {visit.frames}",
                ", ".join(f"{n} x {who}" for who, n in Counter(visit.opened_for).items()) or "nobody",
                ", ".join(f"{n} x {why}" for why, n in Counter(d.reason.value for d in visit.denials).items())
                or ("" if visit.grants else visit.why_not),
                f"{visit.waited:.2f}" if visit.grants else "",
                f"{best.similarity:.3f} to {best.person}" if best.person else "",
                f"{each.threshold:.3f}",
            )
        )
    head = [
        "video",
        "enrolled",
        "frames with a face",
        "granted",
        "denied",
        "seconds to open",
        "most alike",
        "threshold",
    ]
    return _table(head, rows)


def _mistakes(results: Results) -> str:
    """Who was let in as whom, and who could not be enrolled."""
    lines = Counter(
        f"{each.who}, {each.kind.value}, let in as {person}"
        for each in results.tried
        for person in dict.fromkeys(each.mistaken_for)
    )
    lines += Counter(f"{who} not enrolled, {why}" for staff in results.staff for who, why in staff.refused.items())
    return "\n".join(["Mistakes:", "", *(f"- {line}{_times(n)}" for line, n in lines.items())]) if lines else ""


def _times(n: int) -> str:
    return f", {n} times" if n > 1 else ""


def _mistaken(each: Tried) -> bool:
    return bool(each.mistaken_for)


def _refused(each: Tried) -> bool:
    return not each.let_in


def _at_last(each: Tried) -> bool:
    return each.let_in and bool(each.visit.denials)


def _best(visit: Visit) -> Match:
    return visit.most_alike or Match(None, -1.0, None, 0.0)


def _count(tried: Sequence[Tried], condition: Callable[[Tried], bool]) -> int:
    return sum(map(condition, tried))


def _alike(tried: Sequence[Tried], choose: Callable[..., Match]) -> str:
    found = [match for each in tried if (match := each.visit.most_alike)]
    return f"{choose(found, key=lambda match: match.similarity).similarity:.3f}" if found else ""


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}" + (f" ({100 * part / whole:.1f} %)" if whole else "")


def _some(values: Sequence[float], pattern: str) -> str:
    return pattern.format(median(values)) if values else ""


def _why_not(refused: Sequence[Tried]) -> str:
    reasons = Counter(each.visit.why_not for each in refused)
    return f"{len(refused)}: " + ", ".join(f"{n} x {why}" for why, n in reasons.most_common()) if refused else "0"


def _whom(tried: Sequence[Tried]) -> str:
    return (
        ", ".join(f"{n} x {who}" for who, n in Counter(w for t in tried for w in t.mistaken_for).most_common()) or "0"
    )


def _waits(waits: Sequence[float]) -> str:
    if not waits:
        return ""
    return f"median {median(waits):.1f} s, 95 % {waits[int(0.95 * (len(waits) - 1))]:.1f} s, longest {waits[-1]:.1f} s"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(re.sub(r"\|", "/", cell) for cell in line) + " |" for line in lines)
