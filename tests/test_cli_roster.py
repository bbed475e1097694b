"""`latchkey admin roster` and `latchkey roster`, by the command line, over a real Mosquitto."""

import json
import threading

import pytest

from agent.cli import main
from agent.mqtt.settings import LinkSettings
from agent.roster.members import told
from agent.roster.registrar import Registrar
from agent.roster.service import RosterService
from agent.store import roster_book
from agent.store.db import open_db
from agent.store.people import get_person
from tests.fakes.desks import Desk
from tests.fakes.devices import device
from tests.fakes.registers import add
from tests.fakes.rosters import ENROLLER, SERVICE, Device, admin_body
from tests.fakes.terminal import Outcome, forget_logging
from tests.fakes.trust import OWNER


@pytest.fixture(name="desk")
def desk_fixture(tmp_path, mosquitto, monkeypatch, capsys):
    """An admin's desk, and a service that runs."""
    closing = threading.Event()

    def run():
        with open_db(tmp_path / "roster.db") as db:
            service = RosterService(
                LinkSettings("127.0.0.1", mosquitto.port), Registrar(db, "hq", OWNER.public, SERVICE)
            )
            while not closing.is_set():
                service.step(0.05)
            service.close()

    thread = threading.Thread(target=run)
    thread.start()
    desk = Desk(tmp_path, mosquitto.port, monkeypatch, capsys)
    yield lambda *arguments, **more: desk("roster", *arguments, **more)
    closing.set()
    thread.join(10)
    forget_logging()


def write(folder, name, value):
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def shown(desk, object_):
    return json.loads(desk("get", object_, "--json").out)


def test_put_get_list_history_and_remove(desk, tmp_path):
    body = write(tmp_path, "anna.json", {"name": "Anna", "groups": ["staff"]})
    done = desk("put", "person/anna", body)
    assert (done.code, done.out) == (0, "person/anna: kept as version 1, for hq/@all\n")
    assert json.loads(desk("get", "person/anna").out) == {"name": "Anna", "groups": ["staff"]}
    assert desk("put", "rules", write(tmp_path, "r.toml", 'time_zone = "UTC"\n'), "--for", "front").code == 0
    assert desk("get", "rules").out == 'time_zone = "UTC"\n'
    listed = json.loads(desk("list", "--json").out)
    assert [(row["object"], row["target"]) for row in listed] == [("person/anna", "hq/@all"), ("rules", "hq/front")]
    assert "person/anna" in desk("list", "person/").out
    assert desk("remove", "person/anna", said="n\n").code == 1
    assert "removed as version 2" in desk("remove", "person/anna", "--yes").out
    assert "person/anna" not in desk("list").out
    assert [row["gone"] for row in json.loads(desk("history", "person/anna", "--json").out)] == [True, False]
    assert "removed" in desk("history", "person/anna").out
    gone = desk("get", "person/anna")
    assert (gone.code, "the roster has no person/anna" in gone.err) == (1, True)
    assert desk("remove", "person/nobody", "--yes").code == 1


def test_two_admins_at_once(desk, tmp_path):
    desk("put", "person/anna", write(tmp_path, "a.json", {"name": "Anna", "groups": ["staff"]}))
    base = write(tmp_path, "base.json", desk("get", "person/anna", "--json").out)
    desk("put", "person/anna", write(tmp_path, "one.json", {"name": "Anna", "groups": ["staff", "lab"], "badge": "7"}))
    mine = write(tmp_path, "two.json", {"name": "Anna B", "groups": ["staff", "it"]})
    assert desk("put", "person/anna", mine, "--base", base).code == 0
    both = shown(desk, "person/anna")["body"]
    assert (both["name"], both["badge"], set(both["groups"])) == ("Anna B", "7", {"staff", "lab", "it"})
    clash = write(tmp_path, "three.json", {"name": "Anna", "groups": ["staff"], "badge": "8"})
    refused = desk("put", "person/anna", clash, "--base", base)
    assert (refused.code, "person/anna: badge was changed meanwhile" in refused.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "text", "problem"),
    [
        (("put", "thing/x"), "{}", "is no object"),
        (("put", "person/anna"), "{", "not JSON"),
        (("put", "person/anna"), "[]", "an object is wanted"),
        (("put", "person/anna"), '{"name": 7}', "person/anna: name"),
        (("get", "rules/x"), None, "is no object"),
    ],
)
def test_a_user_s_mistake_is_a_line(desk, tmp_path, arguments, text, problem):
    file = () if text is None else (write(tmp_path, "f.json", text),)
    done = desk(*arguments, *file)
    assert (done.code, problem in done.err, "Traceback" in done.err) == (1, True, False)
    assert desk("put", "person/anna", tmp_path / "absent").code == 1


def test_a_table(desk, tmp_path):
    first = write(tmp_path, "t.csv", "id,name,badge,groups\nanna,Anna,7,staff;lab\nben,Ben,8,\n")
    assert desk("import", first, "--dry-run").out == "nothing was done; it would be: 2 added, 0 changed, 0 unchanged\n"
    assert desk("import", first).out == "2 added, 0 changed, 0 unchanged\n"
    second = write(tmp_path, "t2.csv", "id,badge,to\nanna,9,2026-12-24\nben,8,\ncora,,\n")
    assert json.loads(desk("import", second, "--zone", "UTC", "--json").out) == {
        "added": 1,
        "changed": 1,
        "unchanged": 1,
        "refused": [],
    }
    anna = shown(desk, "person/anna")["body"]
    assert (anna["groups"], anna["badge"], anna["valid_to"]) == (["lab", "staff"], "9", "2026-12-25T00:00:00Z")
    assert desk("import", write(tmp_path, "t3.csv", "id,state\nanna,asleep\n")).code == 1
    refused = desk("import", write(tmp_path, "t4.csv", "id,name\ndora," + "x" * 200 + "\n"))
    assert (refused.code, "dora: line 2: person/dora: name" in refused.err) == (1, True)
    assert desk("import", first, "--zone", "Mars").code == 1


def test_published_from_a_device(desk, mosquitto, tmp_path):
    with Device(tmp_path, "source") as source:
        add(source.db, "anna", faces=(1,), name="Anna")

        def person(body):
            return {"ok": True, "data": {"person": "anna", "body": told(source.db, body["person"], body.get("before"))}}

        with device(mosquitto.port, "front", roster_person=person):
            assert desk("publish", "anna", "--from", "front").out == "1 added, 0 changed, 0 unchanged\n"
            assert desk("publish", "anna", "--from", "front").out == "0 added, 0 changed, 1 unchanged\n"
    assert len(shown(desk, "person/anna")["body"]["templates"]) == 1


def test_how_far_the_devices_are(desk, mosquitto, tmp_path):
    desk("put", "person/anna", write(tmp_path, "a.json", {"name": "Anna"}))
    tally = json.loads(desk("status", "--json").out or "{}").get("head", {}).get("tally")
    good = {"enabled": True, "cursor": 1, "tally": tally, "trouble": None, "problems": []}
    bad = [{"object": "rules", "version": 1, "code": "bad_rules", "message": "line 1: no"}]

    def says(**more):
        return lambda _: {"ok": True, "data": good | more}

    with (
        device(mosquitto.port, "front", roster=says()),
        device(mosquitto.port, "back", roster=says(cursor=0)),
        device(mosquitto.port, "side", roster=says(problems=bad)),
        device(mosquitto.port, "fork", roster=says(tally="0" * 64)),
        device(mosquitto.port, "doubt", roster=says(trouble="withheld: x")),
        device(mosquitto.port, "own", roster=says(enabled=False)),
    ):
        done = desk("status")
        standings = {line.split()[0]: " ".join(line.split()[2:]) for line in done.out.splitlines()[2:]}
        assert standings == {
            "front": "complete",
            "back": "1 behind",
            "side": "1 not in force",
            "fork": "holds another roster",
            "doubt": "doubts the service",
            "own": "does not follow: [roster] enabled is false",
        }
        assert done.code == 1
        assert "side: rules: line 1: no (bad_rules)" in done.err
        assert "doubt: withheld: x" in done.err


def test_what_a_revoked_key_has_signed_is_signed_anew(desk, tmp_path):
    from agent.client import key_file

    key = f"admin/{ENROLLER.public.id}"
    desk("put", key, write(tmp_path, "k.json", admin_body(ENROLLER, "erik", "enroller")))
    owners = tmp_path / "profile" / "key"
    key_file.write(owners, ENROLLER, None, replace=True)
    write(tmp_path / "profile", "owner.pub", OWNER.public.text + "\n")
    assert desk("put", "person/anna", write(tmp_path, "a.json", {"name": "Anna"})).code == 0
    assert "not_permitted" not in desk("get", "person/anna").err
    key_file.write(owners, OWNER, None, replace=True)
    desk("put", key, write(tmp_path, "k.json", admin_body(ENROLLER, "erik", "enroller", revoked=True)))
    refused = desk("get", "person/anna")
    assert (refused.code, "is revoked" in refused.err) == (1, True)
    assert desk("adopt", ENROLLER.public.id, said="n\n").code == 1
    assert desk("adopt", ENROLLER.public.id, "--yes").out == "1 document signed anew\n"
    assert shown(desk, "person/anna")["key"] == OWNER.public.id
    write(tmp_path / "profile", "owner.pub", "nonsense")
    assert desk("list").code == 2


class TestServe:
    def run(self, capsys, *arguments):
        capsys.readouterr()
        code = main(["roster", *map(str, arguments)])
        forget_logging()
        return Outcome(code, *capsys.readouterr())

    def test_without_an_owner_it_does_not_begin(self, capsys, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        done = self.run(capsys, "serve", "--folder", tmp_path)
        assert (done.code, "[trust] owner is empty" in done.err) == (2, True)

    def test_numbers_go_on_above(self, capsys, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with open_db(tmp_path / "roster.db") as db:
            assert roster_book.state(db).seq == 0
        assert json.loads(self.run(capsys, "skip-to", "70", "--folder", tmp_path).out) == {"seq": 70}
        assert self.run(capsys, "skip-to", "70", "--folder", tmp_path / "absent").code == 2

    def test_it_serves_until_it_is_asked_to_stop(self, mosquitto, tmp_path, wait_for):
        import signal
        import subprocess
        import sys

        from agent.roster.client import RosterClient

        sets = [
            f"trust.owner={OWNER.public.text}",
            "mqtt.host=127.0.0.1",
            f"mqtt.port={mosquitto.port}",
            "device.site=hq",
        ]
        options = [option for each in sets for option in ("--set", each)]
        command = [sys.executable, "-m", "agent.cli", "roster", "serve", "--folder", str(tmp_path), *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                with RosterClient(LinkSettings("127.0.0.1", mosquitto.port), "hq", OWNER, seconds=20) as client:
                    assert client.put("person/anna", {"name": "Anna"}).header.version == 1
            finally:
                process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=20)
        assert (process.returncode, "0 documents so far" in out, "Traceback" in err) == (0, True, False)
        assert (tmp_path / "roster.key").stat().st_mode & 0o777 == 0o600
        with Device(tmp_path, "later") as later, open_db(tmp_path / "roster.db") as db:
            assert get_person(later.db, "anna") is None
            assert roster_book.state(db).seq == 1
