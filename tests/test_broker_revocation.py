"""What becomes of certificates while the broker runs: revoked, renewed, new, taken away by mosquitto_ctrl."""

import shutil
import ssl
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from agent.pki.acl import access_list
from agent.pki.authority import Subject
from agent.pki.bundle import bundle_folder, make_bundle, renew_bundle
from agent.pki.dynsec import dynamic_security
from agent.pki.identity import Identity, Kind
from agent.pki.registry import Registry
from tests.conftest import HOST, MOSQUITTO, wait_for
from tests.fakes.broker import PLUGIN, Client, DeployedBroker

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: sudo apt install mosquitto")

NOW = datetime.now(UTC)


class Site:
    """An authority, a broker with what it made, and clients."""

    def __init__(self, folder):
        self.folder = folder
        self.registry = Registry.create(folder / "ca", "Test", now=NOW)
        self.signer = self.registry.authority()
        self.clients = []

    def start(self, *names, dynamic=False, **options):
        host = Subject(Identity(Kind.BROKER, name="localhost"), hosts=("localhost", HOST))
        there = {name: self.make(host) / name for name in ("ca.crt", "broker.crt", "broker.key")}
        for name in names:
            self.make(Subject(Identity.parse(name)))
        there["crl.pem"] = self.registry.revoked_file
        self.broker = DeployedBroker(self.folder / "run", there, dynamic=dynamic, **options)
        self.place(dynamic=dynamic)
        self.broker.start()
        return self

    def make(self, subject):
        return make_bundle(self.registry, self.signer, subject, now=NOW, days=1)

    def renew(self, name, *, another_key, days=2):
        return renew_bundle(self.registry, self.signer, name, now=NOW, days=days, another_key=another_key)

    def revoke(self, name):
        gone = [each.certificate.serial_number for each in self.registry.of(name)]
        self.registry.revoke(self.signer, gone, now=NOW)

    def place(self, *, dynamic=False):
        """Copies what the broker is to read."""
        subjects = [each.subject for each in self.registry.newest()]
        files = self.broker.folder / "latchkey"
        shutil.copy(self.registry.revoked_file, files / "crl.pem")
        if dynamic:
            (self.broker.folder / "lib" / "dynamic-security.json").write_text(dynamic_security(subjects))
        else:
            (files / "acl").write_text(access_list(subjects))

    def connect(self, name, bundle=None, **options):
        bundle = bundle or bundle_folder(self.registry, Identity.parse(name))
        self.clients.append(Client(self.broker, self.registry.authority_file, bundle, **options))
        return self.clients[-1]

    def lets_in(self, name, bundle=None):
        try:
            self.connect(name, bundle)
        except ConnectionRefusedError:
            return False
        return True

    def close(self):
        for client in self.clients:
            client.__exit__()
        self.broker.stop()


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    yield made
    made.close()


def test_a_revoked_certificate_lets_nobody_in(site):
    site.start("hq/a", "hq/b")
    old = site.connect("hq/a")
    site.revoke("hq/a")
    assert site.lets_in("hq/a")  # the broker does not know yet
    site.place()
    site.broker.reload()
    wait_for(lambda: not site.lets_in("hq/a"), what="the broker to read the new list")
    assert site.lets_in("hq/b")
    assert old.connected  # a list ends no connection
    site.broker.restart()
    wait_for(lambda: not old.connected, what="the old connection to end")
    assert not site.lets_in("hq/a")
    assert site.lets_in("hq/b")


def test_a_device_that_is_replaced_gets_in_with_its_new_certificate_alone(site, tmp_path):
    site.start("hq/a")
    stolen = shutil.copytree(bundle_folder(site.registry, Identity.parse("hq/a")), tmp_path / "stolen")
    site.revoke("hq/a")
    site.make(Subject(Identity.parse("hq/a")))
    site.place()
    site.broker.restart()
    assert not site.lets_in("hq/a", stolen)
    assert site.connect("hq/a").publish(["latchkey/v1/hq/a/status"], b"{}")


@pytest.mark.parametrize("another_key", [False, True], ids=["the same key", "another key"])
def test_a_renewed_certificate_gets_in_and_the_old_one_till_its_end(site, tmp_path, another_key):
    site.start("hq/a")
    folder = bundle_folder(site.registry, Identity.parse("hq/a"))
    old = shutil.copytree(folder, tmp_path / "old")
    assert site.renew("hq/a", another_key=another_key) == folder
    assert ((folder / "device.key").read_bytes() == (old / "device.key").read_bytes()) is not another_key
    assert (folder / "device.crt").read_bytes() != (old / "device.crt").read_bytes()
    assert site.lets_in("hq/a")
    assert site.lets_in("hq/a", old)


def test_the_broker_takes_its_own_renewed_certificate_without_a_restart(site):
    site.start("hq/a")
    there = site.connect("hq/a")
    renewed = site.renew("localhost", another_key=True)
    for name in ("broker.crt", "broker.key"):
        shutil.copy(renewed / name, site.broker.folder / "latchkey" / name)
    site.broker.reload()
    want = (renewed / "broker.crt").read_text()
    wait_for(lambda: served(site.broker) == want, what="the broker to show its new certificate")
    assert there.connected
    assert site.lets_in("hq/a")


def test_an_authority_that_was_renewed_is_the_same_to_everybody(site):
    site.start("hq/a")
    site.registry.renew_authority(site.signer, now=NOW + timedelta(hours=12))
    assert site.lets_in("hq/a")  # whose client trusts the new file, and the broker the old one


def test_a_new_admin_is_known_once_the_access_list_is_read_again(site):
    site.start("hq/a")
    site.make(Subject(Identity.parse("admin:anna")))
    anna = site.connect("admin:anna")
    command = ["latchkey/v1/hq/a/cmd/ping"]
    assert not anna.publish(command, b"{}")
    site.place()
    site.broker.reload()
    wait_for(lambda: anna.publish(command, b"{}"), what="the broker to read the access list")


def test_a_new_device_speaks_on_its_own_topics_before_the_list_names_it(site):
    site.start("hq/a")
    site.make(Subject(Identity.parse("hq/b")))
    topics = ["latchkey/v1/hq/b/status", "latchkey/v1/hq/a/status"]
    assert site.connect("hq/b").publish(topics, b"{}") == {"latchkey/v1/hq/b/status"}


def test_too_large_a_message_ends_the_connection_and_reaches_nobody(site):
    site.start("hq/a", "admin:anna")
    anna = site.connect("admin:anna")
    anna.subscribe(["latchkey/v1/hq/a/status"])
    flooding = site.connect("hq/a")
    flooding.send("latchkey/v1/hq/a/status", bytes(9_000_001))
    wait_for(lambda: "oversize packet" in site.broker.log(), what="the broker to hang up")
    assert anna.heard_so_far() == set()


@pytest.mark.parametrize("one_each", [False, True], ids=["as it is", "use_username_as_clientid"])
def test_who_takes_the_client_id_of_another_disconnects_it_unless_that_is_forbidden(site, one_each):
    site.start("hq/a", "hq/b", one_each=one_each)
    there = site.connect("hq/a", client_id="latchkey-hq-a")
    intruder = site.connect("hq/b", client_id="latchkey-hq-a")
    if one_each:
        assert there.publish(["latchkey/v1/hq/a/status"], b"{}")
    else:
        wait_for(lambda: not there.connected, what="the broker to throw the first one off")
    assert not intruder.publish(["latchkey/v1/hq/a/status"], b"{}")  # it is who it was all the same


@pytest.mark.skipif(PLUGIN is None, reason="this mosquitto comes without its dynamic security plugin")
class TestDynamicSecurity:
    """mosquitto_ctrl, by a keeper."""

    @pytest.fixture
    def dynsec(self, site):
        site.start("hq/a", "admin:anna", "keeper:eve", dynamic=True)
        bundle = bundle_folder(site.registry, Identity.parse("keeper:eve"))
        files = ["--cafile", bundle / "ca.crt", "--cert", bundle / "keeper.crt", "--key", bundle / "keeper.key"]

        def run(*words, files=files):
            command = [
                "mosquitto_ctrl",
                "-i",
                "eve",
                "-h",
                "localhost",
                "-p",
                site.broker.port,
                *files,
                "dynsec",
                *words,
            ]
            done = subprocess.run(
                [str(word) for word in command], capture_output=True, text=True, timeout=30, check=False
            )
            return done.stdout + done.stderr

        return run

    def test_an_identity_taken_away_may_do_nothing_from_then_on(self, site, dynsec):
        there = site.connect("hq/a", client_id="a")
        assert dynsec("listClients").split() == ["admin:anna", "hq/a", "keeper:eve"]
        assert there.publish(["latchkey/v1/hq/a/status"], b"{}")
        assert dynsec("deleteClient", "hq/a").strip() == ""
        anna = site.connect("admin:anna")
        anna.subscribe(["latchkey/v1/hq/a/status"])
        there.send("latchkey/v1/hq/a/status", b"gone")  # Mosquitto 2.0.11 leaves its connection open, and deaf
        assert not site.connect("hq/a").publish(["latchkey/v1/hq/a/status"], b"gone")
        assert anna.heard_so_far() == set()

    def test_nobody_else_may(self, site, dynsec):
        bundle = bundle_folder(site.registry, Identity.parse("admin:anna"))
        files = ["--cafile", bundle / "ca.crt", "--cert", bundle / "admin.crt", "--key", bundle / "admin.key"]
        dynsec("deleteClient", "hq/a", files=files)
        assert site.connect("hq/a").publish(["latchkey/v1/hq/a/status"], b"{}")


def served(broker):
    """The certificate that the broker shows, PEM."""
    return ssl.get_server_certificate((HOST, broker.port))
