"""The views of the audit and of the device, as Chromium shows them."""

import hashlib
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.backup.content import read_manifest
from agent.backup.keys import BackupKey
from agent.backup.stream import Opened
from agent.store import admins
from agent.store.db import open_db
from agent.trust.keys import Admin, SigningKey
from agent.trust.roles import Role
from tests.fakes.admin import PHONE, admin_agent
from tests.fakes.axe import violations


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, admin_agent(tmp_path_factory.mktemp("device"), patch) as started:
        yield started


@pytest.fixture
def browse(desk, chromium):
    """Opens a view; what the console says meanwhile is an error."""
    desk.said.clear()
    yield lambda view, role=Role.OWNER, **more: desk.browse(chromium, role, view, **more)
    assert [each for each in desk.said if "409 (Conflict)" not in each] == []  # a refusal is no error of ours


def test_rows_are_searched_and_cleared(browse):
    page = browse("audit")
    page.wait_for_selector(".log li:has-text('rules applied')")
    page.select_option("select", "enrolled")
    page.get_by_label("About").fill("ANNA")
    page.get_by_role("button", name="Search").click()
    page.wait_for_selector("text=/^1 row$/")
    page.wait_for_selector(".log li:has-text('enrolled anna')")
    page.get_by_role("button", name="Clear").click()
    page.wait_for_selector(".log li:has-text('rules applied')")


def test_the_chain_is_checked_and_a_row_that_was_changed_is_named(browse, desk):
    page, check = browse("audit"), "button:has-text('Check the chain')"
    page.click(check)
    page.wait_for_selector("text=/Whole: \\d+ rows/")
    page.get_by_label("Compare with").fill(page.locator(".anchor:has-text('@')").inner_text())
    page.click(check)
    page.wait_for_selector("text=and fits the anchor")
    with open_db(desk.agent.config.database_path) as db:
        whole = db.rows("SELECT details FROM audit WHERE number = 2")[0][0]
        with db.transaction() as sql:
            sql.execute("UPDATE audit SET details = '{\"templates\":9}' WHERE number = 2")
        page.click(check)
        page.wait_for_selector("text=Broken: row 2 was changed")
        with db.transaction() as sql:
            sql.execute("UPDATE audit SET details = ? WHERE number = 2", (whole,))
    with page.expect_download() as saved:
        page.click("text=Save all as JSON lines")
    assert saved.value.suggested_filename == "home-door-audit.jsonl"


def test_a_backup_is_made_to_a_pair_of_keys_made_here_and_opens(browse):
    page = browse("device/backup")
    with page.expect_download() as saved:
        page.click("text=Make a new pair of keys")
    key = BackupKey.parse(Path(saved.value.path()).read_text(), "the file")
    assert page.get_by_label("Public backup key").input_value() == key.recipient.text
    page.click("text=Back up now")
    page.wait_for_selector("text=Save the backup")
    with page.expect_download() as saved:
        page.click("text=Save the backup")
    data = Path(saved.value.path()).read_bytes()
    assert hashlib.sha256(data).hexdigest() in page.inner_text(".view")
    assert read_manifest(Opened(io.BytesIO(data), key)).device == "door"


def test_a_broken_bundle_is_refused_in_words_beside_the_cards_of_the_models(browse):
    page = browse("device/models", dark=True)
    for kind in ("Detector", "Aligner"):
        page.wait_for_selector(f"section[aria-label={kind}]:has-text('latchkey-{kind.lower()}-1-b10c0000')")
    page.wait_for_selector("text=from a similarity of")
    page.wait_for_selector("figure.plot line.mark", state="attached")
    assert page.locator("figure.plot line.mark").count() == 1
    page.set_input_files("input[type=file]", {"name": "x", "mimeType": "", "buffer": b"x" * (2**20 + 1)})
    page.click("text=Test it and bring it into force")
    page.wait_for_selector("text=Nothing was changed: no bundle of models")


def test_what_was_kept_long_enough_is_shown_then_forgotten_with_a_receipt(browse, desk):
    ended = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    assert desk.ask("person_set", person="ben", visitor=True, valid_to=ended)[1]["ok"]
    page = browse("device/forgetting", Role.SECURITY)
    page.wait_for_selector("text=/ben, a visitor whose time is over/")
    page.click("text=Forget it now")
    page.click("dialog button.main")
    page.wait_for_selector("text=This computer says")  # nobody has set the device's clock
    page.click("dialog button.main")
    page.wait_for_selector("text=/ben, receipt \\w{26}/")
    page = browse("audit", Role.SECURITY)
    page.wait_for_selector(".log em:has-text('erased')")
    page.click("text=Receipts of deletions")
    page.wait_for_selector(".receipts li:has-text('ben (visitor)')")
    page.wait_for_selector(".receipts small:has-text('deleted (')")


def test_a_key_is_revoked_after_a_question(browse, desk):
    with open_db(desk.agent.config.database_path) as db:
        admins.add(db, Admin(SigningKey(bytes(32)).public, "vera", Role.VIEWER), datetime.now(UTC), "cli")
    page = browse("device/keys", size=PHONE)
    page.get_by_role("button", name="Revoke vera's key").click()
    page.click("dialog button.main")
    page.wait_for_selector("li:has-text('vera') .tag:has-text('revoked')")


def test_a_job_under_way_is_given_up_after_a_question(browse):
    page, asked = browse("account"), []
    job = {
        "job": "running",
        "id_of": "j-1",
        "verb": "backup",
        "by": "page:olga",
        "done": 3,
        "of": 9,
        "note": "snapshot",
    }

    def cancelled(route):
        asked.append(route.request.post_data_json["id_of"])
        route.fulfill(json={"ok": True, "data": {}})

    page.route("**/admin/api/jobs", lambda route: route.fulfill(json={"jobs": [job]}))
    page.route("**/ask/job_cancel", cancelled)
    page.click("#nav a:has-text('Device')")
    page.wait_for_selector("progress[value='3'] >> xpath=.. >> text=snapshot")
    page.click("text=Give up")
    with page.expect_response("**/ask/job_cancel"):
        page.click("dialog button.main")
    page.wait_for_selector("dialog", state="detached")
    assert asked == ["j-1"]


def test_each_role_sees_the_parts_that_it_may(browse):
    page = browse("device", Role.VIEWER)
    assert page.locator(".parts a").all_inner_texts() == ["Overview", "Models", "Keys"]
    page.wait_for_selector(".findings:has-text('Clock')")
    page.goto(page.url + "/backup")  # not for a viewer
    page.wait_for_selector("h1:text-is('Device')")


def test_everybody_can_use_it(browse, axe):
    page, found = browse("audit", dark=True), []
    for part in ("", "models", "backup", "keys", "forgetting", "configuration"):
        found += violations(page, axe)
        page.goto(f"{page.url.partition('#')[0]}#/device/{part}")
        page.wait_for_selector(f".tabs [aria-current]:text-is('{part.title() or 'Overview'}')")
        page.wait_for_selector("section.card, form.card")
    found += violations(page, axe)
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
