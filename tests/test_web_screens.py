"""Screens beyond this machine: a link that is opened once, and a cookie that nobody else has."""

import ssl
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from agent.accounts import screens
from agent.app import Agent
from agent.errors import CommandError
from agent.seal.keyring import site_key
from agent.store import events
from agent.store.db import open_db
from tests.fakes.accounts import NOW, PASSWORD, account, asks
from tests.fakes.agents import Terminals, empty_stage
from tests.fakes.pki import device_files
from tests.fakes.ports import steady_port

PROTECTED = [("GET", "events"), ("GET", "picture"), ("GET", "consent/en"), ("POST", "credential"), ("POST", "answer")]


class Door:
    """A door whose page others may ask."""

    def __init__(self, config, ca):
        self.config, self.ca = config, ca
        self.url = f"https://127.0.0.1:{config.web.port}"

    def client(self, page="kiosk"):
        ours = {"Origin": self.url, "X-Latchkey": page}
        return httpx.Client(
            base_url=self.url, verify=ssl.create_default_context(cafile=self.ca), headers=ours, timeout=10
        )


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    folder = tmp_path_factory.mktemp("door")
    ca, certificate, key = device_files(folder)
    with pytest.MonkeyPatch.context() as patch:
        empty_stage(patch).goes_on = True
        told = {"web__enabled": True, "web__host": "0.0.0.0", "web__port": steady_port()}  # noqa: S104 - by TLS
        (synchronised := folder / "synchronised").touch()
        told |= {"clock__synchronised_file": synchronised}
        told |= {"admin__enabled": True, "admin__port": steady_port()}
        told |= {"admin__certificate": certificate, "admin__key": key}
        config = Terminals(folder, patch)(**told, camera__as_fast_as_possible=False)
        with Agent(config) as agent:
            agent.look()
            yield Door(config, ca)


@pytest.fixture
def client(door):
    with door.client() as opened:
        yield opened


def now_link(door, name="lobby"):
    with open_db(door.config.database_path) as db:
        return screens.add(db, asks(datetime.now(UTC)), name)


def test_without_a_link_it_says_what_to_do_and_nothing_else(door, client):
    page = client.get("/kiosk")
    assert (page.status_code, "latchkey account screen NAME" in page.text) == (200, True)
    assert page.headers["strict-transport-security"]
    for method, path in PROTECTED:
        assert client.request(method, f"/kiosk/{path}").status_code == 401


def test_a_link_is_opened_once_and_the_cookie_stays(door, client):
    link = now_link(door)
    answer = client.post("/kiosk/screen", json={"link": link})
    assert answer.status_code == 202
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("__host-latchkey-screen=")
    assert set(cookie.split("; ")[1:]) == {"httponly", "max-age=34560000", "path=/", "samesite=strict", "secure"}
    assert "kiosk.js" in client.get("/kiosk").text
    with client.stream("GET", "/kiosk/events") as stream:
        assert stream.status_code == 200
    assert client.post("/kiosk/credential", json={"typed": "1042*4711"}).status_code == 202
    with door.client() as another:
        refused = another.post("/kiosk/screen", json={"link": link})
        assert (refused.status_code, "opened already" in refused.json()["error"]) == (403, True)
        assert another.get("/kiosk/events").status_code == 401
    with open_db(door.config.database_path) as db:
        told = [event.body for event in events.since(db, 0, 1000) if event.body.get("action", "").startswith("screen")]
        assert [(body["action"], body["by"]) for body in told][-2:] == [
            ("screen_added", "cli:root"),
            ("screen_opened", "screen"),
        ]
        assert told[-1]["clock"] == "synchronised"
        assert link not in repr(told)
        assert link.encode() not in door.config.database_path.read_bytes()


def test_a_screen_that_is_removed_or_made_anew_shows_nothing_more(door, client):
    client.post("/kiosk/screen", json={"link": now_link(door)})
    assert client.get("/kiosk/consent/en").status_code != 401
    stream = client.stream("GET", "/kiosk/events")
    with stream as answer:
        lines = answer.iter_lines()
        next(lines)
        with open_db(door.config.database_path) as db:
            screens.remove(db, asks(), "lobby")
        for _ in lines:  # it ends by itself
            pass
    assert client.get("/kiosk/consent/en").status_code == 401


def test_a_browser_opens_the_link_and_shows_the_page(door, chromium):
    context = chromium.new_context(ignore_https_errors=True, viewport={"width": 800, "height": 480})
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{door.url}/kiosk")
    page.wait_for_selector("body:has-text('latchkey account screen NAME')")
    link = now_link(door)
    page.goto("about:blank")
    page.goto(f"{door.url}/kiosk#screen={link}")
    page.wait_for_selector("#door-words:not(:empty)")
    assert page.evaluate("location.href") == f"{door.url}/kiosk"
    assert link not in page.content()
    assert said == []
    other = chromium.new_context(ignore_https_errors=True).new_page()
    other.goto(f"{door.url}/kiosk#screen={link}")
    other.wait_for_selector("#told:has-text('opened already')")


@pytest.mark.parametrize("link", ["", "A" * 43, "A" * 101, 7, None])
def test_what_is_no_link_opens_nothing(client, link):
    assert client.post("/kiosk/screen", json={"link": link}).status_code in {403, 422}


def test_another_page_opens_none(door, client):
    for headers in ({"Origin": "https://evil.example"}, {"X-Latchkey": "admin"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.post("/kiosk/screen", json={"link": now_link(door)}, headers=headers).status_code == 403


def test_by_tls_the_cookie_of_an_admin_is_one_that_no_other_host_can_set(door):
    with open_db(door.config.database_path, key=site_key(door.config)) as db:
        _, codes = account(db, at=datetime.now(UTC))
    url = f"https://127.0.0.1:{door.config.admin.port}"
    with door.client("admin") as admin:
        typed = {"name": "annika", "password": PASSWORD, "code": codes[0]}
        answer = admin.post(f"{url}/admin/api/session", json=typed, headers={"Origin": url})
        assert answer.status_code == 200
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-latchkey=")
        assert set(cookie.lower().split("; ")[1:]) == {"httponly", "path=/", "samesite=strict", "secure"}
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert admin.get(f"{url}/admin/api/me", headers={"Origin": url}).json()["name"] == "annika"


class TestTheLinks:
    @pytest.fixture
    def db(self, tmp_path):
        with open_db(tmp_path / "latchkey.db") as opened:
            yield opened

    def test_one_is_good_for_a_day(self, db):
        link = screens.add(db, asks(), "lobby")
        assert screens.open_link(db, asks(NOW + timedelta(days=1)), link, "192.0.2.7") is None
        assert screens.open_link(db, asks(NOW + timedelta(hours=23)), link, "192.0.2.7")

    def test_another_one_of_the_name_ends_the_first(self, db):
        first = screens.add(db, asks(), "lobby")
        screens.add(db, asks(), "lobby")
        assert screens.open_link(db, asks(), first, "192.0.2.7") is None
        assert len(screens.everyone(db)) == 1

    def test_there_are_so_many_at_most_and_names_are_names(self, db):
        for number in range(screens.MOST):
            screens.add(db, asks(), f"s{number}")
        screens.add(db, asks(), "s0")
        for name, code in (("s99", "not_allowed"), ("The lobby", "bad_request")):
            with pytest.raises(CommandError) as refused:
                screens.add(db, asks(), name)
            assert refused.value.code == code

    def test_one_that_there_is_not_is_told(self, db):
        with pytest.raises(CommandError, match="latchkey account screens"):
            screens.remove(db, asks(), "lobby")
