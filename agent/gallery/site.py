"""What `calibrate` has learnt of a site: the space its people are compared in, and their false match rates.

The file holds sums over all people, never one of them: a mean, perhaps a covariance's root, counts and rates. No
photo, no name, no template. Of very few people even a mean tells something of each; keep it as private as the database.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from agent.errors import ModelError
from agent.gallery.space import Space
from agent.gallery.threshold import FmrTable
from agent.types import Floats

KIND, VERSION = "latchkey-site", 1
_STORED = np.dtype("<f4")


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A site file."""

    model: str  # id of the encoder that it belongs to
    made_on: str  # date
    people: int
    photos: int
    method: str  # how the space was made
    space: Space
    fmr: Mapping[str, Any]  # as on a card
    figures: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    normalisation: str | None = None  # `agent.gallery.anchors.fingerprint` of the encoder's card: the scale of `fmr`

    def as_json(self) -> dict[str, Any]:
        """Return the file's content."""
        return {
            "kind": KIND,
            "version": VERSION,
            "model": self.model,
            "normalisation": self.normalisation,
            "made_on": self.made_on,
            "people": self.people,
            "photos": self.photos,
            "space": {
                "method": self.method,
                "dimension": self.space.dimension,
                "mean": _text(self.space.mean),
                "matrix": _text(self.space.matrix),
            },
            "fmr": dict(self.fmr),
            "figures": dict(self.figures),
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, fields: object, *, model: str, dimension: int | None, normalisation: str | None = None) -> Self:
        """Return what a file says.

        Args:
            fields: the parsed file.
            model: id of the encoder at hand.
            dimension: of its vectors, where its card says so.
            normalisation: `agent.gallery.anchors.fingerprint` of its card.

        Raises:
            ModelError: it is no site file, of a newer kind, of another encoder or card, or damaged.
        """
        if not isinstance(fields, Mapping) or fields.get("kind") != KIND:
            raise ModelError("not a site file: make one with `latchkey calibrate`")
        if fields.get("version") != VERSION:
            raise ModelError(f"site file of version {fields.get('version')!r}, want {VERSION}: calibrate again")
        if fields.get("model") != model:
            raise ModelError(
                f"was made with the encoder {str(fields.get('model'))[:80]!r}, but {model!r} is loaded: run `latchkey "
                f"calibrate` again, or take models.site out of the configuration"
            )
        if fields.get("normalisation") != normalisation:
            raise ModelError(
                "its rates are of similarities that the encoder's card normalises otherwise: run `latchkey calibrate` "
                "again, or take models.site out of the configuration"
            )
        try:
            people, photos = int(fields["people"]), int(fields["photos"])
            told, fmr = fields["space"], {**fields["fmr"]}
            space, method = _space(told["dimension"], told["mean"], told["matrix"]), str(told["method"])
            made_on, notes = str(fields["made_on"]), tuple(map(str, fields["notes"]))
            figures = dict(fields["figures"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"damaged site file: {error!r}; run `latchkey calibrate` again") from error
        if dimension is not None and space.dimension not in (None, dimension):
            raise ModelError(f"is for vectors of {space.dimension} numbers, the encoder's have {dimension}")
        site = cls(model, made_on, people, photos, method, space, fmr, figures, notes, normalisation)
        site.table()
        return site

    def table(self, *, bound: bool = True) -> FmrTable:
        """Return the rates, or their 95 % upper bounds.

        Raises:
            ModelError: they are not a table.
        """
        return FmrTable.from_site(self.fmr, bound=bound)


def _text(numbers: Floats | None) -> str | None:
    return None if numbers is None else base64.b64encode(numbers.astype(_STORED).tobytes()).decode("ascii")


def _space(dimension: object, mean: object, matrix: object) -> Space:
    """The space; a ValueError says what is wrong with it."""
    if mean is None and matrix is None:
        return Space()
    if not isinstance(dimension, int) or isinstance(dimension, bool) or dimension < 1 or mean is None:
        raise ValueError(f"a space wants a dimension and a mean, got the dimension {dimension!r}")
    return Space(_numbers(mean, (dimension,)), None if matrix is None else _numbers(matrix, (dimension, dimension)))


def _numbers(text: object, shape: tuple[int, ...]) -> Floats:
    try:
        data = base64.b64decode(str(text), validate=True)
    except binascii.Error as error:
        raise ValueError(f"no base64: {error}") from error
    if len(data) != _STORED.itemsize * int(np.prod(shape)):
        raise ValueError(f"{len(data)} bytes for {shape} numbers")
    numbers: Floats = np.frombuffer(data, _STORED).reshape(shape).astype(np.float32)
    if not np.isfinite(numbers).all():
        raise ValueError("numbers that are not finite")
    return numbers
