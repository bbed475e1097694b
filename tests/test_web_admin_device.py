"""The views of the audit and of the device: what they ask, and what Chromium shows of it."""

import hashlib
import io
import json
import threading

import httpx
import pytest
from ulid import ULID

from agent.backup.content import read_manifest
from agent.backup.keys import BackupKey
from agent.backup.stream import Opened
from agent.config import load_config
from agent.config.shown import Setting, shown
from agent.errors import StoreError
from agent.store import audit
from agent.store.db import open_db
from agent.trust.roles import Role
from agent.web.admin.rooms.audit import lines as lines_of
from agent.web.admin.rooms.kept import file_name
from tests.conftest import wait_for
from tests.fakes.admin import admin_agent

KEY = BackupKey.new()
OCTETS = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, admin_agent(tmp_path_factory.mktemp("device"), patch) as started:
        yield started


def get(desk, path, role=Role.OWNER, **query):
    return desk.client(role).get(f"/admin/api/{path}", params=query)


def lines(answer):
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def done(desk, verb, **arguments):
    """What has come of a job."""
    id_ = arguments.setdefault("id", str(ULID()))
    status, told = desk.ask(verb, **arguments)
    assert status == 200, told
    found = {}

    def over():
        found.update(get(desk, f"jobs/{id_}").json())
        return found["job"] in {"done", "failed"}

    wait_for(over, what=f"{verb} to end")
    return found


# The audit


def test_rows_of_the_audit_are_found_newest_first(desk):
    told = get(desk, "audit/rows", subject="ANNA", limit=2).json()
    assert [row["action"] for row in told["rows"]] == ["person_changed", "enrolled"]
    assert told["before"] is None
    assert {"enrolled", "rules_applied"} <= {*told["actions"]}
    with open_db(desk.agent.config.database_path) as db:
        assert told["head"] == str(audit.head(db))
    first = get(desk, "audit/rows", limit=1).json()
    second = get(desk, "audit/rows", limit=1, before=first["before"]).json()
    assert second["rows"][0]["number"] == first["rows"][0]["number"] - 1
    assert second["actions"] is None


@pytest.mark.parametrize(
    "query",
    [
        {"since": "yesterday"},
        {"since": "2026-11-26T12:00"},
        {"limit": 1000},
        {"before": "x"},
        {"before": 10**30},
        {"surprise": 1},
        {"text": "x" * 129},
    ],
)
def test_what_makes_no_sense_is_refused_in_words(desk, query):
    answer = get(desk, "audit/rows", **query)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_request")
    assert next(iter(query)) in answer.json()["message"]


def test_the_chain_is_checked_and_compared_with_what_was_kept_elsewhere(desk):
    head = get(desk, "audit/rows").json()["head"]
    last = lines(get(desk, "audit/check", anchor=head))[-1]
    assert (last["broken"], last["head"], last["done"] == last["of"]) == (None, head, True)
    number = head.partition("@")[2]
    other = lines(get(desk, "audit/check", anchor=f"{'f' * 64}@{number}"))[-1]
    assert other["broken"]["number"] == int(number)
    assert get(desk, "audit/check", anchor="f").status_code == 422


def test_the_whole_audit_is_a_file_of_json_lines_that_prove_themselves(desk):
    answer = get(desk, "audit/export")
    rows = lines(answer)
    assert [row["number"] for row in rows] == [*range(1, len(rows) + 1)]
    assert answer.headers["content-disposition"] == 'attachment; filename="home-door-audit.jsonl"'
    with open_db(desk.agent.config.database_path) as db:
        assert rows == [audit.as_json(row) for row in audit.everything(db)]


@pytest.mark.parametrize("lost", [False, True])
def test_a_file_breaks_off_with_the_session_and_does_not_look_whole(desk, monkeypatch, lost):
    def lots(_):
        yield b"one\n"
        assert ended.wait(10)
        yield b"two\n"

    def unknown(_):
        raise StoreError("the disk is gone")

    ended, client = threading.Event(), desk.client(name="otto")
    monkeypatch.setattr("agent.web.admin.rooms.audit.in_lots", lots)
    with client.stream("GET", "/admin/api/audit/export") as answer:
        pieces = answer.iter_bytes()
        assert next(pieces) == b"one\n"
        if lost:
            monkeypatch.setattr(desk.front.porter, "stands", unknown)
        else:
            desk.front.sessions.close_all("otto")
        ended.set()
        with pytest.raises(httpx.RemoteProtocolError):
            next(pieces)


def test_lines_that_cannot_be_made_end_in_words():
    def values():
        yield {"n": 1}
        raise StoreError("the disk is gone")

    told = [json.loads(line) for line in lines_of(values())]
    assert told == [{"n": 1}, {"ok": False, "code": "storage_failed", "message": "the disk is gone"}]


@pytest.mark.parametrize("device", ['front"', "a\r\nb", "tür", "../x"])
def test_a_file_is_called_in_letters_that_no_browser_minds(device):
    name = file_name("hq", device, "audit.jsonl")
    assert name.startswith("hq-")
    assert {*name} <= {*"abcdefghijklmnopqrstuvwxyz-."}


@pytest.mark.parametrize(
    "path", ["audit/rows", "audit/check", "audit/export", "device/configuration", "device/backup/x"]
)
def test_who_may_not_see_it_does_not(desk, path):
    assert get(desk, path, Role.OPERATOR).status_code == 403
    assert get(desk, path, None).status_code == 401


# The device


def test_a_device_at_a_glance(desk):
    wait_for(lambda: desk.agent.visits.frames, what="a picture")
    told = get(desk, "device", Role.VIEWER).json()
    assert (told["site"], told["device"], told["encoder"]) == ("home", "door", "latchkey-encoder-1-b10c0000")
    assert (told["health"]["people"], told["health"]["rules"], told["health"]["outbox_depth"] > 0) == (2, 1, True)
    found = {each["name"]: each["state"] for each in told["findings"]}
    assert found == {
        **dict.fromkeys(("broker", "disk", "tls", "page", "owner", "models", "templates"), "ok"),
        "camera": "ok",
        "clock": "warning",
    }


def test_jobs_are_told_without_an_answer_that_is_kept(desk):
    id_ = str(ULID())
    assert done(desk, "backup", id=id_, to=KEY.recipient.text)["job"] == "done"
    with open_db(desk.agent.config.database_path) as db:
        kept = db.counts()["commands"]
        assert get(desk, "jobs", Role.VIEWER).json()["jobs"][0] == get(desk, f"jobs/{id_}").json()
        assert db.counts()["commands"] == kept
    assert get(desk, "jobs/nothing").json()["code"] == "unknown_job"


def test_the_cards_of_the_models_without_what_is_for_programs(desk):
    told = get(desk, "device/models", Role.VIEWER).json()
    assert told["now"]["encoder"]["id"] == told["state"]["encoder"] == "latchkey-encoder-1-b10c0000"
    assert "golden" not in told["now"]["encoder"]
    assert told["now"]["table"]["points"][0] == [0.0, 0.5]
    assert 0.3 < told["now"]["threshold"]["cosine"] < 0.7
    assert told["before"] is None


def test_the_configuration_without_secrets(tmp_path, desk):
    (tmp_path / "secret").write_text("hunter2")
    settings = {"mqtt.username": "door", "mqtt.password_file": tmp_path / "secret", "device.data_dir": tmp_path}
    told = shown(load_config(None, settings, {}))
    assert "hunter2" not in str(told)
    rows = {row.key: row for row in told["mqtt"]}
    assert rows["username"] == Setting("username", "door", changed=True)
    assert rows["password_file"] == Setting("password_file", str(tmp_path / "secret"), changed=True)
    assert rows["tls.enabled"] == Setting("tls.enabled", value=False, changed=False)
    seen = get(desk, "device/configuration").json()
    assert {"key": "name", "value": "door", "changed": False} in seen["tables"]["device"]


# Backup


def test_a_backup_comes_as_one_file_that_its_key_opens(desk):
    id_ = str(ULID())
    made = done(desk, "backup", id=id_, to=KEY.recipient.text)
    assert made["job"] == "done", made
    answer = get(desk, f"device/backup/{id_}")
    assert len(answer.content) == made["data"]["bytes"] == int(answer.headers["content-length"])
    assert hashlib.sha256(answer.content).hexdigest() == made["data"]["sha256"]
    assert answer.headers["content-disposition"].startswith('attachment; filename="home-door-20')
    manifest = read_manifest(Opened(io.BytesIO(answer.content), KEY))
    assert (manifest.device, {"latchkey.db", "site.key"} <= {each.name for each in manifest.files}) == ("door", True)
    assert get(desk, f"device/backup/{id_}", Role.SECURITY).status_code == 403
    assert get(desk, "device").json()["backed_up"]


@pytest.mark.parametrize("id_", ["nothing", "%2e%2e", "a%00b", "..%2f..%2flatchkey.db"])
def test_nothing_but_a_backup_is_fetched(desk, id_):
    answer = desk.client().get(f"/admin/api/device/backup/{id_}")
    assert answer.status_code in {404, 409}, answer.text
    assert answer.json()["ok"] is False


def test_the_secret_half_of_a_key_makes_no_backup(desk):
    status, told = desk.ask("backup", to=KEY.text)
    assert (status, "keep it, and give the public one" in told["message"]) == (422, True)


# Models


def put(desk, path, part, role=Role.OWNER):
    return desk.client(role).put(f"/admin/api/parts/{path}", content=part, headers=OCTETS)


def test_a_bundle_that_is_none_is_refused_in_words(desk):
    id_, parts = str(ULID()), [b"no " * 1000, b"bundle"]
    hashes = [hashlib.sha256(part).hexdigest() for part in parts]
    assert desk.ask("parts", id_of=id_, parts=hashes)[1]["data"] == {"here": []}
    assert put(desk, f"update_model/{id_}/2/2", parts[1]).status_code == 204
    missing = desk.ask("update_model", id=id_, parts=hashes)
    assert (missing[0], missing[1]["code"]) == (409, "parts_missing")
    assert put(desk, f"update_model/{id_}/1/2", parts[0]).status_code == 204
    told = done(desk, "update_model", id=id_, parts=hashes)
    assert (told["job"], told["code"]) == ("failed", "bad_bundle")
    assert told["message"].startswith("no bundle of models")


@pytest.mark.parametrize(
    ("path", "part", "status"),
    [
        pytest.param("list/u1/1/2", b"x", 422, id="a command that takes none"),
        pytest.param("nothing/u1/1/2", b"x", 422, id="no command"),
        pytest.param("update_model/u1/3/2", b"x", 422, id="more than there are"),
        pytest.param("update_model/u1/1/9999999999", b"x", 422, id="more than there can be"),
        pytest.param("update_model/%2e%2e/1/2", b"x", 422, id="an id that leads elsewhere"),
        pytest.param("update_model/u1/1/2", b"x" * (2**20 + 1), 413, id="too large"),
    ],
)
def test_parts_that_make_no_sense_are_refused(desk, path, part, status):
    answer = put(desk, path, part)
    assert (answer.status_code, answer.json()["ok"]) == (status, False)


def test_parts_are_taken_from_those_who_may_ask_the_verb(desk):
    assert put(desk, "update_model/u2/1/1", b"x", Role.SECURITY).status_code == 403
    assert put(desk, "enrol/u2/1/1", b"x", Role.ENROLLER).status_code == 204
    assert put(desk, "enrol/u2/1/1", b"x", Role.VIEWER).status_code == 403
