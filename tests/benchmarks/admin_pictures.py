"""Pictures of the page for admins, of an office whose people are made up, for `deploy/screenshots`.

`python -m tests.benchmarks.admin_pictures FOLDER [--all]`

With `--all` of every view, wide and on a phone, by day and by night, to be looked at.
"""

import argparse
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import cv2
from playwright.sync_api import TimeoutError as TooLate
from playwright.sync_api import sync_playwright

from agent.demo.story import FOLDER
from agent.trust.roles import Role
from tests.benchmarks.admin_office import office
from tests.benchmarks.screens import shoot
from tests.fakes.admin import PHONE, WIDE
from tests.fakes.axe import axe_source, violations

CLIP = FOLDER / "clip.mp4"
VIEWS = {
    "live": "", "visits": "live/visits", "unknown": "live/unknown", "plots": "live/plots", "people": "people",
    "person": "people/one/ada", "enrol": "people/enrol", "table": "people/table", "receipts": "people/receipts",
    "today": "attendance", "month": "attendance/month", "hours": "attendance/person/ada", "schedules": "rules",
    "days": "rules/days", "doors": "rules/doors", "grants": "rules/grants", "work": "rules/hours", "try": "rules/try",
    "text": "rules/text", "history": "rules/history", "audit": "audit", "device": "device", "models": "device/models",
    "backup": "device/backup", "keys": "device/keys", "forgetting": "device/forgetting",
    "configuration": "device/configuration", "account": "account",
}  # fmt: skip


def opened(browser, desk, view, size=WIDE, *, dark=False):
    """A page at a view, as somebody in Berlin has it."""
    told = {"locale": "en-GB", "timezone_id": "Europe/Berlin", "bypass_csp": True}
    page = desk.browse(browser, Role.OWNER, view, size=size, name="annika", dark=dark, **told)
    with suppress(TooLate):  # the page of the door goes on listening
        page.wait_for_load_state("networkidle", timeout=2500)
    return page


def everything(browser, desk, out):
    """Every view, wide and on a phone, by day and by night; says what axe finds."""
    source, why = axe_source()
    for name, size, dark in (("wide", WIDE, False), ("night", WIDE, True), ("phone", PHONE, False)):
        for view, path in VIEWS.items():
            page = opened(browser, desk, path, size, dark=dark)
            page.screenshot(path=out / f"{view}-{name}.png", full_page=True)
            print(view, name, violations(page, source) if source else why)
            page.context.close()


def documented(browser, desk, out):
    """The pictures of deploy/ADMIN-PAGE.md."""
    door = opened(browser, desk, "live")
    phone = opened(browser, desk, "live", PHONE)
    desk.agent.look()
    for page, name in ((door, "door"), (phone, "door-phone")):
        page.wait_for_selector("[data-outcome=granted] .scale", timeout=60_000)
        shoot(page, out / f"admin-{name}")
    for name, act in DOCUMENTED.items():
        page = opened(browser, desk, VIEWS[name])
        if act:
            act(page)
        shoot(page, out / f"admin-{name}")
        page.context.close()
    shoot(opened(browser, desk, VIEWS["today"], PHONE), out / "admin-today-phone")
    page = desk.browse(browser, None, locale="en-GB")
    shoot(page, out / "admin-sign-in")


def refused(page):
    """Photos to be enrolled: one is a face, one is none, one is of somebody who is known."""
    page.fill("[name=name]", "Rita Novak")
    photos = stranger()
    page.set_input_files("[type=file]", [photo("front.png", photos[0]), photo("side.png", photos[1])])
    page.wait_for_selector("text=2 of 2 photos are good")
    page.set_input_files("[type=file]", [photo("dark.png", photos[2]), photo("hall.png", photos[3])])
    page.wait_for_selector("text=2 of 4 photos are good")


def stranger():
    """Frames of the clip: somebody who is not enrolled, twice, too dark, and the empty hall."""
    clip = cv2.VideoCapture(str(CLIP))
    frames = [clip.read()[1] for _ in range(210)]
    return [frames[170], frames[200], frames[185] // 10, frames[3]]


def photo(name, image):
    return {"name": name, "mimeType": "image/png", "buffer": cv2.imencode(".png", image)[1].tobytes()}


def tried(page):
    """A draft that opens on Saturdays, and who gains by it."""
    page.goto(page.url.replace("/try", "/schedules"))
    page.click("[aria-label='Days to add']")
    page.select_option("[aria-label='Days to add']", "sat")
    page.click("text=Add days")
    page.click("[aria-label='+ period, sat']")
    page.wait_for_selector("[aria-label^='sat, 08:00']")
    page.goto(page.url.replace("/schedules", "/try"))
    page.fill("[name=person]", "anton.berg")
    page.fill("[name=day]", "2026-11-28")
    page.fill("[name=time]", "10:30")
    page.click("form button.main")
    page.wait_for_selector(".strip")
    page.click("text=Look")
    page.wait_for_selector("li.good")


def found(page):
    page.click("text=Check the chain")
    page.wait_for_selector(".good:has-text('Whole')")


def whole(page):
    page.wait_for_selector("text=Times are those of")


DOCUMENTED = {
    "people": None, "person": None, "enrol": refused, "schedules": None, "try": tried, "month": whole,
    "hours": None, "audit": found, "models": None, "plots": None,
}  # fmt: skip


def main(arguments=None):
    """Makes the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--all", action="store_true", help="every view, also by night and on a phone")
    chosen = parser.parse_args(arguments)
    out = chosen.folder
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as started, office(Path(place)) as desk:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        (everything if chosen.all else documented)(browser, desk, out)
        browser.close()
        print(*desk.said, sep="\n")


if __name__ == "__main__":
    main()
