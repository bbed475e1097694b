"""`latchkey admin bundle`, `update-model`, `backup`, `restore`, with devices that say anything."""

import base64
import hashlib

import pytest

from agent.backup.keys import BackupKey
from agent.client.upgrades import of_device
from agent.trust.keys import SigningKey
from agent.upgrade.archive import unpack
from tests.fakes import bundles
from tests.fakes.desks import Desk
from tests.fakes.devices import device
from tests.fakes.terminal import forget_logging
from tests.fakes.trust import OWNER
from tests.test_backup import Device

KEY = SigningKey(bytes(32))
ACCEPTED = {"ok": True, "data": {"job": "accepted"}}


@pytest.fixture
def desk(tmp_path, mosquitto, monkeypatch, capsys):
    yield Desk(tmp_path, mosquitto.port, monkeypatch, capsys)
    forget_logging()


def done(**data):
    return lambda body: {"ok": True, "data": {"job": "done", "id_of": body["id_of"], "data": data}}


def failed(code, message):
    told = {"job": "failed", "code": code, "message": message}
    return lambda body: {"ok": True, "data": told | {"id_of": body["id_of"]}}


@pytest.fixture
def bundle(tmp_path):
    (tmp_path / "new.bundle").write_bytes(bundles.blocks(tmp_path / "made"))
    return tmp_path / "new.bundle"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("agent.client.jobs.ASK_SECONDS", 0.05)


def updating(port, name, job):
    answers = {"parts": lambda _: {"ok": True, "data": {"here": []}}, "update_model": lambda _: ACCEPTED, "job": job}
    return device(port, name, groups=("entrances",), **answers)


def test_a_bundle_is_signed_with_the_profile_s_key(desk, tmp_path):
    bundles.blocks(tmp_path / "made", detector=True)
    made = desk("bundle", tmp_path / "made" / "encoder.tflite", "--out", tmp_path / "out")
    assert (made.code, made.err) == (0, "")
    assert bundles.NEWER in made.out
    assert unpack((tmp_path / "out").read_bytes()).signed.key == OWNER.public.id
    both = ("--detector", tmp_path / "made" / "detector.tflite", "--minimum", "0.0.9")
    assert desk("bundle", tmp_path / "made" / "encoder.tflite", "--out", tmp_path / "out", *both).code == 0
    manifest = unpack((tmp_path / "out").read_bytes()).signed.manifest
    assert (manifest.detector, manifest.minimum) == ("latchkey-detector-2-b10c0001", "0.0.9")


def test_a_group_is_updated_one_after_the_other(desk, mosquitto, bundle):
    good = done(encoder=bundles.NEWER, templates=3)
    with updating(mosquitto.port, "back", good) as back, updating(mosquitto.port, "front", good) as front:
        told = desk("update-model", "@entrances", bundle)
    assert (told.code, told.err) == (0, "")
    assert told.out.splitlines() == [f"{name}: {bundles.NEWER}, 3 templates made anew" for name in ("back", "front")]
    for each in (back, front):
        (body,) = [body for verb, body in each.told if verb == "update_model"]
        assert body["parts"] == [hashlib.sha256(bundle.read_bytes()).hexdigest()]
        assert list(each.parts.values()) == [bundle.read_bytes()]


def test_the_first_that_fails_ends_it(desk, mosquitto, bundle):
    bad = failed("self_test_failed", "says something else")
    with updating(mosquitto.port, "back", bad), updating(mosquitto.port, "front", bad) as front:
        told = desk("update-model", "@entrances", bundle)
    assert (told.code, told.out) == (1, "")
    assert "back: says something else; nothing was sent to the 1 after it" in told.err
    assert front.parts == {}


def test_what_is_no_bundle_is_not_sent(desk, mosquitto, tmp_path):
    (tmp_path / "junk").write_bytes(b"junk")
    with updating(mosquitto.port, "front", None) as front:
        told = desk("update-model", "front", tmp_path / "junk")
    assert (told.code, "no bundle of models" in told.err, front.told) == (1, True, [])
    assert desk("update-model", "front", tmp_path / "absent").code == 2


class Fetched:
    """A device that has a backup of these bytes."""

    def __init__(self, data, told=None):
        self.data, self.lost = data, 0
        self.told = {
            "bytes": len(data),
            "parts": 3,
            "part_bytes": 100,
            "sha256": told or hashlib.sha256(data).hexdigest(),
        }

    def part(self, body):
        if self.lost:
            self.lost -= 1
            return None
        part = self.data[(body["part"] - 1) * 100 :][:100]
        return {"ok": True, "data": {"part": body["part"], "of": 3, "base64": base64.b64encode(part).decode()}}

    def at(self, port):
        answers = {"backup": lambda _: ACCEPTED, "job": done(**self.told), "backup_part": self.part}
        return device(port, "front", **answers)


DATA = bytes(range(256)) + bytes(14)


def test_a_backup_is_fetched_part_by_part_also_where_one_is_lost(desk, mosquitto, tmp_path):
    kept = Fetched(DATA)
    kept.lost = 1
    with kept.at(mosquitto.port) as front:
        told = desk("backup", "front", tmp_path / "front.backup", "--wait", "1")
    assert told.code == 0, told.err
    assert (tmp_path / "front.backup").read_bytes() == DATA
    assert (tmp_path / "front.backup").stat().st_mode & 0o777 == 0o600
    key = BackupKey.read(desk.profile.folder / "backup.key")
    (body,) = [body for verb, body in front.told if verb == "backup"]
    assert body["to"] == key.recipient.text
    assert "a backup key was made" in told.err


def test_what_is_not_what_the_device_has_made_is_not_kept(desk, mosquitto, tmp_path):
    with Fetched(DATA, told="0" * 64).at(mosquitto.port):
        told = desk("backup", "front", tmp_path / "front.backup", "--to", BackupKey(bytes(32)).recipient.text)
    assert (told.code, "is not the backup it has made" in told.err) == (1, True)
    assert not list(tmp_path.glob("*backup*"))


def test_a_backup_is_encrypted_anew_for_the_device(desk, mosquitto, tmp_path):
    owner, its = BackupKey.new(), BackupKey.new()
    owner.write(desk.profile.folder / "backup.key")
    file = Device(tmp_path / "front").fill().backup(to=owner.recipient)
    answers = {
        "restore_key": lambda _: {"ok": True, "data": {"public": its.recipient.text}},
        "parts": lambda _: {"ok": True, "data": {"here": []}},
        "restore": lambda _: ACCEPTED,
        "job": done(),
    }
    with device(mosquitto.port, "front", **answers) as front:
        assert desk("restore", "front", file, said="n\n").code == 1
        assert front.told == []
        told = desk("restore", "front", file, "--yes", "--without-configuration")
    assert told.code == 0, told.err
    assert "front: hq/front is back as of 2026-11-26 12:00 UTC" in told.out
    sent = b"".join(payload for _, payload in sorted(front.parts.items(), key=lambda part: int(part[0].split("/")[-2])))
    (tmp_path / "sent").write_bytes(sent)
    with (tmp_path / "sent").open("rb") as source:
        assert of_device(source, its)[0] == "hq/front"
    (body,) = [body for verb, body in front.told if verb == "restore"]
    assert (body["configuration"], body["force"]) == (False, False)


def test_a_backup_that_does_not_open_is_not_sent(desk, mosquitto, tmp_path):
    BackupKey.new().write(desk.profile.folder / "backup.key")
    file = Device(tmp_path / "front").fill().backup()
    told = desk("restore", "front", file, "--yes")
    assert (told.code, "opens with the backup key" in told.err) == (1, True)
    assert desk("restore", "front", tmp_path / "absent", "--yes").code == 1
