"""Who is enrolled and who is in a picture: the command line and the commands over MQTT do the same things here.

Every change is one transaction with its audit event. Photos are decoded and encoded before it begins; where the people
have changed in the meantime, the photos are judged again, so that two requests cannot enrol one face under two names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import numpy as np

from agent.access.holder import State
from agent.bundle import Bundle
from agent.enrolling import Enrolling
from agent.gallery.enrol import Enroller
from agent.gallery.identify import identify
from agent.register import By, Enrolled, as_json, remove_person
from agent.store import people
from agent.store.db import Db
from agent.types import Image, Seen
from agent.vision.pictures import decode_picture
from agent.write import Write

T = TypeVar("T")

MOST_LISTED = 1000  # people in one answer


class Sight(Protocol):
    """Finds the faces of a picture and encodes each, like `agent.vision.eyes.Eyes`."""

    def look(self, image: Image, /) -> Sequence[Seen]:
        """Every face of a (H, W, 3) uint8 RGB picture."""
        ...


class Administration:
    """Changes and tells who is enrolled. Used by one thread.

    Args:
        bundle: the models' cards and limits, with the key of `db`.
        sight: with the encoder of `bundle`.
        db: read by this thread.
        write: makes the changes; without it they are made with `db`.
        boot_id: goes into the audit events.
        now: the time, UTC.
    """

    def __init__(
        self,
        bundle: Bundle,
        sight: Sight,
        db: Db,
        *,
        write: Write | None = None,
        boot_id: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._bundle, self._sight, self._db = bundle, sight, db
        self._write = write or _with(db)
        self.enrolling = Enrolling(bundle, db, self._write, boot_id=boot_id, now=now)
        self._enroller = enroller_of(bundle, sight)

    def enrol(
        self,
        person: str,
        name: str | None,
        photos: Sequence[bytes | Image],
        *,
        replace: bool = False,
        consent: str | None = None,
        by: By,
        command_id: str | None = None,
    ) -> Enrolled:
        """Adds a person, or photos to a person; all of them or none. The very same photos again add nothing.

        Args:
            person: id.
            name: for humans; None keeps the one there is, or takes the id.
            photos: of this person alone: encoded pictures, or (H, W, 3) uint8 RGB.
            replace: forget the templates so far; the photos need not be like them.
            consent: the text that the person agrees to with this; None where that is on record.
            by: who asked.
            command_id: of the command, if it was one.

        Returns:
            `person`, `name`, how many templates were `added` and how many `templates` there are now.

        Raises:
            EnrolmentRefused: a photo would make a bad template.
            CommandError: the id or the name will not do, there is no consent, or others change the people without end.
            StoreError: nothing was changed.
        """
        return self.enrolling.add(
            person,
            name,
            lambda known: self._enroller.templates(photos, person, known),
            replace=replace,
            consent=consent,
            by=by,
            command_id=command_id,
        )

    def remove(self, person: str, *, by: By, command_id: str | None = None) -> dict[str, Any]:
        """Forgets a person, see `agent.register.remove_person`."""
        request = self.enrolling.request(by, command_id)
        return self._write(lambda db: remove_person(db, person, request))

    def list(
        self,
        *,
        after: str = "",
        limit: int = MOST_LISTED,
        group: str | None = None,
        state: State | None = None,
        search: str | None = None,
    ) -> dict[str, Any]:
        """Returns the `people`, by id, and the `model` whose templates are compared.

        Args:
            after: those whose ids come after this one.
            limit: so many at most; `more` says whether there are others after them.
            group: those who are in it.
            state: those who stand so.
            search: those with this text in id, name or badge number.
        """
        found = people.list_people(self._db, after=after, limit=limit + 1, group=group, state=state, search=search)
        listed = [as_json(person) for person in found[:limit]]
        return {"people": listed, "more": len(found) > limit, "model": self._bundle.model_id}

    def identify(self, photo: bytes | Image) -> dict[str, Any]:
        """Returns the `faces` of a picture, the largest first, each with all that was weighed.

        Raises:
            PictureError: it is none.
        """
        image = photo if isinstance(photo, np.ndarray) else decode_picture(photo)
        _, gallery = self.enrolling.gallery()
        faces = identify(
            image,
            self._sight.look,
            gallery,
            threshold=self._bundle.threshold(gallery.templates).cosine,
            min_margin=self._bundle.config.gate.min_margin,
            limits=self._bundle.limits,
        )
        return {"faces": [face.as_json() for face in faces]}


def enroller_of(bundle: Bundle, sight: Sight) -> Enroller:
    """Returns what judges photos, as enrolment does."""
    return Enroller(
        sight.look,
        bundle.limits,
        duplicate_threshold=bundle.duplicate_threshold,
        same_person_threshold=bundle.same_person_threshold,
        keep_crops=bundle.config.security.keep_crops,
    )


def _with(db: Db) -> Write:
    def write(change: Callable[[Db], T], /) -> T:
        return change(db)

    return write
