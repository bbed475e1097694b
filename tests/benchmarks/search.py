"""Print the time of one probe against 10,000 people with 5 templates of 256 numbers each, on one thread.

    python tests/benchmarks/search.py [--people 10000] [--templates 5] [--dimension 256] [--probes 400] [--anchors 510]

Half of the probes are strangers, half are near somebody's template. They are normalised by as many anchors as the card
of our encoder has; 0: not. Every answer is checked against brute force.
Where other programs keep the machine busy, look at the thread's CPU time and at p5.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is imported

import numpy as np

from agent.gallery.anchors import Anchors
from agent.gallery.match import Gallery
from agent.gallery.space import AS_ENCODED


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("people", 10_000), ("templates", 5), ("dimension", 256), ("probes", 400), ("anchors", 510)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    centres = unit(rng.standard_normal((options.people, 1, options.dimension), dtype=np.float32))
    shape = (options.people, options.templates, options.dimension)
    # a person's templates have a cosine of about 0.7 with each other
    vectors = unit(centres + 0.65 * unit(rng.standard_normal(shape, dtype=np.float32))).reshape(-1, options.dimension)
    owners = np.repeat(np.arange(options.people), options.templates)
    groups = unit(rng.standard_normal((options.anchors, options.dimension)))
    space = AS_ENCODED.normalised(Anchors(groups, 8, 1.0, 1.5) if options.anchors else None)
    began = time.perf_counter()
    gallery = Gallery.build("benchmark", [f"p{i}" for i in range(options.people)], vectors, owners, space)
    print(f"build   {time.perf_counter() - began:6.2f} s   {len(owners):,} templates x {options.dimension}")
    probes = unit(rng.standard_normal((options.probes, options.dimension), dtype=np.float32))
    probes[::2] = unit(vectors[rng.integers(len(vectors), size=len(probes[::2]))] + 0.7 * probes[::2])
    report("search ", [timed(gallery.nearest, probe) for probe in probes])
    report("placing", [timed(space, probe) for probe in probes])
    by_axis = np.ascontiguousarray(space(vectors).T)  # the fastest layout for brute force
    placed = space(probes)
    report("product", [timed(lambda p: p @ by_axis, probe) for probe in placed])
    near = [owners[int((probe @ by_axis).argmax())] for probe in placed]
    wrong = sum(gallery.nearest(p).person != f"p{owner}" for p, owner in zip(probes, near, strict=True))
    print(f"answers other than brute force's: {wrong} of {len(probes)}")


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def timed(work: Callable[[np.ndarray], object], probe: np.ndarray) -> tuple[float, float]:
    """Return the milliseconds on the wall and those of this thread's own CPU time."""
    began = time.perf_counter(), time.thread_time()
    work(probe)
    return 1e3 * (time.perf_counter() - began[0]), 1e3 * (time.thread_time() - began[1])


def report(what: str, times: list[tuple[float, float]]) -> None:
    for clock, values in zip(("wall", "cpu"), zip(*times, strict=True), strict=True):
        low, middle, high = np.percentile(values, [5, 50, 95])
        print(f"{what} {clock:4} p50 {middle:.2f} ms   p5 {low:.2f}   p95 {high:.2f}   n {len(values)}")


if __name__ == "__main__":
    main()
