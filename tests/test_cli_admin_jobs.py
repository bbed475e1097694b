"""`latchkey admin` for what takes long and what happened: enrol-live, job, log, report, audit; a scripted device."""

import io
import signal
import subprocess
import sys
import threading
import time

import pytest
from rich.console import Console

from agent.cli.admin.health import HEARS, live_table
from agent.client import Admin, known
from agent.trust.keys import SigningKey
from tests.fakes.desks import Desk
from tests.fakes.devices import device
from tests.fakes.terminal import forget_logging
from tests.fakes.trust import OWNER

AT = "2026-11-26T08:00:00.000Z"


@pytest.fixture(name="desk")
def desk_fixture(tmp_path, mosquitto, monkeypatch, capsys):
    yield Desk(tmp_path, mosquitto.port, monkeypatch, capsys)
    forget_logging()


def event(seq, **more):
    return {"seq": seq, "kind": "access", "at": AT, "outcome": "granted", "reason": "match", "detail": ""} | more


def working(front, end, notes=("look_here", "look_left")):
    """Starts a job that tells these notes and ends so."""

    def start(body):
        def work():
            for done, note in enumerate(notes, start=1):
                front.progress("enrol_live", body["id"], state="running", done=done, of=5, note=note)
            front.progress("enrol_live", body["id"], **end)

        threading.Thread(target=work).start()
        return {"ok": True, "data": {"job": "accepted"}}

    return start


class TestEnrolLive:
    def test_its_progress_is_told(self, desk, mosquitto):
        with device(mosquitto.port, "front") as front:
            front.answers["enrol_live"] = working(
                front, {"state": "done", "done": 5, "of": 5, "data": {"templates": 5}}
            )
            done = desk("enrol-live", "anna", "--at", "front", "--name", "Anna", "--consented", "--seconds", "30")
            assert (done.code, done.out.splitlines()) == (
                0,
                [
                    "accepted",
                    "running 1 of 5: look here",
                    "running 2 of 5: look left",
                    "done 5 of 5",
                    "anna: 5 templates",
                ],
            )
            asked = dict(front.told)["enrol_live"]
            assert (asked["person"], asked["shots"], asked["seconds"], asked["consent"]) == ("anna", 5, 30.0, True)
            lines = desk("enrol-live", "anna", "--at", "front", "--json").json_lines
            assert [line["state"] for line in lines] == ["accepted", "running", "running", "done"]

    def test_it_fails(self, desk, mosquitto):
        with device(mosquitto.port, "front") as front:
            end = {"state": "failed", "code": "timed_out", "message": "2 of 5 pictures in 60 s: look left was missing"}
            front.answers["enrol_live"] = working(front, end)
            done = desk("enrol-live", "anna", "--at", "front")
            assert (done.code, done.err) == (1, "latchkey: front: 2 of 5 pictures in 60 s: look left was missing\n")

    def test_ctrl_c_gives_it_up_at_the_device(self, desk, mosquitto):
        cancelled = []
        with device(mosquitto.port, "front") as front:

            def start(_):
                threading.Timer(0.2, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT]).start()
                return {"ok": True, "data": {"job": "accepted"}}

            def cancel(body):
                cancelled.append(body["id_of"])
                return {"ok": True, "data": {"job": "failed"}}

            front.answers |= {"enrol_live": start, "job_cancel": cancel}
            done = desk("enrol-live", "anna", "--at", "front")
            assert (done.code, "Traceback" in done.err) == (130, False)
            assert cancelled == [dict(front.told)["enrol_live"]["id"]]


class TestJob:
    def test_it_is_shown_followed_and_cancelled(self, desk, mosquitto, monkeypatch):
        monkeypatch.setattr("agent.client.jobs.ASK_SECONDS", 0.1)
        state = {"job": "running", "id_of": "j1", "verb": "update_model", "done": 3, "of": 9, "note": "re_embedding"}
        answers = {
            "job": lambda _: {"ok": True, "data": state},
            "jobs": lambda _: {"ok": True, "data": {"jobs": [state]}},
            "job_cancel": lambda _: {"ok": True, "data": state},
        }
        with device(mosquitto.port, "front", **answers) as front:
            assert desk("job", "front", "j1").out == "running 3 of 9: re embedding\n"
            assert "update_model" in desk("jobs", "front").out
            state |= {"job": "failed", "code": "cancelled", "message": "by mqtt:owner"}
            ended = desk("job", "front", "j1", "--cancel", "--follow", "--json")
            assert (ended.code, ended.json_lines[-1]["error"]["code"]) == (1, "cancelled")
            assert [verb for verb, _ in front.told][-2:] == ["job_cancel", "job"]


class TestLog:
    def test_page_by_page(self, desk, mosquitto):
        def log(body):
            found = [event(seq) for seq in range(body["after"] + 1, min(body["after"] + 3, 6))]
            last = found[-1]["seq"] if found else body["after"]
            return {"ok": True, "data": {"events": found, "more": last < 5, "last": last}}

        with device(mosquitto.port, "front", log=log) as front:
            assert [line["seq"] for line in desk("log", "front", "--json").json_lines] == [1, 2, 3, 4, 5]
            assert [line["seq"] for line in desk("log", "front", "--from", "3", "--json").json_lines] == [4, 5]
            limited = desk("log", "front", "--limit", "1", "--kind", "access", "--kind", "alarm")
            assert limited.out.endswith("granted unknown: match: \n")
            assert front.told[-1][1]["kinds"] == ["access", "alarm"]

    def test_followed_each_event_comes_once_and_in_order(self, desk, mosquitto):
        """News may be lost or come twice: the device is asked for what there is."""
        recorded = [event(1)]

        def log(body):
            found = [each for each in recorded if each["seq"] > body["after"]]
            return {"ok": True, "data": {"events": found, "more": False, "last": len(recorded)}}

        with device(mosquitto.port, "front", log=log) as front:

            def happen():
                deadline = time.monotonic() + 10
                while not front.told and time.monotonic() < deadline:
                    time.sleep(0.01)
                recorded.extend([event(2), event(3)])
                for seq in (1, 3, 3):  # the first is old, the second was lost
                    front.say("event/access", event(seq))
                recorded.append(event(4))
                front.say("event/access", event(4))

            happening = threading.Thread(target=happen)
            happening.start()
            followed = desk("log", "front", "--follow", "--limit", "4", "--json")
            happening.join()
        assert [line["seq"] for line in followed.json_lines] == [1, 2, 3, 4]


class TestReport:
    def test_all_pages(self, desk, mosquitto):
        def report(body):
            people = [person for person in ("anna", "bob") if person > body["after"]][:1]
            rows = [{"person": person, "day": "2026-11-02", "worked": 28_800} for person in people]
            return {"ok": True, "data": {"rows": rows, "more": people == ["anna"], "last": people[-1]}}

        with device(mosquitto.port, "front", report=report):
            told = desk("report", "front", "--month", "2026-11", "--json").json
            assert [row["person"] for row in told] == ["anna", "bob"]
            csv = desk("report", "front", "--month", "2026-11", "--csv").out
            assert csv.splitlines() == ["person,day,worked", "anna,2026-11-02,28800", "bob,2026-11-02,28800"]
            assert desk("report", "front", "--month", "2026-11").out.splitlines()[1].split() == [
                "anna",
                "2026-11-02",
                "28800",
            ]
            wrong = desk("report", "front", "--month", "November")
            assert (wrong.code, "report: month" in wrong.err) == (1, True)


def test_an_audit_that_is_broken(desk, mosquitto):
    rows = [{"number": 1, "at": AT, "by": "cli:root", "action": "enrolled", "subject": "anna", "details": "{}"}]
    data = {"rows": rows, "head": {"number": 1, "hash": "ab"}, "broken": {"number": 1, "problem": "was changed"}}
    with device(mosquitto.port, "front", audit=lambda _: {"ok": True, "data": data}):
        told = desk("audit", "front", "--verify")
    assert (told.code, told.err) == (1, "latchkey: broken: row 1 was changed\n")
    assert "head: ab@1" in told.out


def test_health_lives_until_ctrl_c(desk, mosquitto, wait_for):
    """In a process of its own: interrupted, it says nothing of it and ends with 130."""
    command = [sys.executable, "-m", "agent.cli", "admin", "health", "--profile", str(desk.profile.folder)]
    with device(mosquitto.port, "front"), Admin(desk.profile, hears=HEARS) as admin:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            wait_for(lambda: mosquitto.log().count("Received SUBSCRIBE") == 3, seconds=30)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
        assert (process.returncode, b"Traceback" in err) == (130, False), err
        admin.devices()
        console = Console(record=True, file=io.StringIO(), width=200)
        console.print(live_table(admin))
        assert "front   online  1.0" in console.export_text()
        mosquitto.kill()
        wait_for(lambda: not admin.line.listening)
        console.print(live_table(admin))
        assert "no connection to the broker: trying again" in console.export_text()


def test_health_of_a_device_that_is_away(desk, mosquitto):
    with device(mosquitto.port, "front") as front:
        front.say(
            "health", {"at": AT, "outbox_depth": 3, "clock": "synchronised", "people": 12, "rules": 2}, retain=True
        )
        front.say("state/door", {"at": AT, "locked": False, "alarms": ["forced"], "mode": "normal"}, retain=True)
        front.status("offline")
        front.line.wait_taken()
        told = desk("health", "--once", "--json")
        row = told.json[0]
        assert (told.code, row["state"], row["outbox"], row["people"], row["door"], row["alarms"]) == (
            1,
            "offline",
            3,
            12,
            "unlocked",
            ["forced"],
        )
        assert row["told"].endswith("ago")
        assert "offline" in desk("health", "--once").out


def test_health_of_what_only_says_to_be_a_device(desk, mosquitto):
    known.trust(desk.profile.devices_file, "hq/front", OWNER.public)
    with device(mosquitto.port, "front", key=SigningKey(bytes(32))):
        told = desk("health", "--once")
        assert (told.code, "front   forged" in told.out) == (1, True)


def test_the_audit_names_its_details(desk, mosquitto):
    row = {
        "number": 1,
        "at": AT,
        "by": "mqtt:anna",
        "action": "restored",
        "details": {"database": "known", "models": 0},
    }
    said = {"ok": True, "data": {"rows": [row], "head": {"hash": "ab", "number": 1}}}
    with device(mosquitto.port, "front", audit=lambda _: said):
        assert "database known, models 0" in desk("audit", "front").out
