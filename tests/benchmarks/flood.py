"""10,000 commands a second, and the door goes on: `python -m tests.benchmarks.flood [SECONDS [MESSAGES_A_SECOND]]`.

A terminal with the real models in a process of its own, before pictures that move; a real Mosquitto; and somebody who
has its password: what he sends is unsigned, wrongly signed in the name of an owner, or (another owner, gone mad) right.
Meanwhile a card is shown at the wired reader, and an owner asks for a ping by MQTT, with the same bytes every half
second until there is an answer, as the contract says. The flood, the broker and the terminal share one machine.
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty

from agent.access.holder import State
from agent.app import Agent
from agent.config import load_config
from agent.demo.broker import embedded_broker
from agent.members.credentials import add_card
from agent.members.particulars import set_person
from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import Topics
from agent.seal.keyring import site_key
from agent.store.db import open_db
from agent.store.sealing import card_key
from agent.trust.keys import SigningKey
from agent.types import Credential
from tests.end_to_end.pictures import make_pictures
from tests.end_to_end.terminal import Terminal
from tests.fakes.registers import request
from tests.fakes.trust import OWNER, signed

TOPICS = Topics("test", "door")
MAD = SigningKey(b"m" * 32)
RULES = """
time_zone = "UTC"
[doors.door]
factors = "card"
[[grants]]
groups = ["staff"]
doors = ["*"]
"""
CARD_SECONDS = 1.2  # a card that is read again within a second is the same showing
AGAIN_SECONDS = 0.5


# The terminal, in a process of its own


def terminal(file, ready=lambda _: True):
    """Runs an agent, shows it a card now and then, and prints how long that took, frames, and memory.

    Before that, it says `ready`: of the agent, whatever has to be known outside.
    """
    decided = threading.Event()
    config = load_config(Path(file), {}, {})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Agent(config, told=lambda decision: decision.reason == "credential" and decided.set()) as agent:
        agent.look()
        print(json.dumps({"ready": ready(agent)}), flush=True)
        while True:
            decided.clear()
            begun = time.perf_counter()
            agent.porch.entrance.showed(Credential(datetime.now(UTC), card="04A2B3"))
            there = decided.wait(3)
            print(
                json.dumps(
                    {
                        "at": time.monotonic(),
                        "decided_ms": 1000 * (time.perf_counter() - begun) if there else None,
                        "frames": agent.visits.frames,
                        "memory": resident(),
                    }
                ),
                flush=True,
            )
            time.sleep(CARD_SECONDS)


def resident():
    """MiB of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


# Outside


class Flood:
    """Sends prepared messages at a rate, over a bare socket: MQTT 3.1.1, QoS 1, acknowledgements are not looked at."""

    def __init__(self, port, payloads, rate):
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.sendall(b"\x10" + bytes([14 + 2]) + b"\x00\x04MQTT\x04\x02\x00\x00" + b"\x00\x04" + b"evil")
        self._payloads, self._rate, self.sent, self._over = payloads, rate, 0, threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._send, self._read)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._threads[0].join()
        self._socket.close()

    def _send(self):
        begun = time.monotonic()
        while not self._over.is_set():
            due = int((time.monotonic() - begun) * self._rate) - self.sent
            if due > 0:
                self._socket.sendall(b"".join(self._packet(self.sent + n) for n in range(due)))
                self.sent += due
            time.sleep(0.01)

    def _packet(self, number):
        verb, payload = self._payloads[number % len(self._payloads)]
        topic = TOPICS.command(verb).encode()
        body = struct.pack("!H", len(topic)) + topic + struct.pack("!H", 1 + number % 65_535) + payload
        length, left = b"", len(body)
        while True:
            left, digit = divmod(left, 128)
            length += bytes([digit | (0x80 if left else 0)])
            if not left:
                return b"\x32" + length + body

    def _read(self):
        try:
            while self._socket.recv(65_536):
                pass
        except OSError:
            return


def ask(remote, seconds):
    """Sends one ping until there is an answer; returns how long that took, and how often it was sent."""
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    command_id = uuid.uuid4().hex
    payload = signed(TOPICS, "ping", {"id": command_id, "not_after": until.isoformat()}, datetime.now(UTC))
    begun, sent = time.monotonic(), 0
    while time.monotonic() - begun < seconds:
        remote.send(TOPICS.command("ping"), payload)
        sent += 1
        due = time.monotonic() + AGAIN_SECONDS
        while (left := due - time.monotonic()) > 0:
            try:
                message = remote.heard.get(timeout=left)
            except Empty:
                break
            if message.topic == TOPICS.result("ping", command_id):
                return time.monotonic() - begun, sent
    return None, sent


def kinds(seconds, rate):
    """What is sent, by name."""
    now, many = datetime.now(UTC), int(min(seconds * rate, 40_000))
    until = (now + timedelta(minutes=10)).isoformat()
    bad, other = (json.loads(signed(TOPICS, "unlock", {"id": "0"}, now, key)) for key in (OWNER, MAD))
    return {
        "nothing": [],
        "unsigned": [("unlock", b'{"id":"%d"}' % n) for n in range(1000)],
        "in this owner's name": [("unlock", json.dumps(bad | {"id": str(n)}).encode()) for n in range(1000)],
        "in another's name": [("unlock", json.dumps(other | {"id": str(n)}).encode()) for n in range(1000)],
        "2 MB, unsigned": [("enrol", b'{"id":"%d","photos":["' % n + b"A" * 2_000_000 + b'"]}') for n in range(3)],
        "2 MB, in her name": [("enrol", json.dumps(bad | {"photos": ["A" * 2_000_000]}).encode())],
        "right": [
            ("ping", signed(TOPICS, "ping", {"id": uuid.uuid4().hex, "not_after": until}, now, MAD))
            for _ in range(many)
        ],
    }


def measure(name, payloads, outlook, seconds, rate):
    """Floods for a while; prints what the door did meanwhile."""
    remote, port, lines = outlook
    if payloads and len(payloads[0][1]) > 1_000_000:
        rate /= 500
    begun = time.monotonic()
    with Flood(port, payloads, rate if payloads else 0) as flood:
        answers = []
        while time.monotonic() - begun < seconds:
            answers.append(ask(remote, 15))
            time.sleep(0.2)
        ended = time.monotonic()
    seen = [line for line in list(lines) if begun + 1 < line["at"] < ended]
    waits = sorted(line["decided_ms"] or 3_000 for line in seen)
    frames = (seen[-1]["frames"] - seen[0]["frames"]) / (seen[-1]["at"] - seen[0]["at"]) if len(seen) > 1 else 0
    heard = sorted(took for took, _ in answers if took is not None)
    ping = f"{heard[len(heard) // 2]:.2f} s, longest {heard[-1]:.2f}" if heard else "none"
    print(
        f"{name:22} {flood.sent / (ended - begun):7.0f}/s  card to decision {waits[len(waits) // 2]:5.1f} ms, longest "
        f"{waits[-1]:6.1f}  {frames:5.1f} frames/s  {seen[-1]['memory']:5.0f} MiB  answer to a ping {ping}"
        f" ({len(heard)} of {len(answers)}, sent {sum(sent for _, sent in answers) / len(answers):.1f} times)",
        flush=True,
    )


def prepared(folder, port):
    """A terminal whose camera sees people come and go."""
    made = Terminal(folder, mqtt__enabled=True, mqtt__port=port, device__name="door", camera__fps=10.0)
    pictures = make_pictures()
    made.seed(ada=pictures.ada)
    made.show([pictures.ada] * 3 + [pictures.empty] * 5 + [pictures.stranger] * 3 + [pictures.empty] * 5)
    config = made.config
    with open_db(config.database_path, key=site_key(config)) as db:
        set_person(db, "anna", {"groups": ["staff"], "state": State.ACTIVE}, request(), create=True)
        add_card(db, "anna", "04A2B3", card_key(db), request())
    return made.config_file


def main(seconds=10.0, rate=10_000.0):
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as folder, embedded_broker(prefer="mosquitto") as broker:
        file = prepared(Path(folder) / "terminal", broker.port)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.flood", "--terminal", str(file)],
            stdout=subprocess.PIPE,
            stderr=(Path(folder) / "log").open("w"),
            text=True,
        )
        lines = []
        try:
            with Remote(LinkSettings("127.0.0.1", broker.port), TOPICS, OWNER) as remote:
                assert "ready" in process.stdout.readline(), (Path(folder) / "log").read_text()
                threading.Thread(
                    target=lambda: lines.extend(map(json.loads, iter(process.stdout.readline, ""))), daemon=True
                ).start()
                assert remote.request("rules_apply", text=RULES, seconds=30).ok
                assert remote.request("key_add", public=MAD.public.text, name="mad", role="owner").ok
                time.sleep(5)
                for name, payloads in kinds(seconds, rate).items():
                    measure(name, payloads, (remote, broker.port, lines), seconds, rate)
        finally:
            process.terminate()
            process.wait(20)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--terminal"]:
        terminal(sys.argv[2])
    else:
        main(*map(float, sys.argv[1:]))
