"""Signing on the page in Debian's Chromium before a whole agent: for the door, and to be enrolled."""

# ruff: noqa: F811 - fixtures of the kiosk's tests

import time

import pytest

from agent.members.signatures import put
from agent.mqtt.remote import Remote
from agent.mqtt.settings import LinkSettings
from agent.mqtt.topics import Topics
from agent.seal.keyring import site_key
from agent.signature.trace import trace
from agent.signing_session import SigningSession
from agent.store.db import open_db
from agent.types import Outcome
from tests.conftest import wait_for
from tests.fakes.agents import recorded
from tests.fakes.axe import violations
from tests.fakes.pens import points
from tests.fakes.registers import request
from tests.fakes.trust import OWNER
from tests.test_web_kiosk import (  # noqa: F401 - fixtures
    LYING,
    UPRIGHT,
    comes,
    contexts,
    overflowing,
    stage,
    terminal,
    visit,
    words,
)

ANNA_SIGNS, SOMEBODY_SIGNS = 1, 0  # writers


def knows_how_anna_signs(agent):
    signing, config = agent.knowledge.signing, agent.config
    five = [signing.encode(trace(points(ANNA_SIGNS, each))) for each in range(5)]
    with open_db(config.database_path, key=site_key(config)) as db:
        put(db, "anna", five, request(), privacy=config.privacy, consent="notice 1")
    agent.knowledge.soon()
    wait_for(lambda: "anna" in agent.porch.entrance.keeper.register.signatures, what="the door to know how Anna signs")


def sign(page, writer, number, every=4):
    """Draws with the mouse, at the writer's own pace: what happened when is told to the browser."""
    page.wait_for_selector("#sign[open]")
    box = page.locator("#sign-field").bounding_box()
    mouse, began, pressed = page.context.new_cdp_session(page), time.time(), False
    for at, (x, y, ms, _, end) in enumerate(points(writer, number)):
        if at % every and not end:
            continue
        there = {"x": box["x"] + 20 + x, "y": box["y"] + 20 + y, "timestamp": began + ms / 1000, "button": "left"}
        told = [("mouseMoved" if pressed else "mousePressed", 1)] + [("mouseReleased", 0)] * bool(end)
        for kind, buttons in told:
            mouse.send("Input.dispatchMouseEvent", {"type": kind, "buttons": buttons, "clickCount": 1, **there})
        pressed = not end
    mouse.detach()


def test_after_the_face_the_own_signature_opens_and_anothers_does_not(terminal, visit, stage):
    with terminal("face+signature") as (agent, decided):
        knows_how_anna_signs(agent)
        page = visit(agent, LYING)
        comes(agent, stage)
        page.wait_for_selector("#sign[open]")
        assert (words(page, "#sign-who"), words(page, "#sign-title")) == ("Anna Berg", "Please sign here")
        assert 15 < int(words(page, "#sign-left").split()[0]) <= 30  # more than for a PIN
        page.click("#sign-done")
        assert words(page, "#sign-message") == "Please sign in full, as on paper."
        page.mouse.click(500, 300)
        page.click("#sign-done")
        page.wait_for_selector("#sign-message:not(:empty)")
        assert decided[-1][0].outcome is Outcome.PENDING  # a dot is nobody's signature, and counts for nothing
        sign(page, SOMEBODY_SIGNS, 7)
        page.click("#sign-done")
        page.wait_for_selector("#sign-message:has-text('That is not how you sign here.')")
        assert words(page, "#sign-who") == "Anna Berg"
        assert not agent.porch.door.unlocked
        sign(page, ANNA_SIGNS, 8)
        page.click("#sign-done")
        page.wait_for_selector('#result[data-outcome="granted"]:visible')
        assert agent.porch.door.unlocked
        wait_for(lambda: len(recorded(agent.config)) == 2)
        wrong, right = (event.body for event in recorded(agent.config))
        assert (wrong["reason"], wrong["shown"]) == ("wrong_signature", ["face"])
        assert (right["reason"], right["shown"]) == ("credential", ["face", "signature"])
        assert right["signed"]["distance"] < right["signed"]["threshold"] < wrong["signed"]["distance"]
        assert decided[-1][0].outcome is Outcome.GRANTED


SEEN_ANEW = """async () => {
  const { goesOn, openSign } = await import("/kiosk/sign.js");
  const news = { asks: "signature", outcome: "pending", who: "Anna Berg" };
  const before = goesOn(news);
  openSign({ say: (key) => key, seconds: 30, who: "Anna Berg" });
  const others = [{}, { who: "Ben" }, { who: null }, { outcome: "denied" }, { asks: "pin" }];
  return [before, ...others.map((other) => goesOn({ ...news, ...other }))];
}"""
WRITES = """async () => {
  const { guideSign } = await import("/kiosk/sign.js");
  const guide = { hint: "sign_again", session: 1, done: 2, of: 5 };
  const tell = () => guideSign(guide, { code: "en", guide: {} }, (key) => key);
  const field = document.getElementById("sign-field");
  tell();
  const seen = [field.toDataURL()];
  const { left, top } = field.getBoundingClientRect();
  field.setPointerCapture = () => {}; // there is no pointer
  field.dispatchEvent(new PointerEvent("pointerdown", { pointerId: 1, clientX: left + 20, clientY: top + 20 }));
  seen.push(field.toDataURL());
  tell();
  seen.push(field.toDataURL());
  return seen;
}"""


def test_what_is_being_written_stays_while_the_door_tells_again_that_one_is_to_sign(terminal, visit):
    with terminal("face+signature") as (agent, _):
        page = visit(agent)
        empty, written, then = page.evaluate(WRITES)
        assert empty != written == then
        page.keyboard.press("Escape")
        assert page.evaluate(SEEN_ANEW) == [False, True, False, False, False, False]  # of the same person alone


def test_an_admin_asks_and_who_stands_there_signs_until_the_signatures_agree(terminal, visit, mosquitto):
    more = {"mqtt__enabled": True, "mqtt__host": "127.0.0.1", "mqtt__port": mosquitto.port}
    with Remote(LinkSettings("127.0.0.1", mosquitto.port), Topics("home", "door"), OWNER) as admin:
        admin.wait_ready()
        with terminal("face+signature", **more) as (agent, _):
            page = visit(agent, UPRIGHT)
            given = {"signatures": 3, "seconds": 60.0}
            asked = admin.request("enrol_signature_live", id="e1", person="anna", consent="notice 1", fields=given)
            assert asked.ok, asked
            page.wait_for_selector("#sign-title:has-text('Please sign: 1 of 3')")
            for number, writer in enumerate([ANNA_SIGNS, SOMEBODY_SIGNS, ANNA_SIGNS]):
                page.wait_for_selector(f"#sign-title:has-text('{number + 1} of 3')")
                sign(page, writer, number, every=6)
                page.click("#sign-done")
            page.wait_for_selector("#sign-message:has-text('not like the others')")
            assert words(page, "#sign-title") == "Please sign: 3 of 3"
            sign(page, ANNA_SIGNS, 4, every=6)
            page.click("#sign-done")
            page.wait_for_selector('#result[data-outcome="granted"]:visible')
            assert page.locator("#sign").is_hidden()
            wait_for(lambda: "anna" in agent.porch.entrance.keeper.register.signatures)
            assert len(agent.porch.entrance.keeper.register.signatures["anna"].vectors) == 3
            page.context.close()


@pytest.mark.parametrize("look", [("light", "en", UPRIGHT), ("dark", "ar", (390, 844))], ids=str)
def test_everybody_can_use_the_field_and_leave_it(terminal, visit, axe, look):
    theme, code, size = look
    with terminal("face+signature", web__theme=theme, web__language=code) as (agent, _):
        page = visit(agent, size, reduced_motion="reduce")
        page.wait_for_selector(f"html[lang={code}]")
        session = SigningSession(agent.knowledge.signing.judge, 3)
        with agent.studio.seated(session):
            page.wait_for_selector("#sign[open]")
            assert violations(page, axe) == []
            assert overflowing(page) == []
            page.keyboard.press("Escape")  # as the button does
            wait_for(lambda: session.given_up)
        page.wait_for_selector("#result:visible")
