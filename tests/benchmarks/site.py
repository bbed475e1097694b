"""What calibrating on a site's people gives to others of it: the door of `door.py` with half of its people each.

    python -m tests.benchmarks.site --data ../shared/data [--ways card worst site] [--splits 1] [--turns 7] [--set ...]

The people of door/door.zip are split into halves by chance. One half calibrates, from four photos each; the other half
comes to the door, as itself and as strangers, with the threshold of the encoder's own cohort, of its worst cohort
(where the card has one) and of the site file. Then the halves change places. Counts are summed over all halves.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import ZipFile

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is imported

import numpy as np

from agent.bundle import open_bundle
from agent.cli.settings import parse_sets
from agent.cli.site_photos import photo_album
from agent.config import Config, load_config
from agent.errors import LatchkeyError
from agent.gallery.calibration import calibrate
from tests.benchmarks import footage
from tests.benchmarks.door import PHOTOS, TURNS, run
from tests.benchmarks.results import Kind, Results


@dataclass(slots=True)
class Tally:
    """Counts of one way to set the threshold."""

    thresholds: list[float] = field(default_factory=list)
    refused: int = 0
    doubles: int = 0  # of the refused: "enrolled already"
    asked: int = 0
    members: int = 0
    shut_out: int = 0
    strangers: int = 0
    let_in: int = 0
    photographs: int = 0
    fooled: int = 0

    def add(self, results: Results) -> None:
        """Counts one run."""
        for staff in results.staff:
            self.asked += staff.asked
            self.refused += len(staff.refused)
            self.doubles += sum(why.startswith("duplicate_person") for why in staff.refused.values())
        members, strangers, papers = (results.of(kind) for kind in (Kind.MEMBER, Kind.STRANGER, Kind.PHOTO))
        self.thresholds += [each.threshold for each in members]
        self.members += len(members)
        self.shut_out += sum(not each.let_in for each in members)
        self.strangers += len(strangers)
        self.let_in += sum(bool(each.mistaken_for) for each in strangers)
        self.photographs += len(papers)
        self.fooled += sum(bool(each.visit.grants) for each in papers)

    def row(self, name: str) -> str:
        """A line of the table."""
        threshold = f"{np.mean(self.thresholds):.3f}" if self.thresholds else ""
        return (
            f"| {name} | {threshold} | {self.let_in} of {self.strangers} | {self.shut_out} of {self.members} | "
            f"{self.refused} of {self.asked} ({self.doubles}) | {self.fooled} of {self.photographs} |"
        )


WAYS = {"card": "the card's own cohort", "worst": "its worst cohort", "site": "the site"}
HEAD = (
    "| rates of | threshold | strangers let in | enrolled people refused | enrolments refused (as doubles) "
    "| photographs let in |\n| --- | --- | --- | --- | --- | --- |"
)


def halves(people: Sequence[str], splits: int) -> Iterator[tuple[list[str], list[str]]]:
    """Yields who calibrates and who comes to the door, twice a split."""
    random = np.random.default_rng(0)
    for _ in range(splits):
        order = [people[i] for i in random.permutation(len(people))]
        half = len(order) // 2
        yield sorted(order[:half]), sorted(order[half:])
        yield sorted(order[half:]), sorted(order[:half])


def write_site(config: Config, archive: ZipFile, live: Mapping[str, Sequence[footage.Picture]], out: Path) -> str:
    """Calibrates on people of the archive as `latchkey calibrate` does; returns how faces are compared."""
    with tempfile.TemporaryDirectory() as folder:
        for person, pictures in live.items():
            (Path(folder) / person).mkdir()
            for each in footage.photos_for(pictures, PHOTOS, 0):
                (Path(folder) / person / Path(each.member).name).write_bytes(archive.read(each.member))
        bundle = open_bundle(config)
        album = photo_album(bundle, Path(folder))
    fitted = calibrate(album.vectors, album.people, bundle.table)
    out.write_text(json.dumps(fitted.site(bundle.encoder.fields, "benchmark", len(album.people), {}).as_json()))
    return f"{fitted.method}, {len(album.names)} people, {len(album.people)} photos"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(prog="site", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with door/")
    parser.add_argument("--ways", nargs="+", default=[*WAYS], choices=WAYS, help="whose rates")
    parser.add_argument("--splits", type=int, default=1)
    parser.add_argument("--turns", type=int, default=TURNS, choices=range(1, TURNS + 1), metavar=f"1..{TURNS}")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="as in latchkey run")
    told = parser.parse_args(arguments)
    if not (told.data / "door" / "door.zip").is_file():
        parser.error(f"there is no {told.data / 'door' / 'door.zip'}: see README.md on what it wants")
    try:
        _all(told.data, told.ways, told.splits, told.turns, parse_sets(told.set))
    except LatchkeyError as error:
        print(f"site: {error}", file=sys.stderr)
        return 2
    return 0


def _all(data: Path, ways: Sequence[str], splits: int, turns: int, sets: Mapping[str, object]) -> None:
    tallies = {name: Tally() for name in ways}
    with tempfile.TemporaryDirectory(prefix="latchkey-site-") as name, ZipFile(data / "door" / "door.zip") as archive:
        folder = Path(name)
        (folder / "agent.toml").touch()
        live = footage.sessions(archive, "live")
        for number, (fitting, coming) in enumerate(halves(list(live), splits)):
            common = {**sets, "mqtt.enabled": False, "device.data_dir": folder / str(number)}
            site = folder / f"site{number}.json"
            config = load_config(folder / "agent.toml", common)
            how = write_site(config, archive, {person: live[person] for person in fitting}, site)
            print(f"half {number + 1} of {2 * splits}: {' '.join(fitting)} calibrate ({how})", flush=True)
            for way in ways:
                more = {"models.site": site} if way == "site" else {"gate.cohort": way}
                where = {"device.data_dir": folder / f"{number}-{way}"}
                config = load_config(folder / "agent.toml", common | more | where)
                tallies[way].add(run(config, data, turns=turns, people=coming, videos=False))
    print(HEAD)
    for way, tally in tallies.items():
        print(tally.row(WAYS[way]))


if __name__ == "__main__":
    sys.exit(main())
