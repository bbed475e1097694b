"""What comes in parts before its command: kept on the disk, bounded, forgotten when the command does not come.

    parts {id_of, parts}     announces them, signed: from then on only parts of these hashes are taken for the id
    cmd/<verb>/<id>/part/..  the parts, in any order, any of them again
    parts {id_of, of}        which are here: the others are sent again
    <verb> {parts: [...]}    the command names the parts by their SHA-256, and is carried out with these alone

Parts are not signed themselves, so anybody whom the broker lets may send some. So they are kept by what they are: a
false one takes no true one's place, and the oldest that nobody has announced give way. What belongs to a command that
was accepted gives way to nothing. Each is sealed with the site's key: no photo lies in the open.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from agent.errors import CommandError, StoreError
from agent.mqtt.message import MAX_PARTS, MAX_PAYLOAD, Code
from agent.mqtt.spooled import Batch, Piece, read_folder, remove_folder, take_out, write_piece
from agent.mqtt.topics import PartTopic
from agent.seal.sealing import Seal

FORGET_SECONDS: Final = 3600.0  # after the last part
MAX_BYTES: Final = 64 * 2**20  # all parts together
MAX_BATCHES: Final = 64  # commands whose parts wait
MAX_PIECES: Final = 4096  # parts
MAX_ANNOUNCED: Final = 32  # of them; the oldest announcement gives way
VARIANTS: Final = 2  # parts of one number: the true one, and one that is not
_MOST_NAMED: Final = 20  # missing parts, in a message


class Spool:
    """The parts that wait, by command id. For any thread.

    Args:
        folder: of its own; made where it is not there, for nobody else to read.
        seal: of the site.
        kept: ids of commands that were accepted: what is here of theirs stays.
        clock: monotonic seconds.

    Raises:
        StoreError: the folder cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        seal: Seal,
        *,
        kept: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._seal, self._clock = folder, seal, clock
        self._lock = threading.Lock()
        self._batches: dict[str, Batch] = {}
        self._bytes = self._pieces = 0  # of all of them
        try:
            found = read_folder(folder)
        except OSError as error:
            raise StoreError(f"{folder}, where parts of commands wait, cannot be used: {error.strerror}") from error
        for command_id, (pieces, age_seconds) in found.items():
            if command_id not in kept and age_seconds > FORGET_SECONDS:
                remove_folder(folder / command_id)
                continue
            touched = clock() - age_seconds
            self._batches[command_id] = Batch(dict(pieces), touched, held=command_id in kept)
            self._bytes, self._pieces = self._bytes + sum(pieces.values()), self._pieces + len(pieces)
        with suppress(CommandError):  # what was accepted stays, however much that is
            self._make_room(0)

    @property
    def waiting_bytes(self) -> int:
        """How many bytes wait."""
        return self._bytes

    def forget(self) -> None:
        """Drops the parts whose command did not come in time."""
        with self._lock:
            horizon = self._clock() - FORGET_SECONDS
            for command_id in [id_ for id_, batch in self._batches.items() if batch.touched <= horizon]:
                if not self._batches[command_id].held:
                    self._drop(command_id)

    def add(self, part: PartTopic, payload: bytes, *, size: int) -> None:
        """Keeps a part; the same again changes nothing.

        Args:
            part: which one.
            payload: empty where it was too large to be taken.
            size: bytes it had.

        Raises:
            CommandError: the topic makes no sense, it is not what was announced, or there is no room.
        """
        if part.id is None or not 1 <= part.number <= part.of <= MAX_PARTS:
            raise CommandError(
                Code.BAD_REQUEST, f"want cmd/<verb>/<id>/part/<n>/<of>, n from 1, of at most {MAX_PARTS}"
            )
        if size > len(payload) or size > MAX_PAYLOAD:
            raise CommandError(Code.TOO_LARGE, f"a part of {size} bytes: at most {MAX_PAYLOAD}")
        piece = Piece(part.number, hashlib.sha256(payload).hexdigest())
        with self._lock:
            batch = self._batches.get(part.id) or Batch()
            _check_wanted(batch, piece)
            batch.touched = self._clock()
            if piece not in batch.pieces:
                self._put(part.id, batch, piece, payload)

    def announce(self, command_id: str, hashes: Sequence[str]) -> None:
        """Takes no other parts than these for a command from now on, and lets them not give way for an hour."""
        with self._lock:
            batch = self._batches.setdefault(command_id, Batch())
            if batch.held:
                return
            batch.touched, batch.wanted = self._clock(), tuple(hashes)
            for piece in [each for each in batch.pieces if not batch.wants(each)]:
                self._drop_piece(command_id, batch, piece)
            announced = [id_ for id_, each in self._batches.items() if each.wanted is not None and not each.held]
            for oldest in sorted(announced, key=lambda id_: self._batches[id_].touched)[:-MAX_ANNOUNCED]:
                self._drop(oldest)
            self._make_room(0, but=command_id)

    def here(self, command_id: str, hashes: Sequence[str] | None = None) -> list[int]:
        """Returns the numbers of the parts that are here, counted from 1; of these hashes where they are given."""
        with self._lock:
            batch = self._batches.get(command_id) or Batch()
            wanted = hashes if hashes is not None else batch.wanted
            if wanted is None:
                return sorted({piece.number for piece in batch.pieces})
            return [n for n, sha256 in enumerate(wanted, start=1) if Piece(n, sha256) in batch.pieces]

    def check(self, command_id: str, hashes: Sequence[str]) -> None:
        """Refuses a command whose parts are not all here.

        Raises:
            CommandError: naming those that are not.
        """
        here = set(self.here(command_id, hashes))
        missing = [str(number) for number in range(1, len(hashes) + 1) if number not in here]
        if missing:
            more = ", ..." if len(missing) > _MOST_NAMED else ""
            raise CommandError(
                Code.PARTS_MISSING,
                f"not here, or others than those that were signed: part {', '.join(missing[:_MOST_NAMED])}{more} of "
                f"{len(hashes)}; send them again",
            )

    def read(self, command_id: str, hashes: Sequence[str]) -> Iterator[bytes]:
        """Yields the parts of a command, in order, one at a time.

        Raises:
            CommandError: one is not here (any more), or not what was signed.
        """
        self.check(command_id, hashes)
        for number, sha256 in enumerate(hashes, start=1):
            piece = Piece(number, sha256)
            found = take_out(self._folder, command_id, piece, self._seal)
            if found is None or hashlib.sha256(found).hexdigest() != sha256:
                with self._lock:
                    self._drop_piece(command_id, self._batches.get(command_id) or Batch(), piece)
                raise CommandError(Code.PARTS_MISSING, f"damaged on the disk: part {number}; send it again")
            yield found

    def hold(self, command_id: str) -> bool:
        """Keeps the parts of a command until they are released; returns whether they were not kept before."""
        with self._lock:
            batch = self._batches.get(command_id)
            if batch is None or batch.held:
                return False
            batch.held = True
            return True

    def let_go(self, command_id: str) -> None:
        """Keeps the parts of a command no longer than others."""
        with self._lock:
            if command_id in self._batches:
                self._batches[command_id].held = False

    def drop(self, command_id: str) -> None:
        """Forgets the parts of a command that has been carried out, but not those of a job under way."""
        with self._lock:
            batch = self._batches.get(command_id)
            if batch is not None and not batch.held:
                self._drop(command_id)

    def release(self, command_id: str) -> None:
        """Forgets the parts of a job that is over."""
        with self._lock:
            if command_id in self._batches:
                self._drop(command_id)

    # With the lock

    def _put(self, command_id: str, batch: Batch, piece: Piece, payload: bytes) -> None:
        same = [each for each in batch.pieces if each.number == piece.number]
        if batch.held:
            raise CommandError(Code.BAD_REQUEST, "the command was accepted already: it needs no more parts")
        if len(same) >= VARIANTS:
            self._drop_piece(command_id, batch, same[0])
        if len(payload) + sum(batch.pieces.values()) > MAX_BYTES:
            raise CommandError(Code.TOO_LARGE, f"the parts of a command: at most {MAX_BYTES} bytes")
        self._make_room(len(payload), but=command_id, more=command_id not in self._batches)
        try:
            write_piece(self._folder, command_id, piece, payload, self._seal)
        except OSError as error:
            raise CommandError(Code.STORAGE_FAILED, f"a part cannot be kept: {error.strerror or error}") from error
        batch.pieces[piece] = len(payload)
        self._bytes, self._pieces = self._bytes + len(payload), self._pieces + 1
        self._batches[command_id] = batch

    def _make_room(self, size: int, *, but: str = "", more: bool = False) -> None:
        """Lets the oldest that nobody has announced give way.

        Raises:
            CommandError: that is not enough.
        """
        while self._bytes + size > MAX_BYTES or self._pieces >= MAX_PIECES or len(self._batches) + more > MAX_BATCHES:
            free = {
                id_: batch
                for id_, batch in self._batches.items()
                if id_ != but and not batch.held and batch.wanted is None
            }
            if not free:
                raise CommandError(
                    Code.BUSY, f"parts of other commands take the {MAX_BYTES} bytes there are: try later"
                )
            self._drop(min(free, key=lambda id_: self._batches[id_].touched))

    def _drop(self, command_id: str) -> None:
        batch = self._batches.pop(command_id)
        self._bytes, self._pieces = self._bytes - sum(batch.pieces.values()), self._pieces - len(batch.pieces)
        remove_folder(self._folder / command_id)

    def _drop_piece(self, command_id: str, batch: Batch, piece: Piece) -> None:
        if (size := batch.pieces.pop(piece, None)) is not None:
            self._bytes, self._pieces = self._bytes - size, self._pieces - 1
        (self._folder / command_id / piece.file).unlink(missing_ok=True)


def _check_wanted(batch: Batch, piece: Piece) -> None:
    if not batch.wants(piece):
        raise CommandError(Code.BAD_REQUEST, f"part {piece.number} is another than was announced")
