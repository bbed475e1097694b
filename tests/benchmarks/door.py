"""Who gets in: real faces before the whole terminal, from the frame to the decision.

    python -m tests.benchmarks.door --data ../shared/data [--write]

Everybody in door/door.zip is enrolled from a few frames of their session, and then

* comes to the door in the rest of it,
* comes as a stranger, while everybody else is enrolled,
* is held before the camera as a printed photograph.

In turn, so that each frame is enrolled from once. The people of the videos are strangers too; those who speak are
also enrolled from their first half second and recognised in the rest. The tables go to the terminal and, with
--write, into the README beside this file.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is imported

import cv2

from agent.bundle import Bundle, open_bundle
from agent.cli.settings import parse_sets
from agent.config import Config, load_config
from agent.enrolment import without
from agent.errors import LatchkeyError
from agent.types import Image
from agent.vision.eyes import Eyes
from agent.vision.pictures import decode_picture
from tests.benchmarks import footage
from tests.benchmarks.footage import Picture
from tests.benchmarks.replay import Staff, Terminal, enrol, known_of, open_terminal
from tests.benchmarks.report import Kind, Results, Tried, rewritten, tables

README = Path(__file__).with_name("README.md")
PHOTOS = 4  # to enrol from
TURNS = 7  # 28 frames a session
FPS = 5.0
STAY_SECONDS = 9.0  # two tries: until the gate has compared all the shots that a visit may have


@dataclass(frozen=True, slots=True)
class Door:
    """All that a benchmark works with."""

    bundle: Bundle
    eyes: Eyes  # to enrol with
    terminal: Terminal
    folder: Path  # for databases
    data: Path

    def members_and_strangers(self, archive: ZipFile, people: Sequence[str], turns: int) -> Iterator[Tried | Staff]:
        """Everybody at the door: enrolled and not, and on paper; in each turn first who is enrolled."""
        live = {person: pictures for person, pictures in footage.sessions(archive, "live").items() if person in people}
        paper = {who: pictures for who, pictures in footage.sessions(archive, "photo").items() if who not in left_out}
        for turn in range(turns):
            chosen = {person: footage.photos_for(pictures, PHOTOS, turn) for person, pictures in live.items()}
            photos = {person: [archive.read(each.member) for each in pictures] for person, pictures in chosen.items()}
            staff = enrol(self.bundle, self.eyes, self.folder / f"turn{turn}.db", photos)
            yield staff
            for person, pictures in live.items():
                rest = [each for each in pictures if each not in chosen[person]]
                if person in staff.gallery.people:
                    yield from self._visits(archive, Kind.MEMBER, person, rest, staff)
                yield from self._visits(archive, Kind.STRANGER, person, pictures, staff)
            for person, pictures in paper.items():
                yield from self._visits(archive, Kind.PHOTO, person, pictures, staff)

    def passers(self, staff: Staff) -> Iterator[Tried]:
        """The people of the videos, who are strangers."""
        known = known_of(self.bundle, staff.gallery)
        for name in (*footage.PASSERS, *(f"{speaker}.mpg" for speaker in footage.SPEAKERS)):
            images = footage.frames_of(self.data / "videos" / name)
            fps = footage.PASSER_FPS.get(name, footage.SPEAKER_FPS)
            visit = self.terminal.visit(known, images, fps=fps, goes_in=False)
            yield Tried(Kind.PASSER, name, known.threshold, visit, enrolled=False)

    def speakers(self, archive: ZipFile, people: Sequence[str]) -> Iterator[Tried | Staff]:
        """The speakers, enrolled beside everybody else from their first half second."""
        half = int(footage.SPEAKER_FPS / 2)
        live = footage.sessions(archive, "live")
        photos: dict[str, list[bytes | Image]] = {
            person: [archive.read(each.member) for each in footage.photos_for(live[person], PHOTOS, 0)]
            for person in people
        }
        rest: dict[str, list[Image]] = {}
        for speaker in footage.SPEAKERS:
            images = list(footage.frames_of(self.data / "videos" / f"{speaker}.mpg"))
            photos[speaker] = [images[i * half // (PHOTOS - 1)] for i in range(PHOTOS)]
            rest[speaker] = images[half + 1 :]
        staff = enrol(self.bundle, self.eyes, self.folder / "speakers.db", photos)
        yield staff
        known = known_of(self.bundle, staff.gallery)
        for speaker in (each for each in rest if each in staff.gallery.people):
            visit = self.terminal.visit(known, rest[speaker], fps=footage.SPEAKER_FPS, goes_in=False)
            yield Tried(Kind.SPEAKER, speaker, known.threshold, visit, enrolled=True)

    def _visits(
        self, archive: ZipFile, kind: Kind, person: str, pictures: Sequence[Picture], staff: Staff
    ) -> Iterator[Tried]:
        gallery = without(staff.gallery, person) if kind is Kind.STRANGER else staff.gallery
        known = known_of(self.bundle, gallery)
        for group in footage.groups(pictures):
            images = [decode_picture(archive.read(each.member)) for each in group]
            stay = footage.forth_and_back(images, int(STAY_SECONDS * FPS))
            visit = self.terminal.visit(known, stay, fps=FPS)
            yield Tried(kind, person, known.threshold, visit, enrolled=person in gallery.people)


def run(config: Config, data: Path, *, turns: int, people: Sequence[str] = (), videos: bool = True) -> Results:
    """Returns what became of everybody.

    Args:
        config: models and gate; `device.data_dir` is written into.
        data: the folder with `door` and `videos`.
        turns: how often each person is enrolled, from other frames each time.
        people: only these; none: all of them.
        videos: play them too.

    Raises:
        LatchkeyError: models, data or videos are not what they should be.
    """
    cv2.setNumThreads(1)
    began, bundle = time.monotonic(), open_bundle(config)
    results = Results(bundle, datetime.now(UTC))
    with ZipFile(data / "door" / "door.zip") as archive, open_terminal(bundle) as terminal:
        door = Door(bundle, bundle.eyes(), terminal, config.device.data_dir, data)
        chosen = people or [*footage.sessions(archive, "live")]
        results.take(door.members_and_strangers(archive, chosen, turns))
        if videos:
            results.take(door.passers(results.staff[0]))
            results.take(door.speakers(archive, chosen))
    results.seconds = time.monotonic() - began
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(prog="door", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with door/ and videos/")
    parser.add_argument("--write", action="store_true", help=f"rewrite the section of {README.name}")
    parser.add_argument("--turns", type=int, default=TURNS, choices=range(1, TURNS + 1), metavar=f"1..{TURNS}")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="as in latchkey run")
    told = parser.parse_args(arguments)
    if not (told.data / "door" / "door.zip").is_file():
        parser.error(f"there is no {told.data / 'door' / 'door.zip'}: see README.md on what it wants")
    with tempfile.TemporaryDirectory(prefix="latchkey-door-") as name:
        folder = Path(name)
        (folder / "agent.toml").touch()  # nobody's own settings
        try:
            config = load_config(
                folder / "agent.toml", {**parse_sets(told.set), "device.data_dir": folder, "mqtt.enabled": False}
            )
            results = run(config, told.data, turns=told.turns)
        except LatchkeyError as error:
            print(f"door: {error}", file=sys.stderr)
            return 2
    text = tables(results, command=" ".join(["python -m tests.benchmarks.door", *(arguments or sys.argv[1:])]))
    print(text)
    if told.write:
        README.write_text(rewritten(README.read_text(encoding="utf-8"), text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
