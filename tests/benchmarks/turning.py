"""What sealing and turning cost: `python -m tests.benchmarks.turning [--people N] [--templates N] [--dimension D]`.

Turning a probe happens once a shot; everything else once a start, or once a change of people. The database is a real
file, in the folder for temporary files.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is imported

import numpy as np

from agent.gallery.anchors import Anchors
from agent.gallery.space import AS_ENCODED, Space
from agent.seal.keys import SiteKey
from agent.seal.sealing import Seal
from agent.seal.turning import Turn
from agent.store.db import Db, open_db
from agent.store.people import add_person
from agent.store.resealing import reseal
from agent.store.templates import add_templates, load_gallery
from agent.types import Embedding, Floats, Quality

ASKED_MS = 0.1  # of a probe
PROBES = 2000
ANCHORS = 510  # as on the card of our encoder
AT = datetime(2026, 11, 26, tzinfo=UTC)


def main() -> int:
    """Prints the figures; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--templates", type=int, default=5, help="of each")
    parser.add_argument("--dimension", type=int, default=256)
    asked = parser.parse_args()
    probe(asked.dimension)
    with tempfile.TemporaryDirectory() as folder:
        gallery(Path(folder) / "latchkey.db", asked.people, asked.templates, asked.dimension)
    return 0


def probe(dimension: int) -> None:
    """What a shot costs, and making the rotation."""
    key, vectors = SiteKey.new(), units(PROBES, dimension)
    told(f"the rotation of a key, D = {dimension}", lambda: Turn(key, dimension))
    turn = Turn(key, dimension)
    times = []
    for vector in vectors:
        began = time.perf_counter()
        turn(vector)
        times.append(time.perf_counter() - began)
    median, p99 = 1e3 * float(np.median(times)), 1e3 * float(np.percentile(times, 99))
    print(f"turning a probe: median {median:.4f} ms, 99th percentile {p99:.4f} ms, asked < {ASKED_MS} ms")
    space = Space(vectors.mean(axis=0), np.eye(dimension, dtype=np.float32))
    told("a calibrated site's space", lambda: turn.space(space))
    seal, data = Seal(key), vectors[0].tobytes()
    sealed = seal.close(data, b"x" * 60)
    told(f"opening {PROBES} seals of {len(data)} bytes", lambda: [seal.open(sealed, b"x" * 60) for _ in vectors])


def gallery(path: Path, people: int, templates: int, dimension: int) -> None:
    """What a start costs, and a new key."""
    key, following = SiteKey.new(), SiteKey.new()
    with open_db(path, key=key) as db:
        told(f"sealing {people} x {templates} templates", lambda: fill(db, people, templates, dimension))
    with open_db(path, key=key) as db:
        print(f"the file has {path.stat().st_size / 2**20:.0f} MiB")
        told("reading and opening all of them, and the gallery of them", lambda: load_gallery(db, key.model("m")))
        space = AS_ENCODED.normalised(Anchors(units(ANCHORS, dimension).astype(np.float64), 8, 1.0, 1.5))
        told(f"the same, normalised by {ANCHORS} anchors", lambda: load_gallery(db, key.model("m"), space))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        print(f"with that the process has had {peak:.0f} MiB at most")

        def reissue() -> None:
            with db.transaction():
                reseal(db, following)

        told("all of them under a new key", reissue)
    told("writing the file anew after that", lambda: open_db(path, key=following).close())


def fill(db: Db, people: int, templates: int, dimension: int) -> None:
    """Random people."""
    model, quality = db.seal.key.model("m"), Quality(100.0, 50.0, 0.0, 120.0, 40.0)
    with db.transaction():
        for i in range(people):
            add_person(db, f"p{i:06}", name=None, at=AT)
            shots = [(Embedding(vector, model), quality) for vector in units(templates, dimension, seed=i)]
            add_templates(db, f"p{i:06}", shots, AT)


def units(count: int, dimension: int, seed: int = 0) -> Floats:
    """Random unit vectors (count, D)."""
    vectors = np.random.default_rng(seed).standard_normal((count, dimension), np.float32)
    unit: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def told(what: str, work: Callable[[], object]) -> None:
    """Does it, and prints how long it takes: by the clock, and of the processor alone."""
    began, used = time.perf_counter(), time.process_time()
    work()
    print(f"{what}: {time.perf_counter() - began:.3g} s, CPU {time.process_time() - used:.3g} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
