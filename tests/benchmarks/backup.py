"""What a backup costs: `python -m tests.benchmarks.backup [--people N] [--templates N]`.

A real database, sealed; backup and restore run in processes of their own, whose memory is measured.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is imported

import numpy as np

from agent.backup.keys import BackupKey
from agent.config import Config, load_config
from agent.seal.keyring import site_key
from agent.store.db import open_db
from agent.store.people import add_person
from agent.store.templates import add_templates
from agent.types import Embedding, Quality

AT = datetime(2026, 11, 26, tzinfo=UTC)
QUALITY = Quality(face_px=100.0, sharpness=100.0, yaw=0.0, exposure=100.0, contrast=50.0)
MODEL = "latchkey-door-1-b807f300"


def main() -> int:
    """Prints the figures; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--templates", type=int, default=5, help="of each")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file, key, backup = folder / "agent.toml", folder / "backup.key", folder / "door.backup"
        file.write_text(f'[device]\ndata_dir = "{folder / "data"}"\n')
        config = load_config(file, environ={})
        fill(config, asked.people, asked.templates)
        size = config.database_path.stat().st_size
        print(f"{asked.people} people with {asked.templates} templates each: {size / 1e6:.0f} MB")
        BackupKey.new().write(key)
        public = BackupKey.read(key).recipient.text
        idle = measured(["version"])[1]
        for what, command in (
            ("backup", ["backup", str(backup), "--to", public, "-c", str(file)]),
            ("restore", ["restore", str(backup), "--key", str(key), "--yes", "-c", str(file)]),
        ):
            seconds, most = measured(command)
            print(
                f"{what}: {seconds:.1f} s, {size / 1e6 / seconds:.0f} MB/s, {most / 1024:.0f} MiB of memory at most "
                f"(the command that does nothing: {idle / 1024:.0f})"
            )
        print(f"the file has {backup.stat().st_size / 1e6:.0f} MB")
    return 0


def fill(config: Config, people: int, templates: int) -> None:
    """People with templates of noise, a thousand in each transaction."""
    key, chance = site_key(config), np.random.default_rng(1)
    with open_db(config.database_path, key=key) as db:
        for start in range(0, people, 1000):
            with db.transaction():
                for number in range(start, min(start + 1000, people)):
                    vectors = chance.standard_normal((templates, 256)).astype(np.float32)
                    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
                    add_person(db, f"p{number}", name=None, at=AT)
                    add_templates(db, f"p{number}", [(Embedding(v, key.model(MODEL)), QUALITY) for v in vectors], AT)


def measured(command: list[str]) -> tuple[float, int]:
    """Seconds, and the most memory of the process in KiB, as the kernel counts it (getrusage(2), of its children)."""
    code = "import resource, subprocess, sys\nstatus = subprocess.call(sys.argv[1:])\n"
    code += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\nsys.exit(status)"
    began = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-c", code, sys.executable, "-m", "agent.cli", *command],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return time.perf_counter() - began, int(run.stdout.splitlines()[-1])


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
