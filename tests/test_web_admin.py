"""The page for admins: its frame, who may ask, and that it asks what the broker asks."""

import fnmatch
import re

import pytest

from agent.config import load_config
from agent.errors import ConfigError
from agent.store import commands
from agent.store.db import open_db
from agent.trust.roles import Role
from agent.types import Reason
from agent.web.admin.sessions import Sessions
from agent.web.admin.site import FOLDER
from agent.web.assets import load_folder
from agent.web.identity import identity_of
from tests.fakes.admin import PHONE, admin_agent
from tests.fakes.agents import recorded


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, admin_agent(tmp_path_factory.mktemp("admin"), patch) as started:
        yield started


# Who may ask


def test_nobody_asks_who_has_not_signed_in(desk):
    client = desk.client(None)
    assert client.get("/admin/api/me").status_code == 401
    assert desk.ask("list", client) == (401, {"ok": False, "code": "unsigned", "message": "sign in first"})


def test_nor_another_page_in_the_name_of_who_has(desk):
    assert desk.ask("list", desk.client(**{"X-Latchkey-Session": "another"}))[0] == 401
    assert desk.ask("list", desk.client(Origin="http://evil.example"))[0] == 403
    assert desk.ask("list", desk.client(**{"X-Latchkey": "kiosk"}))[0] == 403
    assert desk.client(Host="evil.example").get("/admin/api/me").status_code == 403


def test_a_role_asks_what_it_may_over_mqtt(desk):
    viewer = desk.client(Role.VIEWER, "vera")
    assert desk.ask("list", viewer)[0] == 200
    refused = {
        "verb": "remove",
        "id": "r1",
        "ok": False,
        "code": "not_permitted",
        "message": "a viewer may not ask remove",
    }
    assert desk.ask("remove", viewer, id="r1", person="anna") == (403, refused)
    assert viewer.get("/admin/api/me").json()["verbs"] == [
        *("ping", "list", "rules", "hours", "who_is_in", "identify", "person", "keys", "device", "job", "jobs", "log"),
        *("report", "models", "roster"),
    ]


def test_what_is_done_is_in_the_audit_under_the_name_of_the_account(desk):
    assert desk.ask("person_set", person="ben", notes="left-handed")[1]["ok"]
    last = recorded(desk.agent.config, "audit")[-1].body
    assert (last["action"], last["by"], last["subject"]) == ("person_changed", "page:olga", "ben")


def test_the_same_id_does_nothing_twice(desk):
    first = desk.ask("person_set", id="p-1", person="ben", notes="twice")[1]
    again = desk.ask("person_set", id="p-1", person="ben", notes="thrice")[1]
    assert (first["ok"], again["code"]) == (True, "seen_before")
    assert desk.ask("person", person="ben")[1]["data"]["notes"] == "twice"


def test_what_only_looks_writes_nothing(desk):
    with open_db(desk.agent.config.database_path) as db:
        before = commands.count(db)
        for _ in range(3):
            assert desk.ask("list", id="l-1")[1]["ok"]
        assert commands.count(db) == before


@pytest.mark.parametrize(
    ("path", "content", "kind", "status"),
    [
        ("ask/nothing", "{}", "application/json", 404),
        ("nothing", "{}", "application/json", 404),
        ("ask/list", "{", "application/json", 422),
        ("ask/list", "[]", "application/json", 422),
        ("ask/list", '{"id": 3}', "application/json", 422),
        ("ask/list", '{"limit": NaN}', "application/json", 422),
        ("ask/list", "{}", "text/plain", 422),
        ("ask/list", '{"surprise": 1}', "application/json", 422),
        ("ask/unlock", "{}", "application/json", 422),
        ("ask/rules_apply", '{"text": "x = "}', "application/json", 409),
    ],
)
def test_garbage_is_refused_in_words(desk, path, content, kind, status):
    answer = desk.client().post(f"/admin/api/{path}", content=content, headers={"Content-Type": kind})
    told = answer.json()
    assert (answer.status_code, told["ok"]) == (status, False), told
    assert told["message"]


@pytest.mark.parametrize(("id_", "told"), [("r-1", "r-1"), ("a b", None), (3, None), ("x" * 65, None)])
@pytest.mark.parametrize(
    "refused",
    [
        ("nosuchverb", {}, "unknown_verb", 404),
        ("remove", {"person": "anna"}, "not_permitted", 403),
        ("list", {"surprise": 1}, "bad_request", 422),
    ],
)
def test_what_is_refused_has_its_id_where_that_is_one(desk, refused, id_, told):
    verb, more, code, status = refused
    answer = desk.ask(verb, desk.client(Role.VIEWER, "vera"), id=id_, **more)
    assert (answer[0], answer[1]["code"], answer[1].get("id")) == (status, code, told)


def test_a_body_without_end_is_refused(desk):
    assert desk.ask("list", search="x" * 13_000_000)[0] == 413


# The frame


@pytest.mark.parametrize("role", [Role.OWNER, Role.VIEWER])
def test_each_role_sees_its_views_and_no_console_complains(desk, chromium, role):
    page = desk.browse(chromium, role, size=PHONE)
    names = page.locator("#nav a").all_inner_texts()
    assert ("Audit" in names) == (role is Role.OWNER)
    for name in names:
        page.click(f"#nav a:has-text('{name}')")
        page.wait_for_selector(f".view h1:has-text('{name}')")
    assert desk.said == []


ASSETS = load_folder(FOLDER, "admin.html")
VIEWS = sorted(name for name in ASSETS if name.startswith("views/") and name.count("/") == 1 and "_" not in name)


def loaded(name, *, parts=True):
    """What a browser loads to show a module: those it imports, and with `parts` whichever it may ever import."""
    found, todo = set(), [name]
    while todo:
        each = todo.pop()
        found.add(each)
        text = ASSETS[each].content.decode()
        wanted = re.findall(r'from "/admin/([^"]+)"|^import "/admin/([^"]+)"', text, re.MULTILINE)
        patterns = [path for both in wanted for path in both if path]
        if parts:
            patterns += [
                re.sub(r"\${.*?}", "*", path) for path in re.findall(r"import\([`\"]/admin/(.+?)[`\"]\)", text)
            ]
        todo += [other for path in patterns for other in fnmatch.filter(ASSETS, path) if other not in found]
    return found


@pytest.mark.parametrize("view", [*VIEWS, "views/sign_in.js"])
def test_a_view_with_all_its_parts_is_small(view):
    frame = {"", "admin.css", "key.svg"} | loaded("shell.js", parts=False)
    files = [ASSETS[name] for name in frame | loaded(view)]
    whole, packed = sum(len(each.content) for each in files), sum(len(each.packed) for each in files)
    print(f"{view}: {whole} bytes, {packed} by gzip")
    assert whole < 150_000


def test_every_reason_of_a_decision_is_said_in_words():
    table = re.search(
        r"REASONS = \{(.*?)^\};", ASSETS["views/live/weighed.js"].content.decode(), re.DOTALL | re.MULTILINE
    )
    said = dict(re.findall(r'(\w+): "([^"]*)"', table[1]))
    assert said.keys() == {reason.value for reason in Reason}
    assert all(said.values())


def test_all_modules_belong_to_a_view():
    shown = set().union(*(loaded(view) for view in [*VIEWS, "views/sign_in.js"]))
    assert {name for name in ASSETS if name.endswith(".js")} - shown == {"shell.js"}


# Sessions


def test_a_session_ends_when_nobody_uses_it_and_after_its_longest_time():
    now = [0.0]
    sessions = Sessions(60, 300, lambda: now[0])
    token, session = sessions.open("olga", Role.OWNER)
    for now[0] in (50.0, 100.0, 150.0, 200.0, 250.0, 300.0):
        assert sessions.find(token) == session
    now[0] = 301.0
    assert sessions.find(token) is None
    token, _ = sessions.open("olga", Role.OWNER)
    now[0] = 362.0
    assert sessions.find(token) is None


def test_what_the_page_looks_at_by_itself_does_not_keep_a_session_alive(desk):
    looks, vera = {"X-Latchkey-Looks": "1"}, desk.client(Role.VIEWER, "vera")

    def used(ask):
        before = dict(desk.front.sessions._open)
        assert ask().status_code == 200
        return desk.front.sessions._open != before

    assert used(lambda: vera.get("/admin/api/me"))
    assert not used(lambda: vera.get("/admin/api/me", headers=looks))
    assert used(lambda: vera.post("/admin/api/ask/list", json={}, headers=looks))


def test_a_view_that_a_role_does_not_see_is_said(desk, chromium):
    page = desk.browse(chromium, Role.VIEWER, "audit", name="vera")
    page.wait_for_selector(".note:has-text('The role viewer does not see Audit.')")
    page.wait_for_selector(".view[data-view=live]")
    page.wait_for_function("() => document.title === 'Now · Door · Latchkey'")


def test_a_device_out_of_reach_is_said_and_comes_back(desk, chromium):
    page = desk.browse(chromium, view="people")
    page.context.set_offline(True)
    page.click("#nav a:has-text('Rules')")
    page.wait_for_selector("#away:has-text('does not answer')")
    page.click("#nav a:has-text('People')")
    page.wait_for_selector(".view[data-view=people] [role=alert]")
    page.context.set_offline(False)
    page.click(".view [role=alert] button:has-text('Try again')")
    page.wait_for_selector(".view[data-view=people] table")
    page.wait_for_selector("#away", state="hidden")
    desk.said.clear()


def test_all_sessions_of_an_account_are_closed_at_once():
    sessions = Sessions(60, 300, lambda: 0.0)
    hers, his = sessions.open("olga", Role.OWNER)[0], sessions.open("omar", Role.OWNER)[0]
    sessions.close_all("olga")
    assert sessions.find(hers) is None
    assert sessions.find(his) is not None


# Beyond this machine


def test_others_may_ask_only_by_tls(tmp_path):
    config = load_config(None, {"device.data_dir": tmp_path, "admin.host": "0.0.0.0"}, {})  # noqa: S104 - refused
    with pytest.raises(ConfigError, match=r"has to be encrypted: give \[admin\] certificate and key"):
        identity_of(config)
    assert identity_of(load_config(None, {"device.data_dir": tmp_path}, {})) is None
