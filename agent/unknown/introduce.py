"""Enrols somebody from pictures that were kept while nobody knew them.

They are what a camera at the door sees, like the shots of an enrolment there, judged good enough when they were taken,
and compared as they were encoded then. But nobody has guided the person: no poses, and mostly fewer of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from agent.bundle import Bundle
from agent.enrolling import Enrolling
from agent.errors import CommandError
from agent.gallery.likeness import Likeness
from agent.gallery.match import Gallery
from agent.members.consent import text_of
from agent.mqtt.message import Code
from agent.register import By, Enrolled, Templates
from agent.unknown.album import Album, Stranger


def introduce(
    bundle: Bundle,
    album: Album,
    enrolling: Enrolling,
    pictures: Sequence[str],
    person: str,
    *,
    name: str | None = None,
    consent: str | Literal[True] | None = None,
    by: By,
) -> Enrolled:
    """Adds a person, or templates to one, from pictures of the album; they are not unknown any more, and deleted there.

    Args:
        bundle: the models' cards and limits.
        album: where the pictures are.
        enrolling: adds the person.
        pictures: their names.
        person: id.
        name: for humans; None keeps the one there is, or takes the id.
        consent: the text that the person agrees to with this; True: that of the configuration.
        by: who asked.

    Returns:
        As `Enrolling.add`.

    Raises:
        CommandError: a picture is gone or of another encoder, or as `Enrolling.add` says.
        EnrolmentRefused: the pictures are of different people, or of somebody else.
    """
    strangers = [_found(album, bundle, picture) for picture in dict.fromkeys(pictures)]
    likeness = Likeness(bundle.duplicate_threshold, bundle.same_person_threshold)
    keeps = bundle.config.security.keep_crops

    def judged(known: Gallery) -> Templates:
        likeness.check([each.embedding.vector for each in strangers], person, known)
        return [(each.embedding, each.crop() if keeps else each.quality) for each in strangers]

    done = enrolling.add(person, name, judged, consent=text_of(consent, bundle.config.privacy), by=by)
    album.delete(pictures)
    return done


def _found(album: Album, bundle: Bundle, picture: str) -> Stranger:
    stranger = album.open(picture)
    if stranger is None:
        raise CommandError(Code.UNKNOWN_EVENT, f"the picture {picture} is gone: load the page again")
    if stranger.embedding.model != bundle.template_model:
        raise CommandError(
            Code.FAILED,
            f"the picture {picture} was encoded by {stranger.embedding.model}, which is not in use any more",
        )
    return stranger
