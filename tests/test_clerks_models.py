"""agent/clerks/models.py: the jobs that owners ask for, gone on with after a kill; over real databases and parts."""

import base64
import hashlib
from datetime import UTC, datetime

import pytest

from agent.backup import outgoing
from agent.backup.content import read_manifest
from agent.backup.keys import BackupKey, Recipient, restore_key
from agent.backup.restoring import finish
from agent.backup.stream import Opened
from agent.clerks import Office, models
from agent.errors import CommandError
from agent.jobs import jobs as module
from agent.jobs.job import State
from agent.jobs.jobs import Jobs
from agent.mqtt.message import Code
from agent.mqtt.parts import Spool
from agent.mqtt.spooled import FOLDER
from agent.mqtt.topics import PartTopic
from agent.mqtt.wire import COMMANDS
from agent.store import events
from agent.store import jobs as store
from agent.store.db import open_db
from tests.fakes.keys import KEY
from tests.test_backup import Device

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
OWNER = BackupKey(bytes(range(32)))
PART = 100_000


class Desk:
    """The clerk of a device, and its jobs, stepped by hand; `restart` is what a kill and a new start leave."""

    def __init__(self, device):
        self.device = device
        self.db, self.reads = device.db(), device.db()
        self.restart()

    def restart(self):
        kept = [job.id for job in store.unfinished(self.db)]
        self.spool = Spool(self.device.config.device.data_dir / FOLDER, self.db.seal, kept=kept)
        self.jobs = Jobs(self.reads, lambda change: change(self.db), self.spool, tell=lambda _: None, now=lambda: NOW)
        office = Office(self.device.config, self.db, lambda change: change(self.db), "boot", lambda: None, lambda: NOW)
        self.handlers = models.handlers(office, self.jobs, self.spool, key=KEY, configuration=self.device.file)

    def ask(self, verb, id_="c1", **fields):
        return self.handlers[verb](COMMANDS[verb].model_validate({"id": id_, **fields}).asked("mqtt:owner"))

    def send(self, verb, data, id_="c1"):
        parts = [data[start : start + PART] for start in range(0, len(data), PART)]
        for number, part in enumerate(parts, start=1):
            self.spool.add(PartTopic(verb, id_, number, len(parts)), part, size=len(part))
        return tuple(hashlib.sha256(part).hexdigest() for part in parts)

    def until(self, condition, id_="c1"):
        for _ in range(2000):
            job = store.find(self.reads, id_)
            if condition(job):
                return job
            self.jobs.step()
        raise AssertionError(f"it stays {job}")

    def end(self, id_="c1"):
        return self.until(lambda job: job.state.is_over, id_)

    def actions(self):
        return [event.body["action"] for event in events.since(self.db, 0, 100)]

    def close(self):
        self.jobs.close()
        self.db.close()
        self.reads.close()


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "STEP_SECONDS", 0.01)
    made = Desk(Device(tmp_path / "front").fill())
    yield made
    made.close()


class TestBackup:
    def test_it_is_made_told_and_fetched(self, desk):
        assert desk.ask("backup", to=OWNER.recipient.text) == {"job": "accepted"}
        job = desk.end()
        assert job.state is State.DONE, job
        parts = [desk.ask("backup_part", f"p{n}", id_of="c1", part=n) for n in range(1, job.data["parts"] + 1)]
        assert {part["of"] for part in parts} == {job.data["parts"]}
        got = b"".join(base64.b64decode(part["base64"]) for part in parts)
        assert (len(got), hashlib.sha256(got).hexdigest()) == (job.data["bytes"], job.data["sha256"])
        (desk.device.folder / "got").write_bytes(got)
        with (desk.device.folder / "got").open("rb") as source:
            assert read_manifest(Opened(source, OWNER)).device == "front"
        assert desk.actions()[-1] == "backed_up"

    def test_killed_after_it_was_made_it_is_not_made_again(self, desk):
        desk.ask("backup", to=OWNER.recipient.text)
        file = outgoing.file_of(desk.device.config, "c1")
        desk.until(lambda _: file.exists())
        made = file.read_bytes()
        desk.jobs.close()
        desk.restart()
        assert desk.end().state is State.DONE
        assert file.read_bytes() == made
        assert desk.actions().count("backed_up") == 1

    def test_what_is_not_there_cannot_be_fetched(self, desk):
        for id_of, part, code in (("other", 1, Code.NO_BACKUP), ("c1", 99, Code.BAD_REQUEST)):
            if id_of == "c1":
                desk.ask("backup", to=OWNER.recipient.text)
                desk.end()
            with pytest.raises(CommandError) as told:
                desk.ask("backup_part", "p", id_of=id_of, part=part)
            assert told.value.code == code

    def test_to_nobody_s_key_is_refused_before_it_is_a_job(self, desk):
        with pytest.raises(ValueError, match="a public backup key begins with"):
            desk.ask("backup", to="me")
        with pytest.raises(ValueError, match="this is the secret half"):
            desk.ask("backup", to=OWNER.text)


class TestRestore:
    def encrypted(self, desk, to=None):
        """A backup of the device, encrypted to what it restores with."""
        to = to or Recipient.parse(desk.ask("restore_key", "k")["public"])
        return desk.device.backup(to=to).read_bytes()

    def test_it_waits_for_the_next_start_which_ends_the_job(self, desk):
        parts = desk.send("restore", self.encrypted(desk))
        desk.ask("restore", parts=parts)
        desk.until(lambda job: job.note == "restarting")
        desk.close()
        assert finish(desk.device.config, desk.device.file).note.by == "mqtt:owner"
        with open_db(desk.device.config.database_path) as db:
            job = store.find(db, "c1")
        assert (job.state, job.data["device"]) == (State.DONE, "hq/front")

    @pytest.mark.parametrize("spoil", ["other key", "cut off", "other device"])
    def test_what_will_not_do_is_refused_and_nothing_waits(self, desk, tmp_path, spoil):
        data = self.encrypted(desk, OWNER.recipient if spoil == "other key" else None)
        if spoil == "cut off":
            data = data[:-30]
        if spoil == "other device":
            key = Recipient.parse(desk.ask("restore_key", "k")["public"])
            data = Device(tmp_path / "back", device="back").fill().backup(to=key).read_bytes()
        desk.ask("restore", parts=desk.send("restore", data))
        job = desk.end()
        assert (job.state, job.code) == (State.FAILED, Code.BAD_BACKUP)
        assert not (desk.device.data / "restoring").exists()

    def test_each_device_restores_with_a_key_of_its_own(self, desk, tmp_path):
        other = Desk(Device(tmp_path / "back", device="back").fill())
        assert desk.ask("restore_key", "k") != other.ask("restore_key", "k")
        assert desk.ask("restore_key", "k") == desk.ask("restore_key", "l")
        other.close()

    def test_who_has_the_site_s_key_alone_does_not_open_what_is_on_its_way(self, desk):
        """All devices of a site may share that; in a backup is the device's own, which forges what it says."""
        site_s = restore_key(KEY.secret, "hq", "front")
        assert desk.ask("restore_key", "k")["public"] != site_s.recipient.text


class TestModels:
    def test_what_is_no_bundle_fails_as_a_job(self, desk):
        desk.ask("update_model", parts=desk.send("update_model", b"not a bundle"))
        job = desk.end()
        assert (job.state, job.code) == (State.FAILED, Code.BAD_BUNDLE)
        assert "no bundle of models" in job.message

    def test_there_is_nothing_to_go_back_to(self, desk):
        desk.ask("rollback_model")
        assert desk.end().code == Code.NOTHING_BEFORE

    def test_which_are_in_force(self, desk):
        told = desk.ask("models")
        assert (told["proved"], told["templates"], told["without_crops"]) == (True, {"m1": 3}, 3)


def test_a_sealer_writes_what_a_device_reads_part_by_part(desk):
    """The parts are cut anywhere, whatever the chunks are."""
    read = models._Joined(iter([b"ab", b"", b"cde", b"f"]))
    assert [read.read(4), read.read(2), read.read(9), read.read(9)] == [b"ab", b"cd", b"e", b"f"]
    assert read.read(1) == b""
