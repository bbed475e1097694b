"""The broker as deploy/mosquitto configures it, and clients that say what they were refused."""

import getpass
import queue
import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path

from paho.mqtt.client import Client as Paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.conftest import HOST, MOSQUITTO, wait_for
from tests.fakes.ports import steady_port

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "mosquitto" / "latchkey.conf"
PLUGIN = next(iter(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so")), None)
SECONDS = 20.0


def substituted(text, root, port):
    """Our configuration, for files below `root` and a port of the test's."""
    text = text.replace("/etc/mosquitto/latchkey/", f"{root}/etc/mosquitto/latchkey/")
    text = text.replace("/var/lib/mosquitto/", f"{root}/lib/").replace("listener 8883", f"listener {port} {HOST}")
    return text.replace("/usr/lib/aarch64-linux-gnu/mosquitto_dynamic_security.so", str(PLUGIN))


class DeployedBroker:
    """Mosquitto with Debian's mosquitto.conf and ours in conf.d; `files` lie in the folder of ours."""

    def __init__(self, folder, files, *, dynamic=False, one_each=False):
        self.folder, self.port = folder, steady_port()
        for part in ("latchkey", "conf.d", "lib"):
            (folder / part).mkdir(parents=True)
        for name, source in files.items():
            shutil.copy(source, folder / "latchkey" / name)
        text = CONFIGURATION.read_text()
        if dynamic:
            text = text.replace("#plugin", "plugin").replace("acl_file", "#acl_file")
        if one_each:
            text = text.replace("#use_username_as_clientid", "use_username_as_clientid")
        text = substituted(text, folder, self.port).replace(f"{folder}/etc/mosquitto/latchkey", f"{folder}/latchkey")
        (folder / "conf.d" / "latchkey.conf").write_text(text)
        (folder / "mosquitto.conf").write_text(
            f"user {getpass.getuser()}\npersistence true\npersistence_location {folder}/lib/\n"
            f"log_dest stderr\nlog_type all\ninclude_dir {folder}/conf.d\n"
        )
        self._process = None

    def start(self):
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(MOSQUITTO), "-c", self.folder / "mosquitto.conf"], stdout=log, stderr=log
            )
        wait_for(self._listens, what="mosquitto to listen")
        return self

    def reload(self):
        self._process.send_signal(1)

    def stop(self):
        if self._process is not None:
            self._process.terminate()
            self._process.wait(SECONDS)
            self._process = None

    def restart(self):
        self.stop()
        self.start()

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def _listens(self):
        assert self._process.poll() is None, self.log()
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0


class Client:
    """A client with the certificate of a bundle; without one it has none."""

    def __init__(self, broker, ca, bundle=None, *, five=True, client_id="", will=None):
        self.heard, self._events = queue.SimpleQueue(), queue.SimpleQueue()
        self._connected = threading.Event()
        self.reason = None
        self._paho = Paho(
            CallbackAPIVersion.VERSION2,
            client_id=client_id or f"test-{id(self):x}",
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        self._paho.max_inflight_messages_set(60)
        context = ssl.create_default_context(cafile=ca)
        context.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python 3.13 has it
        if bundle is not None:
            crt = next(path for path in bundle.glob("*.crt") if path.name != "ca.crt")
            context.load_cert_chain(crt, crt.with_suffix(".key"))
        self._paho.tls_set_context(context)
        if will is not None:
            self._paho.will_set(*will, qos=1)
        self._paho.on_connect = self._on_connect
        self._paho.on_disconnect = lambda *_: (
            self._connected.set()
        )  # a client of TLS 1.3 learns so that it is not let in
        self._paho.on_message = lambda _c, _d, message: self.heard.put((message.topic, message.payload))
        self._paho.on_publish = lambda _c, _d, mid, reason, _p: self._events.put((mid, [reason]))
        self._paho.on_subscribe = lambda _c, _d, mid, reasons, _p: self._events.put((mid, reasons))
        self._paho.connect(HOST, broker.port, keepalive=60)
        self._paho.loop_start()
        assert self._connected.wait(SECONDS), "no answer"
        if self.reason is None or self.reason.is_failure:
            self._paho.loop_stop()
            raise ConnectionRefusedError(str(self.reason))

    def _on_connect(self, _client, _data, _flags, reason, _properties):
        self.reason = reason
        self._connected.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._paho.disconnect()
        self._paho.loop_stop()

    @property
    def connected(self):
        return self._paho.is_connected()

    def send(self, topic, payload):
        """Publishes, whatever becomes of it."""
        self._paho.publish(topic, payload, qos=1)

    def drop(self):
        """Gone without a word."""
        self._paho.socket().shutdown(socket.SHUT_RDWR)
        self._paho.loop_stop()

    def publish(self, topics, payload, *, retain=False):
        """Publishes to all; returns those that were not refused, as the broker says it."""
        sent = {self._paho.publish(topic, payload, qos=1, retain=retain).mid: topic for topic in topics}
        return self._granted(sent)

    def subscribe(self, filters):
        """The same for subscriptions."""
        return self._granted({self._paho.subscribe(each)[1]: each for each in filters})

    def _granted(self, sent):
        granted = set()
        for _ in range(len(sent)):
            mid, reasons = self._events.get(timeout=SECONDS)
            if not reasons[0].is_failure:
                granted.add(sent[mid])
        return granted

    def heard_so_far(self):
        """What arrived until now: whatever the broker had sent before it answers us once more."""
        self.publish(["nobody/hears/this"], b"")
        found = set()
        while not self.heard.empty():
            found.add(self.heard.get())
        return found
