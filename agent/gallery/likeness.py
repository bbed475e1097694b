"""Whether templates are of one person, and of whom: nobody is enrolled twice, and nobody as somebody else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from agent.errors import EnrolmentRefused
from agent.gallery.match import Gallery
from agent.types import Floats


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one photo."""

    photo: int  # from 0
    code: str  # of EnrolmentRefused
    text: str


@dataclass(frozen=True, slots=True)
class Likeness:
    """Compares new templates with each other and with those there are."""

    duplicate_threshold: float  # cosine; as similar as this to somebody else is somebody else
    same_person_threshold: float  # cosine; less similar than this to each other are different people

    def check(self, vectors: Sequence[Floats], person: str, gallery: Gallery) -> None:
        """Refuses what would be templates of several people, or of another.

        Args:
            vectors: (D,) float32 each, unit length; at least one.
            person: whose they are said to be; may be enrolled already.
            gallery: everybody who is enrolled.

        Raises:
            EnrolmentRefused: with the code and the number of the first that is wrong.
        """
        refuse(self.problems(vectors, person, gallery))

    def problems(self, vectors: Sequence[Floats], person: str, gallery: Gallery) -> list[Problem]:
        """Returns what `check` would refuse: whose they are is asked where they are of one person."""
        return self._different_people(vectors, gallery) or list(self._conflicts(vectors, person, gallery))

    def rival(self, vector: Floats, person: str, gallery: Gallery) -> tuple[str, float] | None:
        """Returns who else looks like that, with the cosine; None where nobody does."""
        others = [(name, cosine) for name, cosine in gallery.ranked(vector, 2) if name != person]
        return others[0] if others and others[0][1] >= self.duplicate_threshold else None

    def _different_people(self, vectors: Sequence[Floats], gallery: Gallery) -> list[Problem]:
        """The photos unlike the one that is most like all of them."""
        stacked = gallery.space(np.stack(vectors))  # (N, D)
        cosines = stacked @ stacked.T  # (N, N)
        middle = int(cosines.sum(axis=1).argmax())
        return [
            Problem(i, "different_people", f"another person than in photo {middle + 1}: {self._too_little(cosine)}")
            for i, cosine in enumerate(cosines[middle].tolist())
            if cosine < self.same_person_threshold and i != middle
        ]

    def _conflicts(self, vectors: Sequence[Floats], person: str, gallery: Gallery) -> Iterator[Problem]:
        """The photos that are somebody else's, or not those of the one who is enrolled under this name."""
        own = gallery.of(person)
        for i, vector in enumerate(vectors):
            if (rival := self.rival(vector, person, gallery)) is not None:
                yield Problem(i, "duplicate_person", f"enrolled already as {rival[0]}: similarity {rival[1]:.3f}")
            elif len(own) and (cosine := float((own @ gallery.space(vector)).max())) < self.same_person_threshold:
                text = f"another person than the {person} enrolled before: {self._too_little(cosine)}"
                yield Problem(i, "different_people", f"{text}; remove {person} first to begin anew")

    def _too_little(self, cosine: float) -> str:
        return f"similarity {cosine:.3f}, need {self.same_person_threshold:.3f}"


def refuse(problems: Iterator[Problem] | Sequence[Problem]) -> None:
    """Raises the first problem, with the words of all."""
    every = list(problems)
    if every:
        message = "; ".join(f"photo {problem.photo + 1}: {problem.text}" for problem in every)
        raise EnrolmentRefused(every[0].code, message, photo=every[0].photo)
