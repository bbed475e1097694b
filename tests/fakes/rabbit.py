"""RabbitMQ nodes of our own: on loopback, in a temporary folder, with an epmd of their own; gone with the tests."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.fakes.ports import steady_port

HOME = Path("/usr/lib/rabbitmq/bin")
THERE = (HOME / "rabbitmq-server").exists()
CALM = "+sbwt none +sbwtdcpu none +sbwtdio none +S 2:2"  # no busy waiting: there are others on this machine


class Rabbit:
    """A cluster of as many nodes as wanted; each may be killed and started again."""

    def __init__(self, nodes=1, folder=None):
        self._folder = Path(tempfile.mkdtemp(prefix="latchkey-mq-", dir=folder))
        self._owner = pwd.getpwnam("rabbitmq") if os.geteuid() == 0 else None
        self._epmd_port = steady_port()
        self._epmd = None
        (self._folder / ".erlang.cookie").write_text("LATCHKEYTESTS")
        (self._folder / ".erlang.cookie").chmod(0o400)
        (self._folder / "plugins").write_text("[rabbitmq_mqtt].\n")
        names = [f"lk{number}" for number in range(nodes)]
        self.nodes = [Node(self, name, [f"{each}@localhost" for each in names]) for name in names]
        if self._owner is not None:
            for path in (self._folder, *self._folder.rglob("*")):
                os.chown(path, self._owner.pw_uid, self._owner.pw_gid)

    def start(self):
        """The first alone: the others join it."""
        env = self.environment() | {"ERL_EPMD_RELAXED_COMMAND_CHECK": "true"}
        self._epmd = subprocess.Popen([*self.as_owner, "epmd"], env=env, stderr=subprocess.DEVNULL)
        for node in self.nodes:
            node.start()
            node.wait()

    def remove(self):
        for node in self.nodes:
            node.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def folder(self):
        return self._folder

    @property
    def as_owner(self):
        if self._owner is None:
            return []
        return ["setpriv", f"--reuid={self._owner.pw_uid}", f"--regid={self._owner.pw_gid}", "--clear-groups"]

    def environment(self):
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self._folder),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_CONF_ENV_FILE": str(self._folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
        }


class Node:
    """One of them."""

    def __init__(self, cluster, name, names):
        self._cluster, self.name = cluster, name
        self.mqtt, self.amqp, self._dist = steady_port(), steady_port(), steady_port()
        self._process = None
        lines = [
            f"listeners.tcp.1 = 127.0.0.1:{self.amqp}",
            f"mqtt.listeners.tcp.1 = 127.0.0.1:{self.mqtt}",
            "mqtt.allow_anonymous = true",
            "mqtt.prefetch = 100",
            "cluster_formation.peer_discovery_backend = classic_config",
            *(f"cluster_formation.classic_config.nodes.{n} = {each}" for n, each in enumerate(names, start=1)),
            "cluster_partition_handling = autoheal",
            "log.file.level = warning",
            "vm_memory_high_watermark.absolute = 2GB",
            "disk_free_limit.absolute = 100MB",
        ]
        (cluster.folder / f"{name}.conf").write_text("\n".join(lines) + "\n")

    @property
    def pid(self):
        return self._process.pid if self._process else None

    def start(self):
        env = self._cluster.environment() | {
            "RABBITMQ_NODENAME": f"{self.name}@localhost",
            "RABBITMQ_CONFIG_FILE": str(self._cluster.folder / self.name),
            "RABBITMQ_DIST_PORT": str(self._dist),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": CALM,
            "RABBITMQ_SERVER_START_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        with (self._cluster.folder / f"{self.name}.out").open("ab") as out:
            self._process = subprocess.Popen(
                [*self._cluster.as_owner, str(HOME / "rabbitmq-server")],
                env=env, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True, cwd="/",
            )  # fmt: skip

    def listens(self):
        return all(_open(port) for port in (self.mqtt, self.amqp))

    def wait(self, seconds=60.0):
        deadline = time.monotonic() + seconds
        while not self.listens():
            assert self._process is not None
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def kill(self):
        """kill -9, of the script and of the Erlang machine that it started."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def log(self):
        files = [self._cluster.folder / f"{self.name}.out", *(self._cluster.folder / "log").glob(f"{self.name}*")]
        return "\n".join(file.read_text(errors="replace")[-2000:] for file in files if file.exists())


def _open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
