"""PINs and cards of people, and consent, over a real database."""

import logging

import pytest

from agent.config.people import Privacy
from agent.errors import CommandError
from agent.members import consent, credentials
from agent.members.known import enrolled, particulars
from agent.members.particulars import set_person
from agent.pins import check_pin
from agent.store import consents, events
from agent.store.db import open_db
from agent.store.holders import load_register
from tests.fakes.keys import KEY
from tests.fakes.registers import CARD_KEY, LATER, NOW, add, audited, details, request

CARD = "04:A2:2F:91:5B:80"


@pytest.fixture
def db(tmp_path):
    with open_db(tmp_path / "latchkey.db", key=KEY) as db:
        add(db, "anna", faces=(1, 2))
        add(db, "ben")
        yield db


def set_pin(db, *digits, person="anna"):
    return credentials.set_pin(db, person, credentials.new_pins(db, person, *digits), request())


def add_card(db, number=CARD, person="anna", at=NOW):
    return credentials.add_card(db, person, number, CARD_KEY, request(at))


def remove_card(db, person="anna", **which):
    return credentials.remove_card(db, person, request(), key=CARD_KEY, **which)


class TestPins:
    def test_a_pin_is_in_the_register_as_a_hash(self, db):
        assert set_pin(db, "4711") == {"person": "anna", "pin": True, "duress": False}
        holder = load_register(db).people["anna"]
        assert check_pin("4711", holder.pin)
        assert holder.duress is None
        assert audited(db) == [("pin_set", "anna")]

    def test_both_are_set_together_and_replaced_together(self, db):
        assert set_pin(db, "4711", "2806")["duress"] is True
        assert check_pin("2806", load_register(db).people["anna"].duress)
        assert particulars(db, "anna")["pin_set_at"] == "2026-11-26T06:00:00.000Z"
        set_pin(db, "5822")
        holder = load_register(db).people["anna"]
        assert (check_pin("5822", holder.pin), holder.duress) == (True, None)

    def test_clearing_takes_both_and_may_be_repeated(self, db):
        set_pin(db, "4711", "2806")
        for _ in range(2):
            assert credentials.clear_pin(db, "anna", request()) == {"person": "anna", "pin": False, "duress": False}
        holder = load_register(db).people["anna"]
        assert (holder.pin, holder.duress) == (None, None)
        assert audited(db) == [("pin_set", "anna"), ("pin_cleared", "anna")]

    @pytest.mark.parametrize("digits", [("1234",), ("4711", "4712"), ("0815",)], ids=["easy", "too alike", "the badge"])
    def test_a_bad_one_is_refused(self, db, digits):
        set_person(db, "anna", {"badge": "0815"}, request())
        with pytest.raises(CommandError) as refused:
            set_pin(db, *digits)
        assert refused.value.code == "bad_pin"
        assert load_register(db).people["anna"].pin is None

    def test_of_nobody(self, db):
        with pytest.raises(CommandError, match="nobody is enrolled as 'zoe'"):
            set_pin(db, "4711", person="zoe")
        with pytest.raises(CommandError, match="nobody is enrolled as 'zoe'"):
            credentials.clear_pin(db, "zoe", request())


class TestCards:
    def test_a_card_leads_to_its_holder(self, db):
        assert add_card(db) == {"person": "anna", "hint": "B80", "cards": 1}
        assert [*load_register(db).cards.values()] == ["anna"]
        assert particulars(db, "anna")["cards"] == [{"hint": "B80", "added_at": "2026-11-26T06:00:00.000Z"}]

    def test_the_same_card_again_changes_nothing(self, db):
        add_card(db)
        assert add_card(db, "04a22f915b80", at=LATER) == {"person": "anna", "hint": "B80", "cards": 1}
        assert audited(db) == [("card_added", "anna")]

    def test_a_card_of_somebody_else_is_refused(self, db):
        add_card(db)
        for refused_by in (add_card, lambda db, person: remove_card(db, person, number=CARD)):
            with pytest.raises(CommandError, match="this card is that of anna") as refused:
                refused_by(db, person="ben")
            assert refused.value.code == "card_taken"

    def test_a_card_is_removed_by_its_number_and_may_be_again(self, db):
        add_card(db)
        add_card(db, "12345678")
        assert remove_card(db, number=CARD) == {"person": "anna", "removed": 1, "cards": 1}
        assert remove_card(db, number=CARD) == {"person": "anna", "removed": 0, "cards": 1}
        assert add_card(db, person="ben")["cards"] == 1

    def test_a_lost_card_is_removed_by_its_end(self, db):
        add_card(db)
        add_card(db, "12345678")
        assert remove_card(db, hint="78") == {"person": "anna", "removed": 1, "cards": 1}
        with pytest.raises(CommandError, match="anna has no card ending in '78'") as refused:
            remove_card(db, hint="78")
        assert refused.value.code == "unknown_card"

    def test_an_end_that_two_cards_have_is_not_enough(self, db):
        add_card(db, "11112278")
        add_card(db, "12345678")
        with pytest.raises(CommandError, match="anna has 2 cards ending in '78'"):
            remove_card(db, hint="78")

    def test_all_cards_of_a_person_alone(self, db):
        add_card(db)
        add_card(db, "12345678")
        add_card(db, "87654321", person="ben")
        assert remove_card(db) == {"person": "anna", "removed": 2, "cards": 0}
        assert [*load_register(db).cards.values()] == ["ben"]

    def test_there_is_an_end_to_cards(self, db):
        for number in range(16):
            add_card(db, f"1000{number}")
        with pytest.raises(CommandError, match="anna has 16 cards: remove one first"):
            add_card(db)

    def test_what_is_no_number(self, db):
        with pytest.raises(CommandError, match="read the card again") as refused:
            add_card(db, "1")
        assert refused.value.code == "bad_request"


def test_no_secret_is_told_or_kept(db, caplog):
    caplog.set_level(logging.DEBUG)
    set_pin(db, "471193", "280644")
    add_card(db)
    remove_card(db, number=CARD)
    add_card(db)
    told = caplog.text + str(particulars(db, "anna")) + repr(load_register(db)) + repr(load_register(db).people["anna"])
    told += "".join(str(event) for event in events.recent(db, 100))
    kept = b"".join(file.read_bytes() for file in db.path.parent.iterdir())
    for secret in ("471193", "280644", "04A22F915B80", CARD):
        assert secret not in told
        assert secret.encode() not in kept
    assert "scrypt" not in told


class TestConsent:
    def test_it_is_noted_with_text_time_and_who_took_it_down(self, db):
        done = consent.give(db, "anna", "notice 1", request(), by="reception")
        assert done == {
            "person": "anna",
            "given": True,
            "at": "2026-11-26T06:00:00.000Z",
            "text": "notice 1",
            "by": "reception",
        }
        assert details(db)["text"] == "notice 1"
        assert enrolled(db, "anna").consent.by == "reception"

    def test_the_same_again_changes_nothing_and_a_new_text_does(self, db):
        consent.give(db, "anna", "notice 1", request())
        assert consent.give(db, "anna", "notice 1", request(LATER))["at"] == "2026-11-26T06:00:00.000Z"
        assert consent.give(db, "anna", "notice 2", request(LATER))["at"] == "2026-11-27T06:00:00.000Z"
        assert [each.text for each in consents.of_person(db, "anna")] == ["notice 1", "notice 2"]

    def test_withdrawing_removes_the_templates_at_once_and_may_be_repeated(self, db):
        consent.give(db, "anna", "notice 1", request())
        assert consent.withdraw(db, "anna", request(LATER)) == {"person": "anna", "templates": 2, "signatures": 0}
        assert consent.withdraw(db, "anna", request(LATER)) == {"person": "anna", "templates": 0, "signatures": 0}
        assert (enrolled(db, "anna").templates, consents.in_force(db, "anna")) == (0, None)
        assert audited(db) == [("consent_given", "anna"), ("consent_withdrawn", "anna")]
        assert [(each.given, each.text) for each in consents.of_person(db, "anna")] == [
            (True, "notice 1"),
            (False, "notice 1"),
        ]

    def test_withdrawing_what_was_never_given_removes_templates_too(self, db):
        assert consent.withdraw(db, "anna", request()) == {"person": "anna", "templates": 2, "signatures": 0}

    def test_the_last_word_counts_whatever_the_clock_says(self, db):
        consent.give(db, "anna", "notice 1", request(LATER))
        consent.withdraw(db, "anna", request(NOW))
        assert consents.in_force(db, "anna") is None
        consent.give(db, "anna", "notice 1", request(NOW))
        assert consents.in_force(db, "anna").text == "notice 1"

    def test_it_is_asked_for_unless_the_operator_does_not_want_it(self, db):
        with pytest.raises(CommandError, match="anna has not agreed to be recognised: ask, then") as refused:
            consent.check(db, "anna", None, Privacy())
        assert refused.value.code == "no_consent"
        consent.check(db, "anna", "notice 1", Privacy())
        consent.check(db, "anna", None, Privacy(require_consent=False))
        consent.give(db, "anna", "notice 1", request())
        consent.check(db, "anna", None, Privacy())

    @pytest.mark.parametrize("text", ["", " ", "a\n", "x" * 129])
    def test_a_text_has_a_name(self, db, text):
        with pytest.raises(CommandError, match="the text that is agreed to is named in 1 to 128"):
            consent.give(db, "anna", text, request())

    def test_true_means_the_text_of_the_configuration(self):
        assert consent.text_of(True, Privacy(consent_text="notice 3")) == "notice 3"
        assert consent.text_of("notice 1", Privacy(consent_text="notice 3")) == "notice 1"
        assert consent.text_of(None, Privacy(consent_text="notice 3")) is None
        with pytest.raises(CommandError, match="consent_text of this device names no text"):
            consent.text_of(True, Privacy())

    @pytest.mark.parametrize(
        "say", [lambda db: consent.give(db, "zoe", "t", request()), lambda db: consent.withdraw(db, "zoe", request())]
    )
    def test_of_nobody(self, db, say):
        with pytest.raises(CommandError, match="nobody is enrolled as 'zoe'"):
            say(db)
