"""Two admins at once: whatever the order, both changes are there or it is said which are not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import CommandError
from agent.roster.document import Document, sign
from agent.roster.edits import normal
from agent.roster.merge import Disagreement, merged
from agent.store.db import open_db
from tests.fakes.rosters import NOW, Book
from tests.fakes.trust import OWNER

A = {"name": "Anna", "badge": "1", "groups": ["x", "y"]}


@pytest.mark.parametrize(
    ("base", "theirs", "mine", "both"),
    [
        (A, A, A, A),
        (A, {**A, "badge": "2"}, {**A, "name": "Bea"}, {**A, "badge": "2", "name": "Bea"}),
        (A, {**A, "badge": "2"}, {**A, "badge": "2"}, {**A, "badge": "2"}),
        (
            A,
            {"name": "Anna", "groups": ["x", "y"]},
            {**A, "notes": "n"},
            {"name": "Anna", "groups": ["x", "y"], "notes": "n"},
        ),
        (A, {**A, "groups": ["x", "z"]}, {**A, "groups": ["x", "y", "w"]}, {**A, "groups": ["x", "z", "w"]}),
        (A, None, A, None),
        (A, A, None, None),
        (None, A, A, A),
        (None, {"name": "A", "badge": "1"}, {"name": "A", "notes": "n"}, {"name": "A", "badge": "1", "notes": "n"}),
        (None, None, A, A),
    ],
)
def test_both_changes(base, theirs, mine, both):
    assert merged(base, theirs, mine) == both
    swapped = merged(base, mine, theirs)
    assert swapped == both or sorted(swapped["groups"]) == sorted(both["groups"])


@pytest.mark.parametrize(
    ("theirs", "mine", "fields"),
    [
        ({**A, "badge": "2"}, {**A, "badge": "3"}, ("badge",)),
        ({**A, "badge": "2", "name": "B"}, {"name": "C", "groups": []}, ("badge", "name")),
        (None, {**A, "badge": "3"}, ("(the whole)",)),
        ({**A, "badge": "3"}, None, ("(the whole)",)),
    ],
)
def test_a_disagreement_names_the_fields(theirs, mine, fields):
    with pytest.raises(Disagreement) as told:
        merged(A, theirs, mine)
    assert told.value.fields == fields


def test_cards_and_templates_are_merged_one_by_one():
    one, two, three = ({"digest": each, "hint": each} for each in "123")
    base, theirs, mine = ({"name": "A", "cards": cards} for cards in ([one], [one, two], [three]))
    assert merged(base, theirs, mine)["cards"] == [two, three]


FIELDS = {"name": st.sampled_from("AB"), "badge": st.sampled_from("12"), "notes": st.sampled_from("pq")}
EDIT = st.sampled_from(sorted(FIELDS)).flatmap(lambda field: st.tuples(st.just(field), FIELDS[field]))
STEPS = st.lists(st.tuples(st.sampled_from([0, 1]), st.one_of(st.just(None), EDIT)), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    with open_db(tmp_path_factory.mktemp("book") / "roster.db") as db:
        yield db


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_no_interleaving_of_two_admins_loses_a_change(database, steps):
    """Each reads when it likes (None) and changes a field of what it has read last."""
    book = Book(database)
    name = f"person/p{book.head().seq}"
    seen = [None, None]
    for who, edit in steps:
        present = _present(book, name)
        if edit is None:
            seen[who] = present
            continue
        base = seen[who]
        field, value = edit
        before = dict(base.body) if base else {"name": "A"}
        kept = refused = None
        try:
            kept = book.editor().replace(name, base, {**before, field: value}, "hq/@all")
        except CommandError as error:
            refused = error
        if refused is not None:
            assert refused.code == "roster_changed"
            assert field in str(refused) or "name" in str(refused)
            assert _present(book, name).body == present.body  # nothing was lost to it
            continue
        now = _present(book, name)
        if base is None or base.body.get(field) != value:  # it was a change
            assert now.body.get(field) == value
        others = {key: each for key, each in (present.body if present else {}).items() if key != field}
        if base is not None:
            assert {key: now.body.get(key) for key in others} == others  # what others did is still there
        assert kept.leaf == now.leaf
        seen[who] = now


def _present(book, name):
    answer = book.ask(what="get", object=name)
    return Document.parse(answer.rows[0]["document"]) if answer.ok else None


class TestWhomItIsFor:
    """Is a field like others, beside the body."""

    @pytest.fixture
    def book(self, tmp_path):
        with open_db(tmp_path / "roster.db") as db:
            book = Book(db)
            book.kept(sign("person/anna", 1, "hq/@all", A, OWNER, NOW))
            yield book

    def change(self, book, body, target):
        """Somebody else was faster: the person is in the group "east" now, and for the door "side"."""
        base = Document.parse(book.ask(what="get", object="person/anna").rows[0]["document"])
        book.editor().replace("person/anna", base, {**A, "badge": "2"}, "hq/side")
        return book.editor().replace("person/anna", base, body, target)

    @pytest.mark.parametrize("body", [A, {**A, "notes": "n"}], ids=["nothing", "another field"])
    def test_what_somebody_else_made_of_it_stays(self, book, body):
        kept = self.change(book, body, "hq/@all")
        assert (kept.header.target, kept.body["badge"]) == ("hq/side", "2")

    def test_two_who_want_it_elsewhere_are_told(self, book):
        with pytest.raises(CommandError, match="target was changed meanwhile"):
            self.change(book, {**A, "notes": "n"}, "hq/back")

    def test_two_who_want_the_same(self, book):
        assert self.change(book, {**A, "badge": "2"}, "hq/side").header.version == 2


def test_a_body_is_written_in_one_way():
    plain = normal("person/a", {"name": "A", "badge": None, "groups": [], "valid_to": "2026-11-26T13:00:00+01:00"})
    assert plain == {"name": "A", "valid_to": "2026-11-26T13:00:00+01:00"}
    assert normal("person/a", {"name": "A", "pin": None, "templates": []}) == {
        "name": "A",
        "pin": None,
        "templates": [],
    }
    assert normal("person/a", None) is None


def test_a_service_that_never_agrees_ends(tmp_path):
    with open_db(tmp_path / "roster.db") as db:
        book = Book(db)
        rival = book.editor(OWNER)
        turn = iter(range(1000))

        def put(document):
            present = _present(book, "person/anna")
            rival.replace("person/anna", present, {"name": "Anna", "notes": str(next(turn))}, "hq/@all")
            return book.put(document)

        editor = book.editor()
        busy = type(editor)(put, OWNER, check=lambda _: None, now=editor.now)
        with pytest.raises(CommandError, match="others keep changing"):
            busy.replace("person/anna", None, {"name": "Anna", "badge": "1"}, "hq/@all")
