"""Who may ask what of the page for admins: every operation of its document by every role, and by no page but ours."""

import re
import time

import pytest

from agent.trust.roles import Role, may
from agent.web.admin import openapi
from agent.web.admin.admin_page import AdminPage
from agent.web.admin.document import document
from agent.web.admin.operations import ROOT, Described
from agent.web.admin.site import operations
from tests.fakes.admin import admin_agent

DOCUMENT = document(operations())
OPERATIONS = {
    f"{method.upper()} {path}": told for path, methods in DOCUMENT["paths"].items() for method, told in methods.items()
}
PEOPLE = [Role.VIEWER, Role.ENROLLER, Role.OPERATOR, Role.SECURITY, Role.OWNER]
NOBODY = [Role.READER, Role.COLLECTOR]  # no people: no account is given these
SIGNED = [name for name, told in OPERATIONS.items() if told["security"] and "session" in told["security"][0]]
CHANGES = [name for name in OPERATIONS if not name.startswith("GET")]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, admin_agent(tmp_path_factory.mktemp("roles"), patch) as started:
        yield started


def ask(client, name, **headers):
    """The status of something that is asked in vain: its body is nothing that anything takes."""
    method, path = name.split()
    body = {} if method == "GET" else {"json": {"id": 3}}
    numbers = [
        each["name"] for each in OPERATIONS[name].get("parameters", ()) if each["schema"].get("type") == "integer"
    ]
    url = ROOT + re.sub(r"{(\w+)}", lambda found: "1" if found[1] in numbers else "x", path.removeprefix("/"))
    while True:
        with client.stream(method, url, headers=headers, **body) as answer:  # some go on for ever
            if answer.status_code != 429:
                return answer.status_code
        time.sleep(0.05)  # two hundred at once and fifty a second are what an address may ask


@pytest.mark.parametrize("role", PEOPLE + NOBODY)
def test_a_role_may_ask_what_it_may_over_mqtt_and_nothing_else(desk, role):
    client, wrong = desk.client(role, "somebody"), {}
    for name in sorted(SIGNED, key="DELETE /session".__eq__):
        verb = OPERATIONS[name].get("x-latchkey-verb")
        status = ask(client, name)
        if (status == 403) != (verb is not None and not may(role, verb)) or status in {401, 405, 500}:
            wrong[name] = status
    assert wrong == {}


def test_nobody_asks_anything_who_has_not_signed_in(desk):
    client = desk.client(None)
    assert {name: status for name in SIGNED if (status := ask(client, name)) != 401} == {}
    client = desk.client(None)
    client.cookies.set(desk.front.cookie, "A" * 43)
    assert {name: status for name in SIGNED if (status := ask(client, name)) != 401} == {}


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Origin", "https://evil.example", 403),
        ("Origin", "null", 403),
        ("Origin", "", 403),
        ("X-Latchkey", "", 403),
        ("X-Latchkey", "kiosk", 403),
        ("Sec-Fetch-Site", "cross-site", 403),
        ("Sec-Fetch-Site", "same-site", 403),
        ("X-Latchkey-Session", "", 401),
        ("X-Latchkey-Session", "A" * 43, 401),
    ],
)
def test_another_page_changes_nothing_in_the_name_of_who_has_signed_in(desk, header, value, status):
    client = desk.client(Role.OWNER)
    asked = CHANGES if status == 403 else [name for name in CHANGES if name in SIGNED]
    assert {name: got for name in asked if (got := ask(client, name, **{header: value})) != status} == {}


def test_what_signs_somebody_in_counts_for_that_session_alone(desk):
    hers, his = desk.client(Role.OWNER, "olga"), desk.client(Role.OWNER, "omar")
    assert ask(hers, "POST /ask/keys", **{"X-Latchkey-Session": his.headers["X-Latchkey-Session"]}) == 401


def test_all_that_can_be_asked_is_in_the_document(desk):
    page = next(each for each in desk.agent.pages if isinstance(each, AdminPage))
    app = page._server._server.config.app
    while hasattr(app, "_app"):  # guard, pace, load
        app = app._app
    routes = [route for route in app.routes if route.path.startswith(ROOT)]
    others = [route.path for route in routes if not isinstance(route, Described)]
    assert others == [f"{ROOT}ask/{{verb}}", f"{ROOT}{{rest:path}}"]
    routed = [route.operation for route in routes if isinstance(route, Described)]
    told = [each for room in operations().values() for each in room]
    assert [each for each in told if each not in routed] + [each for each in routed if each not in told] == []


def test_the_file_in_deploy_is_up_to_date(tmp_path, monkeypatch, capsys):
    assert openapi.main(["--check"]) == 0, "python -m agent.web.admin.openapi"
    monkeypatch.setattr(openapi, "FILE", tmp_path / "openapi.json")
    assert openapi.main(["--check"]) == 1
    assert "python -m agent.web.admin.openapi" in capsys.readouterr().err
    assert (openapi.main([]), openapi.main(["--what"])) == (0, 2)


def test_who_has_signed_in_reads_the_document(desk):
    told = desk.client(Role.VIEWER).get(f"{ROOT}openapi.json").json()
    assert (told["openapi"], told["paths"].keys()) == ("3.1.0", DOCUMENT["paths"].keys())
    assert told["components"]["securitySchemes"]["session"]["name"] == desk.front.cookie
