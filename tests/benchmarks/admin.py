"""An admin's client and many devices: `.venv/bin/python -m tests.benchmarks.admin [DEVICES]`.

Devices are scripted: each answers at once, over a connection of its own to one Mosquitto. What is measured is the
client: until it knows who is there, one command for all, a command for each, and photos in parts to one of them.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from agent.client import Admin, Profile, known
from agent.client.parts import ask_with_parts, cut
from agent.trust.keys import SigningKey
from tests.conftest import Mosquitto
from tests.fakes.devices import device
from tests.fakes.trust import OWNER

PHOTO_BYTES = 2_000_000


def main(devices: int) -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        broker = Mosquitto(Path(folder), "allow_anonymous true")
        broker.start()
        stack.callback(broker.kill)
        profile = Profile.make(
            Path(folder) / "p", {"site": "hq", "broker": {"host": broker.host, "port": broker.port, "tls": False}}
        )
        for number in range(devices):
            key, name = SigningKey.new(), f"d{number:04d}"
            known.trust(profile.devices_file, f"hq/{name}", key.public)
            stack.enter_context(device(broker.port, name, key=key, groups=["doors"], **ANSWERS))
        measure(profile, devices)


ANSWERS = {
    "ping": lambda _: {"ok": True, "data": {}},
    "enrol": lambda _: {"ok": True, "data": {"templates": 1}},
    "parts": lambda _: {"ok": True, "data": {"here": []}},
}


def measure(profile: Profile, devices: int) -> None:
    began = time.perf_counter()
    with Admin(profile, OWNER) as admin:
        assert len(admin.devices()) == devices
        print(f"{devices} devices known, each by its signature: {time.perf_counter() - began:.2f} s")
        began = time.perf_counter()
        answers = admin.ask_all("@doors", "ping", wait_seconds=60)
        assert all(result.ok and result.standing == "verified" for result in answers.values()), answers
        print(f"one command for all, every answer verified: {time.perf_counter() - began:.2f} s")
        times = []
        for _ in range(200):
            began = time.perf_counter()
            admin.ask("d0000", "ping").value()
            times.append(time.perf_counter() - began)
        times.sort()
        print(f"a command and its result: p50 {1000 * times[100]:.1f} ms, p99 {1000 * times[198]:.1f} ms")
        parts, split = cut([bytes([number]) * PHOTO_BYTES for number in range(5)])
        began = time.perf_counter()
        ask_with_parts(admin, "d0000", "enrol", parts, command_id="b", person="anna", split=split).value()
        took = time.perf_counter() - began
        print(f"5 photos of 2 MB in {len(parts)} parts: {took:.2f} s, {5 * PHOTO_BYTES / took / 1e6:.0f} MB/s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
