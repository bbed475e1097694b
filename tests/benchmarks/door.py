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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is imported

import cv2

from agent.bundle import Bundle, open_bundle
from agent.cli.settings import parse_sets
from agent.config import Config, load_config
from agent.errors import LatchkeyError
from agent.gallery.match import Gallery
from agent.seal.keys import SiteKey
from agent.types import Image
from agent.vision.eyes import Eyes
from agent.vision.pictures import decode_picture
from tests.benchmarks import footage
from tests.benchmarks.footage import Picture
from tests.benchmarks.replay import Staff, Terminal, enrol, known_of, open_terminal
from tests.benchmarks.report import rewritten, tables
from tests.benchmarks.results import Kind, Results, Tried

README = Path(__file__).with_name("README.md")
PHOTOS = 4  # to enrol from
TURNS = 7  # 28 frames a session
FPS = 5.0
STAY_SECONDS = 9.0  # two tries: until the gate has compared all the shots that a visit may have


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """All that a benchmark works with."""

    bundle: Bundle
    eyes: Eyes  # to enrol with
    terminal: Terminal
    folder: Path  # for databases
    archive: ZipFile
    live: Mapping[str, Sequence[Picture]]  # person -> their session
    paper: Mapping[str, Sequence[Picture]]  # person -> their photographs, held before the camera

    def turn(self, turn: int) -> Iterator[Tried | Staff]:
        """Everybody at the door: enrolled, as a stranger, and on paper. First who is enrolled."""
        chosen = self._chosen(turn)
        staff = enrol(self.bundle, self.eyes, self.folder / f"turn{turn}.db", self._read(chosen))
        yield staff
        for person, pictures in self.live.items():
            if person in staff.gallery.people:
                rest = [each for each in pictures if each not in chosen[person]]
                yield from self._visits(Kind.MEMBER, person, rest, staff.gallery)
            yield from self._visits(Kind.STRANGER, person, pictures, staff.gallery.without(person))
        for person, pictures in self.paper.items():
            yield from self._visits(Kind.PHOTO, person, pictures, staff.gallery)

    def passers(self, videos: Path, staff: Staff) -> Iterator[Tried]:
        """The people of the videos, who are strangers."""
        for name, fps in footage.VIDEOS.items():
            yield self._visit(Kind.PASSER, name, footage.frames_of(videos / name), fps, staff.gallery)

    def speakers(self, videos: Path) -> Iterator[Tried]:
        """The speakers, enrolled beside everybody else from their first half second."""
        sessions = {name: list(footage.frames_of(videos / name)) for name in footage.SPEAKERS}
        half = int(footage.SPEAKER_FPS / 2)
        first = {name: [images[i * half // (PHOTOS - 1)] for i in range(PHOTOS)] for name, images in sessions.items()}
        staff = enrol(
            self.bundle, self.eyes, self.folder / "speakers.db", {**self._read(self._chosen(turn=0)), **first}
        )
        for name, images in sessions.items():
            yield self._visit(Kind.SPEAKER, name, images[half + 1 :], footage.SPEAKER_FPS, staff.gallery)

    def _chosen(self, turn: int) -> dict[str, list[Picture]]:
        """Everybody's pictures to enrol from."""
        return {person: footage.photos_for(pictures, PHOTOS, turn) for person, pictures in self.live.items()}

    def _read(self, chosen: Mapping[str, Sequence[Picture]]) -> dict[str, list[bytes | Image]]:
        return {person: [self.archive.read(each.member) for each in pictures] for person, pictures in chosen.items()}

    def _visits(self, kind: Kind, person: str, pictures: Sequence[Picture], gallery: Gallery) -> Iterator[Tried]:
        for group in footage.groups(pictures):
            images = [decode_picture(self.archive.read(each.member)) for each in group]
            stay = footage.forth_and_back(images, int(STAY_SECONDS * FPS))
            yield self._visit(kind, person, stay, FPS, gallery)

    def _visit(self, kind: Kind, who: str, images: Iterable[Image], fps: float, gallery: Gallery) -> Tried:
        known = known_of(self.bundle, gallery)
        recording = kind in (Kind.PASSER, Kind.SPEAKER)  # goes on, whoever it shows
        visit = self.terminal.visit(known, images, fps=fps, goes_in=not recording)
        return Tried(kind, who, known.threshold, visit, enrolled=who in gallery.people)


def run(config: Config, data: Path, *, turns: int, people: Sequence[str] = (), videos: bool = True) -> Results:
    """Returns what became of everybody.

    Args:
        config: models and gate; `device.data_dir` is written into.
        data: the folder with `door` and `videos`.
        turns: how often each person is enrolled, from other frames each time.
        people: only these, themselves and on paper; none: all of them.
        videos: play them too.

    Raises:
        LatchkeyError: models, data or videos are not what they should be.
    """
    cv2.setNumThreads(1)
    began, bundle = time.monotonic(), open_bundle(config, SiteKey.new())
    results = Results(bundle, datetime.now(UTC))
    with ZipFile(data / "door" / "door.zip") as archive, open_terminal(bundle) as terminal:
        live, paper = (
            {who: pictures for who, pictures in footage.sessions(archive, kind).items() if not people or who in people}
            for kind in ("live", "photo")
        )
        door = Door(
            bundle=bundle,
            eyes=bundle.eyes(),
            terminal=terminal,
            folder=config.device.data_dir,
            archive=archive,
            live=live,
            paper=paper,
        )
        for turn in range(turns):
            results.take(door.turn(turn))
        if videos:
            results.take(door.passers(data / "videos", results.staff[0]))
            results.take(door.speakers(data / "videos"))
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
    typed = sys.argv[1:] if arguments is None else arguments
    text = tables(results, command=" ".join(["python -m tests.benchmarks.door", *typed]))
    print(text)
    if told.write:
        README.write_text(rewritten(README.read_text(encoding="utf-8"), text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
