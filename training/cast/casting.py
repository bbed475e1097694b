"""How the cast was chosen: random identities are auditioned, and those kept whom public encoders confuse least.

    python -m training.cast.casting audition --first 0 --last 300 --out runs/auditions.npz
    python -m training.cast.casting choose runs/auditions.npz --people 6

Needs ../shared/data/reference and onnxruntime; the demo does not.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from agent.types import Floats, Image
from training.cast.chance import random_identity
from training.cast.identity import Expression, Identity, Light, Pose
from training.cast.judges import Encoder, YuNet, central_crop
from training.cast.picture import render

REFERENCE = Path("../shared/data/reference")
ENCODERS = ("encoder_edgeface_xs.onnx", "encoder_mbf.onnx")
TAKES = (
    (Pose(y=1), Light(), Expression()),
    (
        Pose(yaw=18, pitch=4, y=1, distance=80),
        Light(azimuth=45, elevation=20, key=0.9, warmth=0.5),
        Expression(smile=0.6),
    ),
)


def audition(who: Identity, detector: YuNet) -> list[Image] | None:
    """The aligned crops of a few takes; None where the detector misses one."""
    crops = []
    for pose, light, face in TAKES:
        picture = render(who, pose, light, face=face, size=(200, 200))
        crops.append(central_crop(picture, detector(picture)))
    return [crop for crop in crops if crop is not None] if all(c is not None for c in crops) else None


def auditions(first: int, last: int, reference: Path) -> Iterator[tuple[int, Floats]]:
    """Seed and vectors (takes, judges, 512): each encoder on colour, then on grey."""
    detector = YuNet(reference)
    encoders = [Encoder(reference / name) for name in ENCODERS]
    for seed in range(first, last):
        crops = audition(random_identity(np.random.default_rng(seed)), detector)
        if crops is not None:
            judged = [encoder(crops, grey=grey) for encoder in encoders for grey in (False, True)]
            yield seed, np.stack(judged, axis=1)


def likeness(vectors: Floats) -> Floats:
    """(N, N): the highest cosine over takes and judges; on the diagonal the lowest of a person to itself."""
    cosines = np.einsum("atjd,bsjd->abtsj", vectors, vectors)
    table = cosines.max(axis=(2, 3, 4))
    same = np.einsum("atjd,asjd->atsj", vectors, vectors).min(axis=(1, 2, 3))
    table[np.arange(len(table)), np.arange(len(table))] = same
    return np.asarray(table, np.float32)


def choose(table: Floats, people: int, *, least: float = 0.72, tries: int = 400) -> list[int]:
    """Indices of the people of whom the most alike two are least alike: random starts, then swaps for the better."""
    rng = np.random.default_rng(0)
    able = np.flatnonzero(np.diag(table) >= least)
    best, best_score = able[:people], np.inf
    for _ in range(tries):
        group = rng.choice(able, people, replace=False)
        score = _score(table, group)
        improved = True
        while improved:
            improved = False
            for place in range(people):
                others = np.delete(group, place)
                worst = table[np.ix_(able, others)].max(axis=1)
                worst[np.isin(able, others)] = np.inf
                swapped = group.copy()
                swapped[place] = able[int(np.argmin(worst))]
                if (new := _score(table, swapped)) < score - 1e-6:
                    group, score, improved = swapped, new, True
        if score < best_score:
            best, best_score = group, score
    return [int(i) for i in best]


def _score(table: Floats, group: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    pairs = table[np.ix_(group, group)][np.triu_indices(len(group), 1)]
    return float(pairs.max() + 0.2 * pairs.mean())


def main() -> None:
    """The two commands of the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    commands = parser.add_subparsers(dest="command", required=True)
    hear = commands.add_parser("audition")
    hear.add_argument("--first", type=int, default=0)
    hear.add_argument("--last", type=int, default=300)
    hear.add_argument("--out", type=Path, required=True)
    hear.add_argument("--reference", type=Path, default=REFERENCE)
    pick = commands.add_parser("choose")
    pick.add_argument("auditions", type=Path, nargs="+")
    pick.add_argument("--people", type=int, default=6)
    asked = parser.parse_args()
    if asked.command == "audition":
        seeds, vectors = [], []
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        for seed, vector in auditions(asked.first, asked.last, asked.reference):
            seeds.append(seed)
            vectors.append(vector)
            np.savez(asked.out, seed=np.array(seeds), vector=np.array(vectors))
        return
    loaded = [np.load(path) for path in asked.auditions]
    seed = np.concatenate([data["seed"] for data in loaded])
    table = likeness(np.concatenate([data["vector"] for data in loaded]))
    group = choose(table, asked.people)
    print("seeds", [int(seed[i]) for i in group])
    print(np.round(table[np.ix_(group, group)], 2))


if __name__ == "__main__":
    main()
