"""How the page for admins holds up: what is broken, odd, too much or too often, and an agent that stops meanwhile."""

import asyncio
import http.client
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from agent.errors import CommandError
from agent.mqtt.message import Code
from agent.trust.roles import Role
from agent.web.admin.load import Load
from agent.web.admin.pace import AT_ONCE
from tests.fakes.admin import admin_agent


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, admin_agent(tmp_path_factory.mktemp("load"), patch) as started:
        yield started


# What is broken, and what is odd


def test_what_is_broken_is_told_to_the_log_and_by_number_to_the_browser(desk, monkeypatch, caplog):
    def broken(_):
        return {}["the secret of somebody"]

    monkeypatch.setitem(desk.agent.counter.handlers, "ping", broken)
    client = desk.client()
    status, told = desk.ask("ping", client)
    assert (status, told["ok"], told["code"]) == (500, False, "failed")
    assert "secret" not in told["message"]
    (number,) = re.findall(r"[0-9A-Z]{26}", told["message"])
    assert f"page failed: {number}: POST /admin/api/ask/ping: KeyError" in caplog.text
    assert desk.ask("device", client)[0] == 200
    assert not desk.agent.failed


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "ask/list", 405, "POST"),
        ("OPTIONS", "ask/list", 405, "POST"),
        ("TRACE", "me", 405, "GET, HEAD"),
        ("BREW", "me", 405, "GET, HEAD"),
        ("PUT", "openapi.json", 405, "GET, HEAD"),
        ("BREW", "nothing", 404, None),
        ("GET", "", 404, None),
        ("GET", "me/", 404, None),
        ("GET", "../../etc/passwd", 404, None),
        ("GET", "%2e%2e/me", 404, None),
        ("GET", "m%00e", 404, None),
        ("GET", "%ff%fe", 404, None),
        ("GET", "x" * 8000, 404, None),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_asked_otherwise_is_refused_in_words(desk, method, path, status, allow):
    answer = raw(desk, method, path)
    assert (answer.status, answer.getheader("allow")) == (status, allow)
    assert answer.getheader("content-type") == "application/json"
    assert b'"ok":false' in answer.read()


def raw(desk, method, path, *, headers=(), cookies=None):
    """An answer to what no client would send."""
    client = desk.client()
    connection = http.client.HTTPConnection("127.0.0.1", desk.agent.config.admin.port, timeout=10)
    connection.putrequest(method, f"/admin/api/{path}")
    for name in ("Origin", "X-Latchkey", "X-Latchkey-Session"):
        connection.putheader(name, client.headers[name])
    token = client.cookies[desk.front.cookie]
    for cookie in cookies or ["{}={}"]:
        connection.putheader("Cookie", cookie.format(desk.front.cookie, token))
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders()
    return connection.getresponse()


@pytest.mark.parametrize(
    ("cookies", "status"),
    [
        (["{0}=bad; {0}={1}"], 200),  # the last counts, as it does to browsers' pages
        (["{0}={1}; {0}=bad"], 401),
        (["{0}=\xe4\xf6"], 401),
        (["{0}="], 401),
        (["; ; =; {0}={1}; x"], 200),
        (["x" * 4000 + "; {0}={1}"], 200),
    ],
)
def test_odd_cookies_sign_nobody_in_whom_they_should_not(desk, cookies, status):
    assert raw(desk, "GET", "me", cookies=cookies).status == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("X-More", "x" * 20_000)], 403),
        ([("X-Latchkey-Session", "another")], 200),  # of a GET nobody asks it
        ([("Accept-Encoding", "\x80")], 200),
        ([("Content-Length", "5"), ("Content-Length", "6")], 400),
        ([("Transfer-Encoding", "gzip")], 400),
    ],
)
def test_odd_heads_of_requests(desk, headers, status):
    assert raw(desk, "GET", "me", headers=headers).status == status


@pytest.mark.parametrize(
    "body",
    [
        b'{"limit": 1, "limit": 2}',
        '{"search": "\ud800"}'.encode("utf-8", "surrogatepass"),
        b'{"search": "\\ud800"}',
        b'{"limit": 1e400}',
        b'{"limit": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"x":' * 50_000,
        b"\xff\xfe{\x00}\x00",
        b"\x00",
        b"",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_json_of_which_parsers_differ_is_refused_in_words(desk, body):
    answer = desk.client().post("/admin/api/ask/list", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_request")
    assert len(answer.json()["message"]) < 300


# Too much, too often


def test_a_session_that_asks_without_end_waits_and_no_other_does(desk):
    client, other = desk.client(), desk.client(Role.VIEWER, "vera")
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: client.get("/admin/api/nothing"), range(3 * AT_ONCE)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert (refused[0].json()["code"], refused[0].headers["retry-after"]) == ("too_often", "1")
    assert other.get("/admin/api/me").status_code == 200
    assert client.get("/admin").status_code == 200


def test_only_so_much_is_carried_at_once():
    """Two requests of 60 bytes within 100: the second is refused until the first has been answered."""
    log, taken, held = [], asyncio.Event(), asyncio.Event()

    async def app(_scope, receive, _send):
        await receive()
        log.append("taken")
        taken.set()
        await held.wait()

    async def body():
        return {"type": "http.request", "body": b"x" * 60}

    async def play():
        load = Load(app, 100)
        first = asyncio.create_task(load({}, body, None))
        await taken.wait()
        with pytest.raises(CommandError) as refused:
            await load({}, body, None)
        held.set()
        await first
        await load({}, body, None)
        return refused.value.code

    assert asyncio.run(play()) == Code.BUSY
    assert log == ["taken", "taken"]


def cut_off(desk):
    with pytest.raises(httpx.TransportError):
        desk.ask("ping")


def test_the_agent_stops_while_something_is_asked(tmp_path, monkeypatch):
    begun, go = threading.Event(), threading.Event()

    def slow(_):
        begun.set()
        go.wait(10)
        return {}

    with admin_agent(tmp_path, monkeypatch) as desk:
        monkeypatch.setitem(desk.agent.counter.handlers, "ping", slow)
        asked = threading.Thread(target=cut_off, args=[desk])
        asked.start()
        assert begun.wait(10)
        threading.Timer(1.5, go.set).start()
    asked.join(10)
    assert not desk.agent.failed
