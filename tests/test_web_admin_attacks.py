"""Who attacks the page for admins: deploy/SECURITY.md, "Who stands before the page"."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from agent.accounts import changes
from agent.store.db import open_db
from agent.trust.roles import Role
from agent.web.admin import pace
from agent.web.admin.pace import AT_ONCE
from tests.fakes.accounts import PASSWORD, account, asks
from tests.fakes.admin import RULES, admin_agent
from tests.fakes.agents import recorded


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("attacks")
    (folder / "synchronized").touch()
    told = {"mqtt__remote_unlock": True, "clock__synchronised_file": folder / "synchronized"}
    told |= {"mqtt__unlocks_per_minute": 3}
    with pytest.MonkeyPatch.context() as patch, admin_agent(folder, patch, **told) as started:
        yield started


@pytest.fixture
def db(desk):
    with open_db(desk.agent.config.database_path, key=desk.front.bundle.key) as opened:
        yield opened


# Who has been somebody


@contextmanager
def held_back(desk, client, path, body):
    """A request whose head has been looked at; gives what sends its body and reads the answer's status."""
    told = json.dumps(body).encode()
    ours = [f"{name}: {client.headers[name]}" for name in ("Origin", "X-Latchkey", "X-Latchkey-Session")]
    head = [f"POST /admin/api/{path} HTTP/1.1", f"Host: {client.base_url.netloc.decode()}", *ours]
    head += [f"Cookie: {desk.front.cookie}={client.cookies[desk.front.cookie]}", "Content-Type: application/json"]
    head += [f"Content-Length: {len(told)}", "Expect: 100-continue", "", ""]
    with socket.create_connection(("127.0.0.1", desk.agent.config.admin.port), timeout=10) as connection:
        answers = connection.makefile("rb")
        connection.sendall("\r\n".join(head).encode())
        assert answers.readline().startswith(b"HTTP/1.1 100")  # the body is waited for: who asks is known
        answers.readline()

        def go_on():
            connection.sendall(told)
            return int(answers.readline().split()[1])

        yield go_on


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("ask/person_set", {"person": "ben", "notes": "by nobody"}),
        ("ask/unlock", {"not_after": "2026-11-26T12:00:00Z"}),
        ("attendance/correct", {"person": "ben", "what": "add", "type": "in", "at": "2026-11-25 08:00", "why": "x"}),
    ],
)
def test_a_request_that_was_held_back_is_not_of_who_was_signed_out_meanwhile(desk, db, path, body):
    client = desk.client(Role.SECURITY, "selma")
    with held_back(desk, client, path, body) as go_on:
        changes.set_role(db, asks(), "selma", Role.VIEWER)
        assert go_on() == 401
    changes.set_role(db, asks(), "selma", Role.SECURITY)
    assert "by nobody" not in str([event.body for event in recorded(desk.agent.config, "audit")])


def test_nor_of_who_has_signed_out(desk):
    client = desk.client(Role.SECURITY, "selma")
    with held_back(desk, client, "ask/person_set", {"person": "ben", "notes": "by nobody"}) as go_on:
        assert client.delete("/admin/api/session").status_code == 204
        assert go_on() == 401


def test_of_changes_that_the_old_password_has_proved_the_first_counts(desk, db):
    _, codes = account(db, "vic", at=datetime.now(UTC) - timedelta(minutes=5))
    client = desk.client(None)
    signed = client.post("/admin/api/session", json={"name": "vic", "password": PASSWORD, "code": codes[0]})
    client.headers["X-Latchkey-Session"] = signed.json()["secret"]

    def changed(number):
        told = {"password": PASSWORD, "new": f"wool crane mint ladder {number}"}
        return client.post("/admin/api/account/password", json=told).status_code

    with ThreadPoolExecutor(3) as threads:
        assert sorted(threads.map(changed, range(3))) == [200, 401, 401]


# Who has not signed in


def test_cookies_that_somebody_has_made_up_are_no_way_around_the_pace(desk, monkeypatch):
    monkeypatch.setattr(pace, "A_SECOND", 0.01)  # however slowly this machine asks
    with httpx.Client(base_url=desk.url, transport=httpx.HTTPTransport(local_address="127.0.0.2")) as elsewhere:
        answers = [
            elsewhere.get("/admin/api/me", headers={"Cookie": f"{desk.front.cookie}=x{number}"}).status_code
            for number in range(AT_ONCE + 10)
        ]
    assert answers == [401] * AT_ONCE + [429] * 10
    assert desk.client().get("/admin/api/me").status_code == 200


@pytest.mark.parametrize("digits", [20, 5000])
@pytest.mark.parametrize(("method", "path"), [("POST", "people/one/anna/crop/{}"), ("PUT", "parts/enrol/x/1/{}")])
def test_a_number_that_is_too_long_is_none_and_fills_no_log(desk, caplog, method, path, digits):
    for client in (desk.client(None), desk.client()):
        answer = client.request(method, f"/admin/api/{path.format('9' * digits)}")
        assert answer.status_code in {401, 404, 422}
    assert caplog.text == ""


@pytest.mark.parametrize("part", ["[],", "{},", "1,", '"",'])
def test_json_of_millions_of_values_is_not_read(desk, part):
    """Four million lists took 400 MB, and kept everything from running for five seconds: the door, too."""
    body = f'{{"x": [{part * (3 * 2**20 // len(part))}0]}}'
    viewer = desk.client(Role.VIEWER, "vera", **{"Content-Type": "application/json"})
    for path in ("ask/ping", "rules/draft"):
        answer = viewer.post(f"/admin/api/{path}", content=body)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


# Who may unlock


def test_an_account_unlocks_so_many_times_a_minute_from_however_many_browsers(desk):
    def unlocks(name, role=Role.OPERATOR, verb="unlock", **ahead):
        until = datetime.now(UTC) + timedelta(**ahead or {"seconds": 20})
        return desk.ask(verb, desk.client(role, name), not_after=until.isoformat())[1].get("code")

    assert unlocks("otto", seconds=-1) == "expired"
    assert unlocks("otto", hours=1) == "bad_request"
    assert unlocks("vera", Role.VIEWER) == "not_permitted"
    assert [unlocks("otto"), unlocks("otto", verb="hold"), unlocks("otto")] == [None] * 3
    assert [unlocks("otto"), unlocks("otto", verb="hold")] == ["too_often"] * 2
    assert unlocks("omar") is None
    assert desk.ask("lock", desk.client(Role.OPERATOR, "otto"))[0] == 200


# Who chooses what others will read

HOSTILE = """<img src=x onerror="window.hit=1">'<script>window.hit=1</script>"""
SHOWN = ("people", "people/one/ben", "attendance/month/2026-11", "attendance/person/ben/2026-11")
SHOWN += ("rules/days", "rules/doors", "rules/grants", "rules/text", "audit")
SEES_IT = """() => [...document.querySelectorAll("input, textarea")].map((each) => each.value)
    .concat(document.body.innerText).some((text) => text.includes("window.hit"))"""
RUNS_IT = """() => document.querySelectorAll("img[src=x], main script").length + (window.hit ?? 0)"""
STRANGE = f"""{RULES}
[zones.{json.dumps(HOSTILE)}]
[[days]]
name = {json.dumps(HOSTILE)}
date = "12-26"
[[grants]]
groups = [{json.dumps(HOSTILE[:60])}]
doors = ["*"]
"""


@pytest.fixture
def strange(desk):
    """What people, groups, rules and browsers are called; and why a punch was added."""
    told = [
        desk.ask("person_set", person="ben", name=HOSTILE, notes=HOSTILE, badge="<b>7</b>", groups=[HOSTILE[:60]]),
        desk.ask("correct", person="ben", type="in", at="2026-11-25T08:00:00Z", why=HOSTILE, by="olga"),
        desk.ask("rules_apply", text=f"# {HOSTILE}\n{STRANGE}"),
    ]
    assert [status for status, _ in told] == [200] * 3, told


@pytest.mark.usefixtures("strange")
def test_what_things_are_called_is_text_wherever_it_is_shown(desk, chromium):
    page = desk.browse(chromium, Role.OWNER, "device", user_agent=HOSTILE)
    for view in SHOWN:
        page.evaluate(f"() => {{ location.hash = '#/{view}' }}")
        page.wait_for_selector(f".view[data-view={view.partition('/')[0]}] h1")
        page.wait_for_function(SEES_IT)
        assert page.evaluate(RUNS_IT) == 0
    assert desk.said == []


def test_nobody_speaks_in_the_name_of_another(desk):
    """As over MQTT, where a program speaks for many, `by` may be said; here it is who has signed in."""
    said, omar = {"why": "x", "by": "the boss"}, desk.client(Role.SECURITY, "omar")
    status, told = desk.ask("correct", omar, person="anna", type="in", at="2026-11-25T08:00:00Z", **said)
    assert (status, told["data"]["says"]) == (200, "omar")
    assert desk.ask("consent", omar, person="anna", given=True, text="Faces, 2", by="anna herself")[0] == 200
    assert desk.ask("person", person="anna")[1]["data"]["consents"][-1]["by"] == "omar"
