"""`latchkey admin pki`, and what `latchkey check` says of a device's certificate."""

from datetime import UTC, datetime, timedelta

import pytest

from agent import condition
from agent.config import load_config
from agent.findings import State
from agent.pki.authority import Subject
from agent.pki.bundle import make_bundle
from agent.pki.ending import certificate_days, days_left
from agent.pki.identity import Identity
from agent.pki.registry import Registry
from tests.fakes.terminal import Terminal, forget_logging

NOW = datetime.now(UTC)


@pytest.fixture
def pki(tmp_path, monkeypatch, capsys):
    """Runs `latchkey admin pki`."""
    for name in ("LATCHKEY_PKI", "LATCHKEY_CA_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LATCHKEY_ADMIN", str(tmp_path / "profile"))
    terminal = Terminal(tmp_path, monkeypatch, capsys)
    yield lambda *arguments: terminal.run("admin", "pki", *arguments)
    forget_logging()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "profile" / "pki"


@pytest.fixture
def made(pki):
    """An authority, a broker, a device."""
    for command in (["init"], ["server", "broker.lan", "10.0.0.5"], ["device", "hq/a", "--group", "ground"]):
        assert pki(*command).code == 0
    return pki


def test_from_nothing_to_bundles(pki, folder):
    assert f"authority in {folder}, its key without a passphrase" in pki("init").out
    assert f"in {folder}/bundles/broker.lan" in pki("server", "broker.lan", "10.0.0.5").out
    assert f"in {folder}/bundles/hq/a" in pki("device", "hq/a", "--days", "90").out
    assert "hq/admin:anna: valid for 365 days" in pki("admin", "anna", "--site", "hq").out
    assert "hq/a/reader:lobby" in pki("reader", "hq/a", "lobby").out
    assert "collector:1" in pki("service", "collector", "1").out
    assert "hq/roster:main" in pki("service", "roster", "main", "--site", "hq").out
    listed = pki("list", "--json").json
    assert [each["name"] for each in listed] == [
        "broker.lan", "collector:1", "hq/a", "hq/a/reader:lobby", "hq/admin:anna", "hq/roster:main",
    ]  # fmt: skip
    assert {each["state"] for each in listed} == {"valid"}
    assert 'host = "broker.lan"' in (folder / "bundles/hq/a/agent.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["device", "hq"], "a device is SITE/DEVICE"),
        (["device", "admin:anna"], "want SITE/DEVICE"),
        (["device", "hq/a", "--group", "x/y"], "want a group"),
        (["admin", "a/b"], "no identity"),
        (["reader", "hq", "x"], "no identity"),
        (["service", "roster", "main"], "no identity"),
        (["service", "god", "x"], "want collector"),
        (["server", "a b"], "neither a host name"),
        (["server", "a" * 63 + ".lan"], "64 at most"),
        (["renew"], "renew what?"),
        (["renew", "hq/z"], "hq/z: no certificate"),
        (["revoke", "hq/z"], "hq/z: no certificate"),
        (["init"], "never overwritten"),
        (["acl", "/nowhere.crt"], "/nowhere.crt: cannot read"),
        (["device", "hq/a", "--request", "/nowhere"], "/nowhere: cannot read"),
    ],
)
def test_a_mistake_is_told_in_a_line(made, arguments, says):
    outcome = made(*arguments)
    assert outcome.code == 2
    assert says in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_without_an_authority_it_says_what_to_do(pki):
    for command in (["list"], ["device", "hq/a"], ["crl"], ["acl"]):
        assert "latchkey admin pki init" in pki(*command).err


def test_the_passphrase_comes_from_the_environment_and_is_said_nowhere(pki, folder, monkeypatch):
    monkeypatch.setenv("LATCHKEY_CA_PASSPHRASE", "correct horse")
    first = pki("init")
    assert "under the passphrase" in first.out
    assert pki("device", "hq/a").code == 0
    monkeypatch.delenv("LATCHKEY_CA_PASSPHRASE")
    refused = pki("device", "hq/b")
    assert refused.code == 2
    assert "LATCHKEY_CA_PASSPHRASE" in refused.err
    assert "horse" not in first.out + first.err + refused.err
    assert pki("list").code == 0  # no secret is needed to look
    assert [each["name"] for each in pki("list", "--json").json] == ["hq/a"]


def test_asked_for_a_passphrase_where_nobody_is(pki, folder):
    assert "there is none" in pki("init", "--passphrase").err
    assert not (folder / "ca.key").exists()


def test_renewed_by_name_and_before_the_end(made):
    assert "none ends within 30 days" in made("renew", "--soon").out
    assert made("device", "hq/b", "--days", "10").code == 0
    assert "hq/b: renewed for 365 days" in made("renew", "--soon").out
    assert "none ends" in made("renew", "--soon").out
    assert made("renew", "hq/a", "broker.lan", "--new-key").code == 0
    names = [each["name"] for each in made("list", "--json").json]
    assert names == ["broker.lan"] * 2 + ["hq/a"] * 2 + ["hq/b"] * 2
    assert "ten more years" in made("renew", "--authority").out


def test_revoked(made, folder):
    made("renew", "hq/a")
    outcome = made("revoke", "hq/a")
    assert f"2 certificates revoked: copy {folder}/crl.pem" in outcome.out
    assert [each["state"] for each in made("list", "--json").json] == ["valid", "revoked", "revoked"]
    assert "hq/a" not in made("acl").out
    assert made("crl").out == (folder / "crl.pem").read_text()


def test_what_the_broker_reads(made, tmp_path):
    made("admin", "anna")
    printed = made("acl").out
    assert "\nuser hq/a\n" in printed
    assert "topic read latchkey/v1/hq/@ground/cmd/+\n" in printed
    assert "\nuser admin:anna\n" in printed
    assert "broker.lan" not in printed
    assert made("acl", "--out", tmp_path / "acl").out == ""
    assert (tmp_path / "acl").read_text() == printed
    assert '{allow, {username, "hq/a"}, publish, [' in made("acl", "--emqx").out
    assert made("acl", "--emqx", "--dynamic").code == 2
    dynamic = made("acl", "--dynamic").json
    assert [each["username"] for each in dynamic["clients"]] == ["hq/a", "admin:anna"]
    assert not any(allowed for kind, allowed in dynamic["defaultACLAccess"].items() if kind != "unsubscribe")


def test_for_certificates_of_another_authority(made, folder):
    assert "user hq/a" in made("acl", folder / "bundles/hq/a/device.crt", "--pki", folder / "none").out


class TestCheck:
    """What `latchkey check` says of the certificate."""

    @pytest.fixture
    def look(self, tmp_path):
        registry = Registry.create(tmp_path / "pki", "Test", now=NOW)

        def look(days, *, ago=0, **more):
            then = NOW - timedelta(days=ago)
            device = Subject(Identity.parse("hq/a"))
            folder = make_bundle(registry, registry.authority(), device, now=then, days=days)
            tls = {
                "enabled": True,
                "ca": folder / "ca.crt",
                "cert": folder / "device.crt",
                "key": folder / "device.key",
            }
            settings = {f"mqtt.tls.{name}": value for name, value in tls.items()} | {"mqtt.enabled": True} | more
            return condition.certificates(load_config(None, settings, {}))

        return look

    def test_valid_for_long(self, look):
        found = look(60)
        assert (found.state, found.advice) == (State.OK, "")
        assert "device.crt: valid for " in found.text

    def test_ends_soon(self, look):
        found = look(30)
        assert found.state is State.WARNING
        assert "latchkey admin pki renew" in found.advice

    def test_damaged(self, look, tmp_path):
        (tmp_path / "bad").write_text("nonsense")
        found = look(60, **{"mqtt.tls.ca": tmp_path / "bad"})
        assert found.state is State.FAILED
        assert "no certificate in PEM" in found.text

    def test_no_tls_beyond_this_machine(self):
        def found(host):
            return condition.certificates(load_config(None, {"mqtt.enabled": True, "mqtt.host": host}, {}))

        assert found("broker.lan").state is State.WARNING
        assert "not encrypted" in found("broker.lan").text
        assert found("localhost").state is State.OK

    def test_days_are_whole_and_below_zero_once_it_has_ended(self, tmp_path):
        registry = Registry.create(tmp_path / "pki", "Test", now=NOW)
        folder = make_bundle(registry, registry.authority(), Subject(Identity.parse("hq/a")), now=NOW, days=2)
        file, end = folder / "device.crt", NOW.replace(microsecond=0) + timedelta(days=2)
        want = [
            (end - timedelta(days=2), 2),
            (end - timedelta(hours=25), 1),
            (end, 0),
            (end + timedelta(seconds=1), -1),
        ]
        assert [(at, days_left(file, at)) for at, _ in want] == want


def test_health_says_what_ends_first(tmp_path):
    registry = Registry.create(tmp_path / "pki", "Test", now=NOW)
    folder = make_bundle(registry, registry.authority(), Subject(Identity.parse("hq/a")), now=NOW, days=20)
    device = folder / "device.crt"

    def days(**tls):
        settings = {f"mqtt.tls.{name}": value for name, value in ({"enabled": True} | tls).items()}
        return certificate_days(load_config(None, settings, {}).mqtt.tls, NOW + timedelta(hours=1))

    assert days(ca=folder / "ca.crt", cert=device, key=folder / "device.key") == 19
    assert days(ca=folder / "ca.crt") == 3649
    assert days() is None
    assert days(enabled=False) is None
    (tmp_path / "bad").write_text("nonsense")
    assert days(ca=tmp_path / "bad") is None
