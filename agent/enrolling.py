"""Adds people and their templates: from photos, from the camera at the door, from another device of the site.

Templates are judged before the transaction that keeps them; where the people have changed in the meantime, they are
judged again, so that two requests cannot enrol one face under two names.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from agent.bundle import Bundle
from agent.clock import clock_state
from agent.errors import CommandError
from agent.gallery.match import Gallery
from agent.members import consent as consents
from agent.mqtt.message import Code
from agent.register import By, Enrolled, Enrolment, Request, Templates, add_templates, check_names
from agent.store import people
from agent.store.db import Db
from agent.store.templates import load_gallery
from agent.write import Write

TRIES: Final = 5  # of an enrolment; somebody else must have changed the people during each of them
SAME_PICTURE: Final = 0.99999  # cosine: the very same photo again


class Enrolling:
    """Used by one thread.

    Args:
        bundle: the models' cards and limits, with the key of `db`.
        db: read by this thread.
        write: makes the changes.
        boot_id: goes into the audit events.
        now: the time, UTC.
    """

    def __init__(
        self,
        bundle: Bundle,
        db: Db,
        write: Write,
        *,
        boot_id: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._bundle, self._db, self._write = bundle, db, write
        self._boot_id, self._now = boot_id, now
        self._known: tuple[int, Gallery] | None = None  # with the version of the people it shows

    def check(self, person: str, name: str | None, consent: str | None) -> None:
        """Refuses somebody who cannot be enrolled, whatever their face is like.

        Raises:
            CommandError: the id or the name will not do, or there is no consent.
        """
        check_names(person, name)
        consents.check(self._db, person, consent, self._bundle.config.privacy)

    def add(
        self,
        person: str,
        name: str | None,
        judge: Callable[[Gallery], Templates],
        *,
        replace: bool = False,
        consent: str | None = None,
        consent_by: str | None = None,
        by: By,
        command_id: str | None = None,
    ) -> Enrolled:
        """Adds a person, or templates to a person; all of them or none. The very same again add nothing.

        Args:
            person: id.
            name: for humans; None keeps the one there is, or takes the id.
            judge: returns the templates, or raises, for the people there are; may be asked again.
            replace: forget the templates so far; the new ones need not be like them.
            consent: the text that the person agrees to with this; None where that is on record.
            consent_by: who took that down; None: who asked.
            by: who asked.
            command_id: of the command, if it was one.

        Returns:
            `person`, `name`, how many templates were `added` and how many `templates` there are now.

        Raises:
            EnrolmentRefused: the templates would be bad ones.
            CommandError: the id or the name will not do, there is no consent, or others change the people without end.
            StoreError: nothing was changed.
        """
        self.check(person, name, consent)
        for _ in range(TRIES):
            version, gallery = self.gallery()
            known = gallery.without(person) if replace else gallery
            new = _not_yet(judge(known), known, person)
            add = partial(
                add_templates,
                enrolment=Enrolment(person, name, new, replace, consent, consent_by),
                version=version,
                privacy=self._bundle.config.privacy,
                request=self.request(by, command_id),
            )
            if (done := self._write(add)) is not None:
                return done
        raise CommandError(Code.BUSY, f"others keep changing who is enrolled: try {person} again later")

    def request(self, by: By, command_id: str | None) -> Request:
        """Returns who asks, for the audit."""
        clock = clock_state(self._bundle.config.clock.synchronised_file)
        return Request(by, self._now(), self._boot_id, command_id, clock)

    def gallery(self) -> tuple[int, Gallery]:
        """Returns who is enrolled now, with the version of that."""
        version = people.gallery_version(self._db)
        if self._known is None or self._known[0] != version:
            self._known = version, load_gallery(self._db, self._bundle.template_model, self._bundle.space)
        return self._known


def _not_yet(templates: Templates, gallery: Gallery, person: str) -> Templates:
    """The templates that are not there, so that a command which is repeated changes nothing."""
    own = gallery.of(person)  # (N, D)
    if not len(own):
        return templates
    return [each for each in templates if float((own @ gallery.space(each[0].vector)).max()) < SAME_PICTURE]
