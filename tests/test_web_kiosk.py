"""The page in Debian's Chromium before a whole agent: from idle to a greeting to the event in the database."""

import json
import re
import time
from contextlib import contextmanager

import pytest

from agent.app import Agent
from agent.gallery.likeness import Likeness
from agent.gallery.sitting import Sitting
from agent.guidance import ENROLLED, OVER, Guidance
from agent.live import TAKEN_DOWN_BY
from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import Topics
from agent.store import consents
from agent.store.db import open_db
from agent.studio import Session
from agent.types import Outcome
from agent.vision.quality import QualityLimits
from tests.fakes.agents import Terminals, empty_stage, recorded
from tests.fakes.axe import violations
from tests.fakes.blocks import BLUE, GREEN, RED, Block, paint
from tests.fakes.cameras import ANNA, EMPTY, STRANGER
from tests.fakes.demo_door import demo_door
from tests.fakes.kiosks import settle
from tests.fakes.ports import steady_port
from tests.fakes.trust import OWNER

UPRIGHT, LYING, SMALL = (600, 1024), (1024, 600), (800, 480)
WATCH = """
window.seen = [];
new MutationObserver(() => {
  const result = document.getElementById("result");
  if (result && !result.hidden && window.last !== result.dataset.reason) {
    window.last = result.dataset.reason;
    requestAnimationFrame(() => window.seen.push([result.dataset.reason, Date.now()]));
  }
}).observe(document, { subtree: true, attributes: true, childList: true });
"""


@pytest.fixture
def stage(monkeypatch):
    stage = empty_stage(monkeypatch)
    stage.goes_on = True
    return stage


@pytest.fixture
def contexts():
    """Of the browser, that a test has opened: closed before the agent ends, whom their pages would look for again."""
    return []


def close_all(contexts):
    while contexts:
        contexts.pop().close()


@pytest.fixture
def terminal(tmp_path, monkeypatch, stage, contexts):
    """Starts an agent whose door wants `factors`; gives it with the list of its decisions and when they were made."""

    @contextmanager
    def started(factors, attendance="", **more):
        told = {"web__enabled": True, "web__port": steady_port(), "web__theme": "light"}
        config = Terminals(tmp_path, monkeypatch)(**told | {"camera__as_fast_as_possible": False} | more)
        settle(config, factors, attendance)
        decided = []
        with Agent(config, told=lambda decision: decided.append((decision, time.time()))) as agent:
            agent.look()
            try:
                yield agent, decided
            finally:
                close_all(contexts)

    return started


@pytest.fixture
def visit(chromium, contexts):
    """Opens the page of an agent; what its console says is an error."""
    said = []

    def opened(agent, size=UPRIGHT, init="", **more):
        context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, **more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.add_init_script(WATCH + init)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.extend(elsewhere(request.url, agent)))
        page.goto(f"http://127.0.0.1:{agent.config.web.port}/kiosk")
        page.wait_for_selector("#prompt:not(:empty)")
        return page

    yield opened
    close_all(contexts)
    assert said == []


def elsewhere(url, agent):
    return [] if url.startswith(f"http://127.0.0.1:{agent.config.web.port}/kiosk") else [f"asks {url}"]


def type_(page, text):
    for sign in text:
        page.click(f'#digits [data-sign="{sign}"]')
    page.click("#pad-enter")


# The page takes a key for a hand's where no other comes within 150 ms. Each that a test presses goes through several
# processes, which takes a machine that has much to do as long.
KEYS_ARE_LATE = """() => {
  const later = window.setTimeout;
  window.setTimeout = (what, ms, ...more) => later(what, ms === 150 ? 3000 : ms, ...more);
}"""


def read_out(page, text, apart=0.005):
    """Types as a card reader does, seconds `apart` and Enter at the end, however long the page takes to hear of it."""
    page.evaluate(KEYS_ARE_LATE)
    reader, began = page.context.new_cdp_session(page), time.time()
    for at, key in enumerate([*text, "Enter"]):
        told = {"key": key, "text": key if len(key) == 1 else "\r", "timestamp": began + at * apart}
        for kind in ("keyDown", "keyUp"):
            reader.send("Input.dispatchKeyEvent", {"type": kind, **told})
    reader.detach()


def comes(agent, stage):
    stage.play = [EMPTY] * (agent.visits.frames + agent.dropped + 5) + [ANNA] * 10


def words(page, selector):
    return page.locator(selector).inner_text()


def overflowing(page):
    """What of the page is outside of the screen, or too small for a finger."""
    return page.evaluate(
        """() => [...document.querySelectorAll("button, #clock, #prompt, #door")].filter((each) => {
          const box = each.getBoundingClientRect();
          if (!box.width || getComputedStyle(each).visibility === "hidden") return false;
          const small = each.tagName === "BUTTON" && (box.width < 48 || box.height < 48);
          return small || box.left < 0 || box.top < 0 || box.right > innerWidth + 1 || box.bottom > innerHeight + 1;
        }).map((each) => each.id || each.dataset.sign || each.dataset.key)"""
    )


def test_from_idle_by_a_pin_to_a_greeting_and_the_event(terminal, visit, wait_for):
    with terminal("pin") as (agent, decided):
        page = visit(agent)
        assert words(page, "#door") == "Locked"
        assert re.fullmatch(r"\d\d:\d\d", words(page, "#clock"))
        assert words(page, "#prompt") == "Please type badge number and PIN."
        page.click("#open-pad")
        for sign in "1042*47":
            page.click(f'#digits [data-sign="{sign}"]')
        assert words(page, "#typed") == "••••\N{ASTERISK OPERATOR}••"
        type_(page, "13")
        page.wait_for_selector("#pad-message:not(:empty)")
        assert words(page, "#typed") == ""
        assert "Anna" not in page.content()  # who types a badge number does not learn the name
        type_(page, "1042*4712")
        page.wait_for_selector("#result-punch:visible")
        assert words(page, "#result-head") == "Welcome, Anna Berg"
        assert agent.porch.door.unlocked
        (event,) = recorded(agent.config, "attendance")
        assert (event.body["person"], event.body["type"]) == ("anna", "in")
        berlin = event.at.astimezone(agent.porch.entrance.keeper.rules.zone)
        assert words(page, "#result-punch") == f"In {berlin:%H:%M}"
        wait_for(lambda: page.evaluate("window.seen.length") == 1)
        (decision, at), ((reason, seen),) = decided[-1], page.evaluate("window.seen")
        assert (decision.outcome, reason) == (Outcome.GRANTED, "credential")
        print(f"decision to screen: {seen - at * 1e3:.0f} ms")
        page.click("#result")
        assert words(page, "#door") == "Unlocked"
        assert page.locator("#result").is_hidden()
        assert "Anna" not in page.content()  # gone, not only hidden


def test_after_the_face_the_pad_opens_by_itself_scrambled_and_a_wrong_pin_may_be_tried_again(
    terminal, visit, stage, wait_for
):
    with terminal("face+pin", web__scramble=True, web__names="number") as (agent, _):
        page = visit(agent, LYING)
        comes(agent, stage)
        page.wait_for_selector("#pad[open]")
        assert (words(page, "#pad-title"), words(page, "#pad-who")) == ("Your PIN", "1042")
        assert re.fullmatch(r"1?\d seconds left", words(page, "#pad-left"))
        laid = [page.locator("#digits .key").nth(at).get_attribute("data-sign") for at in range(12)]
        assert sorted(laid) == sorted([*"0123456789", "*", "delete"])
        type_(page, "9051")
        page.wait_for_selector("#pad-message:not(:empty)")
        assert words(page, "#pad-message") == "Wrong PIN. Please try again."
        assert words(page, "#pad-who") == "1042"
        assert not agent.porch.door.unlocked
        again = [page.locator("#digits .key").nth(at).get_attribute("data-sign") for at in range(12)]
        assert again != laid  # one in 3.6 million
        type_(page, "4712")
        page.wait_for_selector('#result[data-outcome="granted"]:visible')
        assert words(page, "#result-head") == "Welcome, 1042"
        assert agent.porch.door.unlocked
        wait_for(lambda: [event.body["reason"] for event in recorded(agent.config)] == ["wrong_pin", "credential"])


def test_who_types_is_not_disturbed_by_who_passes(terminal, visit, stage):
    with terminal("face, pin") as (agent, decided):
        page = visit(agent)
        page.keyboard.press("1")  # on a keypad, by hand
        page.wait_for_selector("#pad[open]")
        page.keyboard.type("042", delay=60)
        stage.play = [EMPTY] * (agent.visits.frames + agent.dropped + 2) + [STRANGER] * 100
        deadline = time.monotonic() + 30
        while not decided and time.monotonic() < deadline:
            page.wait_for_timeout(50)
        assert decided[0][0].outcome is Outcome.DENIED
        page.keyboard.type("*4712", delay=60)
        page.keyboard.press("Enter")
        page.wait_for_selector('#result[data-outcome="granted"]:visible')


def test_keys_languages_and_readers_that_type(terminal, visit, wait_for):
    named = 'type_by = "key"\n[attendance.keys.dentist]\ntype = "break_start"\njob = "doc"'
    with terminal("pin, card", named) as (agent, _):
        page = visit(agent, LYING)
        assert page.locator("#keys button").all_inner_texts() == ["In", "Out", "Break", "Back", "Dentist"]
        page.click("[data-key=out]")
        page.wait_for_selector('[data-key=out][aria-pressed="true"]')
        assert words(page, "#prompt") == "Out: now show your face, your card or your PIN."
        page.click("#language")
        page.wait_for_selector("html[lang=ar][dir=rtl]")
        assert words(page, "#door") == "مغلق"
        read_out(page, "1042*4712")
        page.wait_for_selector("#result-punch:visible")
        assert words(page, "#result-head").startswith("مع السلامة")
        (event,) = recorded(agent.config, "attendance")
        assert (event.body["type"], event.body["key"]) == ("out", "out")
        page.click("#result")
        read_out(page, "0123456789")
        page.wait_for_selector('#result[data-reason="unknown_credential"]:visible')
        wait_for(lambda: recorded(agent.config)[-1].body["reason"] == "unknown_credential")


BUSY = """document.addEventListener("keydown", () => {
  const until = Date.now() + 50;
  while (Date.now() < until);
});"""


@pytest.mark.parametrize(("apart", "reads"), [(0.03, True), (0.06, False)])
def test_a_reader_is_told_by_when_keys_were_pressed_however_busy_the_page_is(terminal, visit, apart, reads):
    with terminal("pin, card") as (agent, _):
        page = visit(agent)
        page.evaluate(BUSY)
        sent = []
        page.on("request", lambda request: sent.append(request.post_data))
        read_out(page, "0123456789", apart)
        if reads:
            page.wait_for_selector('#result[data-reason="unknown_credential"]:visible')
        else:
            page.wait_for_timeout(500)  # a hand's: thrown away, or where the pad came meanwhile, sent as a PIN
        assert ('{"typed":"0123456789"}' in sent) is reads


def test_all_of_it_is_on_the_screen_and_large_enough(terminal, visit):
    with terminal("face+pin", 'type_by = "key"', web__language="de") as (agent, _):
        page = visit(agent, reduced_motion="reduce")
        page.wait_for_selector("html[lang=de]")
        for width, height in (UPRIGHT, LYING, SMALL, (480, 800), (1280, 800)):
            page.set_viewport_size({"width": width, "height": height})
            assert (width, overflowing(page)) == (width, [])
            page.click("#open-pad")
            page.click('#digits [data-sign="1"]')
            assert (width, overflowing(page)) == (width, [])
            page.click("#pad-close")


def test_a_pad_that_is_left_is_cleared_the_screen_dims_and_a_door_that_does_not_answer_is_told_of(terminal, visit):
    with terminal("face") as (agent, _):
        page = visit(agent)
        page.clock.install()
        page.reload()
        page.wait_for_selector("#prompt:not(:empty)")
        assert words(page, "#notices") == ""
        agent.pages[0]._audience.publish = lambda *_, **__: None
        page.click("#open-pad")
        page.click('#digits [data-sign="1"]')
        assert words(page, "#typed") == "•"
        page.clock.run_for(11_000)
        assert words(page, "#typed") == ""
        page.clock.run_for(11_000)
        assert page.locator("#pad").is_hidden()
        page.clock.run_for(62_000)
        assert page.locator("#dim").is_visible()
        page.mouse.click(300, 980)  # where the button for the PIN is
        assert page.locator("#dim").is_hidden()
        assert page.locator("#pad").is_hidden()  # the first touch only wakes
        assert words(page, "#notices") == "The door does not answer. One moment, please."


def test_whoever_is_enrolled_is_guided_also_by_a_page_that_comes_later(terminal, visit):
    with terminal("face") as (agent, _):
        page = visit(agent)
        agent.studio.guide(Guidance("look_left", 1, 5))
        later = visit(agent)
        for each in (page, later):
            each.wait_for_selector("#prompt:has-text('A little to your left, please.')")
            assert each.locator("#shots").get_attribute("aria-label") == "1 of 5 pictures taken"
            assert each.locator("#shots .done").count() == 1
            assert each.locator("#cancel").is_visible()
        agent.studio.guide(Guidance(OVER, 5, 5, why=ENROLLED))
        page.wait_for_selector('#result[data-outcome="granted"]:visible')
        assert words(page, "#result-head") == "Thank you."
        page.click("#result")
        page.wait_for_selector("#prompt:has-text('Please look at the camera.')")


TONES = """
window.heard = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) { window.heard.push(this.frequency.value); start.call(this, at); };
const speak = SpeechSynthesis.prototype.speak;
SpeechSynthesis.prototype.speak = function (said) {
  window.heard.push([said.lang, said.text]);
  speak.call(this, said);
};
"""


def stands(colour, px=120):
    return paint(Block(colour, px=px))


def test_a_face_is_followed_told_what_to_do_and_wakes_the_screen(terminal, visit, stage, wait_for):
    with terminal("face") as (agent, _):
        page = visit(agent)
        page.clock.install()
        page.reload()
        page.wait_for_selector("#prompt:not(:empty)")
        page.clock.run_for(62_000)
        assert page.locator("#dim").is_visible()
        stage.play = [EMPTY] * (agent.visits.frames + agent.dropped) + [stands(RED, 40)] * 400
        page.wait_for_selector("body.seen #prompt:text-is('Please come closer.')")
        assert page.locator("#dim").is_visible()  # somebody far away
        moved = page.locator("#somebody").get_attribute("style")
        stage.play = [EMPTY] * (agent.visits.frames + agent.dropped) + [stands(GREEN)] * 400
        page.wait_for_selector("#dim", state="hidden")
        wait_for(lambda: page.locator("#somebody").get_attribute("style") != moved)
        assert page.locator("#mirror").is_hidden()  # a drawn one
        assert page.request.get(f"http://127.0.0.1:{agent.config.web.port}/kiosk/picture").status == 404
        stage.play = []
        page.wait_for_selector("body:not(.seen)")


def test_the_live_picture_is_shown_while_somebody_is_there(terminal, visit, stage, wait_for):
    with terminal("face", web__picture="live") as (agent, _):
        page = visit(agent)
        assert page.locator("#mirror").is_hidden()
        stage.play = [EMPTY] * (agent.visits.frames + agent.dropped) + [stands(RED, 60)] * 400
        page.wait_for_selector("#mirror:visible")
        wait_for(lambda: page.evaluate("document.getElementById('picture').naturalWidth") == 320)
        ring, image = (page.locator(each).bounding_box() for each in ("#face-ring", "#picture"))
        assert image["x"] < ring["x"] < image["x"] + image["width"]
        stage.play = []
        page.wait_for_selector("#portrait:visible")
        wait_for(lambda: page.locator("#picture").get_attribute("src") is None)


TEXTS_ARE_LATE = """
const fetches = window.fetch;
window.asked = false;
window.fetch = (path, more) => !String(path).includes("/consent/") ? fetches(path, more) : new Promise((yes, no) => {
  window.asked = true;
  window.comes = () => { window.asked = false; yes(fetches(path, more)); };
  window.lost = () => { window.asked = false; no(new TypeError("no answer")); };
});
"""


def test_whoever_is_asked_reads_agrees_and_may_stop(terminal, visit, tmp_path, wait_for):
    for code, text in (("en", "May this door know you?"), ("de", "Darf diese Tür Sie kennen?")):
        (tmp_path / f"consent.{code}.txt").write_text(text, encoding="utf-8")
    files = {"web__consent_file": tmp_path / "consent.{language}.txt", "privacy__consent_text": "notice 2"}
    with terminal("face", **files) as (agent, _):
        page = visit(agent)
        sitting = Sitting(5, 60.0, limits=QualityLimits(), same_person=0.5)
        session = Session("anna", sitting, 5, likeness=Likeness(0.9, 0.5), limits=QualityLimits(), asks=True)
        with agent.studio.seated(session):
            page.wait_for_selector("#consent[open]")
            assert words(page, "#consent-text") == "May this door know you?"
            assert words(page, "#consent-name") == "Text: notice 2"
            page.keyboard.press("Escape")
            page.click("#consent-language")
            page.wait_for_selector("#consent-agree:has-text('أوافق')")
            assert words(page, "#consent-text") == "May this door know you?"  # there is no file in Arabic
            page.click("#consent-language")
            page.wait_for_selector("#consent-text:has-text('Darf diese')")
            assert not session.told().agreed
            page.click("#consent-agree")
            page.wait_for_selector("#consent", state="hidden")
            assert session.told().agreed
            page.click("#cancel")
            wait_for(lambda: session.told().given_up)
        page.wait_for_selector("#result:visible")


def test_nobody_is_asked_to_agree_to_a_text_that_has_not_come(terminal, visit, tmp_path, wait_for):
    (tmp_path / "consent.en.txt").write_text("May this door know you?", encoding="utf-8")
    with terminal("face", web__consent_file=tmp_path / "consent.{language}.txt") as (agent, _):
        page = visit(agent, init=TEXTS_ARE_LATE)
        sitting = Sitting(5, 60.0, limits=QualityLimits(), same_person=0.5)
        session = Session("anna", sitting, 5, likeness=Likeness(0.9, 0.5), limits=QualityLimits(), asks=True)
        with agent.studio.seated(session):
            for _ in range(2):
                wait_for(lambda: page.evaluate("window.asked"))
                assert page.locator("#consent").is_hidden()
                page.evaluate("window.lost()")  # the device does not answer: it is asked again
                assert page.locator("#consent").is_hidden()
            wait_for(lambda: page.evaluate("window.asked"))
            page.evaluate("window.comes()")
            page.wait_for_selector("#consent[open] #consent-text:has-text('May this door know you?')")
            page.wait_for_selector("#consent-agree:has-text('I agree')")
        page.wait_for_selector("#consent", state="hidden")


def test_what_happens_is_heard_where_that_is_wanted(terminal, visit, stage, wait_for):
    with terminal("face", web__sound="tones") as (agent, _):
        page = visit(agent, init=TONES)
        comes(agent, stage)
        page.wait_for_selector('#result[data-outcome="granted"]:visible')
        wait_for(lambda: page.evaluate("window.heard") == [660, 880])  # up
    with terminal("face", web__sound="speech", web__language="de") as (agent, _):
        page = visit(agent, init=TONES)
        comes(agent, stage)
        page.wait_for_selector('#result[data-outcome="granted"]:visible')
        wait_for(lambda: page.evaluate("window.heard") == [["de-DE", "Willkommen, Anna Berg"]])


def test_nothing_to_press_stands_above_the_reach_of_somebody_who_sits(terminal, visit):
    with terminal("face+pin", 'type_by = "key"', web__reach=0.5) as (agent, _):
        page = visit(agent, reduced_motion="reduce")
        page.wait_for_selector("body.low")
        for size in (UPRIGHT, LYING, SMALL, (480, 800)):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            assert (size, too_high(page), overflowing(page)) == (size, [], [])
            page.click("#open-pad")
            assert (size, too_high(page), overflowing(page)) == (size, [], [])
            page.click("#pad-close")
            for hint, first in (("consent", "#consent-agree"), ("sign", "#sign-done"), ("look_left", "#cancel")):
                agent.studio.guide(Guidance(hint, 1, 5, 1))
                page.wait_for_selector(f"{first}:visible")
                assert (size, hint, too_high(page), overflowing(page)) == (size, hint, [], [])
            agent.studio.guide(Guidance(OVER, 1, 5, 1))
            page.wait_for_selector("#open-pad:visible")


def too_high(page):
    """What is to be pressed in the upper half of the screen."""
    return page.evaluate(
        """() => [...document.querySelectorAll("button")].filter((each) => {
          const over = document.querySelector("dialog[open]");
          const box = each.getBoundingClientRect();
          return box.width && (!over || over.contains(each)) && box.top < innerHeight / 2 - 1;
        }).map((each) => each.id || each.dataset.sign || each.dataset.key)"""
    )


@pytest.mark.parametrize("look", [("light", "en"), ("dark", "ar")], ids=" ".join)
def test_people_can_use_every_state_whatever_they_see_or_hear(terminal, visit, stage, axe, look):
    theme, code = look
    more = {"web__theme": theme, "web__language": code, "web__picture": "live"}
    with terminal("face+pin", 'type_by = "key"', **more) as (agent, _):
        page = visit(agent, UPRIGHT if code == "en" else LYING, reduced_motion="reduce")
        page.wait_for_selector(f"html[lang={code}]")
        states = {"idle": violations(page, axe)}
        page.click("#open-pad")
        page.click('#digits [data-sign="1"]')
        states["pad"] = violations(page, axe)
        page.click("#pad-close")
        for hint, what in (("consent", "#consent[open]"), ("look_left", "#cancel:visible")):
            agent.studio.guide(Guidance(hint, 1, 5, 1))
            page.wait_for_selector(what)
            states[hint] = violations(page, axe)
        for why in (ENROLLED, "duplicate_person"):
            agent.studio.guide(Guidance(OVER, 1, 5, 1, why))
            page.wait_for_selector(f"#result[data-reason={why}]:visible")
            states[why] = violations(page, axe)
        page.click("#result")
        stage.play = [EMPTY] * (agent.visits.frames + agent.dropped) + [stands(GREEN, 60)] * 400
        page.wait_for_selector("#mirror:visible")
        states["near"] = violations(page, axe)
        assert {state: found for state, found in states.items() if found} == {}


def test_the_clip_from_idle_to_a_greeting_to_the_event_in_the_database_and_at_the_broker(
    tmp_path, visit, mosquitto, wait_for
):
    broker = {"mqtt__enabled": True, "mqtt__host": "127.0.0.1", "mqtt__port": mosquitto.port}
    with Remote(LinkSettings("127.0.0.1", mosquitto.port), Topics("home", "door"), OWNER) as remote:
        remote.wait_ready()
        with demo_door(tmp_path, web__picture="live", **broker) as (agent, decided):
            page = visit(agent, LYING)
            assert page.locator("#mirror").is_hidden()
            agent.look()
            page.wait_for_selector("#mirror:visible")
            page.wait_for_selector('#result[data-outcome="granted"]:visible', timeout=20_000)
            assert words(page, "#result-head") == "Welcome, Ada Lind"
            page.wait_for_selector("#result-punch:visible")
            (event,) = recorded(agent.config)
            assert (event.body["person"], event.body["outcome"], decided[0].person) == ("ada", "granted", "ada")
            while (message := remote.heard.get(timeout=10)).topic != remote.topics.event("access"):
                pass
            assert json.loads(message.payload)["id"] == event.id
            page.context.close()  # before the agent, which it would look for again


def test_an_admin_asks_and_who_stands_there_reads_agrees_and_is_enrolled(terminal, visit, stage, mosquitto):
    more = {"mqtt__enabled": True, "mqtt__host": "127.0.0.1", "mqtt__port": mosquitto.port}
    with Remote(LinkSettings("127.0.0.1", mosquitto.port), Topics("home", "door"), OWNER) as admin:
        admin.wait_ready()
        with terminal("face", privacy__consent_text="notice 2", **more) as (agent, _):
            page = visit(agent)
            given = {"seconds": 60.0, "ask_consent": True}
            assert admin.request("enrol_live", id="e1", person="ben", name="Ben", shots=1, fields=given).ok
            page.wait_for_selector("#consent[open]")
            page.click("#consent-agree")
            page.wait_for_selector("#consent", state="hidden")
            stage.play = [stands(BLUE)] * (agent.visits.frames + agent.dropped + 900)
            page.wait_for_selector('#result[data-reason="enrolled"]:visible', timeout=20_000)
            assert words(page, "#result-more") == "This door knows you now."
            page.wait_for_selector('#result[data-reason="no_access"]:visible')  # told once that could be read
            with open_db(agent.config.database_path) as db:
                given = consents.in_force(db, "ben")
            assert (given.text, given.by) == ("notice 2", TAKEN_DOWN_BY)


def test_cards_and_pins_go_on_while_somebody_is_enrolled_and_a_reader_that_types_agrees_to_nothing(
    terminal, visit, wait_for
):
    with terminal("face, pin, card") as (agent, _):
        page = visit(agent)
        sitting = Sitting(5, 60.0, limits=QualityLimits(), same_person=0.5)
        session = Session("ben", sitting, 5, likeness=Likeness(0.9, 0.5), limits=QualityLimits(), asks=True)
        with agent.studio.seated(session):
            page.wait_for_selector("#consent[open]")
            page.focus("#consent-agree")
            read_out(page, "0123456789")
            wait_for(lambda: [event.body["reason"] for event in recorded(agent.config)] == ["unknown_credential"])
            assert not session.told().agreed
            page.keyboard.press("Enter")
            wait_for(lambda: session.told().agreed)
            page.click("#open-pad")
            type_(page, "1042*4712")
            wait_for(lambda: agent.porch.door.unlocked)
            assert not session.told().given_up
