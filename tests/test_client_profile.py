"""What is kept in the folder of a profile, and what is wrong with it."""

import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.client import Profile, key_file, known
from agent.client.answers import DeviceStatus, Heard, Standing
from agent.client.profile import address
from agent.client.targets import meant
from agent.errors import ConfigError
from agent.trust.keys import SigningKey
from tests.fakes.trust import OWNER

TOLD = {"site": "hq", "broker": {"host": "b", "tls": False}}


def test_the_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("LATCHKEY_ADMIN", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert Profile.default() == tmp_path / "latchkey"
    assert Profile.default({"LATCHKEY_ADMIN": "/x/y"}).as_posix() == "/x/y"


@pytest.mark.parametrize(
    ("text", "found"),
    [("b", ("b", 8883)), ("b:1", ("b", 1)), ("[::1]:9", ("::1", 9)), ("[::1]", ("::1", 8883))],
)
def test_addresses(text, found):
    assert address(text, tls=True) == found


@pytest.mark.parametrize("text", ["b:x", "::1", "", ":1", "[::1", "b:1:2"])
def test_what_is_no_address(text):
    with pytest.raises(ConfigError, match="want HOST or HOST:PORT"):
        address(text, tls=True)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("site = ", "Invalid value"),
        ("", "site: Field required"),
        ('site = "hq"\nx = 1\n[broker]\nhost = "b"', "x: Extra inputs"),
        ('site = "hq"\n[broker]\nhost = "b"\nport = 0', "broker.port"),
        ('site = "hq"\n[broker]\nhost = "b"\ntls = false\nca = "x"', "want tls = true"),
        ("\xff", "admin.toml"),
    ],
)
def test_admin_toml_that_will_not_do(tmp_path, text, wrong):
    (tmp_path / "admin.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=wrong):
        Profile.read(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.text(st.characters(exclude_characters="\0\x7f", exclude_categories=["Cs"]), max_size=20))
def test_what_is_written_is_read(tmp_path, username):
    made = Profile.make(tmp_path, TOLD | {"broker": TOLD["broker"] | {"username": username}}, replace=True)
    assert Profile.read(tmp_path).contents == made.contents
    assert made.contents.broker.username == username


def test_the_password_comes_from_a_file_or_the_environment(tmp_path, monkeypatch):
    (tmp_path / "pw").write_text("s3cret\n")
    (tmp_path / "pw").chmod(0o600)
    made = Profile.make(tmp_path, TOLD | {"broker": TOLD["broker"] | {"username": "anna", "password_file": "pw"}})
    assert made.settings.password == (tmp_path / "pw").read_text().strip()
    assert "s3cret" not in repr(made.settings)
    for told in ("other", "more"):
        monkeypatch.setenv("LATCHKEY_ADMIN_PASSWORD", told)
        assert Profile.read(tmp_path).settings.password == told


class TestKeys:
    @pytest.mark.parametrize("passphrase", [None, "ä secret"])
    def test_what_is_written_is_read(self, tmp_path, passphrase):
        path = tmp_path / "key"
        key_file.write(path, OWNER, passphrase)
        assert key_file.encrypted(path) is bool(passphrase)
        assert key_file.read(path, lambda: passphrase) == OWNER
        assert key_file.public(path) == OWNER.public
        assert OWNER.secret not in path.read_bytes()

    def test_openssl_reads_it(self, tmp_path):
        key_file.write(tmp_path / "key", OWNER, "x y")
        command = ["openssl", "pkey", "-in", tmp_path / "key", "-passin", "pass:x y", "-pubout", "-outform", "DER"]
        done = subprocess.run(command, capture_output=True, check=True)
        assert done.stdout.endswith(OWNER.public.raw)

    def test_one_of_another_kind(self, tmp_path):
        command = "openssl genpkey -algorithm X25519 -out"
        subprocess.run([*command.split(), tmp_path / "key"], check=True, capture_output=True)
        (tmp_path / "key").chmod(0o600)
        with pytest.raises(ConfigError, match="no Ed25519 key"):
            key_file.read(tmp_path / "key")

    def test_there_is_none(self, tmp_path):
        for reading in (key_file.read, key_file.public):
            with pytest.raises(ConfigError, match="`latchkey admin key create`"):
                reading(tmp_path / "key")
        (tmp_path / "key.pub").write_text("no key\n")
        with pytest.raises(ConfigError, match="no public key"):
            key_file.public(tmp_path / "key")


class TestKnownDevices:
    def test_they_are_noted_and_forgotten(self, tmp_path):
        path, other = tmp_path / "devices.json", SigningKey(bytes(32)).public
        assert known.trust(path, "hq/front", OWNER.public) is False
        assert known.trust(path, "hq/front", other) is True
        assert known.trust(path, "hq/side", other) is False
        assert known.read(path) == {"hq/front": other, "hq/side": other}
        assert (known.forget(path, "hq/front"), known.forget(path, "hq/front")) == (True, False)

    @pytest.mark.parametrize("text", ["", "[]", "{", '{"hq/front": 1}', '{"hq/front": "AAAA"}', "\xff"])
    def test_the_file_is_damaged(self, tmp_path, text):
        (tmp_path / "devices.json").write_bytes(text.encode("latin-1"))
        with pytest.raises(ConfigError, match=r"devices.json: damaged"):
            known.read(tmp_path / "devices.json")


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("@all", (["a", "b"], ["c"], [])),
        ("@x", (["a"], ["c"], ["b"])),
        ("@y", ([], [], ["b"])),
        ("a", (["a"], [], [])),
        (["b", "c", "b", "d"], (["b"], ["c", "d"], [])),
    ],
)
def test_whom_a_target_means(target, found):
    def status(name, state, groups):
        body = {"state": state} | ({} if groups is None else {"groups": groups})
        return DeviceStatus.of(Heard(name, "status", body, Standing.UNVERIFIED))

    told = {"a": ("online", ["x"]), "b": ("online", None), "c": ("offline", ["x"])}
    assert meant(target, {name: status(name, *each) for name, each in told.items()}, str) == found
