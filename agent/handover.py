"""Templates go from one device of a site to another, sealed by the key that both have, and are judged as photos are."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from agent.bundle import Bundle
from agent.enrolling import Enrolling
from agent.errors import CommandError
from agent.gallery.likeness import Likeness
from agent.gallery.match import Gallery
from agent.mqtt.message import Code
from agent.register import Enrolled, Templates, enrolled
from agent.store.db import Db
from agent.store.handover import Parcel, opened, packed
from agent.types import Quality

if TYPE_CHECKING:
    from agent.mqtt.verbs.faces import EnrolTemplatesCommand, SealedTemplate


class Handover:
    """Used by one thread.

    Args:
        bundle: the models' cards, with the key of the site.
        db: to read, open with that key.
    """

    def __init__(self, bundle: Bundle, db: Db) -> None:
        self._bundle, self._db = bundle, db
        self._likeness = Likeness(bundle.duplicate_threshold, bundle.same_person_threshold)

    def give(self, person: str) -> dict[str, Any]:
        """Returns a person's templates: `person`, `name`, `model`, `site_key` (fingerprint) and `templates`.

        Raises:
            CommandError: nobody has this id.
        """
        one, encoder = enrolled(self._db, person), self._bundle.model_id
        parcels = packed(self._db, person, encoder)
        return {
            "person": person,
            "name": one.name,
            "model": encoder,
            "site_key": self._db.seal.key.id,
            "templates": [_as_json(parcel) for parcel in parcels],
        }

    def take(self, enrolling: Enrolling, command: EnrolTemplatesCommand, consent: str | None) -> Enrolled:
        """Adds a person by templates of another device.

        Args:
            enrolling: adds them.
            command: whose templates, and which.
            consent: the text that the person agrees to with this.

        Returns:
            As an enrolment by photos.

        Raises:
            CommandError: they are of another model or key, or do not open; or as in an enrolment.
            EnrolmentRefused: they are somebody else's.
        """
        encoder, key = self._bundle.model_id, self._db.seal.key.id
        if command.model != encoder:
            raise CommandError(Code.OTHER_MODEL, f"templates of {command.model}: this device has {encoder}")
        if command.site_key != key:
            raise CommandError(
                Code.OTHER_SITE_KEY, f"sealed with the site's key {command.site_key}: this device has {key}"
            )
        parcels = [_parcel(each) for each in command.templates]
        keeps = self._bundle.config.security.keep_crops
        shots = opened(self._db, command.person, encoder, parcels, keep_crops=keeps)

        def judged(known: Gallery) -> Templates:
            lengths = {len(embedding.vector) for embedding, _ in shots}
            if known.space.dimension is not None:
                lengths.add(known.space.dimension)
            elif len(known.people):
                lengths.add(known.vectors.shape[1])
            if len(lengths) > 1:
                raise CommandError(Code.DAMAGED, f"vectors of {sorted(lengths)} numbers do not go together")
            self._likeness.check([embedding.vector for embedding, _ in shots], command.person, known)
            return shots

        return enrolling.add(
            command.person,
            command.name,
            judged,
            replace=command.replace,
            consent=consent,
            by=command.asked_by,
            command_id=command.id,
        )


def _as_json(parcel: Parcel) -> dict[str, Any]:
    told: dict[str, Any] = {"vector": base64.b64encode(parcel.vector).decode()}
    if parcel.crop is not None:
        told["crop"] = base64.b64encode(parcel.crop).decode()
    quality = parcel.quality
    measures = {name: getattr(quality, name) for name in ("face_px", "sharpness", "yaw", "exposure", "contrast")}
    return told | measures


def _parcel(told: SealedTemplate) -> Parcel:
    quality = Quality(told.face_px, told.sharpness, told.yaw, told.exposure, told.contrast)
    return Parcel(told.vector, quality, told.crop)
