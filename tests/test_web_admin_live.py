"""The view of the door: what happens as it happens, what was, whom nobody knows, and who may see and do what."""

import json
import threading
from datetime import UTC, datetime

import numpy as np
import pytest
from ulid import ULID

from agent.config import load_config
from agent.errors import ConfigError, StoreError
from agent.trust.roles import Role
from agent.types import Crop, Embedding, Quality
from agent.unknown.album import Album, folder
from agent.web.mirror import WATCHERS
from tests.conftest import wait_for
from tests.fakes.admin import PHONE, RULES, admin_agent
from tests.fakes.agents import recorded
from tests.fakes.axe import violations
from tests.fakes.blocks import GREEN, Block, paint
from tests.fakes.cameras import ANNA, EMPTY, STRANGER, Stage

AT_ANY_HOUR = RULES.replace('schedule = "office"\n', "")
QUALITY = Quality(face_px=120.0, sharpness=50.0, yaw=0.0, exposure=120.0, contrast=40.0)
SEEN = {
    "visit/{}": "text=It was not this person",
    "unknown": ".faces img",
    "plots": "figure.plot svg .series rect",
}
STRANGER_AGAIN = paint(Block(GREEN, tint=20))


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    synchronised = folder / "timesync" / "synchronized"
    synchronised.parent.mkdir()
    synchronised.touch()
    told = {
        "privacy__keep_unknown": True,
        "admin__picture": True,
        "mqtt__remote_unlock": True,
        "clock__synchronised_file": synchronised,
    }
    with pytest.MonkeyPatch.context() as patch, admin_agent(folder, patch, AT_ANY_HOUR, **told) as started:
        patch.setattr("tests.fakes.cameras.TICK_SECONDS", 0.01)
        yield started


def comes(desk, picture, outcome=None):
    """Somebody stands before the camera until that is recorded, and goes; returns the event."""
    before = len(recorded(desk.agent.config))
    stage = desk.agent._camera._camera
    Stage.play = [EMPTY] * (stage._n + 20) + [picture] * 10_000
    wait_for(lambda: len(recorded(desk.agent.config)) > before, what="the visit to be recorded")
    Stage.play = []
    gone = stage._n + 60  # a machine that has much to do looks at few of them
    event = recorded(desk.agent.config)[before]
    assert outcome in {None, event.body["outcome"]}
    wait_for(lambda: stage._n > gone, what="them to have gone")
    return event


def audited(desk, action):
    return [each.body["by"] for each in recorded(desk.agent.config, "audit") if each.body["action"] == action]


def told(client, begun, kinds=("never",)):
    """The messages of the stream until one of each kind has come, or it ends."""
    found = []
    with client.stream("GET", "/admin/api/live/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line[6:]))
                begun.set()
                if set(kinds) <= {each["kind"] for each in found}:
                    return found
    return found


# As it happens


def test_a_decision_is_told_with_every_shot_and_then_the_event(desk):
    begun, heard = threading.Event(), []
    listening = threading.Thread(
        target=lambda: heard.extend(told(desk.client(Role.VIEWER), begun, ("decision", "event")))
    )
    listening.start()
    assert begun.wait(10)
    event = comes(desk, ANNA, outcome="granted")
    listening.join(20)
    state, decision = heard[0], next(each for each in heard if each["kind"] == "decision")
    assert (state["kind"], state["locked"], state["mode"], state["remote_unlock"]) == ("state", True, "normal", True)
    assert (decision["person"], decision["reason"], decision["names"]["anna"]) == ("anna", "match", "Anna Berg")
    assert decision["shots_needed"] == 2
    assert [shot["person"] for shot in decision["each"]] == ["anna"] * decision["shots"]
    assert all(shot["similarity"] >= decision["threshold"] and shot["face_px"] > 100 for shot in decision["each"])
    recorded_ = next(each["event"] for each in heard if each["kind"] == "event")
    assert (recorded_["id"], recorded_["similarity"]) == (event.id, event.body["similarity"])
    assert "each" not in event.body


def test_the_stream_ends_with_the_session(desk):
    client, begun, ended = desk.client(), threading.Event(), threading.Event()
    listening = threading.Thread(target=lambda: (told(client, begun), ended.set()))
    listening.start()
    assert begun.wait(10)
    assert client.delete("/admin/api/session").status_code == 204
    assert ended.wait(10)
    listening.join(10)
    assert client.get("/admin/api/live/events").status_code == 401


def test_the_stream_ends_where_nobody_knows_whether_the_account_stands(desk, monkeypatch):
    def unknown(_):
        raise StoreError("the disk is gone")

    client, got = desk.client(), []
    with client.stream("GET", "/admin/api/live/events") as answer:
        for line in answer.iter_lines():
            got.append(line)
            monkeypatch.setattr(desk.front.porter, "stands", unknown)
    assert got[0] == "retry: 2000"


def test_whoever_listens_does_not_keep_the_session_alive(desk):
    sessions = desk.front.sessions
    token, _ = sessions.open("vera", Role.VIEWER)
    used = sessions._open
    before = {key: at for key, (_, at) in used.items()}
    assert sessions.find(token, using=False) is not None
    assert {key: at for key, (_, at) in used.items()} == before


def test_the_oldest_of_too_many_goes(desk, monkeypatch):
    monkeypatch.setattr("agent.web.audience.MOST", 1)
    first, second, ended = threading.Event(), threading.Event(), threading.Event()
    clients = [desk.client(), desk.client()]
    threads = [
        threading.Thread(target=lambda: (told(clients[0], first), ended.set())),
        threading.Thread(target=lambda: told(clients[1], second)),
    ]
    threads[0].start()
    assert first.wait(10)
    threads[1].start()
    assert second.wait(10)
    assert ended.wait(10)
    clients[1].delete("/admin/api/session")
    for each in threads:
        each.join(10)


# Who may


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("live/events", Role.ENROLLER),
        ("live/visits", Role.ENROLLER),
        ("live/visits/1", Role.ENROLLER),
        ("live/figures", Role.ENROLLER),
        ("live/picture", Role.VIEWER),
        ("live/unknown", Role.OPERATOR),
        ("live/unknown/picture/x", Role.VIEWER),
    ],
)
def test_who_may_not_see_is_refused(desk, path, role):
    assert desk.client(role).get(f"/admin/api/{path}").status_code == 403
    assert desk.client(None).get(f"/admin/api/{path}").status_code == 401


@pytest.mark.parametrize("what", ["enrol", "delete"])
def test_who_may_not_enrol_changes_no_picture(desk, what):
    answer = desk.client(Role.OPERATOR).post(f"/admin/api/live/unknown/{what}", json={"all": True})
    assert answer.status_code == 403


def test_the_audit_is_not_among_the_visits_of_who_may_not_see_it(desk):
    desk.ask("person_set", person="ben", notes="seen")
    theirs = desk.client(Role.VIEWER).get("/admin/api/live/visits").json()["events"]
    assert "audit" not in {each["kind"] for each in theirs}
    newest = desk.client(Role.OWNER).get("/admin/api/live/visits?kind=audit&limit=1").json()
    assert newest["events"][0]["kind"] == "audit"
    assert newest["before"] == newest["events"][0]["seq"]
    seq = newest["before"]
    assert desk.client(Role.VIEWER).get(f"/admin/api/live/visits/{seq}").status_code == 409
    assert desk.client(Role.OWNER).get(f"/admin/api/live/visits/{seq}").json()["event"]["action"] == "person_changed"


@pytest.mark.parametrize(
    "query",
    [
        *("since=yesterday", "since=0001-01-01T00:00:00%2B14:00", "before=0", "before=x", "limit=201", "surprise=1"),
        *("text=" + "x" * 129, "kind=" + "k" * 33),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_in_words(desk, query):
    answer = desk.client().get(f"/admin/api/live/visits?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_request")
    assert answer.json()["message"]


def test_the_figures(desk):
    comes(desk, ANNA)
    figures = desk.client(Role.VIEWER).get("/admin/api/live/figures?days=1").json()
    assert sum(count for _, count in figures["genuine"]) >= 1
    assert figures["threshold"] == 0.5
    assert desk.client().get("/admin/api/live/figures?days=91").status_code == 422


def test_a_picture_of_who_stands_there_is_shown_and_that_is_in_the_audit(desk):
    stage = desk.agent._camera._camera
    Stage.play = [EMPTY] * stage._n + [ANNA] * 200
    client = desk.client(Role.SECURITY, "sofia")
    with client.stream("GET", "/admin/api/live/picture") as answer:
        part = next(chunk for chunk in answer.iter_bytes() if b"\xff\xd8" in chunk)
    assert b"Content-Type: image/jpeg" in part
    Stage.play = []
    assert audited(desk, "picture_watched") == ["page:sofia"]


def test_few_watch_however_many_ask_at_once(desk):
    go, statuses = threading.Event(), []
    desk.front._backroom._thread.submit(go.wait, 10)  # the audit has to wait
    clients, left = [desk.client() for _ in range(WATCHERS + 1)], threading.Barrier(WATCHERS + 1)

    def watch(client):
        with client.stream("GET", "/admin/api/live/picture") as answer:
            statuses.append(answer.status_code)
            left.wait(10)

    threads = [threading.Thread(target=watch, args=[client]) for client in clients]
    for each in threads:
        each.start()
    try:
        wait_for(lambda: statuses, what="one to be refused")
    finally:
        go.set()
        for each in threads:
            each.join(15)
    assert sorted(statuses) == [200] * WATCHERS + [429]


def test_without_the_key_there_is_no_picture(desk, monkeypatch):
    monkeypatch.setattr(desk.front.lookout, "mirror", None)
    answer = desk.client().get("/admin/api/live/picture")
    assert answer.json()["message"] == "the camera is not shown to browsers: [admin] picture is false"


def test_unknown_pictures_want_the_page_that_shows_them(tmp_path):
    with pytest.raises(ConfigError, match=r"keep_unknown = true wants \[admin\] enabled"):
        load_config(None, {"device.data_dir": tmp_path, "privacy.keep_unknown": True}, {})


# Whom nobody knows


def pictures(desk, client=None):
    return (client or desk.client()).get("/admin/api/live/unknown").json()["groups"]


@pytest.mark.parametrize("path", ["live/unknown", "openapi.json"])
def test_what_is_long_to_make_keeps_nobody_from_what_takes_a_moment(desk, path):
    client, go = desk.client(), threading.Event()
    assert client.get(f"/admin/api/{path}").status_code == 200  # the first look is in the audit
    desk.front._backroom._thread.submit(go.wait, 10)
    try:
        assert client.get(f"/admin/api/{path}", timeout=30).status_code == 200
    finally:
        go.set()


def test_a_stranger_is_kept_seen_and_enrolled(desk):
    while desk.front.album.names():
        desk.front.album.delete(desk.front.album.names())
    comes(desk, ANNA)
    first = comes(desk, STRANGER, outcome="denied")
    wait_for(lambda: len(desk.front.album.names()) == 1, what="the first picture")
    second = comes(desk, STRANGER_AGAIN, outcome="denied")
    wait_for(lambda: len(desk.front.album.names()) == 2, what="the second picture")
    enroller = desk.client(Role.ENROLLER, "emil")
    (group,) = pictures(desk, enroller)
    assert [each["event"] for each in group] == [second.id, first.id]
    pictures(desk, enroller)
    assert audited(desk, "unknown_seen").count("page:emil") == 1
    image = enroller.get(f"/admin/api/live/unknown/picture/{group[0]['name']}")
    assert (image.headers["content-type"], image.content[:2]) == ("image/jpeg", b"\xff\xd8")
    assert image.headers["cache-control"] == "no-store"
    sent = {"pictures": [each["name"] for each in group], "person": "cleo", "name": "Cleo", "consent": "photos 1"}
    done = enroller.post("/admin/api/live/unknown/enrol", json=sent)
    assert done.json()["data"] == {"person": "cleo", "name": "Cleo", "added": 2, "templates": 2}
    assert pictures(desk) == []
    assert audited(desk, "enrolled")[-1] == "page:emil"
    again = enroller.post("/admin/api/live/unknown/enrol", json=sent)
    assert (again.status_code, again.json()["code"]) == (409, "unknown_event")
    wait_for(lambda: "cleo" in desk.agent.recogniser.known.gallery.people, what="the door to know")
    assert comes(desk, STRANGER).body["person"] == "cleo"
    assert desk.ask("remove", person="cleo")[0] == 200
    wait_for(lambda: "cleo" not in desk.agent.recogniser.known.gallery.people, what="the door to forget")


def test_pictures_are_opened_once_until_there_are_others(desk, monkeypatch):
    album, opened = desk.front.album, []
    album.delete(album.names())
    monkeypatch.setattr(album, "open", lambda name: opened.append(name) or Album.open(album, name))

    def kept():
        face = Embedding(np.eye(1, 64, dtype=np.float32)[0], desk.front.bundle.template_model)
        return album.keep(str(ULID()), datetime.now(UTC), Crop(STRANGER[:112, :112], QUALITY), face)

    def looked():
        opened.clear()
        return {each["name"] for group in pictures(desk) for each in group}, len(opened)

    first = kept()
    assert [looked(), looked()] == [({first}, 1), ({first}, 0)]
    second = kept()
    assert [looked(), looked()] == [({first, second}, 2), ({first, second}, 0)]
    album.delete([first])
    assert [looked(), looked()] == [({second}, 1), ({second}, 0)]
    broken = f"20261101T080000Z-{ULID()}"
    (folder(desk.agent.config) / f"{broken}.sealed").write_bytes(b"no picture")
    assert [looked(), looked()] == [({second}, 2), ({second}, 2)]  # it may open the next time
    album.delete([second, broken])
    assert looked() == (set(), 0)


def test_pictures_are_deleted_one_and_all(desk):
    for _ in range(2):
        count = len(desk.front.album.names())
        comes(desk, STRANGER)
        wait_for(lambda count=count: len(desk.front.album.names()) > count, what="the picture")
    client = desk.client(Role.ENROLLER, "emil")
    name = desk.front.album.names()[0]
    url = "/admin/api/live/unknown/delete"
    assert client.post(url, json={"pictures": [name]}).json()["data"] == {"pictures": 1}
    assert client.get(f"/admin/api/live/unknown/picture/{name}").status_code == 404
    assert client.post(url, json={"pictures": [name], "all": True}).status_code == 422
    assert client.post(url, json={}).status_code == 422
    assert client.post(url, json={"all": True}).json()["data"]["pictures"] >= 1
    assert desk.front.album.names() == []
    assert audited(desk, "unknown_deleted")[-2:] == ["page:emil", "page:emil"]


# In the browser


@pytest.fixture(autouse=True)
def _nothing_said(desk):
    """Nothing that the console says in any of them."""
    desk.said.clear()
    yield
    assert desk.said == []


def test_anna_comes_and_the_page_says_why_she_is_let_in(desk, chromium):
    page = desk.browse(chromium, Role.OPERATOR, "live")
    page.wait_for_selector("h2:has-text('The door is locked')")
    rows = page.locator("tbody tr").count()
    event = comes(desk, ANNA)
    page.wait_for_selector("[data-outcome=granted] h2:has-text('Anna Berg')")
    page.wait_for_selector(".scale svg[aria-label*='0.50 is needed']")
    assert page.locator(".scale .series circle").count() == 1 + event.body["shots"]
    page.wait_for_selector("[role=status].skip:has-text('recognised, and let in by the rules')")
    page.wait_for_function("count => document.querySelectorAll('tbody tr').length >= count", arg=min(rows + 1, 10))
    page.click("button:has-text('Unlock…')")
    page.fill("dialog input[name=seconds]", "30")
    page.click("dialog button.main")
    page.wait_for_selector("#notes :has-text('The door is unlocked.')")
    assert audited(desk, "unlocked")[-1] == "page:olga"
    page.wait_for_selector("h2:has-text('The door is unlocked')")
    page.click("button:has-text('Lock now')")
    page.wait_for_selector("h2:has-text('The door is locked')")
    Stage.play = [EMPTY] * desk.agent._camera._camera._n + [ANNA] * 10_000
    page.click("button:has-text('Show the camera')")
    page.wait_for_function("() => document.querySelector('img.camera')?.naturalWidth > 0")
    page.click("button:has-text('Hide the camera')")
    Stage.play = []


def test_where_nobody_unlocks_from_afar_the_page_says_so(desk, chromium, monkeypatch):
    state = desk.front.lookout.state
    monkeypatch.setattr(desk.front.lookout, "state", lambda: state() | {"remote_unlock": False})
    page = desk.browse(chromium, Role.OPERATOR, "live")
    page.wait_for_selector("text=[mqtt] remote_unlock is false in the device's configuration")
    assert page.is_disabled("button:has-text('Unlock…')")
    assert page.is_enabled("button:has-text('Lock now')")


def test_visits_are_found_and_one_is_taken_back(desk, chromium):
    comes(desk, STRANGER, outcome="denied")
    comes(desk, ANNA, outcome="granted")
    page = desk.browse(chromium, Role.SECURITY, "live/visits", size=PHONE)
    page.wait_for_selector("tbody tr")
    page.select_option("select[name=outcome]", "denied")
    page.click("button:has-text('Search')")
    page.wait_for_function(
        """() => {
            const tags = [...document.querySelectorAll("tbody .tag")];
            return tags.length && tags.every((tag) => tag.textContent === "Refused");
        }"""
    )
    page.wait_for_selector("tbody tr:has-text('Unknown person')")
    page.select_option("select[name=outcome]", "granted")
    page.fill("input[name=person]", "Anna Berg")
    page.wait_for_selector("#person-known option[value=anna]", state="attached")
    page.click("button:has-text('Search')")
    page.wait_for_selector("tbody tr:has-text('Anna Berg')")
    page.click("tbody tr a >> nth=0")
    page.click("button:has-text('It was not this person…')")
    page.click("dialog button.main")
    page.wait_for_selector("text=Taken back: it was somebody else")


def test_everybody_can_use_it(desk, chromium, axe):
    kept = len(desk.front.album.names())
    comes(desk, STRANGER, outcome="denied")
    wait_for(lambda: len(desk.front.album.names()) > kept, what="the picture")
    page = desk.browse(chromium, Role.OWNER, "live", dark=True)
    page.wait_for_selector("h2:has-text('The door is locked')")
    seen = comes(desk, ANNA, outcome="granted")
    page.wait_for_selector("[data-outcome=granted] h2:has-text('Anna Berg')")
    found = {"live": violations(page, axe)}
    for view, there in SEEN.items():
        page.goto(f"{desk.url}/admin#/live/{view.format(seen.id)}")
        page.wait_for_selector(there)
        found[view] = violations(page, axe)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.goto(f"{desk.url}/admin#/live/visits")
    page.wait_for_selector("tbody tr:has-text('Anna Berg')")
    found["visits on a phone"] = violations(page, axe)
    assert {view: wrong for view, wrong in found.items() if wrong} == {}


def test_a_stranger_is_enrolled_from_the_gallery_and_the_plots_are_there(desk, chromium):
    count = len(desk.front.album.names())
    comes(desk, STRANGER)
    wait_for(lambda: len(desk.front.album.names()) > count, what="the picture")
    page = desk.browse(chromium, Role.OWNER, "live/unknown", dark=True)
    page.wait_for_function("() => document.querySelector('.faces img')?.naturalWidth === 112")
    page.click("button:has-text('Enrol as…')")
    page.fill("dialog input[name=person]", "dora")
    page.fill("dialog input[name=name]", "Dora")
    page.click("dialog button.main")
    page.wait_for_selector("#notes :has-text('Dora has')")
    page.wait_for_selector("text=There are none.")
    page.click(".tabs a:has-text('Plots')")
    page.wait_for_selector("figure.plot svg .series rect")


def test_an_enroller_sees_the_gallery_alone(desk, chromium):
    page = desk.browse(chromium, Role.ENROLLER, "live")
    page.wait_for_selector(".tabs a:has-text('Unknown people')")
    assert page.locator(".tabs a").count() == 1
