"""The service without the network: what it keeps, what it refuses, what it hands out to whom."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.roster.document import Document
from agent.roster.messages import MOST_PAGE_BYTES, Answer, Page
from agent.roster.tally import Tally
from agent.roster.topics import RosterTopics
from agent.store import roster_book
from agent.store.db import open_db
from agent.trust.statement import news_text, verifies
from tests.fakes.rosters import ENROLLER, SERVICE, STRANGER, Book, admin_document, document


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "roster.db") as db:
        yield db


@pytest.fixture
def book(db):
    return Book(db)


class TestPut:
    def test_each_document_gets_the_next_number(self, book):
        first, second = book.put(document(), document("person/ben"))
        assert (first.seq, second.seq, book.put(document(version=2)).seq) == (1, 2, 3)

    def test_the_very_same_again_is_kept_already(self, book):
        one = document()
        assert (book.put(one).seq, book.put(one).seq, book.head().seq) == (1, 1, 1)

    def test_the_answer_to_many_that_came_second_is_a_message(self, book):
        """Each of the present documents in it would be megabytes, which the client's line drops: no answer at all."""
        names = [f"person/p{n}" for n in range(300)]
        for name in names:
            book.kept(document(name, body={"name": "A", "notes": "n" * 1900}))
        stale = [document(name, body={"name": "B"}).as_json() for name in names]
        answer = book.registrar.put(json.dumps({"id": "p1", "documents": stale}).encode())
        assert len(answer) < 2 * MOST_PAGE_BYTES
        done = Answer.model_validate_json(answer).done
        assert {each.code for each in done} == {"roster_changed"}
        assert done[0].document is not None
        assert done[-1].document is None

    @pytest.mark.parametrize("then", [{"gone": True}, {"body": {"name": "Ben"}}], ids=["removed", "changed"])
    def test_no_byte_of_an_old_body_stays_in_its_files(self, book, db, then):
        book.kept(document(body={"name": "Zzyzx"}), document("person/ben"))
        book.kept(document(version=2, **then))
        files = [file for file in db.path.parent.iterdir() if b"Zzyzx" in file.read_bytes()]
        assert files == []

    def test_another_version_than_the_next_is_refused_with_the_present_document(self, book):
        present = book.kept(document(), document(version=2, body={"name": "A"}))
        for version in (1, 2, 2_000_000):
            done = book.put(document(version=version, body={"name": "B"}))
            assert (done.ok, done.code, done.seq) == (False, "roster_changed", None)
            assert done.document == present.as_json()
        assert book.put(document("person/ben", 2_000_000)).document is None

    def test_a_version_may_be_further_above_where_devices_have_taken_others(self, book):
        book.kept(document())
        assert book.editor().replace("person/anna", document(), {"name": "B"}, "hq/@all", above=7).header.version == 8

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            (document(key=STRANGER), "unknown_key"),
            (document(target="other/@all"), "not_for_us"),
            (document(body={"name": 1}), "bad_request"),
            (Document.parse(json.loads(document().stub)), "bad_request"),
            (document("rules", gone=True), "bad_request"),
        ],
    )
    def test_what_devices_would_refuse_takes_no_place(self, book, wrong, code):
        done, good = book.put(wrong, document("person/ben"))
        assert (done.ok, done.code, good.ok) == (False, code, True)
        assert book.head().seq == 1

    def test_roles(self, book):
        book.kept(admin_document(ENROLLER, "erik", "enroller"))
        assert book.put(document(key=ENROLLER)).ok
        assert book.put(document("rules", body={"text": ""}, key=ENROLLER)).code == "not_permitted"
        assert book.put(admin_document(STRANGER, "x", "owner", by=ENROLLER)).code == "not_permitted"
        book.kept(admin_document(ENROLLER, "erik", "enroller", 2, revoked=True))
        assert book.put(document(version=2, key=ENROLLER)).code == "unknown_key"

    @pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'{"id":"7"}', b'{"id":"7","documents":[]}', b"\xff"])
    def test_noise_is_answered(self, book, payload):
        for answer in (book.registrar.put(payload), book.registrar.ask(payload)):
            told = Answer.model_validate_json(answer)
            assert (told.ok, told.code) == (False, "bad_request")
        assert book.registrar.pull("front", payload) is None

    @settings(max_examples=50, deadline=None)
    @given(st.binary(max_size=200))
    def test_any_noise_is_answered(self, payload):
        class NoBook:
            def __getattr__(self, name):
                raise AssertionError(name)

        registrar = Book(NoBook()).registrar
        assert not Answer.model_validate_json(registrar.put(payload)).ok
        assert registrar.pull("front", payload) is None


class TestPages:
    def test_only_the_last_document_of_each_object(self, book):
        for version in range(1, 6):
            book.kept(document(version=version, body={"name": str(version)}))
        book.kept(document("person/ben"))
        page = book.page("front", 0)
        assert [(seq, row["object"], row["version"]) for seq, row in page.rows] == [
            (5, "person/anna", 5),
            (6, "person/ben", 1),
        ]
        assert (page.more, [seq for seq, _ in book.page("front", 5).rows]) == (False, [6])

    def test_in_pieces_that_are_messages(self, book):
        for number in range(12):
            book.kept(document("person/p" + str(number), body={"name": "n", "notes": "ä" * 2000}))
        book.kept(document("rules", body={"text": "#" * 100_000}), document("rules", 2, {"text": "#" * 110_000}))
        after, seen = 0, []
        while True:
            raw = book.registrar.pull("front", json.dumps({"id": "7", "after": after, "limit": 5}).encode())
            assert len(raw) <= MOST_PAGE_BYTES
            page = Page.model_validate_json(raw)
            seen += [seq for seq, _ in page.rows]
            if not page.more:
                break
            after = seen[-1]
        assert seen == [*range(1, 13), 14]

    def test_a_page_is_never_larger_than_a_message(self, book):
        for number in range(30):
            book.kept(document("person/p" + str(number), body={"name": "n", "notes": "#" * 2000}))
        big = [document("rules", 1, {"text": "#" * 110_000})]
        book.kept(*big)
        page = book.registrar.pull("front", json.dumps({"id": "7", "after": 0, "limit": 1000}).encode())
        assert len(page) <= MOST_PAGE_BYTES

    def test_what_is_for_others_comes_without_its_body(self, book):
        book.kept(document(), document("person/ben", target="hq/back"), document("person/cora", target="hq/@lab"))

        def bodies(device, **more):
            return ["body" in row for _, row in book.page(device, 0, **more).rows]

        assert bodies("front") == [True, False, False]
        assert bodies("back") == [True, True, False]
        assert bodies("front", groups=("lab",)) == [True, False, True]

    def test_the_roster_says_which_groups_a_device_is_in_where_it_knows_it(self, book):
        book.kept(document("person/cora", target="hq/@lab"), document("device/hq/front", body={"groups": []}))
        assert "body" not in book.page("front", 0, groups=("lab",)).rows[0][1]
        book.kept(document("device/hq/front", 2, {"groups": ["lab"]}))
        assert "body" in book.page("front", 0).rows[0][1]


class TestHead:
    def test_is_signed_and_tells_of_all(self, book, db):
        book.kept(document(), document(version=2), document("person/ben"))
        head = book.head()
        body = json.loads(head.to_json())
        assert verifies(SERVICE.public, news_text(RosterTopics("hq").head, body), head.signature)
        leaves = [entry.leaf for entry in roster_book.after(db, 0, 10)]
        assert (head.seq, head.tally, len(leaves)) == (3, Tally.of(leaves).text, 2)

    def test_after_a_restored_backup_numbers_go_on_above(self, book, db):
        book.kept(document())
        roster_book.skip_to(db, 70)
        assert book.put(document("person/ben")).seq == 71
        roster_book.skip_to(db, 5)
        assert book.head().seq == 71


class TestAsk:
    def test_what_there_is(self, book):
        book.kept(document("person/b"), document("person/a"), document("rules", body={"text": ""}))
        names = [row["document"]["object"] for row in book.ask(what="list").rows]
        assert names == ["person/a", "person/b", "rules"]
        first = book.ask(what="list", prefix="person/", limit=1)
        assert (first.more, first.rows[0]["document"]["object"]) == (True, "person/a")
        second = book.ask(what="list", prefix="person/", limit=1, after="person/a", bodies=True)
        assert (second.more, second.rows[0]["document"]["body"]) == (False, {"name": "Anna"})

    def test_a_list_in_another_script_is_a_message_as_well(self, book):
        for n in range(100):
            book.kept(document(f"person/p{n}", body={"name": "A", "notes": "\u6f22" * 1900}))
        answer = book.registrar.ask(b'{"id": "a1", "what": "list", "limit": 1000, "bodies": true}')
        assert len(answer) <= MOST_PAGE_BYTES
        assert Answer.model_validate_json(answer).more

    def test_history_names_who_and_when_and_not_what(self, book, db):
        for version in range(1, roster_book.KEEP_VERSIONS + 5):
            book.kept(document(version=version, body={"name": str(version)}))
        rows = book.ask(what="history", object="person/anna", limit=1000).rows
        assert (len(rows), rows[0]["version"], set(rows[0])) == (
            roster_book.KEEP_VERSIONS,
            roster_book.KEEP_VERSIONS + 4,
            {"seq", "version", "key", "issued", "gone"},
        )
        assert book.ask(what="get", object="person/nobody").code == "unknown_object"
        book.kept(document(version=roster_book.KEEP_VERSIONS + 5, gone=True))
        assert not [row for row in db.rows("SELECT document FROM book") if "name" in row[0]]
