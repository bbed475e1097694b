"""Feeds one target, by coverage: `python -m tests.fuzz.feed NAME --runs N`, or a file of before: `... NAME FILE`.

Prints what libFuzzer prints. A crash leaves the input in the folder of `--crashes`, and the status is not 0.
"""

import argparse
import logging
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import atheris

CORPUS = Path(__file__).parent / "corpus"
WATCHED = ["agent", "paho", "rfc8785", "tomllib", "icalendar"]
"""Packages whose branches guide the search; what is written in C or Rust cannot."""


def main(arguments):
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.feed", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("file", nargs="*", type=Path, help="inputs to try again, instead")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--crashes", type=Path, default=Path())
    told = parser.parse_args(arguments)
    with atheris.instrument_imports(include=WATCHED):
        from tests.fuzz.targets.every import EVERY
    logging.disable()
    target = EVERY[told.name]
    with ExitStack() as stack:
        feed = target.open(stack)
        if told.file:
            for file in told.file:
                feed(file.read_bytes())
            return
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for number, seed in enumerate(target.seeds):
            (folder / f"seed-{number}").write_bytes(seed)
        told.crashes.mkdir(parents=True, exist_ok=True)
        options = [
            f"-runs={told.runs}", f"-seed={told.seed}", f"-max_len={target.longest}", f"-timeout={target.seconds}",
            "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={told.crashes}/{told.name}-",
        ]  # fmt: skip
        known = CORPUS / told.name
        folders = [str(folder), *([str(known)] if known.is_dir() else [])]
        atheris.Setup([sys.argv[0], *options, *folders], feed)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
