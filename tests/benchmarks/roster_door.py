"""A door while the roster fills its terminal: `python -m tests.benchmarks.roster_door [PEOPLE]`.

A terminal with the real models in a process of its own, before pictures that move, shown a card now and then; a real
Mosquitto; the service of the roster, which has so many people with a template each. Prints how long cards took to be
decided about before and while the pages came, and how many frames were looked at.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from functools import partial
from pathlib import Path

import numpy as np

from agent.access.holder import State
from agent.bundle import open_bundle
from agent.config import load_config
from agent.demo.broker import embedded_broker
from agent.members.credentials import add_card
from agent.members.particulars import set_person
from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.roster.document import sign
from agent.roster.registrar import Registrar
from agent.roster.service import RosterService
from agent.seal.keyring import site_key
from agent.seal.sealing import Seal
from agent.store.db import open_db
from agent.store.sealing import card_key
from tests.benchmarks.flood import RULES, TOPICS
from tests.benchmarks.roster import SERVICE, body
from tests.end_to_end.pictures import make_pictures
from tests.end_to_end.terminal import Terminal
from tests.fakes.registers import request
from tests.fakes.rosters import NOW
from tests.fakes.trust import OWNER

QUIET_SECONDS = 12.0


def prepared(folder, port):
    """A terminal that follows the roster; its own Anna has a card."""
    made = Terminal(
        folder, mqtt__enabled=True, mqtt__port=port, device__name="door", camera__fps=10.0, roster__enabled=True
    )
    pictures = make_pictures()
    made.seed(ada=pictures.ada)
    made.show([pictures.ada] * 3 + [pictures.empty] * 5 + [pictures.stranger] * 3 + [pictures.empty] * 5)
    config = made.config
    with open_db(config.database_path, key=site_key(config)) as db:
        set_person(db, "anna", {"groups": ["staff"], "state": State.ACTIVE}, request(), create=True)
        add_card(db, "anna", "04A2B3", card_key(db), request())
    return made


def fill(db, config, people):
    """Puts people into the book of the service, as an admin would."""
    registrar = Registrar(db, config.device.site, OWNER.public, SERVICE)
    bundle = open_bundle(config, site_key(config))
    target = f"{config.device.site}/@all"
    said = partial(body, Seal(bundle.key), model=bundle.model_id)
    documents = (sign(f"person/p{n:05}", 1, target, said(f"p{n:05}", n), OWNER, NOW) for n in range(people))
    for document in documents:
        put = {"id": uuid.uuid4().hex, "documents": [document.as_json()]}
        assert json.loads(registrar.put(json.dumps(put).encode()))["ok"]
    return registrar


def told(name, lines):
    """Prints what the door did."""
    waits = sorted(line["decided_ms"] or 3_000 for line in lines)
    frames = (lines[-1]["frames"] - lines[0]["frames"]) / (lines[-1]["at"] - lines[0]["at"])
    print(
        f"{name:12} {len(waits):4} cards: decided p50 {np.median(waits):6.1f} ms, longest {waits[-1]:7.1f}"
        f"  {frames:5.1f} frames/s  {lines[-1]['memory']:5.0f} MiB",
        flush=True,
    )


def main(people=10_000):
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as folder, embedded_broker(prefer="mosquitto") as broker:
        settings = LinkSettings("127.0.0.1", broker.port)
        made = prepared(Path(folder) / "terminal", broker.port)
        config = load_config(made.config_file, {}, {})
        with open_db(Path(folder) / "roster.db") as db:
            fill(db, config, people)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.flood", "--terminal", str(made.config_file)],
            stdout=subprocess.PIPE,
            stderr=(Path(folder) / "log").open("w"),
            text=True,
        )
        lines = []
        try:
            with Remote(settings, TOPICS, OWNER) as remote:
                assert "ready" in process.stdout.readline(), (Path(folder) / "log").read_text()
                threading.Thread(
                    target=lambda: lines.extend(map(json.loads, iter(process.stdout.readline, ""))), daemon=True
                ).start()
                assert remote.request("rules_apply", text=RULES, seconds=30).ok
                time.sleep(QUIET_SECONDS)
                told("before", lines[2:])
                taken = len(lines)
                seconds = serve(settings, Path(folder) / "roster.db", config, remote, people)
                told("meanwhile", lines[taken:])
                print(f"{people:,} people in {seconds:.1f} s")
        finally:
            process.terminate()
            process.wait(20)


def serve(settings, file, config, remote, people):
    """Serves the roster until the terminal has it; returns how long that took."""
    closing = threading.Event()

    def work():
        with open_db(file) as db:
            service = RosterService(settings, Registrar(db, config.device.site, OWNER.public, SERVICE))
            while not closing.is_set():
                service.step()
            service.close()

    thread = threading.Thread(target=work)
    began = time.monotonic()
    thread.start()
    try:
        while remote.request("roster", seconds=60).data["cursor"] < people:
            time.sleep(1)
        return time.monotonic() - began
    finally:
        closing.set()
        thread.join(10)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
