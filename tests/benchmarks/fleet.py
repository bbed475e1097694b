"""A fleet, with a broker node, a collector and the database killed in turn: `python tests/benchmarks/fleet.py`.

Starts a cluster of RabbitMQ (or a Mosquitto), a PostgreSQL, two collectors and `latchkey simulate fleet` on loopback,
all in temporary folders. kill -9 takes a broker node at a fifth of the time, a collector at two fifths, the database at
three fifths; each comes back after a while. In the end every event that was decided has to be in the database, once.

    python tests/benchmarks/fleet.py --devices 1000 --minutes 10 --broker rabbitmq
    python tests/benchmarks/fleet.py --devices 100 --minutes 1 --broker mosquitto
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from agent.fleet.secret import make_key  # noqa: E402  of this checkout
from tests.conftest import Mosquitto  # noqa: E402
from tests.fakes.ports import steady_port  # noqa: E402
from tests.fakes.postgres import Postgres  # noqa: E402
from tests.fakes.rabbit import Rabbit  # noqa: E402

LATCHKEY = [sys.executable, "-m", "agent.cli"]
CALM_SECONDS = 30.0  # after something came back, before figures count as those of a quiet fleet
TICKS = os.sysconf("SC_CLK_TCK")
_COUNTS = "SELECT count(*), count(DISTINCT (device, id)), count(DISTINCT (device, seq)) FROM events"
_LATE = """
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY late), percentile_cont(0.99) WITHIN GROUP (ORDER BY late),
           max(late), count(*)
    FROM (SELECT at, extract(epoch FROM stored_at - at) AS late FROM events) AS events
"""


class SingleMosquitto:
    """A Mosquitto that keeps what it has on the disk."""

    protocol = ()

    def __init__(self, folder):
        lines = f"allow_anonymous true\npersistence true\npersistence_location {folder}/\nautosave_interval 1"
        self._broker = Mosquitto(folder, lines, steady_port())
        config = folder / "mosquitto.conf"
        config.write_text(
            config.read_text().replace("persistence false\n", "").replace("log_type all", "log_type error")
        )

    def start(self):
        self._broker.start()

    def remove(self):
        self._broker.kill()

    def kill_one(self):
        self._broker.kill()

    def start_one(self):
        self._broker.start()

    def wait_one(self):
        """It listens already."""

    @property
    def for_devices(self):
        return [f"mqtt://127.0.0.1:{self._broker.port}"]

    @property
    def for_collectors(self):
        return self.for_devices[0]

    @property
    def pids(self):
        return {"mosquitto": self._broker._process.pid}


class RabbitCluster:
    """Nodes of RabbitMQ; MQTT 3.1.1 for devices, AMQP for collectors."""

    protocol = ("--mqtt311",)

    def __init__(self, nodes):
        self._rabbit = Rabbit(nodes)

    def start(self):
        self._rabbit.start()

    def remove(self):
        self._rabbit.remove()

    def kill_one(self):
        self._rabbit.nodes[0].kill()

    def start_one(self):
        self._rabbit.nodes[0].start()

    def wait_one(self):
        self._rabbit.nodes[0].wait(240)

    @property
    def for_devices(self):
        return [f"mqtt://127.0.0.1:{node.mqtt}" for node in self._rabbit.nodes]

    @property
    def for_collectors(self):
        return "amqp://guest@" + ",".join(f"127.0.0.1:{node.amqp}" for node in self._rabbit.nodes)

    @property
    def pids(self):
        return {f"rabbitmq {node.name}": node.pid for node in self._rabbit.nodes}


@dataclass
class Outage:
    """Something was killed, and came back."""

    what: str
    killed: datetime
    back: datetime | None = None


class Trial:
    """Everything that runs, and what is done to it."""

    def __init__(self, options, stack):
        self._options = options
        self.folder = Path(tempfile.mkdtemp(prefix="latchkey-trial-"))
        stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.postgres = Postgres("max_connections=30", "shared_buffers=256MB")
        stack.callback(self.postgres.remove)
        self.postgres.start()
        single = options.broker == "mosquitto"
        self.broker = SingleMosquitto(self.folder) if single else RabbitCluster(options.nodes)
        stack.callback(self.broker.remove)
        self.broker.start()
        self.public = make_key(self.folder / "key").text
        self.collectors = [self._collector(number) for number in range(options.collectors)]
        stack.callback(self._stop_collectors)
        self.outages = []

    def run(self):
        """Simulates, and kills in turn; returns what the simulator tells."""
        options = self._options
        arguments = [f"--broker={broker}" for broker in self.broker.for_devices]
        arguments += ["--collector", self.public, "--database", self.postgres.url(), "--json", *self.broker.protocol]
        arguments += ["--devices", options.devices, "--rate", options.rate, "--minutes", options.minutes]
        simulator = subprocess.Popen(
            [*LATCHKEY, "simulate", "fleet", *map(str, arguments), "--drain", str(options.drain)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        began, seconds = time.monotonic(), options.minutes * 60
        turns = [] if options.quiet else ["broker", "collector", "database"]
        try:
            for number, what in enumerate(turns, start=1):
                time.sleep(max(0.0, began + seconds * number / 5 - time.monotonic()))
                self._kill(what, down=min(20.0, seconds / 10))
            time.sleep(max(0.0, began + seconds - 1 - time.monotonic()))
            simulating = usage(simulator.pid)
            said, _ = simulator.communicate(timeout=seconds + options.drain + 60)
        finally:
            simulator.kill()
        self.usage = {"simulator": simulating, **self._usage()}
        return json.loads(said)

    def _kill(self, what, down):
        outage = Outage(what, datetime.now(UTC))
        self.outages.append(outage)
        kill, start = {
            "broker": (self.broker.kill_one, self.broker.start_one),
            "collector": (self.collectors[0].kill, self._start_first),
            "database": (self.postgres.kill, self.postgres.start),
        }[what]
        kill()
        time.sleep(down)
        start()
        outage.back = datetime.now(UTC)
        if what == "broker":  # it takes a while until a node listens again: what comes next does not wait for that
            threading.Thread(target=self._see_it_listen, args=(outage,), daemon=True).start()
        print(
            f"{what}: killed, started again after {(outage.back - outage.killed).total_seconds():.0f} s",
            file=sys.stderr,
        )

    def _see_it_listen(self, outage):
        self.broker.wait_one()
        outage.back = datetime.now(UTC)
        print(f"broker: listens after {(outage.back - outage.killed).total_seconds():.0f} s", file=sys.stderr)

    def _start_first(self):
        self.collectors[0].wait()
        self.collectors[0] = self._collector(0)

    def _collector(self, number):
        log = (self.folder / f"collector{number}.log").open("ab")
        return subprocess.Popen(
            [
                *(*LATCHKEY, "fleet", "collect", "--broker", self.broker.for_collectors, "--name", f"c{number}"),
                *("--key", str(self.folder / "key"), "--json"),
            ],
            cwd=ROOT,
            env=os.environ | {"LATCHKEY_DATABASE": self.postgres.url(), "LATCHKEY_MQTT_PASSWORD": "guest"},
            stdout=log,
            stderr=log,
        )

    def _stop_collectors(self):
        for collector in self.collectors:
            collector.terminate()
        for number, collector in enumerate(self.collectors):
            try:
                collector.wait(20)
            except subprocess.TimeoutExpired:
                collector.kill()
                collector.wait()
            if self._options.verbose:
                print((self.folder / f"collector{number}.log").read_text(), file=sys.stderr)

    def _usage(self):
        pids = {"postgres": self.postgres.pid, **self.broker.pids}
        pids |= {f"collector {number}": collector.pid for number, collector in enumerate(self.collectors)}
        return {name: usage(pid) for name, pid in pids.items() if pid is not None}


def usage(pid):
    """Seconds of CPU and MiB of memory of a process and all below it, as they are now."""
    seconds = memory = 0.0
    for each in family(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            share = Path(f"/proc/{each}/smaps_rollup").read_text()
        except OSError:
            continue
        seconds += (int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])) / TICKS
        memory += next((int(line.split()[1]) for line in share.splitlines() if line.startswith("Pss:")), 0) / 1024
    return {"cpu_seconds": round(seconds, 1), "memory_mib": round(memory)}


def family(pid):
    yield pid
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in file.read_text().split():
            yield from family(int(child))


def judge(trial, told):
    """What is in the database, against what was decided."""
    quiet = " AND ".join(["true", *(["NOT at BETWEEN %s AND %s"] * len(trial.outages))])
    spans = []
    for outage in trial.outages:
        spans += [
            datetime.fromtimestamp(outage.killed.timestamp() - 2, UTC),
            datetime.fromtimestamp(outage.back.timestamp() + CALM_SECONDS, UTC),
        ]
    with psycopg.connect(trial.postgres.url()) as pg:
        rows, ids, numbers = pg.execute(_COUNTS).fetchone()
        everything = pg.execute(_LATE).fetchone()
        calm = pg.execute(f"{_LATE} WHERE {quiet}", spans).fetchone()
        (gaps,) = pg.execute("SELECT count(*) FROM gaps").fetchone()
        put_aside = pg.execute("SELECT reason, sum(messages)::int FROM quarantine_counts GROUP BY 1").fetchall()
        (size,) = pg.execute("SELECT sum(pg_total_relation_size(inhrelid))::bigint FROM pg_inherits").fetchone()
    names = ("p50", "p99", "max", "events")
    return {
        **told,
        "rows": rows,
        "lost": told["decided"] - ids,
        "double": rows - ids + rows - numbers,
        "gaps": gaps,
        "quarantined": dict(put_aside),
        "bytes_a_row": round(size / max(rows, 1)),
        "seconds_to_row": dict(zip(names, everything, strict=True)),
        "seconds_to_row_while_quiet": dict(zip(names, calm, strict=True)),
        "outages": {each.what: round((each.back - each.killed).total_seconds(), 1) for each in trial.outages},
        "used_since_their_start": trial.usage,
    }


def main():
    """Prints what was found; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--rate", type=float, default=1.0)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--drain", type=float, default=180.0, help="seconds for the last acknowledgements")
    parser.add_argument("--broker", choices=["rabbitmq", "mosquitto"], default="rabbitmq")
    parser.add_argument("--nodes", type=int, default=2, help="of RabbitMQ")
    parser.add_argument("--collectors", type=int, default=2)
    parser.add_argument("--quiet", action="store_true", help="kill nothing")
    parser.add_argument("--verbose", action="store_true", help="show what the collectors say")
    options = parser.parse_args()
    with ExitStack() as stack:
        trial = Trial(options, stack)
        found = judge(trial, trial.run())
    print(json.dumps(found, indent=2, default=float))
    whole = found["lost"] == found["double"] == found["left"] == found["gaps"] == 0
    print("nothing lost, nothing double" if whole else "LOST OR DOUBLE", file=sys.stderr)
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
