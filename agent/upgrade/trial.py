"""Tries models in a process of their own, on this device's runtime, before anybody relies on them.

    python -m agent.upgrade.trial < {"config": ..., "folder": ...}

A file that makes the runtime crash takes the trial with it, and not the door.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from agent.bundle import STAFF, read_bundle
from agent.config import Config
from agent.errors import CommandError, LatchkeyError
from agent.jobs.job import Step
from agent.mqtt.message import Code
from agent.upgrade.in_force import with_models
from agent.vision.pictures import decode_picture

SECONDS: Final = 120.0  # a Pi Zero takes ten
LOOK_SECONDS: Final = 0.1
PICTURE: Final = "ada-1.jpg"  # somebody for the detector to find
_PACKAGES: Final = Path(__file__).parents[2]
_MOST: Final = 65_536  # bytes of an answer
_TABLES: Final[Any] = {
    "device": {"data_dir"},
    **dict.fromkeys(("models", "engine", "detector", "quality", "gate"), True),
}


def trial(config: Config, folder: str) -> Generator[Step, None, dict[str, Any]]:
    """Tries the models of a folder; returns what came out: the lowest cosine, and milliseconds a face.

    Raises:
        CommandError: they are not to be used here.
    """
    tables = config.model_dump(mode="json", include=_TABLES, exclude_none=True)
    asked = json.dumps({"config": tables, "folder": folder}).encode()
    process = subprocess.Popen(
        [sys.executable, "-m", "agent.upgrade.trial"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=_PACKAGES,  # as installed or as checked out: the trial is of this Latchkey
    )
    try:
        deadline, told = time.monotonic() + SECONDS, None
        asked_already = False
        while told is None:
            try:
                told, _ = process.communicate(None if asked_already else asked, timeout=LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                asked_already = True
                if time.monotonic() > deadline:
                    raise CommandError(
                        Code.SELF_TEST_FAILED,
                        f"the new models did not answer in {SECONDS:g} s: too large for this device",
                    ) from None
                yield Step(0, None, "testing")
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    return _answer(told, process.returncode)


def tried(config: Config, folder: str) -> dict[str, Any]:
    """Returns what the models of a folder do, in this process.

    Raises:
        ModelError: they cannot be used.
        CommandError: nobody can tell whether they say what they should.
    """
    bundle = read_bundle(with_models(config, folder))
    encoder = bundle.plain_encoder()
    tested = bundle.self_test(encoder)
    if tested is None:
        raise CommandError(
            Code.SELF_TEST_FAILED, f"the card of {bundle.model_id} has no golden vectors: it cannot be tested here"
        )
    eyes, picture = bundle.eyes(), decode_picture((STAFF / PICTURE).read_bytes())
    began = time.perf_counter()
    faces = eyes.look(picture)
    took = time.perf_counter() - began
    if not faces:
        raise CommandError(Code.SELF_TEST_FAILED, f"the detector {bundle.detector.id} finds no face in {PICTURE}")
    bundle.threshold(1)
    return {
        "encoder": bundle.model_id,
        "detector": bundle.detector.id,
        "lowest_cosine": round(min(tested.cosines.values()), 4),
        "milliseconds": round(1e3 * took, 1),
    }


def _answer(told: bytes, status: int) -> dict[str, Any]:
    answer: object = None
    with suppress(ValueError):
        answer = json.loads(told[-_MOST:])
    if not isinstance(answer, dict):
        how = f"signal {-status}" if status < 0 else f"status {status}"
        raise CommandError(Code.SELF_TEST_FAILED, f"the new models end the runtime of this device ({how})")
    if "failed" in answer:
        raise CommandError(Code.SELF_TEST_FAILED, str(answer["failed"])[:400])
    return answer


def main() -> int:
    """Answers on stdout; returns the exit status."""
    asked = json.load(sys.stdin)
    try:
        answer = tried(Config.model_validate(asked["config"]), asked["folder"])
    except LatchkeyError as error:
        answer = {"failed": str(error)}
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
