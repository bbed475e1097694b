"""agent/backup: making, staging, meanwhile, restoring, with real files."""

import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from agent.admins import owners
from agent.attendance.punch import Clock
from agent.audit import audit
from agent.backup import leftovers, outgoing, restoring, staging
from agent.backup.content import Manifest, read_manifest
from agent.backup.keys import BackupKey
from agent.backup.making import back_up
from agent.backup.stream import Opened, Sealer
from agent.config import load_config
from agent.errors import BackupError, StoreError
from agent.jobs.job import Job, State
from agent.privacy import wipe
from agent.privacy.forgetting import forget, remove
from agent.register import Request
from agent.seal import key_file
from agent.seal.keyring import key_path
from agent.service import _restored as run_agent_restores
from agent.store import admins, commands, events, jobs, punches, receipts
from agent.store.audit import verify
from agent.store.db import agent_lock, open_db
from agent.store.device_keys import device_keys, set_device_key
from agent.store.people import list_people
from agent.store.templates import enrol, load_templates
from agent.timeclock import Said, Terminal, correct, punch
from agent.trust.keys import Admin, SigningKey, packed
from agent.trust.roles import Role
from tests.fakes.keys import KEY
from tests.fakes.timeclock import site
from tests.test_store_people import template

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
OWNER = BackupKey(bytes(range(32)))
ADMIN = SigningKey(bytes(range(2, 34)))
DEVICE_KEY = f"{packed(bytes(range(4, 36)))}\n".encode()


def request(minutes=0, command=None):
    return Request("cli:tester", NOW + timedelta(minutes=minutes), "boot", command)


class Device:
    """A device's files, without an agent."""

    def __init__(self, folder, device="front"):
        self.folder = folder
        (folder / "etc").mkdir(parents=True)
        self.file = folder / "etc" / "agent.toml"
        self.file.write_text(f'[device]\nsite = "hq"\nname = "{device}"\ndata_dir = "{folder / "data"}"\n')
        self.config = load_config(self.file, environ={})

    @property
    def data(self):
        return self.config.device.data_dir

    def fill(self):
        key_file.write(key_path(self.config), KEY)
        (self.data / "device.key").write_bytes(DEVICE_KEY)
        (self.data / "device.key").chmod(0o600)
        (self.data / "models" / "m2").mkdir(parents=True)
        (self.data / "models" / "m2" / "encoder.json").write_text("{}")
        with self.db() as db:
            for person in ("anna", "ben", "cleo"):
                enrol(db, person, person.title(), [template(ord(person[0]), dimension=8)], NOW)
                audit(db, "enrolled", person, request())
        return self

    def db(self, key=KEY):
        return open_db(self.config.database_path, key=key)

    def people(self):
        with self.db() as db:
            assert set(load_templates(db, KEY.model("m1")).gallery.people) <= {p.id for p in list_people(db)}
            return [person.id for person in list_people(db)]

    def backup(self, **more):
        file = self.folder / "front.backup"
        with open_db(self.config.database_path) as db:
            options = {"configuration": self.file, "file": file, "to": OWNER.recipient, "at": NOW} | more
            back_up(db, self.config, **options)
        return file

    def stage(self, file, by=OWNER, **more):
        with file.open("rb") as source:
            return staging.stage(Opened(source, by), self.config, self.file, request(60, "r1"), **more)

    def restore(self, file, **more):
        self.stage(file, **more)
        return restoring.finish(self.config, self.file)

    def left(self):
        return sorted(path.name for path in self.data.iterdir() if not path.name.endswith((".lock", "-wal", "-shm")))


@pytest.fixture
def device(tmp_path):
    return Device(tmp_path / "front").fill()


WHOLE = ["device.key", "latchkey.db", "models", "site.key"]


def actions(db):
    return [event.body["action"] for event in events.since(db, 0, 1000) if event.kind == "audit"]


def come(db, at):
    terminal = Terminal("hq", "front", "boot", "kernel")
    return punch(db, site(), terminal, "anna", at, key=None, uptime=1.0, clock=Clock.SYNCHRONISED)


def ids_of(db):
    return [event.id for event in events.since(db, 0, 1000)]


def happened(db):
    """All events, those that nobody has got yet, and the punches as they count."""
    day = NOW - timedelta(days=1), NOW + timedelta(days=1)
    return ids_of(db), [event.id for event in events.unsent(db, limit=1000)], punches.counted(db, *day)


def restored(db):
    return events.since(db, 0, 1000)[-1].body["details"]


def test_a_new_device_becomes_the_old_one(device, tmp_path):
    file = device.backup()
    assert (file.stat().st_mode & 0o777, device.left()) == (0o600, WHOLE)
    for secret in (b"anna", b"Anna", DEVICE_KEY, KEY.text.encode(), b"SQLite"):
        assert secret not in file.read_bytes()
    device.data.rename(tmp_path / "dead")
    device.data.mkdir()
    done = device.restore(file)
    assert (done.before, done.forgotten) == (False, 0)
    assert (device.people(), device.left()) == (["anna", "ben", "cleo"], WHOLE)
    assert (device.data / "device.key").read_bytes() == DEVICE_KEY
    assert key_path(device.config).stat().st_mode & 0o777 == 0o600
    with device.db() as db:
        assert actions(db) == ["enrolled"] * 3 + ["restored"]
        assert verify(db) is None


def test_the_same_device_goes_back_and_what_is_installed_since_stays(device):
    file = device.backup()
    with device.db() as db:
        enrol(db, "dora", None, [template(9, dimension=8)], NOW)
        audit(db, "enrolled", "dora", request(1))
    (device.data / "models" / "m3").mkdir()
    device.file.write_text(device.file.read_text() + "[log]\nlevel = 'debug'\n")
    device.restore(file)
    assert "debug" not in device.file.read_text()
    assert device.left() == WHOLE
    assert {folder.name for folder in (device.data / "models").iterdir()} == {"m2", "m3"}


def test_it_is_consistent_while_others_write(device):
    stop = threading.Event()

    def write():
        with device.db() as db:
            while not stop.is_set():
                with db.transaction():
                    audit(db, "locked", None, request())
                    audit(db, "unlocked", None, request())

    writer = threading.Thread(target=write)
    writer.start()
    try:
        files = [device.backup(file=device.folder / f"{n}.backup") for n in range(3)]
        files = [device.folder / f"{n}.backup" for n in range(3)]
    finally:
        stop.set()
        writer.join()
    for file in files:
        device.restore(file)
        with device.db() as db:
            assert verify(db) is None
            assert actions(db).count("locked") == actions(db).count("unlocked")


class TestMeanwhile:
    def test_who_was_forgotten_since_stays_forgotten_whatever_the_id_was(self, device):
        file = device.backup()
        with device.db() as db:
            forget(db, device.config, "anna", request(1), reason="asked")
            remove(db, "ben", request(2))
            # as after a renaming, with the receipt under the new id
            db.sql.execute("DELETE FROM people WHERE id = 'cleo'")
        done = device.restore(file)
        assert (device.people(), done.forgotten) == ([], 3)
        with device.db() as db:
            assert {receipt.person for receipt in receipts.recent(db)} == {"anna", "ben", "cleo"}
            assert b"Anna" not in device.config.database_path.read_bytes()
            assert verify(db) is None

    def test_on_another_database_only_receipts_count(self, device, tmp_path):
        file = device.backup()
        other = Device(tmp_path / "other")
        key_file.write(key_path(other.config), KEY)
        with other.db() as db:
            enrol(db, "anna", None, [template(1, dimension=8)], NOW)
            audit(db, "enrolled", "anna", request())
            remove(db, "anna", request(1))
        with file.open("rb") as source:
            staging.stage(Opened(source, OWNER), other.config, None, request(60))
        assert restoring.finish(other.config, None).forgotten == 1
        assert other.people() == ["ben", "cleo"]

    def test_a_revoked_key_stays_revoked_and_no_command_is_carried_out_twice(self, device):
        late = SigningKey(bytes(range(3, 35)))
        with device.db() as db:
            admins.add(db, Admin(ADMIN.public, "eve", Role.OWNER), NOW, "cli")
        file = device.backup()
        with device.db() as db:
            admins.revoke(db, ADMIN.public.id, NOW, "mqtt:owner")
            admins.add(db, Admin(late.public, "late", Role.OWNER), NOW, "cli")
            admins.revoke(db, late.public.id, NOW, "mqtt:owner")
            commands.remember(db, "c1", "unlock", "{}", NOW)
            commands.remember(db, "c0", "unlock", "{}", NOW - timedelta(days=3))
        assert device.restore(file).revoked == 1
        with device.db() as db:
            assert all(admins.find(db, key.public.id).revoked_at == NOW for key in (ADMIN, late))
            assert (commands.recall(db, "c1"), commands.recall(db, "c0")) == ("{}", None)

    def test_an_owner_who_rotated_since_still_owns_the_device(self, device):
        """Else nobody would: the old key is revoked, and the backup does not know the new one."""
        fresh = SigningKey(bytes(range(3, 35)))
        with device.db() as db:
            admins.add(db, Admin(ADMIN.public, "eve", Role.OWNER), NOW, "cli")
        file = device.backup()
        with device.db() as db:
            admins.revoke(db, ADMIN.public.id, NOW, "mqtt:eve")
            admins.add(db, Admin(fresh.public, "eve", Role.OWNER), NOW, "mqtt:eve", replaces=ADMIN.public.id)
        device.restore(file)
        with device.db() as db:
            assert [admin.key for admin in owners(db, device.config)] == [fresh.public]

    def test_who_has_paired_a_new_device_owns_it_after_its_predecessor_s_backup_is_put_back(self, device, tmp_path):
        with device.db() as db:
            admins.add(db, Admin(SigningKey(bytes(range(3, 35))).public, "old", Role.OWNER), NOW, "cli")
        other = Device(tmp_path / "other").fill()
        with other.db() as db:
            admins.add(db, Admin(ADMIN.public, "eve", Role.OWNER), NOW, "pairing")
        other.restore(device.backup(configuration=None))
        with other.db() as db:
            assert [admin.name for admin in owners(db, other.config)] == ["eve", "old"]

    def test_a_device_is_not_believed_again_by_a_key_that_was_taken_back(self, device):
        stolen, fresh = SigningKey(bytes(range(4, 36))).public, SigningKey(bytes(range(5, 37))).public
        with device.db() as db:
            for name in ("back", "side"):
                set_device_key(db, name, stolen, NOW, "roster:eve")
        file = device.backup()
        with device.db() as db:
            set_device_key(db, "back", fresh, NOW, "roster:eve")
            set_device_key(db, "side", None, NOW, "roster:eve")
        device.restore(file)
        with device.db() as db:
            assert device_keys(db) == {"back": fresh}

    def test_no_event_and_no_punch_since_is_lost(self, device):
        with device.db() as db:
            come(db, NOW - timedelta(hours=1))
            events.mark_sent(db, [1], NOW)
        file = device.backup()
        with device.db() as db:
            for hours in (1, 2):
                come(db, NOW + timedelta(hours=hours))
            wrong = come(db, NOW + timedelta(hours=2, seconds=1))
            correct(db, request(180), wrong.id, Said("the boss", "not there", void=True))
            events.mark_sent(db, range(1, 7), NOW)
            ids, unsent, counted = happened(db)
        assert len(unsent) == 2
        device.restore(file)
        with device.db() as db:
            assert happened(db) == (
                [*ids, ids_of(db)[-1]],
                [*unsent, ids_of(db)[-1]],
                counted,
            )  # and that it is restored
            told = restored(db)
        assert (told["events"], told["punches"]) == (4, 3)

    def test_another_device_s_events_are_not_taken_for_its_own(self, device, tmp_path):
        file = device.backup()
        other = Device(tmp_path / "other")
        key_file.write(key_path(other.config), KEY)
        with other.db() as db:
            enrol(db, "anna", None, [template(1, dimension=8)], NOW)
            come(db, NOW + timedelta(hours=1))
        with file.open("rb") as source:
            staging.stage(Opened(source, OWNER), other.config, None, request(60))
        restoring.finish(other.config, None)
        with other.db() as db:
            assert punches.made(db, NOW, NOW + timedelta(days=1)) == []
            assert restored(db)["events"] == 0

    def test_no_number_of_an_event_is_given_twice(self, device):
        file = device.backup()
        with device.db() as db:
            for _ in range(5):
                audit(db, "locked", None, request())
            before = max(event.seq for event in events.since(db, 0, 1000))
        device.restore(file)
        with device.db() as db:
            assert events.since(db, 0, 1000)[-1].seq > before

    def test_a_damaged_database_does_not_keep_it_from_being_restored(self, device):
        file = device.backup()
        device.config.database_path.write_bytes(b"not a database at all" * 1000)
        assert not device.restore(file).before
        assert device.people() == ["anna", "ben", "cleo"]


class TestRefused:
    def test_while_an_agent_runs(self, device):
        file = device.backup()
        with agent_lock(device.config.database_path), pytest.raises(StoreError, match="another agent"):
            device.restore(file)

    def test_a_file_that_was_cut_off_and_nothing_changes(self, device):
        file = device.backup()
        file.write_bytes(file.read_bytes()[:-20])
        with pytest.raises(BackupError, match=r"cut off|changed"):
            device.stage(file)
        assert (device.left(), restoring.finish(device.config, device.file)) == (WHOLE, None)

    def test_another_device_where_that_counts(self, device, tmp_path):
        file = device.backup()
        other = Device(tmp_path / "other", device="back")
        with pytest.raises(BackupError, match="is of hq/front, this is hq/back"):
            other.stage(file, only_this_device=True)
        with pytest.raises(BackupError, match="keeps the database or keys elsewhere"):
            other.stage(file)

    def test_a_key_that_does_not_fit_its_database(self, device):
        key_path(device.config).unlink()
        key_file.write(key_path(device.config), OTHER_KEY)
        with pytest.raises(BackupError, match="is sealed with the key"):
            device.backup()
        assert not (device.folder / "front.backup").exists()

    @pytest.mark.parametrize(
        ("files", "match"),
        [
            ([("latchkey.db", b"junk" * 2000)], "cannot be used"),
            ([("latchkey.db", b"")], "no database"),
            ([("site.key", b"x")], "or no database"),
            ([("latchkey.db", b""), ("latchkey.db", b"")], "twice"),
            ([("latchkey.db", b""), ("../../evil", b"")], "cannot be read"),
            ([("latchkey.db", b""), ("models/../encoder.json", b"")], "cannot be read"),
            ([("latchkey.db", b""), ("/etc/passwd", b"")], "cannot be read"),
        ],
        ids=["no database", "empty", "only a key", "twice", "up", "up in models", "absolute"],
    )
    def test_what_was_not_made_by_latchkey(self, device, files, match):
        with pytest.raises(BackupError, match=match):
            device.stage(self.made(device, files))
        assert device.left() == WHOLE

    @pytest.mark.parametrize("more", [b"x", b"x" * 70_000], ids=["a byte", "a chunk"])
    def test_more_or_less_in_it_than_it_lists(self, device, more):
        good = [("latchkey.db", device.config.database_path.read_bytes())]
        with pytest.raises(BackupError, match="more in it"):
            device.stage(self.made(device, good, behind=more))
        with pytest.raises(BackupError, match="before the end"):
            device.stage(self.made(device, good, size=10**6))

    def test_a_newer_database(self, device):
        with sqlite3.connect(device.config.database_path) as sql:
            sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        sql.close()
        file = self.made(device, [("latchkey.db", device.config.database_path.read_bytes())], schema=9000)
        with pytest.raises(BackupError, match=r"newer Latchkey, 9\.9: .* install the newer"):
            device.stage(file)

    @staticmethod
    def made(device, files, behind=b"", size=None, schema=1):
        entries = ",".join(f'{{"name":"{name}","size":{len(data) if size is None else size}}}' for name, data in files)
        manifest = (
            f'{{"made_at":"2026-11-26T12:00:00Z","software":"9.9","schema_version":{schema},"site":"hq",'
            f'"device":"front","files":[{entries}]}}'
        ).encode()
        file = device.folder / "made"
        with file.open("wb") as sink:
            sealer = Sealer(sink, OWNER.recipient)
            sealer.write(len(manifest).to_bytes(4, "big") + manifest + b"".join(data for _, data in files) + behind)
            sealer.close()
        return file


OTHER_KEY = type(KEY)(bytes(range(5, 37)))


def test_a_manifest_comes_through():
    manifest = Manifest(
        made_at=NOW, software="1", schema_version=3, site="a", device="b", files=({"name": "latchkey.db", "size": 1},)
    )
    assert read_manifest(io.BytesIO(manifest.to_bytes())) == manifest
    for bad in (b"", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\2{}"):
        with pytest.raises(BackupError):
            read_manifest(io.BytesIO(bad))


def test_a_power_cut_at_any_line_is_made_good_by_the_next_start(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "tests.fakes.killed_restoring", tmp_path, "13"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    states = json.loads(run.stdout)
    assert len(states) > 15
    assert states == sorted(states, key=["staged", "done"].index)


@pytest.fixture
def elsewhere(tmp_path):
    """A folder of another file system."""
    shared = Path("/dev/shm")  # noqa: S108 - ours alone: a folder made in it
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one file system here")
    with TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)


def test_what_goes_to_another_file_system_still_belongs_to_whom_it_did(tmp_path, elsewhere):
    """The site's key on a stick, put back by root, is the agent's to read."""
    key, there = tmp_path / "site.key", elsewhere / "site.key"
    key.write_text("secret")
    key.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(key, 1234, 1234)
    owner = key.stat().st_uid
    restoring._move(key, there)
    told = there.stat()
    assert (there.read_text(), told.st_uid, told.st_mode & 0o777) == ("secret", owner, 0o600)
    assert list(elsewhere.iterdir()) == [there]
    assert not key.exists()


class TestLeftovers:
    def test_copies_of_processes_that_are_no_more_are_removed(self, device):
        dead, alive = (
            leftovers.snapshot_file(device.config, 2**22 + 1),
            leftovers.snapshot_file(device.config, os.getpid()),
        )
        for file in (dead, alive):
            file.write_bytes(b"everybody")
        leftovers.clear(device.config)
        assert (dead.exists(), alive.exists()) == (False, True)
        leftovers.clear(device.config, starting=True)  # of before a reboot: process numbers begin anew
        assert not alive.exists()

    def test_a_wipe_leaves_no_backup(self, device):
        device.stage(device.backup())
        (device.data / "outgoing").mkdir()
        with device.db() as db:
            wipe.wipe(db, device.config, [key_path(device.config)], request(), cause="tamper")
        assert not {"restoring", "outgoing"} & {*device.left()}
        assert run_agent_restores(device.config, device.file) is False


class TestOutgoing:
    def test_a_backup_is_fetched_in_parts(self, device):
        file = outgoing.file_of(device.config, "c1")
        made = device.backup(file=file)
        assert made is not None
        told = outgoing.described(file)
        got = b"".join(outgoing.read_part(file, number) for number in range(1, told["parts"] + 1))
        assert (got, len(got)) == (file.read_bytes(), told["bytes"])
        assert hashlib.sha256(got).hexdigest() == told["sha256"]
        outgoing.sweep(device.config)
        assert file.exists()
        outgoing.sweep(device.config, but="c2")
        assert not file.exists()

    def test_what_nobody_fetches_is_forgotten(self, device):
        file = outgoing.file_of(device.config, "c1")
        device.backup(file=file)
        outgoing.sweep(device.config, older_seconds=-1.0)
        assert not file.exists()


def test_a_job_of_before_is_ended_and_the_restoring_itself_is_done(device):
    with device.db() as db:
        jobs.add(db, job("b1", "backup"))
    file = device.backup()
    with device.db() as db:
        jobs.add(db, job("r1", "restore"))
    device.restore(file)
    with device.db() as db:
        assert (jobs.find(db, "b1").state, jobs.find(db, "b1").code) == (State.FAILED, "interrupted")
        assert (jobs.find(db, "r1").state, jobs.find(db, "r1").data["device"]) == (State.DONE, "hq/front")


def job(id_, verb):
    return Job(id=id_, verb=verb, asked_by="mqtt:owner", body="{}", accepted_at=NOW, changed_at=NOW)


def test_what_cannot_be_brought_up_to_date_is_given_up_and_the_old_one_goes_on(device):
    device.stage(device.backup())
    (device.data / "restoring" / "latchkey.db").write_bytes(b"the card is failing" * 1000)
    with pytest.raises(BackupError, match="cannot be brought up to date"):
        restoring.finish(device.config, device.file)
    assert not restoring.pending(device.config)
    assert device.people() == ["anna", "ben", "cleo"]
