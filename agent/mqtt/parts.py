"""Photos that arrive one by one before their `enrol` command: bounded, and forgotten when it does not come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from agent.errors import CommandError
from agent.mqtt.message import MAX_PAYLOAD, MAX_PHOTO_BYTES, MAX_PHOTOS, Code
from agent.mqtt.topics import PartTopic

FORGET_SECONDS: Final = 60.0  # after the last part


@dataclass(slots=True)
class _Album:
    of: int
    photos: dict[int, bytes] = field(default_factory=dict)  # by number, from 1
    touched: float = 0.0  # seconds


class Parts:
    """The photos that wait, by command id.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._albums: dict[str, _Album] = {}

    @property
    def waiting_bytes(self) -> int:
        """How many bytes of photos wait."""
        return sum(len(photo) for album in self._albums.values() for photo in album.photos.values())

    def forget(self) -> None:
        """Drops photos whose command did not come in time."""
        horizon = self._clock() - FORGET_SECONDS
        self._albums = {id_: album for id_, album in self._albums.items() if album.touched > horizon}

    def add(self, part: PartTopic, photo: bytes, *, size: int) -> None:
        """Keeps a photo; the same number again replaces it.

        Args:
            part: which one.
            photo: the file, empty where it was too large to be taken.
            size: bytes the file had.

        Raises:
            CommandError: the topic makes no sense, or there is no room.
        """
        if part.id is None or not 1 <= part.number <= part.of <= MAX_PHOTOS:
            raise CommandError(
                Code.BAD_REQUEST, f"want cmd/enrol/<id>/part/<n>/<of>, n from 1, of at most {MAX_PHOTOS}"
            )
        album = self._albums.get(part.id) or _Album(part.of)
        if album.of != part.of:
            raise CommandError(Code.BAD_REQUEST, f"part {part.number} of {part.of}: earlier ones said of {album.of}")
        if size > len(photo) or size > MAX_PAYLOAD:
            raise CommandError(Code.TOO_LARGE, f"a photo of {size} bytes: at most {MAX_PAYLOAD}")
        waiting = self.waiting_bytes - len(album.photos.get(part.number, b""))
        if waiting + len(photo) > MAX_PHOTO_BYTES or len(self._albums) >= MAX_PHOTOS:
            raise CommandError(Code.TOO_LARGE, f"photos that wait for their command: at most {MAX_PHOTO_BYTES} bytes")
        album.photos[part.number] = photo
        album.touched = self._clock()
        self._albums[part.id] = album

    def collect(self, command_id: str, of: int) -> tuple[bytes, ...]:
        """All photos of a command, in order; they stay until `drop`.

        Raises:
            CommandError: some have not arrived, or are forgotten.
        """
        album = self._albums.get(command_id)
        if album is not None and album.of != of:
            raise CommandError(Code.BAD_REQUEST, f"parts = {of}, but the parts said of {album.of}")
        photos = album.photos if album else {}
        missing = [number for number in range(1, of + 1) if number not in photos]
        if missing:
            numbers = ", ".join(map(str, missing))
            raise CommandError(Code.PARTS_MISSING, f"not here (any more): part {numbers} of {of}; send them again")
        return tuple(photos[number] for number in range(1, of + 1))

    def drop(self, command_id: str) -> None:
        """Forgets the photos of a command that has been carried out."""
        self._albums.pop(command_id, None)
