"""What new models cost a terminal: `python -m tests.benchmarks.upgrade [--people N] [--crops N]`.

Real models, a real database, the trial in its process; the faces are those of the demo's staff with noise. Prints how
long each step takes, how long no event can be recorded, and how long the agent does not look.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from agent.app import Agent
from agent.bundle import STAFF, open_bundle
from agent.config import Config, load_config
from agent.register import Request
from agent.seal.keyring import site_key
from agent.store.db import open_db
from agent.store.people import add_person
from agent.store.templates import add_templates
from agent.types import Crop
from agent.upgrade.updating import House, roll_back, update
from agent.vision.pictures import decode_picture
from tests.fakes import bundles
from tests.fakes.trust import OWNER

AT = datetime(2026, 11, 26, tzinfo=UTC)
REQUEST = Request("cli:benchmark", AT, "boot")
PATIENCE_SECONDS = 60.0


def main() -> int:
    """Prints the figures; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--crops", type=int, default=2, help="of each")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = terminal(Path(folder))
        enrol(config, asked.people, asked.crops)
        first = bundles.real(Path(folder) / "one", "latchkey-door-2-5eed0000")
        steps(config, first)
        gap(config, bundles.real(Path(folder) / "two", "latchkey-door-3-5eed0001"))
    return 0


def terminal(folder: Path) -> Config:
    """A terminal that looks at a picture of the demo's staff, again and again."""
    (folder / "play").mkdir()
    for number, file in enumerate(sorted(STAFF.glob("*.jpg"))[:4]):
        picture = cv2.resize(cv2.imread(str(file)), (640, 480))
        cv2.imwrite(str(folder / "play" / f"{number}.png"), picture)
    told = {
        "device.data_dir": folder / "data",
        "camera.backend": "files",
        "camera.source": str(folder / "play"),
        "camera.loop": True,
        "mqtt.enabled": False,
        "security.keep_crops": True,
        "trust.owner": OWNER.public.text,
        "clock.synchronised_file": folder / "none",
    }
    return load_config(None, told, {})


def enrol(config: Config, people: int, crops: int) -> None:
    """Templates with crops, a transaction for all."""
    bundle = open_bundle(config, site_key(config))
    eyes, chance = bundle.eyes(), np.random.default_rng(1)
    seen = [eyes.look(decode_picture(file.read_bytes()))[0] for file in sorted(STAFF.glob("*-1.jpg"))]
    with open_db(config.database_path, key=bundle.key) as db, db.transaction():
        for number in range(people):
            add_person(db, f"p{number}", name=None, at=AT)
            shots = []
            for _ in range(crops):
                like = seen[number % len(seen)]
                noise = chance.integers(-12, 12, like.crop.image.shape)
                image = np.clip(like.crop.image + noise, 0, 255).astype(np.uint8)
                shots.append((like.embedding, Crop(image, like.crop.quality)))
            add_templates(db, f"p{number}", shots, AT)
    print(f"{people} people with {crops} crops each: {config.database_path.stat().st_size / 1e6:.0f} MB")


def steps(config: Config, data: bytes) -> None:
    """How long each step of an update takes, and of going back."""
    for what, make in (
        ("update", lambda house: update(house, data, REQUEST)),
        ("roll back", lambda h: roll_back(h, REQUEST)),
    ):
        with open_db(config.database_path, key=site_key(config)) as db:
            writes: list[float] = []

            def write(change, db=db, writes=writes):  # type: ignore[no-untyped-def]
                began = time.perf_counter()
                try:
                    return change(db)
                finally:
                    writes.append(time.perf_counter() - began)

            took: dict[str, float] = {}
            running, note, began = make(House(config, site_key(config), db, write)), "unpacking", time.perf_counter()
            for step in running:
                now = time.perf_counter()
                took[note] = took.get(note, 0.0) + now - began
                note, began = step.note, now
            took[note] = took.get(note, 0.0) + time.perf_counter() - began
        told = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in took.items())
        print(f"{what}: {told}; longest time in which no event is recorded: {max(writes):.2f} s")


def gap(config: Config, data: bytes) -> None:
    """From the last frame that the old agent has looked at to the first of the new one."""
    with Agent(config) as agent:
        agent.look()
        _until(lambda: agent.visits.frames > 0)
        with open_db(config.database_path, key=site_key(config)) as db:
            for _ in update(House(config, site_key(config), db, agent.recorder.write), data, REQUEST):
                pass
        frames = agent.visits.frames
        agent.wait()
        began, cpu = time.perf_counter(), time.process_time()
    closed = time.perf_counter()
    with Agent(config) as again:
        again.look()
        _until(lambda: again.visits.frames > 0)
        ended = time.perf_counter()
        model = again.recogniser.known.gallery.model
    print(
        f"in place: {frames} frames were looked at meanwhile; closing {closed - began:.2f} s, opening"
        f" {ended - closed:.2f} s with {model}; {time.process_time() - cpu:.2f} s of the processor in all"
    )


def _until(condition) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.002)


if __name__ == "__main__":
    sys.exit(main())
