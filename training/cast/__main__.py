"""`python -m training.cast --out agent/demo` makes the demo's clip and pictures anew."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agent.errors import LatchkeyError
from training.cast.clip import make


def main() -> None:
    """Makes everything and says how large it is."""
    parser = argparse.ArgumentParser(prog="python -m training.cast", description="Makes the demo's clip and pictures.")
    parser.add_argument("--out", type=Path, default=Path("agent/demo"), help="folder to write into")
    out: Path = parser.parse_args().out
    try:
        make(out)
    except (LatchkeyError, OSError) as error:
        sys.exit(f"{out}: {error}")
    files = [out / "clip.mp4", out / "clip.json", *sorted((out / "staff").glob("*.jpg"))]
    for file in files:
        sys.stdout.write(f"{file.stat().st_size / 1024:8.0f} KB  {file}\n")


if __name__ == "__main__":
    main()
