"""The view of people: what it asks beyond the verbs, and what is done in it with a browser."""

import base64
import csv
import io
import json
from datetime import UTC, datetime

import pytest

from agent.store import events
from agent.store import people as store
from agent.store.db import open_db
from agent.trust.roles import Role
from agent.vision.pictures import decode_picture
from tests.fakes.admin import PHONE, WIDE, admin_agent
from tests.fakes.agents import recorded
from tests.fakes.axe import violations
from tests.fakes.blocks import GREEN, RED, Block, paint, png

VIEWS = {
    "people": "tbody tr",
    "people/one/anna": "text=Particulars",
    "people/enrol": "text=From photos",
    "people/table": "text=No table yet",
    "people/receipts": "h1:has-text('Receipts')",
}
CONFLICT = "Failed to load resource: the server responded with a status of 409 (Conflict)"
DROPPED = """([name, text]) => {
    const told = new DataTransfer(), bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
    told.items.add(new File([bytes], name, { type: "image/png" }));
    return told;
}"""
GOOD = png(paint(Block(GREEN)))


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    told = {"privacy__consent_text": "Faces, version 2", "security__keep_crops": True}
    with (
        pytest.MonkeyPatch.context() as patch,
        admin_agent(tmp_path_factory.mktemp("admin"), patch, **told) as started,
    ):
        yield started


def judge(desk, *photos, **more):
    told = {"photos": [base64.b64encode(photo).decode() for photo in photos], **more}
    answer = desk.client().post("/admin/api/people/judge", json=told)
    assert answer.status_code == 200, answer.text
    return answer.json()["photos"]


def people(desk):
    with open_db(desk.agent.config.database_path) as db:
        return {person.id: person for person in store.list_people(db)}


# The list, and one person


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", {"anna", "ben"}),
        ("?search=1042", {"anna"}),
        ("?group=staff", {"anna"}),
        ("?state=suspended", set()),
        ("?lacks=template", set()),
        ("?lacks=consent&order=ends&limit=1&offset=1", {"ben"}),
    ],
)
def test_a_viewer_finds_people(desk, query, ids):
    told = desk.client(Role.VIEWER).get(f"/admin/api/people{query}").json()
    assert {each["id"] for each in told["people"]} & {"anna", "ben"} == ids
    assert told["count"] >= len(ids)


@pytest.mark.parametrize(
    "query", ["?limit=0", "?limit=201", "?offset=-1", "?state=dead", "?order=x", "?surprise=1", "?search=" + "x" * 129]
)
def test_a_question_that_will_not_do_is_refused(desk, query):
    answer = desk.client().get(f"/admin/api/people{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_request")


def test_tells_what_the_view_has_to_know(desk):
    told = desk.client(Role.VIEWER).get("/admin/api/people/about").json()
    assert (told["consent_text"], told["zone"], told["keep_crops"]) == ("Faces, version 2", "Europe/Berlin", True)
    assert told["people"] >= 2
    assert told["groups"]["staff"] >= 1


def test_one_person_has_their_face_in_words(desk):
    told = desk.client(Role.SECURITY).get("/admin/api/people/one/anna").json()
    (shot,) = told["shots"]
    assert (told["badge"], shot["event"], shot["crop"], shot["in_use"]) == ("1042", None, True, True)
    assert {each["what"] for each in shot["measures"]} == {"face_px", "sharpness", "yaw", "exposure", "contrast"}
    assert told["visits"] == []


def test_where_somebody_was_is_not_for_enrollers(desk):
    assert desk.client(Role.ENROLLER).get("/admin/api/people/one/anna").json()["visits"] is None


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_what_a_face_was_like_is_not_for_who_may_not_ask_templates(desk, role):
    told = desk.client(role).get("/admin/api/people/one/anna").json()
    assert (told["shots"], told["templates"]) == (None, 1)


def test_nobody_is_told_as_such(desk):
    answer = desk.client().get("/admin/api/people/one/nobody")
    assert (answer.status_code, answer.json()["code"]) == (409, "unknown_person")


def test_each_look_at_a_picture_is_in_the_audit(desk):
    client = desk.client(Role.ENROLLER, "emil")
    shot = client.get("/admin/api/people/one/anna").json()["shots"][0]["id"]
    told = client.post(f"/admin/api/people/one/anna/crop/{shot}")
    assert base64.b64decode(told.json()["jpeg"]).startswith(b"\xff\xd8")
    last = recorded(desk.agent.config, "audit")[-1].body
    assert (last["action"], last["by"], last["subject"], last["details"]) == (
        *("crop_seen", "page:emil", "anna"),
        {"template": shot},
    )
    assert client.post(f"/admin/api/people/one/ben/crop/{shot}").json()["code"] == "no_crops"
    assert desk.client(Role.VIEWER).post(f"/admin/api/people/one/anna/crop/{shot}").status_code == 403


# Photos, judged


@pytest.mark.parametrize(
    ("photo", "code"),
    [
        pytest.param(b"GIF89a no picture", "not_a_picture", id="no picture"),
        pytest.param(png(paint()), "no_face", id="nobody"),
        pytest.param(png(paint(Block(GREEN, x=60), Block(RED, x=400))), "two_faces", id="two people"),
        pytest.param(png(paint(Block(GREEN, px=48))), "too_small", id="far away"),
        pytest.param(png(paint(Block(RED, tint=3))), "duplicate_person", id="somebody known"),
    ],
)
def test_a_bad_photo_has_its_reason(desk, photo, code):
    before = len(people(desk))
    (told,) = judge(desk, photo, person="mia")
    assert (told["ok"], told["code"]) == (False, code)
    assert told["message"]
    assert len(people(desk)) == before


def test_a_good_photo_has_its_words(desk):
    (told,) = judge(desk, GOOD, person="mia")
    assert told["ok"]
    assert {"face", "score", "measures"} <= told.keys()


def test_photos_of_two_people_are_told_apart_and_a_bad_one_keeps_its_own_reason(desk):
    told = judge(desk, GOOD, png(paint()), png(paint(Block(GREEN, tint=2))), png(paint(Block(RED))), person="mia")
    assert [each.get("code") for each in told] == [None, "no_face", None, "different_people"]
    assert "another person than in photo" in told[3]["message"]


def test_somebodys_own_face_is_no_duplicate(desk):
    assert judge(desk, png(paint(Block(RED, tint=4))), person="anna")[0]["ok"]
    assert judge(desk, GOOD, person="anna")[0]["code"] == "different_people"
    assert judge(desk, GOOD, person="anna", replace=True)[0]["ok"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"photos": []},
        {"photos": ["%"]},
        {"photos": "x"},
        {"photos": ["AA=="] * 21},
        {"photos": ["AA=="], "person": 3},
    ],
)
def test_what_is_no_question_is_refused(desk, body):
    answer = desk.client().post("/admin/api/people/judge", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_request")


def test_a_viewer_has_nothing_judged(desk):
    viewer = desk.client(Role.VIEWER)
    assert viewer.post("/admin/api/people/judge", json={"photos": ["AA=="]}).status_code == 403
    assert viewer.post("/admin/api/people/table", json={"text": "id\nx\n"}).status_code == 403


# A table


def test_a_table_is_looked_at_line_by_line(desk):
    body = {"text": "\ufeffid;name;photos\nzoe;Zoe;z.jpg\nben;Ben Haddad;\n", "photos": ["z.jpg"]}
    told = desk.client(Role.ENROLLER).post("/admin/api/people/table", json=body).json()["lines"]
    assert [(each["person"], each["becomes"], each["photos"]) for each in told] == [
        ("zoe", "added", ["z.jpg"]),
        ("ben", "unchanged", []),
    ]
    assert "zoe" not in people(desk)


def test_what_a_line_says_is_what_the_verb_takes(desk):
    heads = "id,groups,badge,from,to,state,factors,extended,visitor,notes"
    body = {"text": f"{heads}\nvic,a;b,7,2026-01-01,2026-02-01,suspended,card+pin,yes,yes,x\n"}
    (told,) = desk.client().post("/admin/api/people/table", json=body).json()["lines"]
    status, answer = desk.ask("person_set", person="vic", create=True, **told["changes"])
    assert (status, answer["data"]["groups"], answer["data"]["factors"]) == (200, ["a", "b"], "card+pin")
    desk.ask("remove", person="vic")


# In a browser


def test_the_list_is_searched_and_filtered(desk, chromium):
    page = desk.browse(chromium, Role.VIEWER, "people")
    page.wait_for_selector("td >> text=Anna Berg")
    assert page.locator("a.button").count() == 0
    page.fill("input[type=search]", "HADDAD")
    page.wait_for_selector("text=1 to 1 of 1")
    assert page.locator("tbody tr").count() == 1
    page.fill("input[type=search]", "")
    page.click(".chip:has-text('No face')")
    page.wait_for_selector("text=Nobody is like that.")
    page.click("text=Everybody")
    page.select_option("select >> nth=0", "staff")
    page.wait_for_selector("tbody tr >> nth=0 >> text=Anna Berg")
    assert desk.said == []


def test_somebody_is_enrolled_suspended_and_removed_with_a_receipt(desk, chromium, tmp_path):
    page = desk.browse(chromium, Role.SECURITY, "people/enrol")
    page.fill("input[name=name]", "Mia Ölund")
    assert page.input_value("input[name=person]") == "mia.olund"
    sent = []
    page.on("request", lambda asked: sent.append(asked) if asked.url.endswith("/judge") else None)
    large = png(paint(Block(GREEN, px=600, x=1000, y=600), size=(3200, 2400)))
    page.set_input_files("input[type=file]", [{"name": "good.png", "mimeType": "image/png", "buffer": large}])
    page.wait_for_selector("text=1 of 1 photos are good.")
    (photo,) = sent[0].post_data_json["photos"]
    assert decode_picture(base64.b64decode(photo)).shape == (1200, 1600, 3)
    dropped = page.evaluate_handle(DROPPED, ["nobody.png", base64.b64encode(png(paint())).decode()])
    page.dispatch_event(".drop", "drop", {"dataTransfer": dropped})
    page.wait_for_selector("li:has-text('nobody.png') >> text=no face was found")
    page.wait_for_selector("text=1 of 2 photos are good.")
    assert page.is_disabled("button.main:has-text('Enrol')")
    page.click("[aria-label='Take nobody.png away']")
    page.wait_for_selector("text=1 of 1 photos are good.")
    page.check("text=They have agreed to this text")
    page.click("button.main:has-text('Enrol')")
    page.wait_for_selector("h1:has-text('Mia Ölund')")
    assert people(desk)["mia.olund"].consent.text == "Faces, version 2"

    page.click("text=Suspend")
    page.wait_for_selector("h1 .tag:has-text('suspended')")
    page.fill("input[name=groups]", "staff, night")
    page.click("button.main:has-text('Save')")
    page.wait_for_selector("text=Saved.")
    mia = people(desk)["mia.olund"]
    assert (mia.state, mia.groups) == ("suspended", ("night", "staff"))

    page.click("button.danger:has-text('Remove')")
    page.wait_for_selector("dialog >> text=What happened stays")
    page.click("dialog button.main")
    page.wait_for_selector("dl >> text=1 deleted")
    with page.expect_download() as waiting:
        page.click("text=Download")
    receipt = json.loads(waiting.value.path().read_text())
    assert (receipt["person"], receipt["rule"], receipt["deleted"]["templates"]) == ("mia.olund", "removed", 1)
    assert "mia.olund" not in people(desk)
    assert desk.said == []


def test_what_is_typed_before_what_was_saved_is_drawn_stays(desk, chromium, wait_for):
    page, held = desk.browse(chromium, Role.SECURITY, "people/one/ben"), []

    def hold(route):
        held.append(route)

    page.fill("[name=notes]", "one")
    page.route("**/admin/api/people/one/ben", hold)
    page.click("button.main:has-text('Save')")
    page.wait_for_selector("text=Saved.")
    wait_for(lambda: page.evaluate("1") and held)
    page.fill("[name=notes]", "one and two")
    page.check("[name=extended]")
    page.focus("[name=notes]")
    page.evaluate("document.querySelector('.view form').id = 'before'")
    held[0].continue_()
    page.unroute("**/admin/api/people/one/ben")
    page.wait_for_selector(".view form:not(#before) [name=notes]:focus")
    assert (page.input_value("[name=notes]"), page.is_checked("[name=extended]")) == ("one and two", True)
    assert people(desk)["ben"].notes == "one"
    page.click("button.main:has-text('Save')")
    wait_for(lambda: (people(desk)["ben"].notes, people(desk)["ben"].extended) == ("one and two", True))
    page.wait_for_selector(".view form:not(#before) [name=notes]")
    page.fill("[name=notes]", "not saved yet")
    page.click("text=Suspend")
    page.wait_for_selector("h1 .tag:has-text('suspended')")
    assert page.input_value("[name=notes]") == "not saved yet"
    desk.ask("person_set", person="ben", notes="", extended=False, state="active")
    assert desk.said == []


def test_a_wrong_recognition_is_undone_and_two_are_merged_and_forgotten(desk, chromium):
    def recognise(db):
        body = {"outcome": "granted", "reason": "match", "person": "kim", "similarity": 0.71}
        return events.append(db, "access", datetime.now(UTC), "boot", body)

    for person in ("kim", "kim2"):
        desk.ask("person_set", person=person, create=True, badge=f"b-{person}")
    event = desk.agent.recorder.write(recognise)
    page = desk.browse(chromium, Role.OWNER, "people/one/kim")
    page.click("text=It was not them")
    page.click("dialog button.main")
    page.wait_for_selector("text=undone: it was not them")
    assert recorded(desk.agent.config, "audit")[-1].body["details"]["event"] == event.id

    page.click("button:has-text('Set')")
    page.fill("dialog [name=pin]", "1234")
    page.click("dialog button.main")
    page.wait_for_selector("dialog [role=alert]:not(:empty)")  # too easy; and what was typed is still there
    assert page.input_value("dialog [name=pin]") == "1234"
    page.fill("dialog [name=pin]", "739151")
    page.click("dialog button.main")
    page.wait_for_selector("text=The PIN is set.")
    assert "739151" not in page.content()

    page.click("text=Merge")
    page.fill("dialog [name=into]", "kim2")
    page.click("dialog button.main")
    page.wait_for_selector("dialog td >> text=b-kim2")
    page.click("dialog button.main >> nth=-1")
    page.wait_for_selector("text=kim2, known since")
    page.wait_for_selector(".view:has-text('before as kim')")
    page.click("text=Forget >> nth=0")
    page.fill("dialog [name=reason]", "asked by letter")
    page.click("dialog button.main")
    page.wait_for_selector(".view >> text=asked by letter")
    page.wait_for_selector("h1:text-is('Forgotten')")
    assert desk.said == [CONFLICT]
    desk.said.clear()


def test_enrolment_at_the_door_is_told_and_cancelled(desk, chromium):
    page = desk.browse(chromium, Role.ENROLLER, "people/enrol")
    page.fill("input[name=name]", "Nobody There")
    page.click("text=Begin at the door")
    page.wait_for_selector(".hint:has-text('look here (0 of 5)')")
    page.click("text=Cancel")
    page.wait_for_selector(".note.wrong")
    assert "nobody.there" not in people(desk)
    assert desk.said == []


def test_a_table_is_previewed_and_then_done(desk, chromium):
    page = desk.browse(chromium, Role.ENROLLER, "people/table")
    good = {"name": "t.jpg", "mimeType": "image/png", "buffer": png(paint(Block(GREEN)))}
    wrong = {"name": "all.csv", "mimeType": "text/csv", "buffer": b"id,name,badge\ntom,Tom,1042\nuli,Uli,9\n"}
    page.set_input_files("input[type=file]", [wrong])
    page.wait_for_selector("text=2 people: 1 new, 0 changed, 0 unchanged, 1 wrong")
    page.wait_for_selector("tbody tr >> nth=0 >> text=is that of anna")
    assert page.is_disabled("button.main")
    bad = good | {"name": "n.jpg", "buffer": png(paint())}
    table = b"id,name,badge,photos,card\ntom,Tom,11,t.jpg,04FF0022\nuli,Uli,9,,\nvic,Vic,,n.jpg,\n"
    page.set_input_files("input[type=file]", [wrong | {"buffer": table}, good, bad])
    page.wait_for_selector("text=3 people: 3 new")
    page.evaluate("""() => {
        const button = (name) => [...document.querySelectorAll("button")].find((each) => each.textContent === name);
        button("Start").click();
        button("Stop").click();
    }""")
    page.wait_for_selector("text=1 done.")
    assert "uli" not in people(desk)
    page.click("text=Go on")
    page.wait_for_selector("td.bad:has-text('no face was found')")
    page.wait_for_selector("text=2 done.")
    with page.expect_download() as waiting:
        page.click("text=Download what became of each")
    told = list(csv.reader(io.StringIO(waiting.value.path().read_text())))
    assert [each[:3] for each in told] == [["2", "tom", "done"], ["3", "uli", "done"], ["4", "vic", "failed"]]
    tom = people(desk)["tom"]
    assert (tom.badge, tom.templates, len(tom.cards)) == ("11", 1, 1)
    for person in ("tom", "uli", "vic"):
        desk.ask("remove", person=person)
    assert desk.said == [CONFLICT]
    desk.said.clear()


@pytest.mark.parametrize(("size", "dark"), [(WIDE, False), (PHONE, True)])
def test_everybody_can_use_it(desk, chromium, size, dark, axe):
    page = desk.browse(chromium, Role.OWNER, "people", size=size, dark=dark, bypass_csp=True)
    for view, there in [*VIEWS.items()][: 3 if size == PHONE else None]:
        page.goto(f"{desk.url}/admin#/{view}")
        page.wait_for_selector(there)
        assert violations(page, axe) == [], view
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
    assert desk.said == []
