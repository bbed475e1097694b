"""The broker as deployed, asked for everything by everybody: what it lets through is what the table says.

Every identity publishes to every topic and subscribes to every topic, under the access list and under dynamic
security. Who hears what is proved by a witness: Mosquitto tells MQTT 3.1.1 clients of no refused message, and its
access list refuses no subscription, only what would come of it.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from paho.mqtt.client import topic_matches_sub

from agent.homeassistant.bundle import birth_topic, discovery_topic, lock_topic, release_topic
from agent.mqtt.connection import Outgoing
from agent.mqtt.link import Link
from agent.mqtt.settings import LinkSettings, TlsFiles
from agent.mqtt.topics import Topics
from agent.pki import files
from agent.pki.acl import access_list
from agent.pki.authority import Authority, Subject, new_key
from agent.pki.bundle import make_bundle
from agent.pki.dynsec import dynamic_security
from agent.pki.identity import Identity, Kind
from agent.pki.registry import Registry
from agent.roster.topics import RosterTopics
from tests.conftest import MOSQUITTO
from tests.fakes.broker import PLUGIN, Client, DeployedBroker

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: sudo apt install mosquitto")

NOW = datetime.now(UTC)
SITE, OTHER = "hq", "plant"
WHO = {  # column of the table: who that is, seen from a topic of hq/a
    "own": "hq/a",
    "peer": "hq/b",
    "other": "plant/c",
    "admin": "admin:anna",
    "here": "hq/admin:ben",
    "there": "plant/admin:cleo",
    "card": "hq/a/reader:lobby",
    "coll": "collector:1",
    "rost": "hq/roster:main",
    "home": "hq/home:assistant",
    "relay": "hq/relay:home",
    "keep": "keeper:eve",
    "none": "hq/z",  # with a certificate, but not in the list
}
# w: may publish, r: may hear. What stands nowhere here is nobody's.
TABLE = """
topic                 own   peer  other admin here  there card  coll  rost  home  relay keep  none
status                rw    r     -     r     r     -     r     r     -     r     r     -     -
health                w     -     -     r     r     -     -     r     -     r     -     -     -
state/door            rw    r     -     r     r     -     r     -     -     r     r     -     -
state/zone            rw    r     -     r     r     -     -     -     -     -     -     -     -
passage               rw    r     -     r     r     -     -     -     -     -     -     -     -
snapshot              w     -     -     -     -     -     -     -     -     r     -     -     -
event/access          w     -     -     r     r     -     -     r     -     r     -     -     -
event/attendance      w     -     -     r     r     -     -     r     -     -     -     -     -
event/ack             rw    -     -     r     r     -     -     rw    -     -     -     -     -
pair                  r     -     -     w     w     -     -     -     -     -     -     -     -
pair/x1/answer        w     -     -     r     r     -     -     -     -     -     -     -     -
in/credential         r     -     -     -     -     -     w     -     -     -     -     -     -
cmd/ping              r     -     -     w     w     -     -     -     -     -     -     -     -
cmd/unlock            r     -     -     w     w     -     -     -     -     -     w     -     -
cmd/enrol/x1/part/1/2 r     -     -     w     w     -     -     -     -     -     -     -     -
cmd/ping/x1/result    w     -     -     r     r     -     -     -     -     -     -     -     -
cmd/unlock/x1/result  w     -     -     r     r     -     -     -     -     -     r     -     -
cmd/enrol/x1/progress w     -     -     r     r     -     -     -     -     -     -     -     -
nonsense              -     -     -     -     -     -     -     -     -     -     -     -     -
"""
OF_THE_SITE = """
topic                                   own   peer  other admin here  there card  coll  rost  home  relay keep  none
@all/cmd/ping                           r     r     -     w     w     -     -     -     -     -     -     -     -
@all/cmd/unlock                         r     r     -     w     w     -     -     -     -     -     w     -     -
@all/cmd/enrol/x1/part/1/2              r     r     -     w     w     -     -     -     -     -     -     -     -
@ground/cmd/ping                        r     -     -     w     w     -     -     -     -     -     -     -     -
@ground/cmd/enrol/x1/part/1/2           r     -     -     w     w     -     -     -     -     -     -     -     -
@roster/head                            r     r     -     r     r     -     -     -     w     -     -     -     -
@roster/ask/x                           -     -     -     w     w     -     -     -     r     -     -     -     -
@roster/put/x                           -     -     -     w     w     -     -     -     r     -     -     -     -
@roster/answer/x1                       -     -     -     r     r     -     -     -     w     -     -     -     -
@roster/pull/a                          w     -     -     -     -     -     -     -     r     -     -     -     -
@roster/page/a                          r     -     -     -     -     -     -     -     w     -     -     -     -
ha/status                               r     r     r     -     -     -     -     -     -     rw    -     -     -
ha/device/a/latchkey_hq_a_b8d0ded2/config w     -     -     -     -     -     -     -     -     r     -     -     -
ha/latchkey/hq/a/lock/set               -     -     -     -     -     -     -     -     -     rw    r     -     -
ha/latchkey/hq/release                  -     -     -     w     w     -     -     -     -     r     -     -     -
ha/lock/x/config                        -     -     -     -     -     -     -     -     -     r     -     -     -
latchkey/v1/hq                          -     -     -     -     -     -     -     -     -     -     -     -     -
elsewhere                               -     -     -     -     -     -     -     -     -     -     -     -     -
$CONTROL/dynamic-security/v1            -     -     -     -     -     -     -     -     -     -     -     w     -
"""
CONTROL = "$CONTROL/dynamic-security/v1"  # the broker keeps to itself what is sent there
WITNESS = "admin:witness"
WIDE = ("#", "latchkey/#", "latchkey/v1/+/+/cmd/#", "latchkey/v1/hq/#", "+/+/+/+/+", "homeassistant/#", "$share/x/#")


def rows(text):
    """(topic, column -> "rw", "r", "w" or "-")."""
    (_, *columns), *lines = [line.split() for line in text.strip().splitlines()]
    whole = [re.sub("^ha/", "homeassistant/", re.sub("^@", "latchkey/v1/hq/@", topic)) for topic, *_ in lines]
    return [(topic, dict(zip(columns, cells, strict=True))) for topic, (_, *cells) in zip(whole, lines, strict=True)]


def allowed(name, access):
    """The topics of the tables which an identity may `r`ead or `w`rite; seen from the topics of three devices."""
    found = set()
    for topic, cells in rows(OF_THE_SITE):
        found |= {topic for column, who in WHO.items() if who == name and access in cells[column]}
    for topic, cells in rows(TABLE):
        for site, device in (("hq", "a"), ("hq", "b"), ("plant", "c")):
            column = seen_from(site, device, name)
            if column and access in cells[column]:
                found.add(f"latchkey/v1/{site}/{device}/{topic}")
    return found


def seen_from(site, device, name):
    """Which column of the table an identity is in for the topics of a device."""
    if name in {"hq/a", "hq/b", "plant/c"}:
        return "own" if name == f"{site}/{device}" else "peer" if name.startswith(f"{site}/") else "other"
    if name in {"hq/admin:ben", "plant/admin:cleo"}:
        return "here" if name.startswith(f"{site}/") else "there"
    here = {"hq/a/reader:lobby": (site, device) == ("hq", "a"), "hq/roster:main": site == "hq"}
    if not here.get(name, site == "hq" or not name.startswith("hq/")):
        return None
    return next(column for column, who in WHO.items() if who == name)


ALL = [topic for topic, _ in rows(OF_THE_SITE)] + [
    f"latchkey/v1/{device}/{topic}" for device in ("hq/a", "hq/b", "plant/c") for topic, _ in rows(TABLE)
]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """An authority, a bundle for everybody of the table and some beside."""
    folder = tmp_path_factory.mktemp("pki")
    registry = Registry.create(folder / "ca", "Test", now=NOW)
    signer = registry.authority()

    def bundle(subject):
        return make_bundle(registry, signer, subject, now=NOW, days=1)

    groups = {"hq/a": ("ground",)}
    subjects = [Subject(Identity.parse(name), groups=groups.get(name, ())) for name in [*WHO.values(), WITNESS]]
    bundles = {subject.identity.common_name: bundle(subject) for subject in subjects}
    broker = bundle(Subject(Identity(Kind.BROKER, name="localhost"), hosts=("localhost", "127.0.0.1")))
    listed = [each for each in subjects if each.identity.common_name not in {"hq/z", WITNESS}]
    return SimpleNamespace(registry=registry, signer=signer, bundles=bundles, broker=broker, listed=listed)


@pytest.fixture(scope="module", params=["access list", "dynamic security"])
def broker(request, authority, tmp_path_factory):
    """Both ways; besides, the witness may publish and hear all."""
    folder = tmp_path_factory.mktemp("broker")
    there = {name: authority.broker / name for name in ("ca.crt", "broker.crt", "broker.key")}
    there["crl.pem"] = authority.registry.revoked_file
    if request.param == "access list":
        there["acl"] = folder / "acl"
        there["acl"].write_text(access_list(authority.listed) + f"\nuser {WITNESS}\ntopic readwrite #\n")
        running = DeployedBroker(folder / "run", there)
    else:
        if PLUGIN is None:
            pytest.skip("this mosquitto comes without its dynamic security plugin")
        running = DeployedBroker(folder / "run", there, dynamic=True)
        told = json.loads(dynamic_security(authority.listed))
        rules = [{"acltype": kind, "topic": "#", "priority": 0, "allow": True} for kind in
                 ("publishClientSend", "publishClientReceive", "subscribePattern")]  # fmt: skip
        told["roles"].append({"rolename": "witness", "acls": rules})
        told["clients"].append({"username": WITNESS, "roles": [{"rolename": "witness", "priority": 0}]})
        (folder / "run/lib/dynamic-security.json").write_text(json.dumps(told))
    running.start()
    running.kind = request.param
    yield running
    running.stop()


@pytest.fixture(scope="module")
def witness(broker, authority):
    with Client(broker, authority.registry.authority_file, authority.bundles[WITNESS]) as client:
        client.subscribe(["#"])
        yield client


@pytest.fixture
def connect(broker, authority):
    made = []

    def connect(bundle, **options):
        made.append(Client(broker, authority.registry.authority_file, bundle, **options))
        return made[-1]

    yield connect
    for client in made:
        client.__exit__()


@pytest.mark.parametrize("five", [True, False], ids=["MQTT 5", "MQTT 3.1.1"])
@pytest.mark.parametrize("name", WHO.values())
def test_whatever_is_published_without_leave_arrives_nowhere(authority, witness, connect, name, five):
    client = connect(authority.bundles[name], five=five)
    witness.heard_so_far()
    granted = client.publish(ALL, name.encode())
    arrived = {topic for topic, payload in witness.heard_so_far() if payload == name.encode()}
    want = allowed(name, "w")
    assert arrived == want - {CONTROL}
    if five:
        assert granted == want


@pytest.mark.parametrize("name", WHO.values())
def test_whatever_is_listened_to_without_leave_stays_unheard(broker, authority, witness, connect, name):
    client = connect(authority.bundles[name])
    granted = client.subscribe([*ALL, *WIDE])
    witness.publish(ALL, b"live")
    heard = {topic for topic, _ in client.heard_so_far()}
    want = allowed(name, "r")
    assert heard & set(ALL) == want
    if broker.kind == "dynamic security":  # the access list grants all subscriptions and lets nothing through
        assert granted == want | ({"homeassistant/#"} if name == "hq/home:assistant" else set())


@pytest.mark.parametrize("name", WHO.values())
def test_what_is_retained_is_no_more_open_than_what_comes(authority, witness, connect, name):
    witness.publish(ALL[:-1], b"kept", retain=True)
    client = connect(authority.bundles[name])
    client.subscribe([*ALL, *WIDE])
    assert {topic for topic, payload in client.heard_so_far() if payload == b"kept"} == allowed(name, "r") & set(
        ALL[:-1]
    )
    witness.publish(ALL[:-1], b"", retain=True)


def test_collectors_share_the_events_and_nobody_else_does(broker, authority, witness, connect):
    """Nobody else hears one. But Mosquitto's access list lets others join the group, and drops what would be theirs."""
    shared = [f"$share/collector/latchkey/v1/+/+/{topic}" for topic in ("event/+", "status", "health")]
    one, two = (connect(authority.bundles["collector:1"]) for _ in range(2))
    others = [connect(authority.bundles[name]) for name in ("hq/b", "hq/a/reader:lobby", "hq/roster:main")]
    assert [client.subscribe(shared) for client in (one, two)] == [set(shared)] * 2
    for client in others:
        client.subscribe(shared)
    sent = set()
    for number in range(20):
        sent.add(("latchkey/v1/hq/a/event/access", b"%d" % number))
        witness.publish(["latchkey/v1/hq/a/event/access"], b"%d" % number)
    first, second = (client.heard_so_far() for client in (one, two))
    assert first | second == sent or (broker.kind == "access list" and first | second < sent)
    assert not first & second
    assert [client.heard_so_far() for client in others] == [set(), set(), set()]


def test_the_link_of_a_device_does_its_work(broker, authority, connect):
    bundle = authority.bundles["hq/a"]
    tls = TlsFiles(bundle / "ca.crt", bundle / "device.crt", bundle / "device.key")
    link = Link(LinkSettings("localhost", broker.port, tls=tls), Topics("hq", "a", ("ground",)),
                boot_id="b1", version="0.1.0", model="m")  # fmt: skip
    anna = connect(authority.bundles["admin:anna"])
    wanted = {link.topics.status, link.topics.event("access"), link.topics.result("ping", "7")}
    anna.subscribe(wanted)
    link.start()
    try:
        assert link.wait_connected(10)
        anna.publish([link.topics.command("ping")], b'{"id":"7"}')
        assert link.inbox.get(10).payload == b'{"id":"7"}'
        assert link.publish(link.topics.event("access"), b"{}", seq=1, epoch=1)
        link.send(Outgoing(link.topics.result("ping", "7"), b"{}"))
        while wanted:
            wanted.discard(anna.heard.get(timeout=10)[0])
    finally:
        link.close()


def test_a_last_will_is_a_message_like_any_other(authority, witness, connect):
    forbidden, own = "latchkey/v1/hq/a/status", "latchkey/v1/hq/b/status"
    witness.heard_so_far()
    for topic in (forbidden, own):
        connect(authority.bundles["hq/b"], will=(topic, b"will")).drop()
    deadline = 200
    heard = set()
    while (own, b"will") not in heard and deadline:
        heard |= witness.heard_so_far()
        deadline -= 1
    assert {topic for topic, payload in heard if payload == b"will"} == {own}


@pytest.mark.parametrize("name", ["+/+", "hq/#", "#", "hq/a/reader:+"])
def test_wildcards_in_a_name_open_nothing(authority, witness, connect, tmp_path, name):
    """CVE-2017-7650: %u stands in the access list. Our authority makes no such certificate; another one may."""
    connected = connect(forged(authority.signer, tmp_path, name))
    assert connected.publish(ALL, b"forged") == set()
    connected.subscribe([*ALL, *WIDE])
    witness.publish(ALL, b"live")
    assert connected.heard_so_far() == set()
    assert {payload for _, payload in witness.heard_so_far()} & {b"forged"} == set()


class TestWhoIsNotLetIn:
    """The connection itself is refused, before any word of MQTT."""

    def test_nobody_without_a_certificate(self, refused):
        refused(None)

    def test_a_certificate_of_another_authority(self, refused, authority, tmp_path):
        refused(forged(Authority.new("Test", NOW), tmp_path, "hq/a"))

    def test_a_certificate_that_signs_itself(self, refused, tmp_path):
        own = Authority.new("hq/a", NOW)
        refused(written(tmp_path, own.certificate, own.key))

    def test_the_brokers_own_certificate(self, refused, authority):
        refused(authority.broker)

    def test_one_that_has_ended(self, refused, authority, tmp_path):
        refused(forged(authority.signer, tmp_path, "hq/a", ended=True))

    @pytest.fixture
    def refused(self, broker, authority):
        def refused(bundle):
            with pytest.raises(ConnectionRefusedError):
                Client(broker, authority.registry.authority_file, bundle)

        return refused


def forged(signer, folder, name, *, ended=False):
    """A bundle which our own commands would not make."""
    key = new_key()
    identity = SimpleNamespace(kind=Kind.DEVICE, common_name=name)
    names = [x509.UniformResourceIdentifier("latchkey:x")]
    subject = SimpleNamespace(identity=identity, names=names, purposes=[ExtendedKeyUsageOID.CLIENT_AUTH])
    made = signer.issue(subject, key.public_key(), now=NOW - timedelta(hours=25) if ended else NOW, days=1)
    return written(folder, made, key)


def written(folder, certificate, key):
    (folder / "device.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "device.key").write_bytes(files.pem(key))
    return folder


def test_the_tables_have_every_topic_of_a_device():
    """A topic that is added has to be thought about here, and in agent/pki/policy.py."""
    topics = Topics("hq", "a", ("ground",))
    filters = [*topics.subscriptions, *topics.news, *topics.peers(["b"])]
    assert [each for each in filters if not any(topic_matches_sub(each, topic) for topic in ALL)] == []
    assert {topics.credential, topics.command("ping"), topics.result("ping", "x1")} <= set(ALL)


def test_the_tables_have_the_rosters_topics():
    topics = RosterTopics("hq")
    asked = {topics.put("x"), topics.ask("x"), topics.answer("x1"), topics.pull("a"), topics.page("a")}
    assert {topics.head, *asked} <= set(ALL)


def test_the_tables_have_home_assistants_topics():
    asked = {lock_topic("homeassistant", "hq", "a"), release_topic("homeassistant", "hq")}
    assert {discovery_topic("homeassistant", "hq", "a"), birth_topic("homeassistant"), *asked} <= set(ALL)


def test_the_contract_shows_what_the_access_list_says_of_a_device():
    page = (Path(__file__).parents[1] / "deploy" / "MQTT.md").read_text(encoding="utf-8")
    shown = page.split("```acl\n")[1].split("```")[0]
    assert shown == "".join(line for line in access_list([]).splitlines(keepends=True) if line.startswith("pattern "))
