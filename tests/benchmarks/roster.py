"""The roster over a real Mosquitto: `python -m tests.benchmarks.roster [--people N] [--devices N] [--changes N]`.

First 10,000 people with a template each (256 numbers, sealed) are put by an admin, and an empty device reads them: real
puller, real SQLite (synchronous=FULL), every change audited. Then 100 devices, in four processes, each with a puller
and a database of its own, hold a roster, and one person at a time is changed: the time from `put` to the transaction of
each device. The service is a process of its own, as `latchkey roster serve` is.
"""

from __future__ import annotations

import argparse
import base64
import multiprocessing
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from multiprocessing.synchronize import Event
from pathlib import Path
from queue import Empty
from typing import Any

import numpy as np

from agent.config import load_config
from agent.config.people import Privacy
from agent.demo.broker import embedded_broker
from agent.mqtt.settings import LinkSettings
from agent.roster.biometrics import Site
from agent.roster.client import RosterClient
from agent.roster.puller import Puller
from agent.roster.registrar import Registrar
from agent.roster.service import RosterService
from agent.roster.taking import Taking
from agent.seal.sealing import Seal
from agent.store import roster
from agent.store.db import open_db
from agent.store.sealing import Whose
from agent.trust.keys import SigningKey
from tests.fakes.keys import KEY
from tests.fakes.trust import OWNER

EMPTY_LIMIT_SECONDS = 60.0
CHANGE_LIMIT_SECONDS = 2.0
SERVICE = SigningKey(bytes(range(40, 72)))
NUMBERS = 256
PROCESSES = 4


def body(seal: Seal, person: str, seed: int, model: str = "m1") -> dict[str, Any]:
    vector = np.random.default_rng(seed).normal(size=NUMBERS)
    sealed, _ = Whose(person, model).close(seal, (vector / np.linalg.norm(vector)).astype("<f4").tobytes())
    template = {
        "model": model,
        "key": seal.key.id,
        "vector": base64.b64encode(sealed).decode(),
        "measures": [130.0, 210.4, 0.01, 121.9, 48.3],
        "added_at": "2026-11-26T06:00:00.000000Z",
    }
    groups = ["staff", f"floor-{seed % 20}"]
    return {"name": f"Person {seed}", "badge": str(10_000 + seed), "groups": groups, "templates": [template]}


def serve(settings: LinkSettings, folder: str, closing: Event) -> None:
    with open_db(Path(folder) / "roster.db") as db:
        service = RosterService(settings, Registrar(db, "hq", OWNER.public, SERVICE))
        while not closing.is_set():
            service.step()
        service.close()


class Counting(Puller):
    """Counts the bytes of the pages that it hears."""

    bytes = 0

    def _hear(self, message: Any) -> None:
        self.bytes += message.size
        super()._hear(message)


def device(stack: ExitStack, settings: LinkSettings, folder: str, name: str, changed: Any = lambda: None) -> Any:
    overrides = {"device.data_dir": Path(folder) / name, "device.site": "hq", "device.name": name}
    config = load_config(None, overrides | {"trust.owner": OWNER.public.text}, {})
    db = stack.enter_context(open_db(config.database_path, key=KEY))
    taking = Taking(config, Site("m1", Privacy(require_consent=False)), "boot")
    made = Counting(settings, "hq", name, taking=taking, write=lambda change: change(db), db=db, changed=changed)
    return made, db


def fleet(settings: LinkSettings, folder: str, names: list[str], told: Any, closing: Event) -> None:
    """A process of devices, each with a thread: tells when each has read how far."""
    with ExitStack() as stack:
        threads = []
        for name in names:
            made, db = device(stack, settings, folder, name)

            def run(made: Any = made, db: Any = db, name: str = name) -> None:
                cursor = -1
                while not closing.is_set():
                    made.step()
                    now = roster.reading(db).cursor
                    if now != cursor:
                        cursor = now
                        told.put((name, cursor, time.monotonic()))
                made.close()

            threads.append(threading.Thread(target=run))
            threads[-1].start()
        for thread in threads:
            thread.join()


def fill(admin: RosterClient, count: int) -> float:
    seal = Seal(KEY)
    documents = [admin.signed(f"person/p{n:05}", None, body(seal, f"p{n:05}", n)) for n in range(count)]
    began = time.perf_counter()
    done = list(admin.put_all(documents))
    if not all(each.ok for each in done):
        sys.exit(f"not put: {next(each for each in done if not each.ok)}")
    return time.perf_counter() - began


def read_empty(settings: LinkSettings, folder: str, count: int) -> tuple[float, int]:
    with ExitStack() as stack:
        made, db = device(stack, settings, folder, "empty")
        began = time.perf_counter()
        while roster.reading(db).cursor < count and time.perf_counter() - began < 300:
            made.step()
        seconds = time.perf_counter() - began
        made.close()
        people = db.rows("SELECT count(*) FROM templates")[0][0]
        problems = roster.count_problems(db)
    if people != count or problems:
        sys.exit(f"the device has {people} templates of {count}, and {problems} problems")
    return seconds, made.bytes


def wait_all(told: Any, names: list[str], seq: int, seconds: float) -> dict[str, float]:
    """When each has read so far."""
    at: dict[str, float] = {}
    deadline = time.monotonic() + seconds
    while len(at) < len(names):
        try:
            name, cursor, when = told.get(timeout=max(0.01, deadline - time.monotonic()))
        except Empty:
            sys.exit(f"only {len(at)} of {len(names)} devices have read up to {seq} within {seconds:g} s")
        if cursor >= seq and name not in at:
            at[name] = when
    return at


def change(settings: LinkSettings, folder: str, admin: RosterClient, devices: int, changes: int) -> list[list[float]]:
    """Seconds from `put` to each device's transaction, by change."""
    context = multiprocessing.get_context("spawn")
    closing, told = context.Event(), context.Queue()
    names = [f"d{n:03}" for n in range(devices)]
    parts = [(settings, folder, names[n::PROCESSES], told, closing) for n in range(PROCESSES)]
    processes = [context.Process(target=fleet, args=part) for part in parts]
    for process in processes:
        process.start()
    try:
        admin.put("person/first", {"name": "First"})
        seq = admin.head_now().seq
        wait_all(told, names, seq, 120)
        took = []
        for number in range(changes):
            began = time.monotonic()
            admin.put("person/first", {"name": f"First {number}"})
            at = wait_all(told, names, seq + 1 + number, 30)
            took.append(sorted(when - began for when in at.values()))
        return took
    finally:
        closing.set()
        for process in processes:
            process.join(20)


def main(arguments: list[str]) -> int:
    """Prints the figures; the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--changes", type=int, default=20)
    given = parser.parse_args(arguments)
    context = multiprocessing.get_context("spawn")
    good = True
    for part in (of_people, of_devices):
        closing = context.Event()
        with tempfile.TemporaryDirectory() as folder, embedded_broker() as broker:
            settings = LinkSettings(broker.host, broker.port, broker.protocol)
            service = context.Process(target=serve, args=(settings, folder, closing))
            service.start()
            try:
                with RosterClient(settings, "hq", OWNER, seconds=30) as admin:
                    good &= part(settings, folder, admin, given)
            finally:
                closing.set()
                service.join(20)
    return 0 if good else 1


def of_people(settings: LinkSettings, folder: str, admin: RosterClient, given: Any) -> bool:
    put = fill(admin, given.people)
    seconds, size = read_empty(settings, folder, given.people)
    limit = EMPTY_LIMIT_SECONDS * given.people / 10_000
    print(
        f"{given.people} people with a template each: put in {put:.1f} s; read by an empty device in {seconds:.1f} s "
        f"(limit {limit:g} s), {size / 2**20:.1f} MiB, {size / given.people:.0f} bytes a person"
    )
    return seconds < limit


def of_devices(settings: LinkSettings, folder: str, admin: RosterClient, given: Any) -> bool:
    took = change(settings, folder, admin, given.devices, given.changes)
    each = sorted(seconds for one in took for seconds in one)
    last = sorted(one[-1] for one in took)
    print(
        f"one change to {given.devices} devices, {given.changes} times: a device p50 {_percentile(each, 50):.3f} s, "
        f"p99 {_percentile(each, 99):.3f} s; all p50 {_percentile(last, 50):.3f} s, at the most {last[-1]:.3f} s "
        f"(limit {CHANGE_LIMIT_SECONDS:g} s)"
    )
    return last[-1] < CHANGE_LIMIT_SECONDS


def _percentile(ordered: list[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
