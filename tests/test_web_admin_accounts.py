"""Signing in at the admin page, and who may: a real server, real cookies, a real database."""

import asyncio
import itertools
import threading
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse

from agent.accounts import changes
from agent.accounts.signing_in import WRONG
from agent.mqtt.message import LARGEST
from agent.seal.keyring import site_key
from agent.store import accounts as store
from agent.store import events, sign_ins
from agent.store.db import open_db
from agent.trust.roles import Role
from agent.web.admin.porter import WAITING
from tests.conftest import wait_for
from tests.fakes.accounts import FRESH, HASH, PASSWORD, WRONG_CODE, account, asks, shown
from tests.fakes.admin import PHONE, admin_agent
from tests.fakes.axe import violations

NEW = "wool crane mint ladder"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("admin")
    (synchronised := folder / "synchronised").touch()
    told = {"clock__synchronised_file": synchronised}
    with pytest.MonkeyPatch.context() as patch, admin_agent(folder, patch, **told) as started:
        yield started


@pytest.fixture(autouse=True)
def _nothing_said(desk):
    desk.said.clear()


@pytest.fixture
def db(desk):
    config = desk.agent.config
    with open_db(config.database_path, key=site_key(config)) as opened:
        sign_ins.clear(opened, address="127.0.0.1")
        yield opened


class Person:
    """Somebody with an account, and a browser that is none."""

    def __init__(self, desk, db, name, role=Role.OWNER):
        self.desk, self.name = desk, name
        self.secret, self.codes = account(db, name, role, datetime.now(UTC) - timedelta(minutes=5))
        self.client = desk.client(None)

    def typed(self, **more):
        code = self.codes.pop() if "code" not in more else more["code"]
        return {"name": self.name, "password": PASSWORD} | more | {"code": code}

    def signs_in(self, **more):
        answer = self.client.post("/admin/api/session", json=self.typed(**more))
        if answer.status_code == 200:
            self.client.headers["X-Latchkey-Session"] = answer.json()["secret"]
        return answer

    def ask(self, method, path, **body):
        answer = self.client.request(method, f"/admin/api/{path}", json={"password": PASSWORD} | body)
        if "role" in answer.json() and "secret" in answer.json():  # a session
            self.client.headers["X-Latchkey-Session"] = answer.json()["secret"]
        return answer

    @property
    def status(self):
        return self.client.get("/admin/api/me").status_code

    @property
    def token(self):
        return self.client.cookies["latchkey"]


@pytest.fixture
def person(desk, db, request):
    made = Person(desk, db, f"p{abs(hash(request.node.name)) % 10**9}")
    yield made
    made.client.close()


def audited(db, action):
    return [event.body for event in events.since(db, 0, LARGEST) if event.body.get("action") == action]


# Signing in


def test_name_password_and_code_sign_in_and_the_cookie_is_for_nobody_else(person, db):
    answer = person.signs_in(code=shown(person.secret, datetime.now(UTC)))
    assert (answer.status_code, answer.json()["name"], answer.json()["role"]) == (200, person.name, "owner")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("latchkey=")
    assert cookie.lower().split("; ")[1:] == ["httponly", "path=/", "samesite=strict"]
    assert "Max-Age" not in cookie  # gone with the browser
    assert len(person.token) >= 43  # 256 bits
    assert person.token not in repr(person.desk.front.sessions._open)
    assert person.status == 200
    told = audited(db, "signed_in")[-1]
    assert (told["by"], told["clock"]) == (f"page:{person.name}", "synchronised")


def test_a_code_counts_once(person):
    code = shown(person.secret, datetime.now(UTC))
    assert [person.signs_in(code=code).status_code for _ in range(2)] == [200, 401]


def test_each_sign_in_has_a_token_of_its_own_and_ends_the_one_before(person):
    person.client.cookies.set("latchkey", "chosen-by-somebody-else", domain="127.0.0.1", path="/")
    person.signs_in()
    first = person.token
    assert first != "chosen-by-somebody-else"
    person.signs_in()
    assert person.token != first
    assert person.desk.front.sessions.find(first) is None


def test_a_wrong_password_ten_times_has_to_wait_and_is_told_for_how_long(person, db):
    answers = [person.signs_in(password=NEW, code=WRONG_CODE) for _ in range(10)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 5
    assert answers[0].json() == {"ok": False, "code": "wrong", "message": WRONG, "retry_seconds": 0}
    last = answers[-1]
    assert 25 <= int(last.headers["retry-after"]) <= 30
    assert last.json()["message"].startswith("too many wrong tries: try again in ")
    assert person.signs_in().status_code == 429
    person.desk.front.porter.step()
    wait_for(lambda: len(audited(db, "sign_in_refused")) >= 2, what="the audit")
    told = [body for body in audited(db, "sign_in_refused") if body["details"].get("account") == person.name]
    assert {body["details"]["code"] for body in told} == {"wrong", "locked"}
    assert {body["by"] for body in told} == {"page"}
    sign_ins.clear(db, name=person.name, address="127.0.0.1")
    assert person.signs_in().status_code == 200


def test_a_name_that_nobody_has_is_answered_as_a_wrong_password_and_not_kept(person, db):
    here = person.signs_in(code=WRONG_CODE)
    nobody = person.signs_in(name="hunter2-is-my-password", code=WRONG_CODE)
    assert (here.status_code, here.json()) == (nobody.status_code, nobody.json())
    person.desk.front.porter.step()
    assert "hunter2" not in repr(audited(db, "sign_in_refused"))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({}, 422, id="nothing"),
        pytest.param({"name": "a", "password": "b"}, 422, id="no code"),
        pytest.param({"name": "a", "password": "b", "code": "c", "role": "owner"}, 422, id="more than that"),
        pytest.param({"name": ["a"], "password": "b", "code": "c"}, 422, id="a list"),
        pytest.param({"name": "a", "password": "b" * 513, "code": "c"}, 422, id="a long password"),
        pytest.param({"name": "a", "password": "b" * 5000, "code": "c"}, 413, id="a long body"),
    ],
)
def test_what_is_no_sign_in_is_refused_and_never_repeated(desk, body, status):
    answer = desk.client(None).post("/admin/api/session", json=body)
    assert answer.status_code == status
    assert "bbb" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "http://evil.example"}, id="another origin"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="another site"),
        pytest.param({"X-Latchkey": "no"}, id="no page of ours"),
        pytest.param({"Host": "evil.example"}, id="a name pointed here"),
    ],
)
def test_another_page_signs_nobody_in_and_out(person, headers):
    person.signs_in()
    for method, path in (("POST", "session"), ("DELETE", "session"), ("POST", "account/codes")):
        asked = person.client.request(method, f"/admin/api/{path}", json=person.typed(code="1"), headers=headers)
        assert asked.status_code == 403
    assert person.status == 200


def test_without_the_session_s_own_secret_nothing_is_changed(person):
    person.signs_in()
    person.client.headers["X-Latchkey-Session"] = "guessed"
    assert person.ask("POST", "account/codes").status_code == 401
    assert person.client.delete("/admin/api/session").status_code == 401
    assert person.status == 200


def test_signing_out_ends_the_session_and_takes_the_cookie(person, db):
    person.signs_in()
    token = person.token
    answer = person.client.delete("/admin/api/session")
    assert (answer.status_code, "Max-Age=0" in answer.headers["set-cookie"]) == (204, True)
    person.client.cookies.set("latchkey", token, domain="127.0.0.1", path="/")
    assert person.status == 401
    assert audited(db, "signed_out")[-1]["details"]["account"] == person.name


def test_too_many_at_once_are_sent_away(desk):
    porter, go = desk.front.porter, threading.Event()
    porter._thread.submit(go.wait, 10)
    body = {"name": "nobody", "password": PASSWORD, "code": WRONG_CODE}
    answers = []

    def tries():
        with httpx.Client(base_url=desk.url, headers=desk.client(None).headers, timeout=20) as client:
            answers.append(client.post("/admin/api/session", json=body))

    threads = [threading.Thread(target=tries) for _ in range(WAITING)]
    for thread in threads:
        thread.start()
    wait_for(lambda: porter._waiting == WAITING, what="all to wait")
    tries()
    go.set()
    for thread in threads:
        thread.join(20)
    assert [answer.status_code for answer in answers] == [429] + [401] * WAITING
    assert (answers[0].json()["code"], answers[0].headers["retry-after"]) == ("busy", "5")


# A session ends


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda db, name: changes.disable(db, asks(), name), id="disabled"),
        pytest.param(lambda db, name: changes.set_role(db, asks(), name, Role.VIEWER), id="another role"),
        pytest.param(lambda db, name: changes.set_password(db, asks(), name, HASH), id="another password"),
        pytest.param(lambda db, name: changes.remove(db, asks(), name), id="removed"),
        pytest.param(
            lambda db, name: changes.set_second_factor(db, asks(), name, secret=FRESH, code=shown(FRESH)),
            id="another second factor",
        ),
    ],
)
def test_with_the_next_request_after_the_command_line_has_changed_the_account(person, db, change):
    if store.find(db, "keeper") is None:
        account(db, "keeper")
    person.signs_in()
    assert person.status == 200
    change(db, person.name)
    assert person.status == 401
    assert person.ask("POST", "ask/list").status_code == 401


def test_an_account_that_is_removed_and_added_again_lets_no_old_session_in(person, db):
    if store.find(db, "keeper") is None:
        account(db, "keeper")
    person.signs_in()
    changes.remove(db, asks(), person.name)
    account(db, person.name)
    assert person.status == 401


def test_a_stream_ends_with_the_session(desk):
    token, _ = desk.signed_in(Role.VIEWER, "vera")
    closed = []

    async def news():
        try:
            for number in itertools.count():
                yield f"{number}\n"
        finally:
            closed.append(True)

    async def answer(_request, _session):
        return StreamingResponse(news())

    async def listens():
        heard = []
        asked = Request({"type": "http", "method": "GET", "headers": [(b"cookie", f"latchkey={token}".encode())]})
        async for part in (await desk.front.signed(None, answer)(asked)).body_iterator:
            heard.append(part)
            if len(heard) == 3:
                desk.front.sessions.close(token)
        return heard

    assert asyncio.run(listens()) == ["0\n", "1\n", "2\n"]
    assert closed == [True]


def test_other_browsers_are_signed_out_one_by_one_or_all(person):
    clients = []
    for browser in ("one", "two", "three"):
        person.client = person.desk.client(None, **{"User-Agent": browser})
        person.signs_in()
        clients.append(person.client)
    sessions = person.client.get("/admin/api/account").json()["sessions"]
    assert [(each["browser"], each["this"], each["address"]) for each in sessions] == [
        ("three", True, "127.0.0.1"), ("two", False, "127.0.0.1"), ("one", False, "127.0.0.1")]  # fmt: skip
    one = sessions[2]["id"]
    assert person.client.delete(f"/admin/api/account/sessions/{one}").json() == {"ended": 1}
    assert [each.get("/admin/api/me").status_code for each in clients] == [401, 200, 200]
    assert person.client.delete("/admin/api/account/sessions").json() == {"ended": 1}
    assert [each.get("/admin/api/me").status_code for each in clients] == [401, 401, 200]


# One's own account


def test_one_s_own_password_is_changed_and_only_this_browser_stays(person, db):
    person.signs_in()
    other = person.desk.client(None)
    assert other.post("/admin/api/session", json=person.typed()).status_code == 200
    assert "everybody tries" in person.ask("POST", "account/password", new="password password").json()["message"]
    assert person.ask("POST", "account/password", new=NEW).status_code == 200
    assert (person.status, other.get("/admin/api/me").status_code) == (200, 401)
    assert person.ask("POST", "account/codes", password=NEW).status_code == 200
    changed = audited(db, "account_changed")[-2]
    assert (changed["by"], changed["details"]) == (
        f"page:{person.name}",
        {"account": person.name, "password": True},
    )


def test_another_second_factor_is_offered_and_counts_once_it_is_shown(person, db):
    person.signs_in()
    offer = person.ask("POST", "account/offer").json()
    assert f"Latchkey:{person.name}%40door.home" in offer["uri"]
    assert offer["qr"]["size"] >= 33
    assert offer["qr"]["path"].startswith("M0 0h7v1h-7z")
    wrong = person.ask("POST", "account/factor", secret=offer["secret"], code=WRONG_CODE)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "wrong_code")
    right = shown(offer["secret"], datetime.now(UTC))
    answer = person.ask("POST", "account/factor", secret=offer["secret"], code=right)
    assert (answer.status_code, len(answer.json()["recovery_codes"])) == (200, 8)
    assert store.opened(db, store.find(db, person.name)) == offer["secret"]
    assert person.status == 200


def test_nothing_is_changed_without_the_password_again_and_wrong_ones_are_counted(person, db):
    person.signs_in()
    before = store.find(db, person.name)
    answers = [person.ask("POST", "account/password", password=NEW, new=NEW) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert store.find(db, person.name) == before
    assert person.status == 200


# The accounts of others


def test_an_owner_adds_changes_and_removes_them(person, db):
    person.signs_in()
    name = f"{person.name}b"
    offer = person.client.post(f"/admin/api/account/offer?name={name}").json()
    given = {"name": name, "role": "viewer", "new": NEW, "secret": offer["secret"]}
    code = shown(offer["secret"], datetime.now(UTC))
    assert person.ask("POST", "account/all", **given, code=WRONG_CODE).status_code == 409
    answer = person.ask("POST", "account/all", **given, code=code)
    assert (answer.status_code, len(answer.json()["recovery_codes"])) == (201, 8)
    other = person.desk.client(None)
    typed = {"name": name, "password": NEW, "code": answer.json()["recovery_codes"][0]}
    assert other.post("/admin/api/session", json=typed).json()["role"] == "viewer"
    assert person.ask("PATCH", f"account/all/{name}", role="operator").json()["role"] == "operator"
    assert other.get("/admin/api/me").status_code == 401
    assert person.ask("PATCH", f"account/all/{name}", disabled=True).json()["disabled_at"]
    assert person.ask("PATCH", f"account/all/{name}", disabled=False).json()["disabled_at"] is None
    listed = person.client.get("/admin/api/account/all").json()["accounts"]
    assert name in {each["name"] for each in listed}
    assert person.ask("POST", f"account/all/{name}/remove").json()["name"] == name
    assert person.ask("POST", f"account/all/{name}/remove").json()["code"] == "unknown_account"
    assert audited(db, "account_removed")[-1]["by"] == f"page:{person.name}"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SECURITY])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "all"), ("POST", "all"), ("PATCH", "all/olga"), ("POST", "all/olga/remove")],
)
def test_nobody_else_sees_or_changes_them(desk, role, method, path):
    client = desk.client(role, f"some-{role}")
    assert client.request(method, f"/admin/api/account/{path}", json={"password": PASSWORD}).status_code == 403


def test_a_role_that_is_no_person_s_is_refused(person):
    person.signs_in()
    assert person.ask("PATCH", f"account/all/{person.name}", role="reader").json()["code"] == "bad_request"


# In a browser


def types(page, person, password=PASSWORD, code=None):
    page.fill("[name=username]", person.name)
    page.fill("[name=password]", password)
    page.fill("[name=code]", code or person.codes.pop())
    page.click("button.main")


def complaints(desk):
    """What the console said but that somebody was not let in, which every browser says."""
    return [said for said in desk.said if "status of 401" not in said and "status of 429" not in said]


def test_somebody_signs_in_looks_at_the_account_and_signs_out(desk, db, person, chromium, axe):
    desk.said.clear()
    page = desk.browse(chromium, None, size=PHONE, dark=True)
    page.wait_for_selector("[name=username]:focus")
    assert desk.said == []
    assert violations(page, axe) == []
    types(page, person)
    page.wait_for_selector("#nav a")
    page.click("#who a")
    page.wait_for_selector("td .buttons")
    page.wait_for_selector("td .tag:has-text('this one')")
    assert page.locator("td .tag:has-text('this one')").count() == 1
    assert violations(page, axe) == []
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    page.click("#who button")
    page.wait_for_selector("form [name=password]")
    assert person.desk.front.sessions.of(person.name) == []
    assert complaints(desk) == []


def test_a_wrong_password_ten_times_in_a_browser(desk, db, person, chromium):
    page = desk.browse(chromium, None)
    for _ in range(5):
        types(page, person, password=NEW, code=WRONG_CODE)
        page.wait_for_selector("form button.main:not([disabled]), form button.main:has-text('(')")
        page.wait_for_selector(f'[role=alert]:has-text("{WRONG[1:]}")')
    page.wait_for_selector("button.main[disabled]:has-text(' s)')")
    for _ in range(5):  # whoever does not wait
        answer = page.request.post(
            f"{desk.url}/admin/api/session",
            data=person.typed(code=WRONG_CODE),
            headers={"Origin": desk.url, "X-Latchkey": "admin"},
        )
        assert answer.status == 429
    page.reload()
    page.wait_for_selector("form")
    types(page, person)
    page.wait_for_selector("[role=alert]:has-text('Too many wrong tries: try again in')")
    assert complaints(desk) == []


def test_what_was_typed_when_the_session_ended_waits_for_its_person(desk, db, person, chromium):
    page = desk.browse(chromium, None)
    types(page, person)
    page.wait_for_selector("#nav a")
    page.goto(f"{desk.url}/admin#/people/one/anna")
    page.fill("[name=notes]", "half typed")
    page.click("text=Add a card")
    page.fill("dialog [name=card]", "04A2B3")
    desk.front.sessions.close_all(person.name)  # as where the agent starts again
    page.click("dialog button.main")
    page.wait_for_selector(".view[data-view=sign_in]:has-text('what was typed is kept')")
    assert page.input_value("[name=username]") == person.name
    types(page, person)
    page.wait_for_selector("dialog [role=alert]:has-text('do it once more')")
    assert page.input_value("dialog [name=card]") == "04A2B3"
    page.click("dialog button:text-is('Cancel')")
    page.click("button:text-is('Save')")
    page.wait_for_selector(".note:has-text('Saved.')")
    assert desk.ask("person", person="anna")[1]["data"]["notes"] == "half typed"
    page.fill("[name=notes]", "for nobody else")
    desk.front.sessions.close_all(person.name)
    page.click("button:text-is('Save')")
    types(page, Person(desk, db, f"{person.name}-too"))
    page.wait_for_selector("[name=notes]")
    assert page.input_value("[name=notes]") == "half typed"
    assert complaints(desk) == []


def test_what_was_under_way_when_the_session_ended_is_no_error_of_the_next_one(desk, db, person, chromium, wait_for):
    page, held = desk.browse(chromium, None), []

    def hold(route):
        held.append(route)

    types(page, person)
    page.wait_for_selector("#nav a")
    page.goto(f"{desk.url}/admin#/people/one/anna")
    page.fill("[name=notes]", "again")
    page.route("**/admin/api/people/one/anna", hold)
    page.click("button:text-is('Save')")
    page.wait_for_selector(".note:has-text('Saved.')")
    wait_for(lambda: page.evaluate("1") and held)  # the view asks what is so now
    desk.front.sessions.close_all(person.name)
    held[0].continue_()
    page.unroute("**/admin/api/people/one/anna")
    types(page, Person(desk, db, f"{person.name}-too"))
    page.wait_for_selector("[name=notes]")
    assert complaints(desk) == []


def test_a_phone_is_changed_in_a_browser(desk, db, person, chromium):
    page = desk.browse(chromium, None)
    types(page, person)
    page.wait_for_selector("#nav a")
    page.click("#who a")
    page.click("text=Another phone")
    secret = page.inner_text(".qr code").replace(" ", "")
    page.fill("dialog [name=code]", WRONG_CODE)
    page.fill("dialog [name=password]", PASSWORD)
    page.click("dialog .main")
    page.wait_for_selector("dialog [role=alert]:has-text('not the code of now')")
    page.fill("dialog [name=code]", shown(secret, datetime.now(UTC)))
    page.fill("dialog [name=password]", PASSWORD)
    page.click("dialog .main")
    page.wait_for_selector("dialog pre.codes")
    assert len(page.inner_text("pre.codes").split()) == 8
    page.click("dialog .main")
    page.wait_for_selector("text=8 recovery codes left")
    page.click("text=New recovery codes")  # the page goes on with its new session
    page.fill("dialog [name=password]", PASSWORD)
    page.click("dialog .main")
    page.wait_for_selector("dialog pre.codes")
    assert [said for said in complaints(desk) if "409" not in said] == []


def test_who_is_no_owner_sees_the_own_account_alone(desk, chromium):
    page = desk.browse(chromium, Role.VIEWER, "account", name="vera")
    page.wait_for_selector("text=Change password")
    assert page.locator("text=Who may sign in").count() == 0
    assert complaints(desk) == []
