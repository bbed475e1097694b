"""PINs and card numbers: what is kept of them, and which PINs are too easy."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import pins
from agent.pins import Pins, card_hint, check_pin, check_policy, digest_card, hash_pin

KEY = b"k" * 32
HASH = hash_pin("4711")

digits = st.text("0123456789", min_size=4, max_size=12)


class TestHash:
    def test_the_right_pin_and_no_other(self):
        assert check_pin("4711", HASH)
        assert [pin for pin in ("4712", "47110", "471", "", "\uff14\uff17\uff11\uff11") if check_pin(pin, HASH)] == []

    def test_it_says_its_parameters_and_not_the_pin(self):
        assert re.fullmatch(r"\$scrypt\$ln=14,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}", HASH)

    def test_the_same_pin_is_kept_as_another_text_each_time(self):
        assert hash_pin("4711") != HASH

    def test_a_hash_of_other_parameters_is_checked_with_those(self, monkeypatch):
        monkeypatch.setattr(pins, "COST_LOG2", 4)
        monkeypatch.setattr(pins, "PARALLEL", 1)
        cheap = hash_pin("123")
        monkeypatch.undo()
        assert cheap.startswith("$scrypt$ln=4,r=8,p=1$")
        assert (check_pin("123", cheap), check_pin("124", cheap)) == (True, False)

    @pytest.mark.parametrize(
        "kept",
        [
            "",
            "4711",
            HASH[:-30],
            HASH + "\n",
            HASH.replace("scrypt", "argon2id"),
            HASH.replace("ln=14", "ln=19"),  # 512 MiB
            HASH.replace("ln=14", "ln=0"),
            HASH.replace("r=8", "r=0"),
        ],
        ids=["nothing", "a PIN", "cut off", "one more line", "another hash", "too dear", "too cheap", "no block"],
    )
    def test_what_is_no_hash_is_an_error_and_not_repeated(self, kept):
        with pytest.raises(ValueError, match="not the hash of a PIN: set the PIN again"):
            check_pin("4711", kept)

    def test_nothing_secret_shows(self):
        assert repr(Pins(HASH, HASH)) == "Pins()"


class TestPolicy:
    @pytest.mark.parametrize(
        ("pin", "problem"),
        [
            ("471", "has to have 4 to 12 digits"),
            ("4711471147115", "has to have 4 to 12 digits"),
            ("", "has to have 4 to 12 digits"),
            ("47a1", "has to have 4 to 12 digits"),
            ("\uff14\uff17\uff11\uff11", "has to have 4 to 12 digits"),
            ("4711\n", "has to have 4 to 12 digits"),
            ("0000", "is one digit over and over"),
            ("1234", "counts up or down"),
            ("7890", "counts up or down"),
            ("9876543210", "counts up or down"),
            ("1212", "repeats itself"),
            ("471471", "repeats itself"),
            ("0815", "is the badge number"),
        ],
    )
    def test_a_pin_that_is_tried_first_is_refused_and_not_repeated(self, pin, problem):
        with pytest.raises(ValueError, match=f"the PIN {problem}") as refused:
            check_policy(pin, badge="0815")
        assert len(pin) < 4 or pin not in str(refused.value)

    @pytest.mark.parametrize("pin", ["4711", "1357", "1122", "112233", "12121", "123412345678"])
    def test_others_are_taken(self, pin):
        check_policy(pin, badge="0815")

    @pytest.mark.parametrize(
        ("duress", "why"),
        [
            ("4711", "the same"),
            ("4712", "a digit wrong"),
            ("9711", "the first digit wrong"),
            ("7411", "two swapped"),
            ("47119", "one too many"),
            ("47711", "one twice"),
        ],
    )
    def test_a_duress_pin_that_a_slip_would_enter_is_refused(self, duress, why):
        with pytest.raises(ValueError, match="one slip of the finger away"):
            check_policy("4711", duress)

    @pytest.mark.parametrize("duress", ["2806", "4826", "1174", "471120"])
    def test_one_that_differs_enough_is_taken(self, duress):
        check_policy("4711", duress)

    def test_the_duress_pin_has_to_be_good_itself(self):
        with pytest.raises(ValueError, match="the duress PIN counts up or down"):
            check_policy("4711", "1234")

    @given(digits, digits)
    def test_slips_go_both_ways(self, one, other):
        assert pins._one_slip_apart(one, other) == pins._one_slip_apart(other, one)
        assert pins._one_slip_apart(one, one)

    @given(digits)
    def test_what_counts_is_refused_at_any_length(self, start):
        step_up = "".join(str((int(start[0]) + n) % 10) for n in range(len(start)))
        with pytest.raises(ValueError, match="counts"):
            check_policy(step_up)

    def test_both_are_hashed(self):
        both = Pins.of("4711", "2806")
        assert check_pin("2806", both.duress)
        assert not check_pin("2806", both.pin)


class TestCards:
    @pytest.mark.parametrize(
        "written",
        ["04A22F915B80", "04:a2:2f:91:5b:80", " 04-A2-2F-91-5B-80\r\n", "04a2 2f91 5b80", "\uff10\uff14A22F915B80"],
    )
    def test_a_number_is_the_same_however_it_is_written(self, written):
        assert digest_card(written, KEY) == digest_card("04A22F915B80", KEY)
        assert card_hint(written) == "B80"

    def test_the_digest_depends_on_the_key_and_shows_no_number(self):
        assert digest_card("04A22F915B80", KEY) != digest_card("04A22F915B80", b"other")
        assert re.fullmatch("[0-9a-f]{64}", digest_card("04A22F915B80", KEY))

    @pytest.mark.parametrize("number", ["", "123", " - . ", "1" * 257, "12\x0034"])
    def test_what_is_no_number_is_refused_and_not_repeated(self, number):
        with pytest.raises(ValueError, match="read the card again") as refused:
            digest_card(number, KEY)
        assert "\x00" not in str(refused.value)

    @pytest.mark.parametrize(("number", "hint"), [("1234", "4"), ("12345678", "78"), ("1" * 12 + "2345", "2345")])
    def test_the_hint_is_a_quarter_at_most(self, number, hint):
        assert card_hint(number) == hint

    @settings(max_examples=50)
    @given(st.text("0123456789ABCDEF", min_size=4, max_size=20), st.text("0123456789ABCDEF", min_size=4, max_size=20))
    def test_other_numbers_have_other_digests(self, one, other):
        assert (digest_card(one, KEY) == digest_card(other, KEY)) == (one == other)
