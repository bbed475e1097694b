"""What a device does with pages: verified, in force, never back; what cannot be is told and does not stop the rest."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.admins import revoke
from agent.errors import CommandError
from agent.members.merge import rename
from agent.members.particulars import set_person
from agent.register import remove_person
from agent.roster.document import Document
from agent.roster.tally import Tally
from agent.roster.topics import RosterTopics
from agent.store import admins, receipts, roster, roster_book
from agent.store.db import open_db
from agent.store.people import get_person, list_people
from agent.store.rules import rules_in_force
from agent.trust.keys import Admin
from agent.trust.roles import Role
from agent.trust.statement import signed_news
from tests.fakes.registers import add, audited, request
from tests.fakes.rosters import ENROLLER, NOW, SERVICE, STRANGER, Book, Device, admin_document, document
from tests.fakes.trust import OWNER

RULES = 'time_zone = "Europe/Berlin"\n'


@pytest.fixture
def book(tmp_path):
    with open_db(tmp_path / "roster.db") as db:
        yield Book(db)


@pytest.fixture
def device(tmp_path):
    with Device(tmp_path) as device:
        yield device


def problems(device):
    return [(held.object, held.code) for held in roster.problems(device.db, 100)]


def resigned(head, **changes):
    """A head that the service signs, whatever it says."""
    body = {key: value for key, value in json.loads(head.to_json()).items() if key != "signature"} | changes
    return type(head).model_validate(signed_news(RosterTopics("hq").head, body, SERVICE))


class TestInForce:
    def test_people_come_change_and_go_with_a_receipt(self, book, device):
        book.kept(document(body={"name": "Anna", "badge": "7", "groups": ["staff"], "notes": "n"}))
        device.read(book)
        anna = get_person(device.db, "anna")
        assert (anna.name, anna.badge, anna.groups, anna.notes) == ("Anna", "7", ("staff",), "n")
        book.kept(document(version=2, body={"name": "Anna B", "state": "suspended"}))
        device.read(book)
        anna = get_person(device.db, "anna")
        assert (anna.name, anna.badge, anna.groups, anna.state) == ("Anna B", None, (), "suspended")
        book.kept(document(version=3, gone=True))
        device.read(book)
        assert get_person(device.db, "anna") is None
        assert [receipt.reason for receipt in receipts.recent(device.db, person="anna")] == ["taken out of the roster"]

    def test_the_audit_names_who_has_signed(self, book, device):
        book.kept(admin_document(ENROLLER, "erik", "enroller"), document(key=ENROLLER))
        device.read(book)
        (by,) = device.db.rows("SELECT DISTINCT by FROM audit WHERE action = 'person_added'")[0]
        assert by == "roster:erik"

    def test_a_tombstone_of_somebody_who_was_renamed_here(self, book, device):
        book.kept(document())
        device.read(book)
        rename(device.db, "anna", "anna.b", request())
        book.kept(document(version=2, gone=True))
        device.read(book)
        assert list_people(device.db) == []

    def test_who_was_removed_for_a_group_is_forgotten_with_the_rest(self, book, device):
        book.kept(document(), document("person/ben"))
        device.read(book)
        book.kept(document(version=2, target="hq/@west"))
        device.read(book)
        assert get_person(device.db, "anna") is None  # removed: what happened here keeps the id
        book.kept(
            document(version=3, target="hq/@west", gone=True), document("person/ben", 2, target="hq/side", gone=True)
        )
        device.read(book)
        told = [
            receipt.reason for name in ("anna", "ben") for receipt in receipts.recent(device.db, person=name, limit=1)
        ]
        assert told == ["taken out of the roster"] * 2

    def test_who_was_never_in_force_leaves_no_byte_either(self, book, device):
        book.kept(document(body={"name": "Zzyzx", "factors": "nose"}))
        device.read(book)
        assert problems(device) == [("person/anna", "bad_request")]
        book.kept(document(version=2, gone=True))
        device.read(book)
        folder = device.config.database_path.parent
        assert [file for file in folder.rglob("*") if file.is_file() and b"Zzyzx" in file.read_bytes()] == []

    def test_who_is_of_this_device_alone_stays(self, book, device):
        set_person(device.db, "anna", {"name": "Anna"}, request(), create=True)
        book.kept(document(target="hq/@west"), document(version=2, target="hq/@west", gone=True))
        device.read(book)
        assert get_person(device.db, "anna") is not None

    def test_rules(self, book, device):
        book.kept(document("rules", body={"text": RULES}))
        device.read(book)
        assert rules_in_force(device.db).text == RULES
        assert rules_in_force(device.db).by == "roster:owner"

    def test_keys(self, book, device):
        book.kept(admin_document(ENROLLER, "erik", "enroller"))
        device.read(book)
        assert admins.find(device.db, ENROLLER.public.id).name == "erik"
        book.kept(admin_document(ENROLLER, "erik", "enroller", 2, revoked=True))
        device.read(book)
        assert admins.find(device.db, ENROLLER.public.id).revoked_at == NOW
        book.kept(admin_document(ENROLLER, "erik", "enroller", 3))
        device.read(book)
        assert problems(device) == [(f"admin/{ENROLLER.public.id}", "key_taken")]  # revoked stays revoked
        assert audited(device.db)[-1][0] == "roster_refused"

    def test_the_last_owner_is_not_revoked(self, book, tmp_path):
        book.kept(admin_document(OWNER, "olga", "owner"), admin_document(OWNER, "olga", "owner", 2, revoked=True))
        with Device(tmp_path, "configured") as device:
            device.read(book)
            assert problems(device) == [(f"admin/{OWNER.public.id}", "not_allowed")]

    def test_what_is_for_another_device_is_only_noted(self, book, device):
        book.kept(document(target="hq/back"), document("person/ben", target="hq/front"))
        device.read(book)
        assert [person.id for person in list_people(device.db)] == ["ben"]
        assert roster.counts(device.db) == {"person": 1}

    def test_who_is_for_another_device_now_is_known_here_no_more(self, book, device):
        book.kept(document())
        device.read(book)
        book.kept(document(version=2, target="hq/back"))
        device.read(book)
        assert list_people(device.db) == []
        book.kept(document(version=3, target="hq/front"))
        device.read(book)
        assert [person.id for person in list_people(device.db)] == ["anna"]

    def test_a_key_that_is_for_another_device_now_counts_here_no_more(self, book, device):
        """It comes back with the group, unlike one that was revoked; one that the device itself let in stays."""
        for key, name in ((ENROLLER, "erik"), (STRANGER, "sam")):
            book.kept(admin_document(key, name, "enroller"))
        admins.add(device.db, Admin(STRANGER.public, "sam", Role.ENROLLER), NOW, "cli:root")
        device.read(book)
        for version, target, in_force in ((2, "hq/back", False), (3, "hq/@all", True), (4, "hq/back", False)):
            for key, name in ((ENROLLER, "erik"), (STRANGER, "sam")):
                book.kept(admin_document(key, name, "enroller", version, target=target))
            device.read(book)
            assert (admins.find(device.db, ENROLLER.public.id).revoked_at is None) is in_force
            assert admins.find(device.db, STRANGER.public.id).revoked_at is None
        assert problems(device) == []
        revoke(device.db, device.config, ENROLLER.public.id, request())  # while it is away: for good
        book.kept(admin_document(ENROLLER, "erik", "enroller", 5))
        device.read(book)
        assert problems(device) == [(f"admin/{ENROLLER.public.id}", "key_taken")]
        assert admins.find(device.db, ENROLLER.public.id).revoked_at is not None

    def test_a_device_that_is_put_into_a_group_gets_what_is_for_it(self, book, device):
        book.kept(document("person/cora", target="hq/@lab"))
        device.read(book)
        assert list_people(device.db) == []
        book.kept(document("device/hq/front", body={"groups": ["lab"]}))
        device.read(book)
        assert [person.id for person in list_people(device.db)] == ["cora"]
        book.kept(document("device/hq/front", 2, {"groups": []}))
        device.read(book)
        assert list_people(device.db) == []

    @pytest.mark.parametrize(
        ("name", "groups", "there"),
        [("front", ("lab",), ["cora"]), ("back", (), ["dora"]), ("front", (), [])],
        ids=["another group in its file", "another name", "as before"],
    )
    def test_a_device_that_is_another_at_its_next_start_reads_all_again(self, book, tmp_path, name, groups, there):
        book.kept(document("person/cora", target="hq/@lab"), document("person/dora", target="hq/back"))
        with Device(tmp_path) as device:
            device.read(book)
            assert list_people(device.db) == []
        (tmp_path / name).mkdir(exist_ok=True)
        if name != "front":
            (tmp_path / "front").rename(tmp_path / name)
        with Device(tmp_path, name, groups=groups) as device:
            device.taking.check_head(device.db, book.head(), NOW)
            assert (device.cursor == 2) == (not there)
            device.read(book)
            assert [person.id for person in list_people(device.db)] == there

    def test_a_month_away(self, book, tmp_path):
        """Each object that has changed comes once, however often it did."""
        with Device(tmp_path, "away") as device:
            book.kept(*(document(f"person/p{n}") for n in range(20)))
            assert device.read(book, limit=7) == 20
            for version in range(2, 30):
                book.kept(document("person/p3", version, {"name": str(version)}))
            book.kept(document("person/p4", 2, gone=True), document("person/new"))
            assert device.read(book) == 3
            assert len(list_people(device.db)) == 20


class TestRefused:
    def test_an_older_version_comes_never_back(self, book, device):
        book.kept(document(body={"name": "Old"}))
        old = book.page("front", 0)
        book.kept(document(version=2, gone=True))
        device.read(book)
        taken = device.take(old, head=book.head())
        assert not taken.whole
        assert get_person(device.db, "anna") is None
        assert problems(device) == [("person/anna", "rolled_back")]

    def test_two_documents_of_one_version_the_first_counts(self, book, device):
        book.kept(document(body={"name": "First"}))
        page = book.page("front", 0)
        device.read(book)
        other = document(body={"name": "Second"})
        device.take(page.model_copy(update={"rows": ((1, other.as_json()),)}))
        assert get_person(device.db, "anna").name == "First"
        assert problems(device) == [("person/anna", "rolled_back")]

    @pytest.mark.parametrize(
        ("forged", "code"),
        [
            (document(version=9, key=STRANGER), "unknown_key"),
            (replace(document(version=9), raw={**document().raw, "version": 9}), "bad_signature"),
        ],
    )
    def test_what_no_admin_has_signed_holds_no_place(self, book, device, forged, code):
        book.kept(document(body={"name": "Anna"}))
        page = book.page("front", 0)
        device.read(book)
        device.take(page.model_copy(update={"rows": ((1, forged.as_json()),)}))
        assert problems(device) == [("person/anna", code)]
        assert get_person(device.db, "anna").name == "Anna"
        book.kept(document(version=2, body={"name": "Anna 2"}))
        device.read(book)
        assert (get_person(device.db, "anna").name, problems(device)) == ("Anna 2", [])

    def test_who_signs_without_the_role(self, book, device):
        book.kept(admin_document(ENROLLER, "erik", "enroller"))
        device.read(book)
        page = book.page("front", 0)
        rules = document("rules", body={"text": RULES}, key=ENROLLER)
        device.take(page.model_copy(update={"rows": ((1, rules.as_json()),)}))
        assert problems(device) == [("rules", "not_permitted")]
        assert rules_in_force(device.db) is None

    def test_a_key_that_comes_later_is_waited_for(self, book, device):
        """As after a rename of the admin: its document has a higher number than those it has signed."""
        erik = admin_document(ENROLLER, "erik", "enroller")
        book.kept(erik, document(key=ENROLLER))
        page = book.page("front", 0)
        turned = ((1, page.rows[1][1]), (2, page.rows[0][1]))
        assert device.take(page.model_copy(update={"rows": turned})).whole
        assert (problems(device), get_person(device.db, "anna").name) == ([], "Anna")

    def test_what_cannot_be_does_not_stop_the_rest(self, book, device):
        add(device.db, "local", name="Local")
        set_person(device.db, "local", {"badge": "7"}, request())
        book.kept(
            document(body={"name": "Anna", "badge": "7"}),
            document("rules", body={"text": "nonsense = 1"}),
            document("person/ben"),
        )
        device.read(book)
        assert problems(device) == [("person/anna", "badge_taken"), ("rules", "bad_rules")]
        assert get_person(device.db, "ben")
        set_person(device.db, "local", {"badge": None}, request())
        device.try_again(limit=1)
        assert (problems(device), get_person(device.db, "anna").badge) == ([("rules", "bad_rules")], "7")

    def test_who_is_forgotten_does_not_wait_either(self, book, device):
        add(device.db, "local")
        set_person(device.db, "local", {"badge": "7"}, request())
        book.kept(document())
        device.read(book)
        book.kept(document(version=2, body={"name": "Anna", "badge": "7"}))
        device.read(book)
        assert roster.held(device.db, "person/anna").waiting
        remove_person(device.db, "anna", request())
        assert roster.held(device.db, "person/anna").waiting is None

    def test_noise_in_a_page(self, book, device):
        book.kept(document())
        page = book.page("front", 0)
        noise = tuple((seq, value) for seq, value in enumerate([None, 7, {}, {"object": "person/anna"}]))
        taken = device.take(page.model_copy(update={"rows": (*noise, *page.rows)}))
        assert (taken.whole, get_person(device.db, "anna").name) == (True, "Anna")


class TestService:
    def test_a_document_that_is_kept_back_is_missed(self, book, device):
        book.kept(document(), document("person/ben"))
        page = book.page("front", 0)
        taken = device.take(page.model_copy(update={"rows": page.rows[:1]}))
        assert (taken.done, taken.whole, get_person(device.db, "anna").name) == (True, False, "Anna")
        device.taking.miss(device.db, page.head, NOW)
        assert roster.reading(device.db).trouble.startswith("withheld")
        assert roster.count_problems(device.db) == 1
        device.taking.start_over(device.db)
        device.read(book)
        assert (roster.reading(device.db).trouble, roster.count_problems(device.db)) == (None, 0)

    def test_a_body_that_is_kept_back_is_missed(self, book, device):
        book.kept(document())
        page = book.page("front", 0)
        stub = json.loads(Document.parse(page.rows[0][1]).stub)
        device.take(page.model_copy(update={"rows": ((1, stub),)}))
        assert problems(device) == [("person/anna", "withheld")]
        device.taking.start_over(device.db)
        device.read(book)
        assert (problems(device), get_person(device.db, "anna").name) == ([], "Anna")

    @pytest.mark.parametrize(
        ("forge", "code"),
        [
            (lambda head: resigned(head, seq=1), "rolled_back"),
            (lambda head: head.model_copy(update={"seq": 9}), "bad_signature"),
            (lambda head: head.model_copy(update={"public": STRANGER.public.text}), "unknown_key"),
            (lambda head: head.model_copy(update={"public": "x"}), "unknown_key"),
        ],
    )
    def test_a_head_that_is_older_or_not_the_service_s(self, book, device, forge, code):
        book.kept(document(), document("person/ben"))
        page = book.page("front", 0)
        device.read(book)
        before = device.cursor
        for _ in range(3):
            with pytest.raises(CommandError) as refused:
                device.take(page, head=forge(page.head))
            assert refused.value.code == code
        assert device.cursor == before
        assert roster.reading(device.db).trouble.startswith(code)
        assert [action for action, _ in audited(device.db)].count("roster_doubted") == 1  # told once

    def test_an_owner_may_name_the_key_of_the_service(self, book, device):
        book.kept(document("service", body={"public": STRANGER.public.text}))
        with pytest.raises(CommandError, match="is the service's"):
            device.take(book.page("front", 0))

    def test_a_service_whose_key_was_lost_goes_on_by_an_owner_s_word(self, book, device, tmp_path):
        book.kept(document())
        device.read(book)
        with open_db(tmp_path / "roster.db") as db:
            other = Book(db, key=STRANGER)
            with pytest.raises(CommandError, match="is the service's"):
                device.read(other)
            other.kept(document("service", body={"public": STRANGER.public.text}))
            device.read(other)
            other.kept(document("person/ben"))
            device.read(other)
        assert (get_person(device.db, "ben").name, roster.reading(device.db).trouble) == ("Anna", None)
        with pytest.raises(CommandError, match="is the service's"):
            device.read(book)  # the old key counts no more

    def test_nobody_else_s_word_counts(self, book, device):
        book.kept(document())
        device.read(book)
        word = document("service", body={"public": STRANGER.public.text}, key=STRANGER)
        forged = resigned(book.head(), public=STRANGER.public.text, key=STRANGER.public.id, service=word.as_json())
        with pytest.raises(CommandError) as refused:
            device.taking.check_head(device.db, forged, NOW)
        assert refused.value.code == "unknown_key"

    def test_after_a_backup_that_is_behind(self, book, device, tmp_path):
        book.kept(document(), document(version=2, body={"name": "A2"}), document(version=3, body={"name": "A3"}))
        device.read(book)
        with open_db(tmp_path / "backup.db") as db:
            restored = Book(db)
            restored.kept(document())
            with pytest.raises(CommandError, match="has ended at 3"):
                device.read(restored)
            roster_book.skip_to(db, 3)
            page = restored.page("front", 3)
            assert not device.take(page).whole
            device.taking.start_over(device.db)
            device.take(restored.page("front", 0))
            assert problems(device) == [("person/anna", "rolled_back")]
            restored.editor().replace("person/anna", document(), {"name": "A4"}, "hq/@all", above=3)
            device.read(restored)
        assert (get_person(device.db, "anna").name, problems(device)) == ("A4", [])

    def test_a_crash_between_pages_loses_nothing(self, book, device):
        book.kept(*(document(f"person/p{n}") for n in range(10)))
        page = book.page("front", 0, 4)

        class Crash(Exception):
            pass

        def crash():
            with device.db.transaction():
                device.take(page)
                raise Crash

        with pytest.raises(Crash):
            crash()
        assert (device.cursor, list_people(device.db)) == (0, [])
        device.read(book, limit=4)
        assert len(list_people(device.db)) == 10
        assert Tally.of(roster.leaves(device.db)).raw == roster.reading(device.db).tally


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"), st.sampled_from("abc"), st.sampled_from(["hq/@all", "hq/front", "hq/back", "hq/@lab"])
        ),
        st.tuples(st.just("gone"), st.sampled_from("abc"), st.just("hq/@all")),
        st.tuples(st.just("group"), st.sampled_from(["", "lab"]), st.just("")),
        st.tuples(st.just("read"), st.sampled_from([1, 2, 100]), st.just("")),
    ),
    max_size=14,
)


@settings(max_examples=15, deadline=None)
@given(STEPS)
def test_whenever_it_reads_the_device_holds_what_is_for_it(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("any")
    with open_db(folder / "roster.db") as db, Device(folder) as device:
        book, versions, wanted, group = Book(db), {}, {}, ""
        for what, which, target in [*steps, ("read", 3, "")]:
            if what == "read":
                device.read(book, limit=which)
                there = {"hq/@all", "hq/front", f"hq/@{group}"}
                assert {p.id for p in list_people(device.db)} == {p for p, for_ in wanted.items() if for_ in there}
                assert problems(device) == []
                continue
            name = "device/hq/front" if what == "group" else f"person/{which}"
            version = versions[name] = versions.get(name, 0) + 1
            if what == "group":
                group = which
                book.kept(document(name, version, {"groups": [which] if which else []}))
            elif what == "put":
                wanted[which] = target
                book.kept(document(name, version, target=target))
            else:
                wanted.pop(which, None)
                book.kept(document(name, version, gone=True))
