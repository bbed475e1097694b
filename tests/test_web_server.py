"""The real server, asked by what is no browser: headers, limits, garbage, strangers, and who does not read."""

import json
import socket
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime

import httpx
import numpy as np
import pytest

from agent.config import load_config
from agent.errors import ConfigError
from agent.glance import Glance
from agent.types import Box, Frame
from agent.vision.pictures import decode_picture
from agent.web.assets import check_language
from agent.web.audience import Audience
from agent.web.guard import known_host
from agent.web.intake import WAITING, Intake
from agent.web.mirror import WATCHERS, Mirror
from agent.web.server import WebServer
from agent.web.site import Site
from tests.fakes.pens import points
from tests.fakes.ports import steady_port


class Kiosk:
    """The web part alone, before a door that notes what it is shown."""

    def __init__(self):
        self.port, self.shown, self.crashes = steady_port(), [], []
        self.audience, self.intake = Audience(), Intake(self.shown.append, self.signed)
        self.url = f"http://127.0.0.1:{self.port}"
        self.mirror, self.answers = Mirror(), []
        site = Site(self.audience, self.intake, self.mirror, answer=self.answer, consents={"en": b"May we?"}).app(
            "127.0.0.1"
        )
        self.server = WebServer(site, "127.0.0.1", self.port, self.crashes.append)
        self.ours = {"Origin": self.url, "X-Latchkey": "kiosk", "Content-Type": "application/json"}

    def answer(self, number, agreed):
        self.answers.append((number, agreed))
        return number == 1

    def signed(self, trace, session, _at):
        self.shown.append((trace, session))

    def post(self, body, path="/kiosk/credential", **headers):
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        given = {key: value for key, value in (self.ours | headers).items() if value is not None}
        return self.client.post(path, content=content, headers=given)

    def door(self):
        """The door sees what waits."""
        while self.intake._waiting.qsize():
            self.intake.step()
        return self.shown

    def calm(self):
        self.intake._came.clear()


@pytest.fixture(scope="module")
def served():
    kiosk = Kiosk()
    with kiosk.server, httpx.Client(base_url=kiosk.url, timeout=30) as kiosk.client:
        yield kiosk
        kiosk.audience.close()
        kiosk.mirror.close()
    assert kiosk.crashes == []


@pytest.fixture
def kiosk(served):
    served.door()
    served.shown.clear()
    served.calm()
    return served


# What it says


@pytest.mark.parametrize("path", ["/kiosk", "/kiosk/kiosk.js", "/kiosk/languages/ar.json", "/kiosk/none", "/none", "/"])
def test_every_answer_forbids_what_the_page_does_not_need(kiosk, path):
    headers = kiosk.client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert headers["x-frame-options"] == "DENY"
    assert "server" not in headers


def test_files_are_kept_by_browsers_and_asked_for_again(kiosk):
    page = kiosk.client.get("/kiosk")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    again = kiosk.client.get("/kiosk", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/kiosk/../assets.py", "/kiosk/%2e%2e/assets.py", "/kiosk//etc/passwd", "/kiosk/languages"]
)
def test_nothing_else_is_there(kiosk, path):
    assert kiosk.client.get(path).status_code == 404


# What is typed


def test_a_badge_number_and_a_pin_reach_the_door(kiosk):
    answer = kiosk.post({"typed": "1042*4712#"})
    assert (answer.status_code, answer.json(), answer.headers["cache-control"]) == (202, {"taken": True}, "no-store")
    (credential,) = kiosk.door()
    assert (credential.badge, credential.pin, credential.card, credential.key) == ("1042", "4712", None, None)


def test_cards_and_keys_as_well(kiosk):
    assert kiosk.post({"typed": "0123456789"}).status_code == 202
    assert kiosk.post({"key": "out"}).status_code == 202
    card, key = kiosk.door()
    assert (card.card, key.key, key.card) == ("0123456789", "out", None)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": None},
        {"X-Latchkey": None},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "rebound.example"},
    ],
)
def test_no_other_page_may_send(kiosk, headers):
    assert kiosk.post({"typed": "1042*4712#"}, **headers).status_code == 403
    assert kiosk.door() == []


def test_no_other_page_may_listen(kiosk):
    assert kiosk.client.get("/kiosk/events", headers={"Origin": "http://evil.example"}).status_code == 403
    assert kiosk.client.get("/kiosk/events", headers={"Host": "rebound.example"}).status_code == 403


@pytest.mark.parametrize(
    ("host", "known"),
    [
        *[(host, True) for host in ("127.0.0.1:80", "[::1]:80", "localhost", "Door.local:80")],
        *[(host, False) for host in ("x.org", "", "[", "127.0.0.1.x.org", "door.local.x.org")],
    ],
)
def test_names_that_others_may_have_pointed_here_are_not_ours(host, known):
    assert known_host(host, "door.local") is known


@pytest.mark.parametrize(
    "body",
    [
        *("", "{", "[]", "null", "{}", "[" * 500, b"\xff\xfe", '{"key": ""}'),
        *('{"typed": 4712}', '{"typed": ""}', '{"typed": "1*2*3#"}', '{"typed": "ß4712"}'),
        *('{"typed": "4712", "x": 1}', json.dumps({"typed": "1" * 100})),
    ],
)
def test_garbage_is_refused_without_repeating_it(kiosk, body):
    answer = kiosk.post(body)
    assert answer.status_code == 422
    assert not any(secret in answer.text for secret in ("4712", "1*2*3", "1111"))
    assert kiosk.door() == []


def test_what_is_too_long_is_not_read_to_its_end(kiosk):
    assert kiosk.post("x" * 2000).status_code == 413
    assert kiosk.post({"key": "in"}, **{"Content-Type": "text/plain"}).status_code == 415
    assert kiosk.client.get("/kiosk/credential").status_code == 404


def test_a_flood_is_refused(kiosk):
    answers = [kiosk.post("{").status_code for _ in range(25)]
    assert answers == [422] * 20 + [429] * 5
    assert kiosk.post({"typed": "4712#"}).status_code == 429


def test_a_door_that_takes_its_time_keeps_no_browser_waiting(kiosk):
    answers = [kiosk.post({"key": "in"}).status_code for _ in range(WAITING + 2)]
    assert answers == [202] * WAITING + [429] * 2


def test_nothing_typed_is_logged(kiosk, caplog):
    caplog.set_level(0)
    kiosk.post({"typed": "1042*4712#"})
    kiosk.post({"typed": "1*4712*1"})
    kiosk.door()
    assert "4712" not in caplog.text


# What is told


def test_news_arrive(kiosk):
    kiosk.audience.publish({"kind": "state", "n": 1}, state=True)
    with kiosk.client.stream("GET", "/kiosk/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        lines = (line for line in stream.iter_lines() if line.startswith("data:"))
        assert json.loads(next(lines).removeprefix("data:")) == {"kind": "state", "n": 1}
        kiosk.audience.publish({"kind": "result", "who": "Zoë"})
        assert json.loads(next(lines).removeprefix("data:"))["who"] == "Zoë"


def test_a_browser_that_does_not_read_delays_nobody(kiosk, wait_for):
    wait_for(lambda: len(kiosk.audience) == 0)
    with socket.create_connection(("127.0.0.1", kiosk.port)) as stuck:
        stuck.sendall(f"GET /kiosk/events HTTP/1.1\r\nHost: 127.0.0.1:{kiosk.port}\r\n\r\n".encode())
        wait_for(lambda: len(kiosk.audience) == 1)
        for _ in range(300):  # 15 MB that nobody reads: the test would hang here
            kiosk.audience.publish({"kind": "result", "who": "x" * 50_000})
        assert kiosk.client.get("/kiosk").status_code == 200
    wait_for(lambda: len(kiosk.audience) == 0)


def test_half_a_request_hinders_nobody(kiosk):
    with socket.create_connection(("127.0.0.1", kiosk.port)) as half:
        half.sendall(b"POST /kiosk/credential HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le")
        assert kiosk.post({"key": "in"}).status_code == 202
    with socket.create_connection(("127.0.0.1", kiosk.port)) as noise:
        noise.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n" * 20)
        assert kiosk.client.get("/kiosk").status_code == 200


# Configuration


def test_it_is_off_and_for_this_machine_alone_unless_told():
    web = load_config(None, {}, {}).web
    assert (web.enabled, web.host) == (False, "127.0.0.1")


def test_a_language_without_a_file_is_refused():
    with pytest.raises(ConfigError, match="there are en, ar, de, es"):
        check_language("fr")


def test_a_port_in_use_is_said(kiosk):
    with pytest.raises(ConfigError, match=f"cannot listen at 127.0.0.1:{kiosk.port}"):
        WebServer(None, "127.0.0.1", kiosk.port, print)


def test_it_stops_with_browsers_that_listen():
    kiosk = Kiosk()
    with kiosk.server:
        listening = threading.Thread(target=lambda: httpx.get(f"{kiosk.url}/kiosk/events", timeout=30))
        listening.start()
        deadline = time.monotonic() + 30
        while len(kiosk.audience) == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        kiosk.audience.close()
    listening.join(5)
    assert not listening.is_alive()


# The picture


def stands_there(kiosk):
    image = np.full((480, 640, 3), 90, np.uint8)
    kiosk.mirror.saw(Frame(image, datetime.now(UTC), 1, "camera"), Glance(Box(100, 100, 90, 120), None))


def test_the_picture_comes_while_somebody_is_seen_and_is_never_kept(kiosk):
    with kiosk.client.stream("GET", "/kiosk/picture") as answer:
        assert answer.headers["content-type"] == "multipart/x-mixed-replace; boundary=frame"
        assert answer.headers["cache-control"] == "no-store"
        parts = answer.iter_bytes()
        assert next(parts) == b"--frame\r\n"  # nobody is there
        stands_there(kiosk)
        got = b""
        while b"\r\n--frame\r\n" not in got:
            got += next(parts)
    head, _, rest = got.partition(b"\r\n\r\n")
    length = int(head.partition(b"Content-Length: ")[2])
    assert decode_picture(rest[:length]).shape == (240, 320, 3)
    kiosk.mirror.saw(None, None)


def test_few_may_watch_and_whoever_goes_makes_room(kiosk, wait_for):
    with ExitStack() as watching:
        watched = [watching.enter_context(kiosk.client.stream("GET", "/kiosk/picture")) for _ in range(WATCHERS)]
        parts = [each.iter_bytes() for each in watched]
        assert [next(each) for each in parts] == [b"--frame\r\n"] * WATCHERS
        assert kiosk.client.get("/kiosk/picture").status_code == 429

    def there_is_room():
        with kiosk.client.stream("GET", "/kiosk/picture") as answer:
            return answer.status_code == 200

    wait_for(there_is_room)


def test_another_page_does_not_see_it(kiosk):
    assert kiosk.client.get("/kiosk/picture", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


# Who is enrolled


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"session": 1, "agreed": True}, 202),
        ({"session": 2, "agreed": True}, 409),
        ({"session": 1}, 422),
        ({"session": -1, "agreed": True}, 422),
        ({"session": 1, "agreed": "yes"}, 422),
        ({"session": 1, "agreed": True, "person": "anna"}, 422),
    ],
)
def test_an_answer_is_taken_once_it_is_understood(kiosk, body, status):
    kiosk.answers.clear()
    assert kiosk.post(body, "/kiosk/answer").status_code == status
    assert kiosk.answers == ([(body["session"], True)] if status != 422 else [])


def test_another_page_cannot_agree(kiosk):
    kiosk.answers.clear()
    assert kiosk.post({"session": 1, "agreed": True}, "/kiosk/answer", Origin="http://evil.example").status_code == 403
    assert kiosk.post({"session": 1, "agreed": True}, "/kiosk/answer", **{"X-Latchkey": None}).status_code == 403
    assert kiosk.answers == []


def test_the_text_is_there_in_its_language_and_no_other(kiosk):
    answer = kiosk.client.get("/kiosk/consent/en")
    assert (answer.text, answer.headers["content-type"]) == ("May we?", "text/plain; charset=utf-8")
    assert kiosk.client.get("/kiosk/consent/xx").status_code == 404
    assert kiosk.client.get("/kiosk/consent/..%2Fagent.toml").status_code == 404


# What is drawn


def test_a_signature_reaches_the_door_or_who_is_enrolled_without_what_it_was_drawn_of(kiosk):
    assert kiosk.post({"points": points(1)}, "/kiosk/signature").json() == {"taken": True}
    assert kiosk.post({"points": points(1), "session": 7}, "/kiosk/signature").status_code == 202
    (first, nobody), (_, session) = kiosk.door()
    assert (first.shape[1], nobody, session) == (5, None, 7)


def test_what_is_no_signature_is_said_and_troubles_nobody(kiosk):
    answer = kiosk.post({"points": points(1)[:3]}, "/kiosk/signature")
    assert (answer.status_code, answer.json()["taken"], answer.json()["code"]) == (200, False, "too_short")
    assert kiosk.door() == []


@pytest.mark.parametrize(
    "body",
    [
        *("", "[]", "{}", '{"points": []}', '{"points": [[1, 2, 3]]}', '{"points": [[1, 2, 3, 4, 5]]}', "[" * 5000),
        *(
            '{"points": [[1, 2, 1e999, 0.5, 0]]}',
            '{"points": [["1", 2, 3, 0.5, 0]]}',
            '{"points": [[NaN, 2, 3, 0, 0]]}',
        ),
        json.dumps({"points": [[1, 2, 3, 0.5, 0]] * 2001}),
        json.dumps({"points": points(1), "session": -1}),
        json.dumps({"points": points(1), "person": "anna"}),
    ],
    ids=range(13),
)
def test_garbage_in_the_place_of_a_signature_is_refused(kiosk, body):
    assert kiosk.post(body, "/kiosk/signature").status_code == 422
    assert kiosk.door() == []


def test_a_signature_is_guarded_as_what_is_typed_is(kiosk):
    drawn = {"points": points(1)}
    assert kiosk.post(drawn, "/kiosk/signature", Origin="http://evil.example").status_code == 403
    assert kiosk.post(drawn, "/kiosk/signature", **{"X-Latchkey": None}).status_code == 403
    assert kiosk.post("x" * 140_000, "/kiosk/signature").status_code == 413
    assert kiosk.client.get("/kiosk/signature").status_code == 404
    answers = [kiosk.post("{", "/kiosk/signature").status_code for _ in range(25)]
    assert answers[-5:] == [429] * 5


def test_without_an_encoder_no_signature_is_taken(kiosk):
    signed, kiosk.intake._signed = kiosk.intake._signed, None
    assert kiosk.post({"points": points(1)}, "/kiosk/signature").status_code == 404
    kiosk.intake._signed = signed
