"""The view of the rules: a draft on a week grid, tried, and saved with what it was made from."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from agent.access.rules import AntiPassback, Mode
from agent.attendance.rules import TypeBy
from agent.trust.roles import Role
from agent.web.admin.rooms.rules import LONGEST_BODY
from agent.web.admin.site import FOLDER
from tests.fakes.admin import PHONE, RULES, admin_agent
from tests.fakes.axe import violations

SATURDAY = (datetime.now(UTC) + timedelta(days=(5 - datetime.now(UTC).weekday()) % 7)).date().isoformat()
PARTS = ("schedules", "days", "doors", "grants", "hours", "try", "text", "history")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, admin_agent(tmp_path_factory.mktemp("admin"), patch) as started:
        yield started


@pytest.fixture(autouse=True)
def as_they_were(desk):
    desk.ask("rules_apply", text=RULES)
    yield
    assert [line for line in desk.said if "409" not in line] == []  # what is refused is told to the console, too
    desk.said.clear()


def in_force(desk):
    return desk.ask("rules")[1]["data"]


def asked(desk, path, role=Role.VIEWER, **body):
    answer = desk.client(role).post(f"/admin/api/rules/{path}", json={"text": RULES} | body)
    return answer.status_code, answer.json()


# What the view asks


def test_the_rules_in_force_and_what_forms_have_to_know(desk):
    said = desk.client(Role.VIEWER).get("/admin/api/rules").json()
    assert (said["text"], said["groups"], said["here"]) == (RULES, {"staff": 1}, desk.agent.config.device.name)
    assert "scheduled" in said["forms"]["choices"]["mode"]


def test_a_draft_keeps_comments_and_is_nowhere_in_force(desk):
    edit = {"edit": "put", "path": ["schedules", "office", "sat"], "value": ["09:00-14:00"]}
    status, said = asked(desk, "draft", edits=[edit], year=2026)
    assert (status, said["text"]) == (200, RULES.replace("13:00", "14:00"))
    assert said["year"] == [{"date": "2026-12-25", "name": "Christmas", "kind": "holiday"}]
    assert in_force(desk)["text"] == RULES


def test_trying_the_week_and_the_effects(desk):
    draft = RULES.replace("13:00", "16:00")
    assert asked(desk, "try", text=draft, person="anna", door="door", at=f"{SATURDAY} 15:00")[1]["draft"]["granted"]
    assert asked(desk, "week", text=draft, person="anna", door="door", first=SATURDAY)[1]["draft"][5] == [
        ["09:00", "16:00"]
    ]
    [row] = asked(desk, "effects", text=draft, first=SATURDAY)[1]["changes"]
    assert (row["people"], row["days"], row["from"], row["to"]) == (["anna"], ["sat"], "13:00", "16:00")
    assert asked(desk, "difference", text=draft)[1]["lines"][-1]["kind"] == "same"


@pytest.mark.parametrize(
    ("path", "body", "status", "why"),
    [
        ("draft", {"text": "x = 1", "year": 2026}, 409, "line 1: unknown key 'x'"),
        ("draft", {"edits": [{"edit": "burn"}], "year": 2026}, 422, "edits"),
        ("draft", {"year": 0}, 422, "year"),
        ("draft", {"edits": [{"edit": "drop", "path": ["doors", "door"]}] * 101, "year": 2026}, 422, "edits"),
        ("try", {"person": "nobody", "door": "door"}, 409, "nobody is enrolled"),
        ("try", {"person": "anna", "door": "door", "at": "soon"}, 422, "is no time"),
        ("effects", {"first": "someday"}, 422, "is no day"),
        ("difference", {"version": 999_999}, 409, "no rules of version 999999"),
        ("week", {"person": "anna"}, 422, "door"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_in_words(desk, path, body, status, why):
    answer, said = asked(desk, path, **body)
    assert answer == status, said
    assert why in said["message"]


def test_nobody_asks_who_has_not_signed_in(desk):
    assert desk.client(None).get("/admin/api/rules").status_code == 401
    assert asked(desk, "try", None, person="anna", door="door")[0] == 401


@pytest.mark.parametrize(
    ("table", "words"),
    [("MODES", Mode), ("PASSBACK", AntiPassback), ("PUNCHES", TypeBy), ("SILENT", ("allow", "deny"))],
)
def test_every_word_of_a_choice_is_said_for_people(table, words):
    text = (FOLDER / "words.js").read_text(encoding="utf-8")
    said = dict(re.findall(r'(\w+): "([^"]*)"', re.search(rf"{table} = {{(.*)}};", text)[1]))
    assert said.keys() == {*map(str, words)}


def test_versions_without_their_texts(desk):
    desk.ask("rules_apply", text=RULES + "# another\n")
    versions = desk.client(Role.VIEWER).get("/admin/api/rules/versions").json()["versions"]
    assert versions[0]["by"] == "page:olga"
    assert "text" not in versions[0]


# The page


def at(page, row, hour):
    """A place on the row of a day, in pixels."""
    track = page.locator(f".day[aria-label^='{row}'] .track")
    track.scroll_into_view_if_needed()
    box = track.bounding_box()
    return box["x"] + box["width"] * hour / 24, box["y"] + box["height"] / 2


def drag(page, row, start, end):
    page.mouse.move(*at(page, row, start))
    page.mouse.down()
    page.mouse.move(*at(page, row, (start + end) / 2))
    page.mouse.move(*at(page, row, end))
    page.mouse.up()


def differs(page, lines):
    page.wait_for_selector(f".rules-bar :text('Draft: {lines} line')")


def save(page):
    page.click("text=Save…")
    page.click("dialog button.main")


def test_dragging_trying_and_saving(desk, chromium):
    page = desk.browse(chromium, Role.SECURITY, "rules")
    drag(page, "Sat", 15, 17)  # one more on Saturday
    page.wait_for_selector("[aria-label='sat, 15:00\u201317:00']")
    differs(page, 2)
    drag(page, "Tue", 19 - 0.05, 20)  # the end of the five days that have their periods together
    page.wait_for_selector("[aria-label='Fri, as mon-fri'] [aria-label='mon-fri, 07:00\u201320:00']")
    page.click("text=What differs")
    page.wait_for_selector(".difference .new")
    assert page.locator(".difference .new").all_inner_texts() == [
        '+ mon-fri = ["07:00-20:00"]\n',
        '+ sat = ["09:00-13:00", "15:00-17:00"]\n',
    ]
    page.click("dialog button.main")
    page.click(".tabs >> text=Try")
    page.fill("[name=person]", "anna")
    page.fill("[name=day]", SATURDAY)
    page.fill("[name=time]", "16:00")
    page.click("form button.main")
    page.wait_for_selector("text=By the draft: yes, office until 17:00")
    page.wait_for_selector("text=By the rules in force: no, outside schedule")
    page.click("text=Look")
    page.wait_for_selector("text=anna gains Sat 15:00\u201317:00 at door")
    assert in_force(desk)["text"] == RULES
    save(page)
    page.wait_for_selector("text=Nothing is changed")
    text = in_force(desk)["text"]
    assert text == RULES.replace("19:00", "20:00").replace('"09:00-13:00"', '"09:00-13:00", "15:00-17:00"')
    assert in_force(desk)["by"] == "page:olga"


def test_what_is_pressed_before_the_device_has_answered_waits_for_it(desk, chromium, wait_for):
    page, held = desk.browse(chromium, Role.SECURITY, "rules"), []

    def hold(route):
        held.append(route)

    def answer():
        wait_for(lambda: page.evaluate("1") and held)
        held.pop(0).continue_()

    page.wait_for_selector("text=Nothing is changed")
    page.route("**/admin/api/rules/draft", hold)
    drag(page, "Sat", 15, 17)
    answer()
    differs(page, 2)
    drag(page, "Sun", 8, 10)
    page.click("text=What differs")
    wait_for(lambda: page.evaluate("1") and held)
    assert page.locator("dialog[open]").count() == 0
    answer()
    page.wait_for_selector(".difference .new:has-text('08:00-10:00')")
    page.click("dialog button.main")
    drag(page, "Sun", 12, 13)
    page.click("text=Save…")
    answer()
    page.wait_for_selector("dialog .new:has-text('12:00-13:00')")  # what is agreed to is all that is saved
    page.click("dialog button:text-is('Cancel')")
    drag(page, "Sun", 14, 15)
    page.click(".tabs >> text=Days")
    for _ in range(2):
        answer()  # to the change, then to the part that opens
    page.click("text=What differs")
    page.wait_for_selector(".difference .new:has-text('14:00-15:00')")


def test_a_period_is_moved_over_midnight_undone_and_split_off(desk, chromium):
    page = desk.browse(chromium, Role.SECURITY, "rules")
    drag(page, "Sat", 11, 23)
    page.wait_for_selector("[aria-label='sat, 21:00\u201301:00 the next day']")
    assert page.locator("[aria-label='Sun'] .carried").count() == 1
    page.click("text=Undo")
    page.wait_for_selector("[aria-label='sat, 09:00\u201313:00']")
    page.click("[aria-label='Wed, as mon-fri'] .only")
    page.wait_for_selector("[aria-label='Wed'] [aria-label='wed, 07:00\u201319:00']")
    differs(page, 1)


def test_by_keyboard_alone(desk, chromium):
    page = desk.browse(chromium, Role.SECURITY, "rules/schedules/office")
    page.focus("[aria-label='sat, 09:00\u201313:00']")
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)
    page.wait_for_selector("[aria-label='sat, 09:30\u201313:45']:focus")
    differs(page, 2)
    page.wait_for_selector("[aria-label='sat, 09:30\u201313:45']:focus")  # drawn anew
    page.keyboard.press("Enter")
    page.keyboard.type("10:00")
    page.keyboard.press("Tab")
    page.wait_for_selector("[aria-label='sat, 10:00\u201313:45']")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "sat, period 1, to"
    page.keyboard.type("9:00")
    page.keyboard.press("Tab")
    page.wait_for_selector(".note.wrong:has-text('10:00-9:00')")
    page.wait_for_selector("[aria-label='sat, 10:00\u201313:45']")
    page.focus("[aria-label='sat, 10:00\u201313:45']")
    page.keyboard.press("Delete")
    page.wait_for_selector(".periods[aria-label=sat] em")
    page.focus(".rules-bar button:has-text('Save')")
    page.keyboard.press("Enter")
    page.focus("dialog button.main")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Nothing is changed")
    assert in_force(desk)["text"] == RULES.replace('["09:00-13:00"]', "[]")


def test_somebody_else_is_quicker_and_nothing_is_lost(desk, chromium):
    page = desk.browse(chromium, Role.SECURITY, "rules")
    drag(page, "Sun", 8, 10)
    differs(page, 1)
    theirs = RULES.replace('name = "Christmas"', 'name = "Xmas"')
    desk.ask("rules_apply", text=theirs)
    save(page)
    page.wait_for_selector("[role=alert]:has-text('Somebody else has put version')")
    page.wait_for_selector("[aria-label='sun, 08:00\u201310:00']")
    assert in_force(desk)["text"] == theirs
    page.click("text=Make my changes in theirs")
    differs(page, 1)
    save(page)
    page.wait_for_selector("text=Nothing is changed")
    assert in_force(desk)["text"] == theirs.replace('"]\n\n[[days', '"]\nsun = ["08:00-10:00"]\n\n[[days')


def test_the_draft_outlives_a_reload_and_a_viewer_may_only_try(desk, chromium):
    page = desk.browse(chromium, Role.VIEWER, "rules")
    drag(page, "Sun", 8, 10)
    differs(page, 1)
    page.reload()
    page.wait_for_selector("[aria-label='sun, 08:00\u201310:00']")
    page.wait_for_selector("text=security or an owner saves")
    assert page.locator("text=Save…").count() == 0
    page.click("text=Discard…")
    page.click("dialog button.main")
    page.wait_for_selector("text=Nothing is changed")


def test_special_days_doors_grants_text_and_history(desk, chromium):
    page = desk.browse(chromium, Role.SECURITY, "rules/days")
    page.click("text=Add…")
    page.fill("[name=name]", "Good Friday")
    page.select_option("[name=way]", "easter")
    page.fill("[name=easter]", "-2000")
    page.click("dialog button.main")
    page.wait_for_selector("[name=easter]:focus + [role=alert]:has-text('easter')")
    assert page.input_value("[name=name]") == "Good Friday"  # what was typed is still there
    page.fill("[name=easter]", "-2")
    page.click("dialog button.main")
    page.wait_for_selector("li:has-text('Good Friday')")
    page.click(".tabs >> text=Doors")
    page.click("summary >> text=door")
    page.select_option("label:text-is('Mode') + select", label="Unlocked by the schedule")
    page.wait_for_selector("label:text-is('Mode') + [aria-invalid] + [role=alert]:has-text('needs a schedule')")
    page.select_option("label:has-text('Unlocked in') + select", "office")  # the two together
    page.wait_for_selector("summary:has-text('mode: unlocked by the schedule')")
    page.click("text=Add a door…")
    for name, why in (("door", "already"), ("back door", "1 to 64 letters")):
        page.fill("[name=name]", name)
        page.click("dialog button.main")
        page.wait_for_selector(f"[name=name]:focus + [role=alert]:has-text('{why}')")
    assert page.input_value("[name=name]") == name
    page.keyboard.press("Escape")
    page.click(".tabs >> text=Who may")
    page.click("[aria-label='everybody at door: no']")
    page.check("[value=always]")
    page.click("dialog button.main")
    page.wait_for_selector("[aria-label='everybody at door: always']")
    page.click(".tabs >> text=Text")
    area = page.locator("textarea")
    assert "easter = -2" in area.input_value()
    area.fill(area.input_value() + "\n[doors.back]\nmode = 'open'\n")
    page.click("text=Check and take")
    page.click("text=/^line \\d+$/")
    assert (
        page.evaluate("(a => a.value.slice(a.selectionStart, a.selectionEnd))(document.activeElement)")
        == "mode = 'open'"
    )
    area.fill(area.input_value().replace("'open'", "'normal'"))
    page.click("text=Check and take")
    page.wait_for_selector(".note:has-text('The draft is this text now')")
    save(page)
    page.wait_for_selector("text=Nothing is changed")
    assert re.search(r'mode = "scheduled"[\s\S]*groups = \["\*"\][\s\S]*\[doors.back\]', in_force(desk)["text"])
    page.click(".tabs >> text=History")
    page.click("[aria-label^='Look at version'] >> nth=0")
    page.click("dialog button.main")
    save(page)
    page.wait_for_selector("text=Nothing is changed")
    assert in_force(desk)["text"] == RULES


def test_everybody_can_use_it(desk, chromium, axe):
    for dark in (False, True):
        page = desk.browse(chromium, Role.SECURITY, "rules", size=PHONE, dark=dark, bypass_csp=True)
        for part in PARTS[dark::2]:
            page.goto(f"{desk.url}/admin#/rules/{part}")
            page.wait_for_selector(f".tabs [aria-current][href$='{part}']")
            page.wait_for_selector(".view h2")
            assert violations(page, axe) == [], (part, dark)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], part


def test_a_browser_has_to_send_less_than_it_can(desk):
    assert asked(desk, "draft", text="#" * LONGEST_BODY, year=2026)[0] == 413


def test_a_finger_drags_as_well(desk, chromium):
    page = desk.browse(chromium, Role.SECURITY, "rules", size=PHONE, has_touch=True, is_mobile=True)
    touch = page.context.new_cdp_session(page)
    (x, y), (end, _) = at(page, "Sun", 6), at(page, "Sun", 12)
    for kind, points in (
        ("touchStart", [{"x": x, "y": y}]),
        ("touchMove", [{"x": x + 20, "y": y}]),
        ("touchMove", [{"x": end, "y": y}]),
        ("touchEnd", []),
    ):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_selector("[aria-label='sun, 06:00\u201312:00']")
    differs(page, 1)
