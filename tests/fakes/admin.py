"""What tests of the page for admins share: an agent that serves it, and somebody who has signed in.

    with admin_agent(tmp_path, monkeypatch) as desk:      # Anna and Ben are enrolled, rules are in force
        desk.client(Role.OWNER).post("/admin/api/ask/list", json={})
        page = desk.browse(chromium, Role.SECURITY, "people")

`chromium` is a fixture of tests/conftest.py.
"""

from contextlib import contextmanager
from functools import cache

import httpx
import jsonschema_rs
from starlette.routing import compile_path

from agent.accounts.account import Account
from agent.app import Agent
from agent.members.particulars import set_person
from agent.rules_in_force import apply_rules
from agent.seal.keyring import site_key
from agent.store import accounts
from agent.store.db import open_db
from agent.trust.roles import Role
from agent.web.admin.admin_page import AdminPage
from agent.web.admin.operations import ROOT
from agent.web.admin.site import operations as rooms
from tests.fakes.accounts import HASH, NOW
from tests.fakes.agents import Terminals, empty_stage, enrol
from tests.fakes.blocks import BLUE, RED
from tests.fakes.ports import steady_port
from tests.fakes.registers import request

WIDE, PHONE = (1280, 800), (390, 844)
PATIENCE_MS = 30_000  # of a page with what is not there yet: a machine that has much to do takes its time
RULES = """# written by hand
time_zone = "Europe/Berlin"

[schedules.office]  # when we work
mon-fri = ["07:00-19:00"]
sat = ["09:00-13:00"]

[[days]]
name = "Christmas"
date = "12-25"

[attendance]
type_by = "key"

[doors.door]
factors = "face"

[[grants]]
groups = ["staff"]
doors = ["*"]
schedule = "office"
"""


@cache
def _schemas():
    """Of all that the rooms answer as JSON: method, path, and what checks that nothing is there that is not told of."""
    operations = [each for room in rooms().values() for each in room]
    return [
        (each.method, compile_path(ROOT + each.path)[0], jsonschema_rs.Draft202012Validator(_closed(schema)))
        for each in operations
        if each.result is not None and not isinstance(each.result, str)
        for schema in [each.result_type.json_schema(mode="serialization")]
    ]


def _closed(schema):
    if isinstance(schema, dict):
        closed = {"additionalProperties": False} if "properties" in schema else {}
        return closed | {key: _closed(each) for key, each in schema.items()}
    return [_closed(each) for each in schema] if isinstance(schema, list) else schema


def check_told(answer):
    """Fails where an answer of a room is not what the document says of it, or says more."""
    if answer.is_success and answer.headers.get("content-type") == "application/json":
        for method, path, schema in _schemas():
            if method == answer.request.method and path.match(answer.request.url.path):
                answer.read()
                schema.validate(answer.json())
                return


class Desk:
    """An agent with its page, and ways to ask it."""

    def __init__(self, agent):
        self.agent = agent
        self.front = next(page.front for page in agent.pages if isinstance(page, AdminPage))
        self.url = f"http://127.0.0.1:{agent.config.admin.port}"
        self.said = []  # by the consoles of browsers: an error each
        self._opened = []

    def client(self, role=Role.OWNER, name="olga", **headers):
        """Somebody signed in, who is no browser; None: nobody."""
        ours = {"Origin": self.url, "X-Latchkey": "admin"}
        cookies = {}
        if role is not None:
            token, session = self.signed_in(role, name)
            cookies = {self.front.cookie: token}
            ours["X-Latchkey-Session"] = session.secret
        none_kept = httpx.Limits(max_keepalive_connections=0)  # of one address the server takes so many at a time
        client = httpx.Client(base_url=self.url, headers=ours | headers, cookies=cookies, timeout=20, limits=none_kept)
        client.event_hooks["response"].append(check_told)
        self._opened.append(client)
        return client

    def signed_in(self, role, name):
        """The token and the session of somebody who has an account; the audit says nothing of it."""
        with open_db(self.agent.config.database_path) as db:
            there = accounts.find(db, name)
            if there is None:
                there = Account(name, role, HASH, None, None, 0, 1, NOW, "test", NOW, "test")
                accounts.save(db, there)
        return self.front.sessions.open(name, role, generation=there.generation)

    def ask(self, verb, client=None, **arguments):
        """The answer to a verb, as (status, body)."""
        answer = (client or self.client()).post(f"/admin/api/ask/{verb}", json=arguments)
        return answer.status_code, answer.json()

    def browse(self, chromium, role=Role.OWNER, view="", *, size=WIDE, name="olga", dark=False, **more):
        """A page of Chromium at a view; None as the role: not signed in. What its console says is an error."""
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light", **more
        )
        if role is not None:
            token, _ = self.signed_in(role, name)
            context.add_cookies([{"name": self.front.cookie, "value": token, "url": self.url, "httpOnly": True}])
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(self.url) else self.said.append(asked.url))
        page.goto(f"{self.url}/admin#/{view}" if view else f"{self.url}/admin")
        page.wait_for_selector(".view h1")
        return page

    def close(self):
        for each in self._opened:
            each.close()


@contextmanager
def admin_agent(folder, monkeypatch, rules=RULES, **more):
    """Starts an agent whose camera sees nobody. Its people: Anna (staff, badge 1042) and Ben; gives its `Desk`."""
    empty_stage(monkeypatch).goes_on = True
    told = {"admin__enabled": True, "admin__port": steady_port(), "camera__as_fast_as_possible": False}
    config = Terminals(folder, monkeypatch)(**told | more)
    enrol(config, "anna", RED)
    enrol(config, "ben", BLUE)
    with open_db(config.database_path, key=site_key(config)) as db:
        apply_rules(lambda change: change(db), rules, request())
        set_person(db, "anna", {"groups": ["staff"], "badge": "1042", "name": "Anna Berg"}, request())
        set_person(db, "ben", {"name": "Ben Haddad"}, request())
    with Agent(config) as agent:
        desk = Desk(agent)
        agent.look()
        try:
            yield desk
        finally:
            desk.close()
