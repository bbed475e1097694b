"""The authority: what its certificates say, and what becomes of its folder."""

import os
import ssl
import stat
import subprocess
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ConfigError
from agent.pki import files
from agent.pki.authority import Authority, Subject, device_groups, new_key, server_hosts, subject_of
from agent.pki.bundle import agent_lines, bundle_folder, make_bundle, renew_bundle
from agent.pki.identity import Identity, Kind
from agent.pki.registry import Registry

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
DOOR = Subject(Identity(Kind.DEVICE, "hq", "front-door"), groups=("ground", "fire"))
BROKER = Subject(Identity(Kind.BROKER, name="broker.lan"), hosts=("broker.lan", "192.168.1.5", "fd00::5"))


@pytest.fixture
def registry(tmp_path):
    return Registry.create(tmp_path / "pki", "Test", now=NOW)


@pytest.fixture
def signer(registry):
    return registry.authority()


def extension(certificate, kind):
    return certificate.extensions.get_extension_for_class(kind)


class TestIdentity:
    @pytest.mark.parametrize(
        ("text", "want"),
        [
            ("hq/front-door", Identity(Kind.DEVICE, "hq", "front-door")),
            ("admin:anna", Identity(Kind.ADMIN, name="anna")),
            ("hq/admin:anna", Identity(Kind.ADMIN, "hq", name="anna")),
            ("hq/a/reader:lobby", Identity(Kind.READER, "hq", "a", "lobby")),
            ("collector:1", Identity(Kind.COLLECTOR, name="1")),
            ("hq/roster:main", Identity(Kind.ROSTER, "hq", name="main")),
        ],
    )
    def test_a_name_says_who_it_is(self, text, want):
        assert Identity.parse(text) == want
        assert want.common_name == text

    @pytest.mark.parametrize(
        "text",
        ["", "hq", "hq/", "/hq", "hq/a/", "hq/+", "+/+", "hq/#", "#", "a/b/c", "hq/@all", "hq/..", "../a", "hq/.a",
         "roster:x", "reader:x", "hq/reader:x", "a/b/admin:x", "device:x", "broker:x", "god:x", "admin:", "admin:a/b",
         "hq/a b", "hq/ä", "hq/a\n", "hq/a\0", f"hq/{'a' * 62}"],
    )  # fmt: skip
    def test_what_is_no_name_is_told(self, text):
        with pytest.raises(ConfigError):
            Identity.parse(text)

    @given(st.text(alphabet="ab/:.+#@ \n-_", max_size=12) | st.text())
    def test_whatever_is_taken_is_one_name_and_no_pattern(self, text):
        try:
            found = Identity.parse(text)
        except ConfigError:
            return
        assert found.common_name == text
        assert not set(text) & set("+#\0 \n")
        assert not {"", ".", ".."} & set(text.split("/"))


class TestCertificates:
    def test_a_devices(self, signer):
        made = signer.issue(DOOR, new_key().public_key(), now=NOW, days=365)
        assert made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "hq/front-door"
        assert list(extension(made, x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
        assert extension(made, x509.BasicConstraints) == x509.Extension(
            x509.BasicConstraints.oid, True, x509.BasicConstraints(ca=False, path_length=None)
        )
        assert extension(made, x509.KeyUsage).value.digital_signature
        assert not extension(made, x509.KeyUsage).value.key_cert_sign
        uris = extension(made, x509.SubjectAlternativeName).value.get_values_for_type(x509.UniformResourceIdentifier)
        assert uris == ["latchkey:hq/front-door", "latchkey:group:ground", "latchkey:group:fire"]
        assert made.not_valid_after_utc == NOW + timedelta(days=365)
        assert made.not_valid_before_utc < NOW - timedelta(hours=12)  # a Pi's clock may be behind
        assert subject_of(made) == DOOR

    def test_the_brokers(self, signer):
        made = signer.issue(BROKER, new_key().public_key(), now=NOW, days=365)
        names = extension(made, x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["broker.lan"]
        assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["192.168.1.5", "fd00::5"]
        assert list(extension(made, x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
        assert subject_of(made) == BROKER

    def test_a_device_that_serves_pages_to_browsers(self, signer):
        subject = Subject(DOOR.identity, ("front-door.lan", "10.0.0.21"), DOOR.groups)
        made = signer.issue(subject, new_key().public_key(), now=NOW, days=365)
        assert list(extension(made, x509.ExtendedKeyUsage).value) == [
            ExtendedKeyUsageOID.CLIENT_AUTH,
            ExtendedKeyUsageOID.SERVER_AUTH,
        ]
        names = extension(made, x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["front-door.lan"]
        assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.21"]
        assert subject_of(made) == subject  # renewed as it is

    def test_none_outlives_its_authority(self, signer):
        made = signer.issue(DOOR, new_key().public_key(), now=NOW + timedelta(days=3640), days=365)
        assert made.not_valid_after_utc == signer.certificate.not_valid_after_utc

    def test_openssl_finds_nothing_wrong_however_strictly_it_looks(self, registry, signer, tmp_path):
        at = str(int(NOW.timestamp()))
        for subject, purpose in ((DOOR, "sslclient"), (BROKER, "sslserver")):
            folder = make_bundle(registry, signer, subject, now=NOW, days=365)
            certificate = folder / f"{subject.identity.kind}.crt"
            command = ["openssl", "verify", "-x509_strict", "-purpose", purpose, "-attime", at,
                       "-crl_check", "-CRLfile", registry.revoked_file, "-CAfile", folder / "ca.crt",
                       certificate]  # fmt: skip
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr

    def test_python_takes_the_key_with_the_certificate(self, registry, signer):
        folder = make_bundle(registry, signer, DOOR, now=NOW, days=365)
        context = ssl.create_default_context(cafile=folder / "ca.crt")
        context.load_cert_chain(folder / "device.crt", folder / "device.key")

    @pytest.mark.parametrize("host", ["", "a b", "*.lan", "-a", "a..b", "ä.lan", "a/b", "a" * 64, "1.2.3.4/24"])
    def test_no_host_is_told(self, host):
        with pytest.raises(ConfigError, match="neither a host name"):
            server_hosts([host])

    def test_hosts_and_groups_stand_once(self):
        assert server_hosts(["b.lan", "10.0.0.1", "b.lan"]) == ("b.lan", "10.0.0.1")
        assert device_groups(["@ground", "ground"]) == ("ground",)
        with pytest.raises(ConfigError, match="want a group"):
            device_groups(["a/b"])


class TestRegistry:
    def test_secrets_are_their_owners_alone(self, registry, signer):
        folder = make_bundle(registry, signer, DOOR, now=NOW, days=1)
        for secret in (registry.folder / "ca.key", folder / "device.key"):
            assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        for private in (registry.folder, folder):
            assert stat.S_IMODE(private.stat().st_mode) == 0o700

    def test_an_authority_is_never_overwritten(self, registry):
        before = registry.authority_file.read_bytes()
        with pytest.raises(ConfigError, match="never overwritten"):
            Registry.create(registry.folder, "Other", now=NOW)
        assert registry.authority_file.read_bytes() == before

    def test_none_is_told(self, tmp_path):
        with pytest.raises(ConfigError, match="latchkey admin pki init"):
            Registry(tmp_path)

    def test_a_passphrase(self, tmp_path):
        made = Registry.create(tmp_path / "pki", "Test", now=NOW, passphrase=b"correct horse")
        assert made.has_passphrase
        assert b"ENCRYPTED" in (made.folder / "ca.key").read_bytes()
        assert made.authority(b"correct horse").certificate
        with pytest.raises(ConfigError, match="LATCHKEY_CA_PASSPHRASE"):
            made.authority()
        with pytest.raises(ConfigError, match="passphrase is wrong") as told:
            made.authority(b"battery staple")
        assert "staple" not in str(told.value)

    def test_a_key_that_others_may_read_is_not_used(self, registry):
        (registry.folder / "ca.key").chmod(0o640)
        with pytest.raises(ConfigError, match="chmod 600"):
            registry.authority()

    def test_a_key_of_another_authority_is_not_used(self, registry):
        files.write(registry.folder / "ca.key", files.pem(new_key()), 0o600)
        with pytest.raises(ConfigError, match=r"not the key of ca\.crt"):
            registry.authority()

    @pytest.mark.parametrize("name", ["ca.crt", "ca.key", "crl.pem"])
    def test_a_damaged_file_is_told(self, registry, name):
        files.write(registry.folder / name, b"nonsense", 0o600)
        with pytest.raises(ConfigError, match=name):
            (registry.authority(), registry.issued(), registry.of("x"))

    def test_a_list_of_somebody_else_counts_for_nothing(self, registry, signer):
        other = Authority.new("Test", NOW)
        files.write(registry.revoked_file, other.revoke({}, number=9, now=NOW).public_bytes(Encoding.PEM))
        with pytest.raises(ConfigError, match="not signed by this authority"):
            registry.issued()
        with pytest.raises(ConfigError, match="not signed by this authority"):
            registry.revoke(signer, [1], now=NOW)

    def test_what_has_become_of_each(self, registry, signer):
        for device, days in (("a", 365), ("b", 20), ("c", 365)):
            make_bundle(registry, signer, Subject(Identity(Kind.DEVICE, "hq", device)), now=NOW, days=days)
        registry.revoke(signer, [registry.of("hq/c")[0].certificate.serial_number], now=NOW)
        assert [each.state(NOW) for each in registry.issued()] == ["valid", "ends soon", "revoked"]
        assert [each.state(NOW + timedelta(days=21)) for each in registry.issued()] == ["valid", "ended", "revoked"]
        assert [each.common_name for each in registry.newest()] == ["hq/a", "hq/b"]
        with pytest.raises(ConfigError, match="only revoked"):
            registry.of("hq/c")

    def test_what_was_revoked_stays_so_and_each_list_has_a_higher_number(self, registry, signer):
        serials = []
        for day in range(3):
            serials.append(registry.issue(signer, DOOR, new_key().public_key(), now=NOW, days=1).serial_number)
            registry.revoke(signer, serials[-1:], now=NOW + timedelta(days=day))
        there = x509.load_pem_x509_crl(registry.revoked_file.read_bytes())
        assert {each.serial_number: each.revocation_date_utc for each in there} == {
            serial: NOW + timedelta(days=day) for day, serial in enumerate(serials)
        }
        assert extension(there, x509.CRLNumber).value.crl_number == 4
        registry.revoke(signer, serials, now=NOW + timedelta(days=9))  # again: the first day counts
        assert {each.revoked_at for each in registry.issued()} == {NOW + timedelta(days=day) for day in range(3)}

    def test_two_commands_at_once_lose_nothing(self, registry, signer):
        made = [registry.issue(signer, DOOR, new_key().public_key(), now=NOW, days=1).serial_number for _ in range(6)]
        threads = [
            threading.Thread(target=registry.revoke, args=(signer, [serial]), kwargs={"now": NOW}) for serial in made
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [each.revoked_at for each in registry.issued()] == [NOW] * 6

    def test_an_authority_renewed_has_the_same_key_and_name(self, registry, signer):
        later = NOW + timedelta(days=3600)
        registry.renew_authority(signer, now=later)
        renewed = registry.authority()
        assert renewed.certificate.public_key() == signer.certificate.public_key()
        assert renewed.certificate.subject == signer.certificate.subject
        assert renewed.certificate.not_valid_after_utc > signer.certificate.not_valid_after_utc
        listed = x509.load_pem_x509_crl(registry.revoked_file.read_bytes())
        assert listed.next_update_utc == renewed.certificate.not_valid_after_utc

    def test_one_that_has_ended_issues_nothing(self, registry, signer):
        with pytest.raises(ConfigError, match="renew --authority"):
            registry.issue(signer, DOOR, new_key().public_key(), now=NOW + timedelta(days=3651), days=1)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_a_folder_that_cannot_be_written_to_is_told(self, registry, signer):
        (registry.folder / "issued").chmod(0o500)
        with pytest.raises(ConfigError, match="cannot write"):
            registry.issue(signer, DOOR, new_key().public_key(), now=NOW, days=1)

    def test_a_file_that_is_far_too_long_is_not_read(self, registry):
        registry.revoked_file.write_bytes(b"x" * (files.LONGEST + 1))
        with pytest.raises(ConfigError, match="longer than"):
            registry.issued()


class TestBundles:
    def test_what_a_device_gets(self, registry, signer):
        make_bundle(registry, signer, BROKER, now=NOW, days=365)
        folder = make_bundle(registry, signer, DOOR, now=NOW, days=365)
        assert folder == registry.folder / "bundles" / "hq" / "front-door"
        assert sorted(each.name for each in folder.iterdir()) == ["agent.toml", "ca.crt", "device.crt", "device.key"]
        assert (folder / "agent.toml").read_text() == agent_lines(DOOR, "broker.lan")

    def test_its_lines_are_a_configuration(self, tmp_path):
        from agent.config import load_config

        (tmp_path / "agent.toml").write_text(agent_lines(DOOR, "broker.lan"))
        config = load_config(tmp_path / "agent.toml", {}, {})
        assert (config.device.site, config.device.name, config.device.groups) == ("hq", "front-door", DOOR.groups)
        assert (config.mqtt.host, config.mqtt.port, config.mqtt.tls.enabled) == ("broker.lan", 8883, True)
        assert config.mqtt.tls.key == tmp_path / "tls" / "device.key"

    def test_folders_of_different_identities_are_different(self, registry):
        names = ["hq/a", "hq/a/reader:x", "hq/admin:x", "admin:x", "hq/roster:x", "a/hq"]
        folders = [bundle_folder(registry, Identity.parse(name)) for name in names]
        assert len(set(folders)) == len(names)

    def test_a_key_made_elsewhere_stays_there(self, registry, signer, tmp_path):
        command = (
            "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=x -keyout k -out r"
        )
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
        folder = make_bundle(registry, signer, DOOR, now=NOW, days=1, request=tmp_path / "r")
        assert sorted(each.name for each in folder.iterdir()) == ["agent.toml", "ca.crt", "device.crt"]
        ssl.create_default_context().load_cert_chain(folder / "device.crt", tmp_path / "k")
        assert subject_of(files.read_certificate(folder / "device.crt")) == DOOR  # not what the request says

    def test_what_is_no_request_is_told(self, registry, signer, tmp_path):
        (tmp_path / "r").write_text("hello")
        with pytest.raises(ConfigError, match="no certificate signing request"):
            make_bundle(registry, signer, DOOR, now=NOW, days=1, request=tmp_path / "r")

    @pytest.mark.parametrize("another_key", [False, True])
    def test_renewed(self, registry, signer, another_key):
        folder = make_bundle(registry, signer, DOOR, now=NOW, days=30)
        old = files.read_certificate(folder / "device.crt")
        later = NOW + timedelta(days=20)
        assert renew_bundle(registry, signer, "hq/front-door", now=later, days=365, another_key=another_key) == folder
        new = files.read_certificate(folder / "device.crt")
        assert (new.public_key() == old.public_key()) is not another_key
        assert new.not_valid_after_utc == later + timedelta(days=365)
        assert subject_of(new) == DOOR
        ssl.create_default_context().load_cert_chain(folder / "device.crt", folder / "device.key")
