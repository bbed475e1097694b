"""`latchkey admin`: the profile, keys and devices; what is said of many devices, and with which status it ends."""

import re

import pytest

from agent.cli import main
from agent.client import Profile, key_file, known
from agent.trust.keys import SigningKey
from tests.fakes.desks import Desk
from tests.fakes.devices import device
from tests.fakes.terminal import Outcome, forget_logging
from tests.fakes.trust import OWNER

KEY = SigningKey(bytes(32))
OK = {"ok": True, "data": {}}


@pytest.fixture(name="desk")
def desk_fixture(tmp_path, mosquitto, monkeypatch, capsys):
    yield Desk(tmp_path, mosquitto.port, monkeypatch, capsys)
    forget_logging()


@pytest.fixture
def bare(tmp_path, monkeypatch, capsys):
    """The command line without a profile: run(...) and where one would be."""
    monkeypatch.setenv("LATCHKEY_ADMIN", str(tmp_path / "p"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        capsys.readouterr()
        code = main(["admin", *map(str, arguments)])
        return Outcome(code, *capsys.readouterr())

    yield run
    forget_logging()


class TestInit:
    def test_a_profile_is_made_once(self, bare, tmp_path):
        done = bare("init", "--broker", "broker.local:1884", "--site", "hq", "--no-tls", "--name", "anna")
        assert (done.code, done.err) == (0, "")
        assert "site hq at broker.local:1884" in done.out
        made = Profile.read(tmp_path / "p")
        assert (made.site, made.contents.name, made.settings.port, made.settings.tls) == ("hq", "anna", 1884, None)
        assert (tmp_path / "p" / "admin.toml").stat().st_mode & 0o777 == 0o600
        again = bare("init", "--broker", "other", "--site", "hq", "--no-tls")
        assert (again.code, "is there already and is left as it is" in again.err) == (2, True)
        assert bare("init", "--broker", "other", "--site", "hq", "--no-tls", "--replace", "--mqtt", "3.1.1").code == 0
        settings = Profile.read(tmp_path / "p").settings
        assert (settings.host, settings.port, settings.protocol) == ("other", 1883, 311)

    def test_tls_is_the_default_and_its_files_are_looked_at(self, bare, tmp_path, certificates):
        files = certificates.admin
        told = ("--ca", files.ca, "--cert", files.cert, "--key-file", files.key)
        assert bare("init", "--broker", "localhost", "--site", "hq", *told).code == 0
        settings = Profile.read(tmp_path / "p").settings
        assert (settings.port, settings.tls) == (8883, files)
        wrong = bare("init", "--broker", "localhost", "--site", "hq", "--ca", "absent.pem", "--replace")
        assert (wrong.code, "absent.pem: there is no such file" in wrong.err) == (2, True)

    def test_what_was_refused_leaves_nothing_behind(self, bare, tmp_path, certificates):
        told = ("init", "--broker", "localhost", "--site", "hq", "--ca")
        assert bare(*told, "absent.pem").code == 2
        assert bare(*told, certificates.admin.ca).code == 0
        assert "--replace changes it" in bare(*told, certificates.admin.ca).err

    @pytest.mark.parametrize(
        ("told", "wrong"),
        [
            (("--site", "a/b"), "site: "),
            (("--site", "hq", "--broker", "x:port"), "want HOST or HOST:PORT"),
            (("--site", "hq", "--mqtt", "4"), "want 5 or 3.1.1"),
            (("--site", "hq", "--cert", "c.pem"), "cert and key go together"),
            (("--site", "hq", "--name", "Not A Name"), "name: "),
        ],
    )
    def test_what_will_not_do(self, bare, told, wrong):
        done = bare("init", "--broker", "b", *told)
        assert (done.code, wrong in done.err) == (2, True), done.err
        assert "Traceback" not in done.err

    def test_without_a_profile_nothing_is_done(self, bare):
        done = bare("health", "--once")
        assert (done.code, "`latchkey admin init` makes it" in done.err) == (2, True)


class TestKey:
    def test_it_is_made_shown_and_kept_under_a_passphrase(self, desk, monkeypatch, tmp_path):
        path = desk.profile.key_file
        refused = desk("key", "create", "--no-passphrase")
        assert (refused.code, "is there already: devices know it" in refused.err) == (2, True)
        made = desk("key", "create", "--replace", "--stdin", "--json", said="open sesame\n").json
        assert made["passphrase"] is True
        assert path.stat().st_mode & 0o777 == 0o600
        assert desk("key", "show", "--json").json == made
        assert f"public: {made['public']}" in desk("key", "show").out
        assert "wants a passphrase: set LATCHKEY_ADMIN_PASSPHRASE" in desk("key", "export", "x.pem").err
        monkeypatch.setenv("LATCHKEY_ADMIN_PASSPHRASE", "wrong")
        assert "the passphrase is wrong" in desk("key", "export", "x.pem").err
        monkeypatch.setenv("LATCHKEY_ADMIN_PASSPHRASE", "open sesame")
        copy = tmp_path / "copy.pem"
        assert desk("key", "export", copy, "--no-passphrase").code == 0
        assert key_file.read(copy).public.text == made["public"]
        assert desk("key", "passphrase", "--no-passphrase").code == 0
        assert not key_file.encrypted(path)
        assert b"BEGIN PRIVATE KEY" in path.read_bytes()

    def test_others_may_not_read_it(self, desk):
        desk.profile.key_file.chmod(0o644)
        done = desk("key", "passphrase", "--no-passphrase")
        assert (done.code, "run chmod 600" in done.err) == (2, True)

    @pytest.mark.parametrize(
        "text", [b"", b"rubbish", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
    )
    def test_it_is_damaged(self, desk, text):
        desk.profile.key_file.write_bytes(text)
        done = desk("key", "passphrase", "--no-passphrase")
        assert (done.code, "no private key in PEM" in done.err) == (2, True)


class TestDevices:
    def test_they_are_listed(self, desk, mosquitto):
        known.trust(desk.profile.devices_file, "hq/far", KEY.public)
        with device(mosquitto.port, "front", groups=["doors"]), device(mosquitto.port, "side"):
            listed = desk("devices", "list", "--json").json
        assert [(one["device"], one["state"], one["groups"], one["standing"]) for one in listed] == [
            ("far", "never heard", [], None),
            ("front", "online", ["doors"], "unverified"),
            ("side", "online", [], "unverified"),
        ]
        assert listed[0]["key"] == KEY.public.id

    def test_a_device_is_trusted_and_forgotten(self, desk, mosquitto):
        about = {"ok": True, "data": {"public": KEY.public.text, "key": KEY.public.id, "version": "1"}}
        with device(mosquitto.port, "front", key=KEY, device=lambda _: about, lock=lambda _: OK):
            assert "unverified" in desk("lock", "front").out
            assert "front: its key is not known here" in desk("devices", "show").out
            assert desk("devices", "trust", "front", said="n\n").code == 1
            trusted = desk("devices", "trust", "front", said="y\n")
            assert (trusted.code, trusted.out) == (0, f"front is known by key {KEY.public.id}\n")
            assert desk("lock", "front").out == "front: locked\n"
            assert desk("devices", "trust", "front", OWNER.public.text).code == 0
            lied = desk("lock", "front", "--wait", "1")
            assert (lied.code, "(untrusted)" in lied.out) == (1, True)
            assert desk("devices", "forget", "front", "--json").json == {"device": "front", "key": None}
            gone = desk("devices", "forget", "front")
            assert (gone.code, "no key of front is known here" in gone.err) == (1, True)
        assert desk("devices", "trust", "front", "nonsense").code == 1


class TestManyDevices:
    def test_who_did_not_do_it_is_named(self, desk, mosquitto):
        port = mosquitto.port
        refusal = {"ok": False, "code": "not_permitted", "message": "owner is viewer"}
        with (
            device(port, "a", groups=["doors"], lock=lambda _: OK),
            device(port, "b", groups=["doors"], lock=lambda _: refusal),
            device(port, "c", groups=["doors"]) as gone,
        ):
            gone.status("offline")
            gone.line.wait_taken()
            done = desk("lock", "@doors")
            assert done.code == 1
            assert done.out.splitlines() == [
                "a: locked (unverified: its key is not known, see admin devices trust)",
                "b: owner is viewer (not_permitted)",
                "c: not online: nothing was sent to it (offline)",
            ]
            assert done.err == "latchkey: 1 of 3 devices did it; not b (not_permitted), c (offline)\n"
            told = desk("lock", "@doors", "--json")
            assert (told.code, told.json["a"]["ok"], told.json["c"]["code"]) == (1, True, "offline")
            assert desk("lock", "a").code == 0

    def test_what_a_device_says_does_nothing_to_the_terminal(self, desk, mosquitto):
        refusal = {"ok": False, "code": "failed", "message": "\x1b[2J\x9b31m\u202egone"}
        with device(mosquitto.port, "front", lock=lambda _: refusal) as front:
            front.line.send("latchkey/v1/hq/\u202eevil/status", b'{"state": "online"}', retain=True)
            front.line.wait_taken()
            done = desk("lock", "@all")
            assert done.out == "front: \N{REPLACEMENT CHARACTER}[2J" + "\N{REPLACEMENT CHARACTER}31m" + (
                "\N{REPLACEMENT CHARACTER}gone (failed)\n"
            )

    def test_nobody_is_meant(self, desk):
        done = desk("lock", "@nobody", "--wait", "1")
        assert (done.code, "no device answers to @nobody" in done.err) == (1, True)
        mixed = desk("lock", "@all", "a")
        assert (mixed.code, "one group, or devices" in mixed.err) == (2, True)

    def test_the_broker_is_away(self, desk, mosquitto):
        mosquitto.kill()
        done = desk("lock", "@all", "--wait", "0.3")
        assert (done.code, "no connection to the broker at 127.0.0.1" in done.err) == (1, True)


class TestKeysOfDevices:
    def test_list_add_and_revoke(self, desk, mosquitto):
        rows = [{"id": OWNER.public.id, "name": "owner", "role": "owner", "added_by": "config"}]
        verbs = {
            "keys": lambda _: {"ok": True, "data": {"keys": rows}},
            "key_add": lambda _: OK,
            "key_revoke": lambda _: OK,
        }
        with device(mosquitto.port, "front", **verbs) as front:
            listed = desk("keys", "list")
            assert re.search(rf"front\s+{OWNER.public.id}\s+owner\s+owner", listed.out)
            assert desk("keys", "add", KEY.public.text, "--name", "bob", "--role", "enroller").code == 0
            assert desk("keys", "revoke", KEY.public.id, said="no\n").code == 1
            assert desk("keys", "revoke", KEY.public.id, "--yes").code == 0
            asked = dict(front.told)
            assert (asked["key_add"]["public"], asked["key_add"]["role"]) == (KEY.public.text, "enroller")
            assert asked["key_revoke"]["id_of"] == KEY.public.id

    def test_a_rotation_goes_on_until_all_have_the_new_key(self, desk, mosquitto):
        taken = {}

        def rotate(name):
            def taking(body):
                if body["key"] == taken.get(name):
                    return OK
                if name in taken:
                    return {"ok": False, "code": "unknown_key", "message": "revoked"}
                from agent.trust.keys import PublicKey, unpacked

                new = PublicKey.parse(body["public"])
                assert new.verifies(unpacked(body["proof"], 64), b"latchkey rotate 1\n" + OWNER.public.id.encode())
                taken[name] = new.id
                return OK

            return taking

        def ping(name):
            return lambda body: OK if body["key"] == taken.get(name) else {"ok": False, "code": "unknown_key"}

        with device(mosquitto.port, "a", key_rotate=rotate("a"), ping=ping("a")), device(mosquitto.port, "b") as away:
            away.status("offline")
            away.line.wait_taken()
            first = desk("keys", "rotate", "--json")
            assert (first.code, {name: each["ok"] for name, each in first.json.items()}) == (
                1,
                {"a": True, "b": False},
            )
            assert key_file.read(desk.profile.key_file) == OWNER
            away.answers |= {"key_rotate": rotate("b"), "ping": ping("b")}
            away.status("online")
            away.line.wait_taken()
            second = desk("keys", "rotate")
            assert (second.code, taken["a"] == taken["b"]) == (0, True), second.err
            assert key_file.read(desk.profile.key_file).public.id == taken["a"]
            assert sorted(path.name for path in desk.profile.folder.iterdir()) == ["admin.toml", "key", "key.pub"]
            assert desk("devices", "list", "--json").code == 0
            assert second.out == "a: knows the new key\nb: knows the new key\n"


def test_which_models_are_in_force_ends_with_1_where_a_device_does_not_say(desk, mosquitto):
    with device(mosquitto.port, "a", models=lambda _: {"ok": True, "data": {"encoder": "e-1"}}):
        told = desk("models", "--at", "a", "--at", "gone")
        assert (told.code, "e-1" in told.out, "gone (offline)" in told.err) == (1, True, True)
        assert desk("models", "--at", "gone", "--json").code == 1
        assert desk("models", "--at", "a").code == 0


class TestProgramsReadRefusals:
    @pytest.mark.parametrize(
        ("arguments", "code", "status"),
        [
            (("log", "front", "--wait", "0.5", "--json"), "no_answer", 1),
            (("lock", "front", "@all", "--json"), "bad_configuration", 2),
            (("devices", "forget", "front", "--json"), "unknown_device", 1),
        ],
        ids=["a device that is not there", "a target that is none", "a device that is not known"],
    )
    def test_as_json(self, desk, arguments, code, status):
        refused = desk(*arguments)
        assert (refused.code, refused.json["error"]["code"]) == (status, code)
        assert refused.json["error"]["message"] in refused.err.replace("latchkey: ", "")

    def test_without_a_profile(self, bare):
        assert bare("health", "--json").json["error"]["code"] == "bad_configuration"

    def test_nothing_of_it_is_said_to_humans(self, bare):
        assert bare("health", "--once").out == ""
