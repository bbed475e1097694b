"""A terminal without a camera: the agent's own recogniser, gate, door and record, fed with one visit after the other.

What `Agent` does with threads and frames that come by themselves happens here in one thread, as fast as possible.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.access.doorkeeper import Doorkeeper
from agent.access.holder import Holder, Register
from agent.bundle import Bundle
from agent.doorman import Doorman
from agent.ears import Ears
from agent.enrolment import Administration
from agent.entrance import Entrance
from agent.errors import EnrolmentRefused
from agent.gallery.match import Gallery
from agent.hardware.inputs import InputsOptions
from agent.hardware.inputs.none import NoInputs
from agent.knowledge import Knowledge
from agent.labels import Labels
from agent.make import lock_settings, make_door, make_recogniser
from agent.mqtt.topics import Topics
from agent.peers import Peers
from agent.recognise import Known, Recogniser
from agent.recorder import Recorder
from agent.runtime import Worker
from agent.store.db import open_db
from agent.store.templates import load_gallery
from agent.types import Decision, Frame, Image, Match, Outcome
from agent.vision.eyes import Eyes
from agent.visits import Visits

BETWEEN_VISITS = timedelta(minutes=1)  # nobody is remembered from the visit before
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Visit:
    """What became of somebody before the camera."""

    began: datetime
    frames: int  # played
    with_face: int  # of these
    decisions: tuple[Decision, ...]

    @property
    def opened_for(self) -> list[str]:
        """Whom the door opened for."""
        return [decision.person for decision in self.grants if decision.person is not None]

    @property
    def grants(self) -> list[Decision]:
        """Decisions that opened the door."""
        return [decision for decision in self.decisions if decision.outcome is Outcome.GRANTED]

    @property
    def denials(self) -> list[Decision]:
        """Decisions that did not."""
        return [decision for decision in self.decisions if decision.outcome is Outcome.DENIED]

    @property
    def waited(self) -> float:
        """Seconds from the first frame until the door opened; infinite where it never did."""
        return min(((grant.sighting.at - self.began).total_seconds() for grant in self.grants), default=float("inf"))

    @property
    def why_not(self) -> str:
        """The reasons of the refusals."""
        if self.denials:
            return ", then ".join(dict.fromkeys(decision.reason.value for decision in self.denials))
        return "nothing concluded" if self.with_face else "no face found"

    @property
    def most_alike(self) -> Match | None:
        """The best match of all that was told."""
        matches = [decision.sighting.match for decision in self.decisions]
        found = [match for match in matches if match is not None and match.person is not None]
        return max(found, key=lambda match: match.similarity, default=None)


class Terminal:
    """Plays visits.

    Args:
        recogniser: looks at them.
        visits: acts.
        told: what `visits` tells its decisions to.
        keeper: decides about those who are known.
    """

    def __init__(self, recogniser: Recogniser, visits: Visits, told: list[Decision], keeper: Doorkeeper) -> None:
        self._recogniser, self._visits, self._told, self._keeper = recogniser, visits, told, keeper
        self._now, self._seq = BEGAN, 0

    def visit(self, known: Known, images: Iterable[Image], *, fps: float, goes_in: bool = True) -> Visit:
        """Plays a visit, and returns what came of it.

        Args:
            known: who is enrolled.
            images: (H, W, 3) uint8 RGB.
            fps: how fast they follow each other.
            goes_in: the visitor is gone as soon as the door opens.
        """
        self._recogniser.known = known
        self._keeper.register = Register({person: Holder(person) for person in known.gallery.people})
        self._told.clear()
        began, frames, with_face = self._now, 0, 0
        for image in images:
            self._now = began + timedelta(seconds=frames / fps)
            self._visits.see(Frame(image, self._now, self._seq, "camera"), time.perf_counter())
            frames, self._seq = frames + 1, self._seq + 1
            with_face += self._recogniser.faces > 0
            if goes_in and any(decision.outcome is Outcome.GRANTED for decision in self._told):
                break
        self._visits.finish()
        self._now += BETWEEN_VISITS
        return Visit(began, frames, with_face, tuple(self._told))


@contextmanager
def open_terminal(bundle: Bundle) -> Iterator[Terminal]:
    """A terminal with a door that only logs and a record in the configured database."""
    told: list[Decision] = []
    crashes: list[BaseException] = []
    config = bundle.config
    with open_db(config.database_path, key=bundle.key) as db, closing(make_door(config)) as door:
        recorder = Recorder(db, boot_id="benchmark", recorded=lambda _: None)
        worker = Worker("recorder", recorder.step, crashed=crashes.append)
        worker.start()
        recogniser = make_recogniser(bundle, known_of(bundle, Gallery.empty(bundle.template_model, bundle.space)))
        keeper = Knowledge(bundle, db, recorder.write).doorkeeper(config.device.name)
        doorman = Doorman(door, NoInputs(InputsOptions()), lock_settings(config), told=lambda *_: None)
        peers = Peers(Topics(config.device.site, config.device.name))
        entrance = Entrance(
            config, keeper, doorman, recorder, bundle.model_id, Labels(config.events), peers, Ears(decided=told.append)
        )
        visits = Visits(recogniser, entrance.saw)
        entrance.now = lambda: visits.at
        try:
            yield Terminal(recogniser, visits, told, keeper)
        finally:
            worker.stop()
            recorder.drain()
    if crashes:
        raise crashes[0]


def known_of(bundle: Bundle, gallery: Gallery) -> Known:
    """Returns a gallery with the threshold that the agent derives for it."""
    return Known(gallery, bundle.threshold(gallery.templates).cosine)


@dataclass(frozen=True, slots=True, eq=False)
class Staff:
    """Who was enrolled, and who was not and why."""

    gallery: Gallery
    refused: Mapping[str, str]  # person -> why

    @property
    def asked(self) -> int:
        """How many people were to be enrolled."""
        return len(self.gallery.people) + len(self.refused)


def enrol(bundle: Bundle, eyes: Eyes, database: Path, photos: Mapping[str, Sequence[bytes | Image]]) -> Staff:
    """Enrols people one after the other, as the command line does, into a database."""
    refused = {}
    with open_db(database, key=bundle.key) as db:
        people = Administration(bundle, eyes, db, boot_id="benchmark")
        for person, pictures in photos.items():
            try:
                people.enrol(person, None, pictures, consent="benchmark", by="cli")
            except EnrolmentRefused as error:
                refused[person] = f"{error.code}: {_cause(error)}"
        return Staff(load_gallery(db, bundle.template_model, bundle.space), refused)


def _cause(error: EnrolmentRefused) -> str:
    """The first of the words of a refusal, without the figures."""
    first = str(error).partition(";")[0].partition(": ")[2]
    return re.sub(r"(: similarity.*|: \d.*| than in photo \d+)", "", first)
