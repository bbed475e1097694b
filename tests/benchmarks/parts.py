"""How fast parts of commands are taken while somebody floods the device with others; none that was announced is lost.

.venv/bin/python -m tests.benchmarks.parts
"""

import hashlib
import random
import tempfile
import time
from pathlib import Path

from agent.errors import CommandError
from agent.mqtt.parts import Spool
from agent.mqtt.topics import PartTopic
from agent.seal.keys import SiteKey
from agent.seal.sealing import Seal

FLOOD, SIZE = 10_000, 64 * 2**10
NOISE = random.Random(1)


def main():
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder) / "parts", Seal(SiteKey.new()))
        mine = [NOISE.randbytes(SIZE) for _ in range(64)]  # 4 MiB: a model
        hashes = [hashlib.sha256(part).hexdigest() for part in mine]
        spool.announce("mine", hashes)
        taken, longest, began = 0, 0.0, time.perf_counter()
        for number in range(FLOOD):
            at = time.perf_counter()
            try:
                if number < len(mine):
                    spool.add(PartTopic("update_model", "mine", number + 1, 64), mine[number], size=SIZE)
                else:
                    id_ = f"flood{number % 300}"
                    spool.add(PartTopic("enrol", id_, number % 20 + 1, 20), NOISE.randbytes(SIZE), size=SIZE)
                taken += 1
            except CommandError:
                pass
            longest = max(longest, time.perf_counter() - at)
        seconds = time.perf_counter() - began
        assert b"".join(spool.read("mine", hashes)) == b"".join(mine)
        kept = sum(path.stat().st_size for path in (Path(folder) / "parts").rglob("*") if path.is_file())
        print(
            f"{FLOOD} parts of 64 KiB: {taken / seconds:.0f} a second, the longest {longest * 1e3:.0f} ms; "
            f"{kept / 2**20:.0f} MiB on the disk; the 64 announced ones are all there"
        )


if __name__ == "__main__":
    main()
