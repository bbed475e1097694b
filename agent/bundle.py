"""The models with their cards: what is loaded, and what a card promises about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from agent.config import Config
from agent.errors import ModelError
from agent.gallery.anchors import Anchors, fingerprint, read_anchors
from agent.gallery.site import Site
from agent.gallery.space import AS_ENCODED, Space
from agent.gallery.threshold import FmrTable, Threshold, threshold_for
from agent.hardware import backends
from agent.seal.keys import SiteKey
from agent.seal.turning import Turn, TurnedEncoder
from agent.types import Image
from agent.upgrade.in_force import configured
from agent.vision.aligner import Aligner
from agent.vision.detect import Detector
from agent.vision.encode import Encoder
from agent.vision.eyes import Eyes
from agent.vision.model import Model
from agent.vision.pictures import decode_picture
from agent.vision.quality import QualityLimits
from agent.vision.selftest import SelfTest, read_golden, self_test

T = TypeVar("T")
STAFF = Path(__file__).parent / "demo" / "staff"
"""Pictures of people who do not exist."""

SAME_PERSON_FMR = 1e-3
"""Enrolment: photos less alike than what one pair of strangers in a thousand reaches are of different people.

By encoder 9a0b93a4 it is 0.507, which 80 % of the validation's pairs of one person reach. With 1e-2 91 % do, but then
1.4 % of the pairs of two as well, and a photo of another among one's own opens the door to them.
"""
DUPLICATE_FMR = 1e-5
"""Enrolment: as alike as one pair of strangers in a hundred thousand is the same person under another name."""


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a model file. `fields` is the whole card."""

    id: str
    sha256: str
    fields: Mapping[str, Any]


def read_card(model: Path) -> Card:
    """Returns the card beside a model file.

    Raises:
        ModelError: it is missing, or is not a card.
    """
    path = model.with_suffix(".json")
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return Card(str(fields["id"]), str(fields["sha256"]), fields)
    except OSError as error:
        raise ModelError(f"{path}: no card for {model.name}: {error.strerror}; copy it beside the model") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelError(f"{path}: not a model card: {error!r}; copy it again") from error


def read_site(path: Path, encoder: Card) -> Site:
    """Returns what was learnt of a site.

    Raises:
        ModelError: the file is missing, is none, or belongs to another encoder.
    """
    scale, told = fingerprint(encoder.fields), encoder.fields.get("dimension")
    dimension = told if isinstance(told, int) else None
    try:
        with _naming(path):
            fields = json.loads(path.read_text(encoding="utf-8"))
            return Site.from_json(fields, model=encoder.id, dimension=dimension, normalisation=scale)
    except OSError as error:
        raise ModelError(
            f"{path}: cannot read the site file of [models] site: {error.strerror}; make one with `latchkey calibrate`"
        ) from error
    except ModelError:
        raise
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or a number of five thousand digits
        raise ModelError(f"{path}: not a site file: {error}; make one with `latchkey calibrate`") from error


@contextmanager
def _naming(model: Path) -> Iterator[None]:
    """Lets what is wrong with a model say which file it is."""
    try:
        yield
    except ModelError as error:
        raise ModelError(f"{model}: {error}") from error


def _staff(name: str) -> Image:
    try:
        return decode_picture((STAFF / name).read_bytes())
    except OSError as error:
        raise ModelError(f"its card names a picture that is not in {STAFF}: {name}: {error.strerror}") from error


@dataclass(frozen=True)  # no slots: the space is worked out once
class Bundle:
    """The models' cards, what is known of the site, and how to get eyes that use them.

    With a key, the eyes see turned: all that is stored, compared and followed is turned by it. Without one they see as
    the encoder does: for measuring, never for templates.
    """

    config: Config
    detector: Card
    aligner: Card
    encoder: Card
    table: FmrTable  # what thresholds go by: upper bounds where there are any
    likely: FmrTable  # the rates themselves
    site: Site | None
    anchors: Anchors | None = None  # of the encoder's card
    key: SiteKey | None = None

    @property
    def model_id(self) -> str:
        """The encoder's id: what others are told."""
        return self.encoder.id

    @property
    def template_model(self) -> str:
        """The id in embeddings: whose templates are compared. Names the key that turned them."""
        return self.encoder.id if self.key is None else self.key.model(self.encoder.id)

    @cached_property
    def space(self) -> Space:
        """Where faces are compared: turned as they are."""
        plain = (AS_ENCODED if self.site is None else self.site.space).normalised(self.anchors)
        if self.key is None or plain.dimension is None:
            return plain
        return Turn(self.key, plain.dimension).space(plain)

    @property
    def duplicate_threshold(self) -> float:
        """Enrolment: cosine from which somebody is enrolled already."""
        return self.table.cosine_for(DUPLICATE_FMR)

    @property
    def same_person_threshold(self) -> float:
        """Enrolment: cosine below which photos show different people; a bound here would only refuse more of them."""
        return self.likely.cosine_for(SAME_PERSON_FMR)

    def eyes(self) -> Eyes:
        """Returns new eyes: a thread each."""
        config = self.config
        detector = partial(Detector, score_threshold=config.detector.score_threshold)
        finds = self._made(detector, config.models.detector, self.detector)
        aligns = self._made(Aligner, config.models.aligner, self.aligner)
        encodes = self.plain_encoder()
        wanted, made = self.space.dimension, encodes.dimension
        if wanted not in (None, made):
            where, advice = (
                (config.models.encoder.with_suffix(".json"), "copy the card that belongs to the file")
                if self.site is None
                else (config.models.site, "run `latchkey calibrate` again")
            )
            raise ModelError(f"{where}: is for vectors of {wanted} numbers, the encoder makes {made}: {advice}")
        return Eyes(finds, aligns, encodes if self.key is None else TurnedEncoder(encodes, self.key))

    def plain_encoder(self) -> Encoder:
        """Returns a new encoder as its card describes it, never turned: for the self-test and for measuring.

        Raises:
            ModelError: the file is not the one its card describes.
        """
        encoder = partial(Encoder, model_id=self.model_id, flip_average=self.config.gate.flip_average)
        return self._made(encoder, self.config.models.encoder, self.encoder)

    def _made(self, kind: Callable[[Model], T], file: Path, card: Card) -> T:
        options = self.config.engine
        settings = {"runtime": options.runtime, "delegate": options.delegate or None, "threads": options.threads}
        engine = backends.load("engine", options.runtime)
        model: Model = engine(file, sha256=card.sha256, **settings)  # type: ignore[arg-type] # mixed values
        with _naming(file):
            return kind(model)

    def self_test(self, encoder: Encoder) -> SelfTest | None:
        """Returns whether an encoder says what it said when it was made; None where its card does not tell.

        Raises:
            ModelError: it does not.
        """
        with _naming(self.config.models.encoder):
            crops, least = read_golden(self.encoder.fields)
            if not crops:
                return None
            tested = self_test(encoder, crops, least, _staff)
            if not tested.good:
                raise ModelError(
                    f"says something else about {tested.worst} than when it was made: the cosine is "
                    f"{tested.cosines[tested.worst]:.3f}, at least {least} is wanted; try another [engine] runtime, or "
                    "no delegate"
                )
        return tested

    def threshold(self, templates: int) -> Threshold:
        """Returns the cosine that keeps the configured rate of false accepts in a gallery of so many templates."""
        gate = self.config.gate
        return threshold_for(
            self.table,
            false_accepts_per_visit=gate.false_accepts_per_visit,
            comparisons=templates,
            shots=gate.shots * gate.tries,
            shots_needed=gate.shots_needed,
        )

    @property
    def limits(self) -> QualityLimits:
        """What a face must have to be compared."""
        return QualityLimits(**self.config.quality.model_dump())


def open_bundle(config: Config, key: SiteKey | None = None) -> Bundle:
    """Returns the cards of the models in force, read and checked: see `read_bundle`, `agent.upgrade.in_force`."""
    return read_bundle(configured(config), key)


def read_bundle(config: Config, key: SiteKey | None = None) -> Bundle:
    """Returns the configured models' cards, read and checked.

    Args:
        config: which models, whatever is in force.
        key: what templates are turned by: that of the database they are kept in. None: nothing is kept.

    Raises:
        ModelError: a card is missing or has no table of false match rates, or the site file belongs to another encoder.
    """
    encoder = read_card(config.models.encoder)
    with _naming(config.models.encoder):
        anchors = read_anchors(encoder.fields)
    site = read_site(config.models.site, encoder) if config.models.site is not None else None
    table, likely = (
        FmrTable.from_card(encoder.fields, config.gate.cohort, bound=bound) if site is None else site.table(bound=bound)
        for bound in (True, False)
    )
    detector, aligner = read_card(config.models.detector), read_card(config.models.aligner)
    return Bundle(config, detector, aligner, encoder, table, likely, site, anchors, key)
