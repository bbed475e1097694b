"""Jobs, parts, the log and the month's hours, as they are asked for over MQTT."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from agent.attendance.punch import Clock, Punch
from agent.attendance.rules import PunchType, TypeBy
from agent.clerks import Office
from agent.clerks.jobs import handlers
from agent.config import Config
from agent.errors import CommandError
from agent.jobs.job import Step, Work
from agent.jobs.jobs import Jobs
from agent.mqtt.parts import Spool
from agent.mqtt.telemetry import AccessEvent, AuditEvent
from agent.mqtt.topics import PartTopic
from agent.mqtt.verbs.jobs import COMMANDS
from agent.mqtt.wire import COMMANDS as ALL
from agent.privacy.forgetting import forget
from agent.seal.keys import SiteKey
from agent.seal.sealing import Seal
from agent.store import events, people, punches
from agent.store import jobs as store
from agent.store.db import open_db
from agent.trust.roles import VERBS, Role
from tests.fakes.registers import NOW, audited, request

MORNING = datetime(2026, 11, 2, 7, tzinfo=UTC)
ACCESS = {
    "outcome": "denied", "reason": "unknown", "person": None, "repeat": False, "shown": [], "companion": None,
    "schedule": None, "detail": "", "similarity": None, "margin": None, "second": None, "threshold": None,
    "shots": None, "agreeing": None, "quality": None, "camera": None, "track": None, "latency_ms": None, "model": "m",
    "clock": "unknown",
}  # fmt: skip


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Desk:
    def __init__(self, folder, db):
        self.db = db
        self.config = Config.model_validate({"device": {"data_dir": folder, "site": "hq", "name": "front"}})
        write = lambda change: change(db)
        self.spool = Spool(folder / "parts", Seal(SiteKey(bytes(32))))
        self.jobs = Jobs(db, write, self.spool, tell=lambda _: None)
        self.start = self.jobs.handler("list", Work(self.work))
        office = Office(self.config, db, write, "boot", lambda: None, lambda: NOW)
        self.handlers = handlers(office, self.jobs, self.spool)
        assert self.handlers.keys() == COMMANDS.keys()

    def work(self, _, done):
        yield Step(done + 1, 2)
        return {"person": "anna"}

    def ask(self, verb, role=Role.OWNER, **fields):
        command = COMMANDS[verb].model_validate({"id": "c-1", **fields}).asked("mqtt:ada", role=role)
        return self.handlers[verb](command)

    def refused(self, verb, *arguments, **fields):
        with pytest.raises(CommandError) as error:
            self.ask(verb, *arguments, **fields)
        return error.value.code


@pytest.fixture
def desk(tmp_path):
    with open_db(tmp_path / "latchkey.db") as db:
        yield Desk(tmp_path, db)


def to_the_end(desk):
    while store.unfinished(desk.db):
        desk.jobs.step()


class TestJobs:
    def test_one_and_all(self, desk):
        desk.start(ALL["list"](id="j1").asked("mqtt:ben"))
        told = desk.ask("job", id_of="j1")
        assert (told["job"], told["verb"], told["by"], told["done"]) == ("accepted", "list", "mqtt:ben", 0)
        to_the_end(desk)
        assert desk.ask("job", id_of="j1")["data"] == {"person": "anna"}
        desk.start(ALL["list"](id="j2").asked("mqtt:ben"))
        assert [job["id_of"] for job in desk.ask("jobs")["jobs"]] == ["j2", "j1"]
        assert [job["id_of"] for job in desk.ask("jobs", limit=1)["jobs"]] == ["j2"]
        assert desk.refused("job", id_of="j3") == "unknown_job"

    def test_a_cancelled_one_is_audited_once(self, desk):
        desk.start(ALL["list"](id="j1").asked("mqtt:ben"))
        told = desk.ask("job_cancel", id_of="j1")
        assert (told["job"], told["cancelled_by"]) == ("accepted", "mqtt:ada")
        desk.ask("job_cancel", id_of="j1")
        to_the_end(desk)
        assert desk.ask("job_cancel", id_of="j1")["code"] == "cancelled"
        assert audited(desk.db) == [("job_cancelled", None)]
        assert desk.refused("job_cancel", id_of="j3") == "unknown_job"

    def test_who_may_not_ask_for_it_may_not_cancel_it(self, desk, monkeypatch):
        monkeypatch.setitem(VERBS, "list", frozenset({Role.OWNER}))
        desk.start(ALL["list"](id="j1").asked("mqtt:ben"))
        assert desk.refused("job_cancel", Role.ENROLLER, id_of="j1") == "not_permitted"
        assert desk.ask("job", Role.VIEWER, id_of="j1")["job"] == "accepted"

    def test_forgetting_somebody_gives_up_what_was_asked_and_empties_what_was_told(self, desk):
        people.add_person(desk.db, "anna", name="Änna", at=NOW)
        desk.start(ALL["list"](id="told").asked("mqtt:ben"))
        to_the_end(desk)
        desk.start(ALL["list"](id="asked", search="Änna").asked("mqtt:ben"))
        desk.start(ALL["list"](id="other").asked("mqtt:ben"))
        forget(desk.db, desk.config, "anna", request())
        assert "data" not in desk.ask("job", id_of="told")
        to_the_end(desk)
        assert desk.ask("job", id_of="asked")["code"] == "cancelled"
        assert desk.ask("job", id_of="other")["job"] == "done"


class TestParts:
    def test_which_are_here(self, desk):
        for number in (1, 3):
            desk.spool.add(PartTopic("enrol", "e1", number, 3), b"%d" % number, size=1)
        assert desk.ask("parts", id_of="e1", of=3) == {"here": [1, 3]}
        assert desk.ask("parts", id_of="e1", of=2) == {"here": [1]}
        assert desk.ask("parts", id_of="e2") == {"here": []}

    def test_announced_ones_are_the_only_ones_taken(self, desk):
        desk.spool.add(PartTopic("enrol", "e1", 1, 2), b"false", size=5)
        hashes = (sha256(b"1"), sha256(b"2"))
        assert desk.ask("parts", id_of="e1", parts=hashes) == {"here": []}
        with pytest.raises(CommandError):
            desk.spool.add(PartTopic("enrol", "e1", 1, 2), b"false", size=5)
        desk.spool.add(PartTopic("enrol", "e1", 2, 2), b"2", size=1)
        assert desk.ask("parts", id_of="e1") == {"here": [2]}


class TestLog:
    @pytest.fixture(autouse=True)
    def happened(self, desk):
        people.add_person(desk.db, "anna", name=None, at=NOW)
        forget(desk.db, desk.config, "anna", request())  # an audit event
        for _ in range(3):
            events.append(desk.db, "access", NOW, "boot", ACCESS)

    def test_page_by_page_as_they_were_sent(self, desk):
        first = desk.ask("log", limit=3)
        assert (first["more"], first["last"], len(first["events"])) == (True, 3, 3)
        AuditEvent.model_validate_json(__import__("json").dumps(first["events"][0]))
        second = desk.ask("log", after=3, limit=3)
        assert (second["more"], second["last"], len(second["events"])) == (False, 4, 1)
        told = AccessEvent.model_validate_json(__import__("json").dumps(second["events"][0]))
        assert (told.historical, told.site, told.device, told.seq) == (True, "hq", "front", 4)
        assert desk.ask("log", after=4) == {"events": [], "more": False, "last": 4}

    def test_of_some_kinds(self, desk):
        assert [event["seq"] for event in desk.ask("log", kinds=("access",), limit=2)["events"]] == [2, 3]
        assert desk.ask("log", kinds=("nothing",))["events"] == []

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
    def test_the_audit_is_for_security(self, desk, role):
        assert {event["kind"] for event in desk.ask("log", role)["events"]} == {"access"}
        assert desk.refused("log", role, kinds=("audit",)) == "not_permitted"
        assert desk.ask("log", Role.SECURITY, kinds=("audit",))["events"][0]["action"] == "forgotten"


class TestReport:
    @pytest.fixture(autouse=True)
    def worked(self, desk):
        for number, person in enumerate(("anna", "ben", "carl")):
            for hour, kind in ((0, PunchType.IN), (8, PunchType.OUT)):
                punch = Punch(
                    f"p{number}{hour}", person, MORNING + timedelta(hours=hour), kind, None, None, TypeBy.KEY, False,
                    "hq", "front", "boot", 1.0, Clock.SYNCHRONISED,
                )  # fmt: skip
                punches.append(desk.db, punch)

    def test_some_people_at_a_time(self, desk):
        first = desk.ask("report", month="2026-11", limit=2)
        assert [(row["person"], row["day"], row["worked_seconds"]) for row in first["rows"]] == [
            ("anna", "2026-11-02", 28_800), ("ben", "2026-11-02", 28_800),
        ]  # fmt: skip
        assert (first["more"], first["last"]) == (True, "ben")
        rest = desk.ask("report", month="2026-11", after="ben", limit=2)
        assert ([row["person"] for row in rest["rows"]], rest["more"]) == (["carl"], False)

    def test_what_was_handed_out_is_in_the_audit(self, desk):
        desk.ask("report", month="2026-11", limit=2)
        desk.ask("report", month="2026-11", person="ben")
        desk.ask("report", month="2026-10")  # nothing
        many, one = [event.body for event in events.since(desk.db, 0, 100, kinds=("audit",))][-2:]
        told = {"report": "attendance", "kind": "rows", "month": "2026-11"}
        assert (many["action"], many["subject"], many["details"]) == ("report_exported", None, told | {"people": 2})
        assert (one["action"], one["subject"], one["details"]) == ("report_exported", "ben", told | {"people": 1})

    def test_one_person_another_month_and_none(self, desk):
        assert [row["person"] for row in desk.ask("report", month="2026-11", person="ben")["rows"]] == ["ben"]
        assert desk.ask("report", month="2026-10") == {"rows": [], "more": False, "last": "carl"}
        assert desk.ask("report", month="2026-11", after="zoe") == {"rows": [], "more": False, "last": "zoe"}
        assert desk.refused("report", month="2026-13") == "bad_request"
