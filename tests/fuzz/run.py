"""Feeds all targets in turn: `python -m tests.fuzz.run --executions 1000000` (`make fuzz`).

Each has a process of its own, so that a crash, a hang or a leak of one is no other's. Ends with status 1 where one of
them crashed, and says how to try the input again.
"""

import argparse
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.targets.every import EVERY

LONGEST_SECONDS = 3600  # of one target
CRASHES = Path("fuzz-crashes")


@dataclass(frozen=True)
class Fed:
    """What became of a target."""

    name: str
    executions: int
    seconds: float
    coverage: str
    crash: Path | None
    said: str  # its last words, where it crashed


def feed(name, runs, crashes, seed):
    """Returns what became of a target after so many executions."""
    before = set(crashes.glob(f"{name}-*"))
    began = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.feed",
        name,
        f"--runs={runs}",
        f"--seed={seed}",
        f"--crashes={crashes}",
    ]
    try:
        done = subprocess.run(command, capture_output=True, timeout=LONGEST_SECONDS, check=False)
        said, status = (done.stdout + done.stderr).decode(errors="replace"), done.returncode
    except subprocess.TimeoutExpired as expired:
        said, status = (expired.stderr or b"").decode(errors="replace") + "\nit took an hour", 1
    new = sorted(set(crashes.glob(f"{name}-*")) - before)
    executed = re.findall(r"stat::number_of_executed_units:\s*(\d+)", said) or re.findall(
        r"^#(\d+)\s", said, re.MULTILINE
    )
    covered = re.findall(r"cov: (\d+) ft: (\d+)", said)
    return Fed(
        name,
        int(executed[0]) if executed else 0,
        time.monotonic() - began,
        covered[-1][0] if covered else "-",
        new[0] if new else None,
        "" if status == 0 else "\n".join(said.strip().splitlines()[-40:]),
    )


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__)
    parser.add_argument("--executions", type=int, default=1_000_000, help="of all targets together")
    parser.add_argument("--only", nargs="*", choices=sorted(EVERY), default=sorted(EVERY), metavar="NAME")
    parser.add_argument("--seed", type=int, default=1, help="the same seed tries the same again")
    parser.add_argument("--crashes", type=Path, default=CRASHES, help="where inputs that crash are left")
    told = parser.parse_args(arguments)
    targets = sorted((EVERY[name] for name in told.only), key=lambda target: target.share, reverse=True)
    shares = sum(target.share for target in targets)
    told.crashes.mkdir(parents=True, exist_ok=True)
    total, crashed = 0, 0
    for target in targets:
        fed = feed(target.name, -(-told.executions * target.share // shares), told.crashes, told.seed)
        total, crashed = total + fed.executions, crashed + bool(fed.said)
        print(
            f"{fed.name:14} {fed.executions:>9,} executions {fed.seconds:7.1f} s  branches {fed.coverage:>6}",
            flush=True,
        )
        if fed.said:
            again = f"python -m tests.fuzz.feed {fed.name} {fed.crash}" if fed.crash else "see above"
            print(f"{fed.said}\n\nCRASH in {fed.name}; again: {again}", flush=True)
    print(f"{total:,} executions, {crashed} targets crashed")
    return 1 if crashed else 0


if __name__ == "__main__":
    sys.exit(main())
