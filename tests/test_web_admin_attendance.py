"""The view of attendance: who may see it, what it shows, correcting, and files that are those of the command line."""

import getpass
import io
import re
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from agent.attendance.punch import Clock
from agent.cli import main
from agent.rules_in_force import load_rules
from agent.seal.keyring import site_key
from agent.store import people, punches
from agent.store.db import open_db
from agent.store.members import set_groups
from agent.timeclock import Terminal
from agent.timeclock import punch as timeclock_punch
from agent.trust.roles import Role
from tests.fakes import timeclock
from tests.fakes.admin import PHONE, RULES, admin_agent
from tests.fakes.agents import recorded
from tests.fakes.axe import violations
from tests.fakes.terminal import forget_logging

SHIFTS = """
[shifts.day]
schedule = "office"
break_minutes = 30

[[work]]
groups = ["staff"]
shift = "day"
"""
OCTOBER = """
2026-10-01: in 07:00 ( 12:00 ) 12:30 out 19:00
2026-10-02: in 07:40 out 19:00
2026-10-05: in 07:00
2026-10-24: in 22:00 out 06:00+1
"""
NIGHT = "2026-10-25"  # on which 02:30 comes twice in Berlin


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    rules = RULES.replace("[attendance]\n", "[attendance]\nenabled = true\n") + SHIFTS
    folder = tmp_path_factory.mktemp("attendance")
    with pytest.MonkeyPatch.context() as patch, admin_agent(folder, patch, rules) as started:
        config, now = started.agent.config, datetime.now(UTC)
        with open_db(config.database_path, key=site_key(config)) as db, db.transaction():
            people.add_person(db, "carla", name="Carla Díaz", at=datetime(2026, 1, 1, tzinfo=UTC))
            set_groups(db, "carla", ["staff"])
            today = [timeclock.punch("in", now - timedelta(minutes=90), "carla", device="door")]
            for each in timeclock.punches(OCTOBER, "carla", device="door") + today:
                punches.append(db, each)
        yield started


def month(desk, person="carla", which="2026-10", role=Role.OPERATOR):
    return desk.client(role).get(f"/admin/api/attendance/month?month={which}&person={person}").json()


def day(desk, which, **more):
    return next(each for each in month(desk, which=which[:7], **more)["days"] if each["day"] == which)


def correct(desk, role=Role.OPERATOR, **told):
    answer = desk.client(role, "omar").post("/admin/api/attendance/correct", json={"why": "forgot"} | told)
    return answer.status_code, answer.json()


# What can be asked


@pytest.mark.parametrize("path", ["today", "month", "month?person=carla", "year?year=2026&person=carla"])
def test_who_may_ask(desk, path):
    asked = f"/admin/api/attendance/{path}"
    assert desk.client(Role.VIEWER).get(asked).status_code == 200
    assert desk.client(Role.ENROLLER).get(asked).json()["code"] == "not_permitted"
    assert desk.client(None).get(asked).status_code == 401


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("today?seen=" + "x" * 65, 422, "at most 64 characters"),
        ("today?person=carla", 422, "person: Extra inputs"),
        ("month?month=2026-13", 422, "'2026-13' is not a month"),
        ("month?month=2026-10&month=2026-11", 422, "month: once is enough"),
        ("month?person=..%2Fx", 422, "person: want 1 to 64 of"),
        ("month?person=nobody", 409, "nobody is enrolled as 'nobody'"),
        ("year?year=26&person=carla", 422, "year: "),
        ("year?year=2026", 422, "person: Field required"),
        ("month?month=1969-12", 422, "is not a month"),
        ("month?month=2200-02", 422, "is not a month"),
        ("year?year=9999&person=carla", 422, "year"),
        ("export?kind=pdf", 422, "kind: Input should be 'csv', 'xlsx' or 'html'"),
        ("export?kind=csv&month=x", 422, "month: want a month, as in 2026-11"),
        ("export?kind=csv", 422, "month: Field required"),
        ("export?kind=csv&month=2026-10&person=nobody", 409, "nobody is enrolled"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(desk, path, status, says):
    answer = desk.client().get(f"/admin/api/attendance/{path}")
    assert (answer.status_code, says in answer.json()["message"]) == (status, True), answer.text


@pytest.mark.parametrize("which", ["1970-01", "2199-12"])
def test_the_first_and_the_last_month_there_are(desk, which):
    assert len(month(desk, which=which)["days"]) == 31
    year = desk.client().get(f"/admin/api/attendance/year?year={which[:4]}&person=carla").json()
    assert (year["person"], year["months"]) == ("carla", [])  # she had not come yet; it is yet to come


def test_today_is_told_once_until_something_happens(desk):
    client = desk.client(Role.VIEWER)
    told = client.get("/admin/api/attendance/today").json()
    assert [each["state"] for each in told["people"] if each["person"] == "carla"] == ["in"]
    for _ in range(2):  # a minute may have ended in between
        seen = client.get(f"/admin/api/attendance/today?seen={told['mark']}").json()
        if seen == {"mark": told["mark"]}:
            return
        told = seen
    pytest.fail("it is told again and again")


def by_hand(desk, folder, *asked):
    """The file that the command line writes."""
    data = f"device.data_dir={desk.agent.config.device.data_dir}"
    assert main(["report", "attendance", "--month", "2026-10", *asked, "--out", str(folder / "x"), "--set", data]) == 0
    forget_logging()
    return (folder / "x").read_bytes()


def sheets(file):
    with zipfile.ZipFile(io.BytesIO(file)) as book:
        return {name: book.read(name) for name in book.namelist() if "sheet" in name.lower()}


SAME = {
    "csv": bytes,
    "html": lambda file: re.sub(rb"made [0-9: -]+", b"", file),
    "xlsx": sheets,  # beside them it holds when it was made
}


@pytest.mark.parametrize("person", ["carla", None])
@pytest.mark.parametrize("kind", SAME)
def test_a_file_is_that_of_the_command_line(desk, kind, person, tmp_path):
    asked = f"/admin/api/attendance/export?month=2026-10&kind={kind}&person={person or ''}"
    answer = desk.client(Role.VIEWER).get(asked)
    name = f"attendance-2026-10{'-carla' if person else ''}.{kind}"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    theirs = by_hand(desk, tmp_path, f"--{kind}", *(["--person", person] if person else []))
    assert SAME[kind](answer.content) == SAME[kind](theirs)
    assert b"carla" in answer.content or kind == "xlsx"


@pytest.mark.parametrize("person", ["carla", None])
def test_who_takes_a_file_away_is_in_the_audit_on_the_page_as_on_the_command_line(desk, person, tmp_path):
    asked = f"/admin/api/attendance/export?month=2026-10&kind=csv&person={person or ''}"
    assert desk.client(Role.VIEWER).get(asked).status_code == 200
    by_hand(desk, tmp_path, "--csv", *(["--person", person] if person else []))
    page, typed = recorded(desk.agent.config, "audit")[-2:]
    assert (page.body["by"], typed.body["by"]) == ("page:olga", f"cli:{getpass.getuser()}")
    for row in (page.body, typed.body):
        assert (row["action"], row["subject"]) == ("report_exported", person)
        told = dict(row["details"])
        assert told.pop("people") >= 1
        assert told == {"report": "attendance", "kind": "csv", "month": "2026-10"}
    assert page.body["details"] == typed.body["details"]


def test_what_is_refused_or_only_looked_at_is_not(desk):
    before = len(recorded(desk.agent.config, "audit"))
    client = desk.client(Role.VIEWER)
    assert client.get("/admin/api/attendance/export?month=2026-10&kind=html&person=nobody").status_code == 409
    assert client.get("/admin/api/attendance/month?month=2026-10&person=carla").status_code == 200
    assert "report_exported" not in [row.body["action"] for row in recorded(desk.agent.config, "audit")[before:]]


# Correcting


def test_a_time_is_read_by_the_clock_on_the_wall_and_the_account_says_so(desk):
    status, told = correct(desk, person="carla", at="2026-10-06T07:00", type="in", by="somebody else")
    assert (status, told["data"]["at"], told["data"]["says"]) == (200, "2026-10-06T05:00:00.000Z", "omar")
    assert (recorded(desk.agent.config, "audit")[-1].body["by"]) == "page:omar"
    (added,) = day(desk, "2026-10-06")["punches"]
    assert (added["how"], added["counts"]["at"]) == ("added", "2026-10-06T07:00:00+02:00")
    assert added["said"][0]["why"] == "forgot"
    (seen,) = day(desk, "2026-10-06", role=Role.VIEWER)["punches"]  # who does not see why: that may be private
    assert ("why" in seen["said"][0], seen["counts"]) == (False, added["counts"])
    assert correct(desk, punch=added["id"], void=True)[0] == 200
    assert day(desk, "2026-10-06")["punches"][0]["counts"] is None


def test_a_time_that_comes_twice_is_asked_back(desk):
    status, told = correct(desk, person="carla", at=f"{NIGHT}T02:30", type="out")
    assert (status, told["readings"]) == (422, [f"{NIGHT}T02:30:00+02:00", f"{NIGHT}T02:30:00+01:00"])
    assert "comes twice in Europe/Berlin" in told["message"]


@pytest.mark.parametrize(
    ("told", "status", "says"),
    [
        pytest.param({"punch": "nothing", "void": True}, 409, "no punch or correction has the id", id="no such punch"),
        pytest.param({"person": "carla", "at": "8 o'clock", "type": "in"}, 422, "is not a time", id="no time"),
        pytest.param({"person": "carla", "at": 3, "type": "in"}, 422, "at", id="a number"),
        pytest.param({"person": "carla", "type": "in"}, 422, "needs a time and a type", id="nothing said"),
        pytest.param({"person": "carla", "at": "2026-10-07T08:00", "type": "in", "why": ""}, 422, "why", id="no why"),
        pytest.param({"person": "carla", "at": "2199-10-07T08:00", "type": "in"}, 422, "has not come yet", id="future"),
    ],
)
def test_a_correction_without_sense_is_refused(desk, told, status, says):
    answer = correct(desk, **told)
    assert (answer[0], says in answer[1]["message"]) == (status, True), answer


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ENROLLER])
def test_who_may_not_correct(desk, role):
    assert correct(desk, role, person="carla", at="2026-10-07T08:00", type="in")[1]["code"] == "not_permitted"


def test_too_long_a_correction(desk):
    assert correct(desk, person="carla", why="x" * 5000)[0] == 413


# The page


def test_from_today_to_a_correction_and_the_file_of_it(desk, chromium):
    page = desk.browse(chromium, Role.OPERATOR, "attendance", name="omar")
    page.wait_for_selector(".tile")
    page.wait_for_selector("tr:has-text('Carla') .tag:text-is('in')")
    with open_db(desk.agent.config.database_path) as db:
        came = Terminal("home", "door", "b1"), "ben", datetime.now(UTC)
        timeclock_punch(db, load_rules(db), *came, key="in", uptime=1.0, clock=Clock.SYNCHRONISED)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # sooner than in five seconds
    page.wait_for_selector("tr:has-text('Ben Haddad') .tag:has-text('in')")
    page.click("a:has-text('Carla') >> nth=0")
    page.wait_for_selector("h1:has-text('Carla')")
    page.goto(f"{desk.url}/admin#/attendance/person/carla/2026-10")
    page.click("[data-day='2026-10-02'] button")
    page.click("[aria-label='Correct: 07:40 in']")
    page.fill("dialog [name=time]", "07:00:00")
    page.fill("dialog [name=why]", "the bus was late")
    page.click("dialog .main")
    entry = page.locator("[data-punch]", has_text="was 07:40 in")
    entry.wait_for()
    assert entry.locator("strong").inner_text() == "07:00 in"
    assert "omar" in entry.inner_text()
    assert "the bus was late" in entry.inner_text()
    page.wait_for_selector("tr[data-day='2026-10-02']:focus-within")
    page.click("[aria-label='Correct: 19:00 out']:visible")
    page.select_option("dialog [name=type]", "break_start")
    page.fill("dialog [name=why]", "she came back")
    page.click("dialog .main")
    page.locator("[data-punch]", has_text="was 19:00 out").wait_for()
    (_, changed) = day(desk, "2026-10-02")["punches"]
    assert (changed["said"][0]["at"], changed["said"][0]["type"]) == (None, "break_start")
    page.click("[aria-label^='Take back: break start']")
    page.fill("dialog [name=why]", "she did not")
    page.click("dialog .main")
    page.wait_for_selector(".opened:visible li li:has-text('taken back')")
    with page.expect_download() as download:
        page.click("a:has-text('CSV')")
    assert download.value.suggested_filename == "attendance-2026-10-carla.csv"
    assert "2026-10-02T07:00:00+02:00" in download.value.path().read_text()
    page.goto(f"{desk.url}/admin#/attendance/month/2026-10")
    page.wait_for_selector("tr:has(.spark):has-text('Carla')")
    assert desk.said == []


def test_a_missing_punch_at_a_time_that_comes_twice(desk, chromium):
    page = desk.browse(chromium, Role.OPERATOR, "attendance/person/carla/2026-10", size=PHONE, dark=True)
    page.click(f"[data-day='{NIGHT}'] button")
    page.wait_for_selector(".opened:visible:has-text('this day has 25 hours')")
    page.click(".opened:visible >> text=Add a punch")
    page.fill("dialog [name=time]", "02:30:00")
    page.fill("dialog [name=why]", "twice")
    page.click("dialog .main")
    page.select_option("dialog [name=reading]", f"{NIGHT}T02:30:00+01:00")
    assert page.locator("dialog [name=why]").input_value() == "twice"
    page.click("dialog .main")
    page.wait_for_selector(".punches strong:has-text('02:30 (+01:00) in')")
    page.click("summary:has-text('The year 2026')")
    page.wait_for_selector(".heat rect")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    assert [each for each in desk.said if "422" not in each] == []  # Chromium says that a request was refused
    desk.said.clear()


@pytest.mark.parametrize("view", ["attendance", "attendance/month/2026-10", "attendance/person/carla/2026-10"])
def test_everybody_can_use_it(desk, chromium, view, axe):
    page = desk.browse(chromium, Role.OPERATOR, view, dark="person" in view)
    page.wait_for_selector(".plot, .days")
    if "person" in view:
        page.click("[data-day='2026-10-02'] button")
    assert violations(page, axe) == []
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_an_enroller_sees_who_is_in_and_no_more(desk, chromium):
    page = desk.browse(chromium, Role.ENROLLER, "attendance")
    page.wait_for_selector("li:text-is('Carla Díaz (door)')")
    assert desk.said == []
