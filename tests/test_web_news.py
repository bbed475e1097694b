"""What the page is told: nothing that is not for the screen, in every language."""

import asyncio
import json
import re
from datetime import UTC, datetime

import pytest

from agent.access.factors import Factors
from agent.access.rules import DoorRules
from agent.access.told import TOLD
from agent.attendance.rules import AttendanceRules, Key, PunchType
from agent.gallery.sitting import Hint
from agent.guidance import ENROLLED, OVER, SIGN, SIGN_AGAIN, Guidance
from agent.types import Alarm, Decision, Outcome, Reason, Shown
from agent.web import news
from agent.web.assets import FOLDER, LANGUAGES, load_kiosk
from agent.web.audience import MOST, WAITING, Audience

AT = datetime(2026, 11, 26, 8, 58, tzinfo=UTC)
RULES = DoorRules("door", factor_seconds=12.0, two_person_seconds=33.0, signature_seconds=44.0)
FILES = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in LANGUAGES.glob("*.json")}
PAGE = FOLDER / "page"


def decision(outcome, reason, *shown, **more):
    return Decision(outcome, reason, "anna", None, AT, shown=shown, **more)


class TestLanguages:
    def test_there_are_four(self):
        assert sorted(FILES) == ["ar", "de", "en", "es"]
        assert FILES["ar"]["direction"] == "rtl"

    @pytest.mark.parametrize("code", FILES)
    def test_each_has_a_sentence_for_every_reason(self, code):
        assert list(FILES[code]["reasons"]) == [reason.value for reason in TOLD]
        assert all(FILES[code]["reasons"].values())

    @pytest.mark.parametrize("code", FILES)
    def test_each_has_every_word_with_the_same_gaps(self, code):
        def gaps(words):
            return {word: sorted(re.findall(r"\{\w+\}", text)) for word, text in words.items()}

        assert FILES[code].keys() == FILES["en"].keys()
        assert gaps(FILES[code]["words"]) == gaps(FILES["en"]["words"])

    @pytest.mark.parametrize("code", FILES)
    def test_each_guides_whoever_is_enrolled(self, code):
        assert list(FILES[code]["guide"]) == [*(hint.value for hint in Hint), SIGN, SIGN_AGAIN]
        assert all(FILES[code]["guide"].values())

    @pytest.mark.parametrize("code", FILES)
    def test_each_says_how_an_enrolment_ended(self, code):
        told = [ENROLLED, "no_consent", "cancelled", "timed_out", "different_people", "duplicate_person", "failed"]
        assert list(FILES[code]["ended"]) == [*told, "different_signatures"]
        assert all(re.fullmatch(r"[^|]+\|[^|]+", words) for words in FILES[code]["ended"].values())

    def test_english_is_what_the_documentation_says(self):
        assert FILES["en"]["reasons"] == {reason.value: text for reason, text in TOLD.items()}

    def test_no_word_is_there_that_the_page_does_not_say(self):
        script = "".join(file.read_text(encoding="utf-8") for file in PAGE.glob("*.js"))
        built = {"in", "out", "break_start", "break_end"}  # types of punches
        assert [word for word in FILES["en"]["words"] if f'"{word}"' not in script and word not in built] == []


class TestPage:
    def test_it_is_light(self):
        assert sum(len(asset.content) for name, asset in load_kiosk().items() if name) < 150_000

    def test_nothing_is_inline_and_nothing_comes_from_elsewhere(self):
        html = (PAGE / "kiosk.html").read_text(encoding="utf-8")
        assert re.findall(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", html) == []
        everything = html + "".join(
            file.read_text(encoding="utf-8") for file in PAGE.iterdir() if file.suffix in {".css", ".js"}
        )
        assert set(re.findall(r"https?://[^\s\"')]+", everything)) == {"http://www.w3.org/2000/svg"}
        assert "innerHTML" not in everything

    @pytest.mark.parametrize("theme", [":root", '[data-theme="dark"]'])
    def test_contrast_is_enough(self, theme):
        css = (PAGE / "kiosk.css").read_text(encoding="utf-8")
        colours = dict(re.findall(r"--([\w-]+): (#\w{6})", css.split(f"{theme} {{", 1)[1].split("}", 1)[0]))
        colours.setdefault("on-result", "#ffffff")
        pairs = [("ink", "paper"), ("ink", "card"), ("soft", "paper"), ("soft", "card"), ("on-accent", "accent")]
        pairs += [("on-result", outcome) for outcome in ("granted", "denied", "pending")]
        weak = {pair: ratio for pair in pairs if (ratio := contrast(*map(colours.get, pair))) < 4.5}
        assert weak == {}
        assert contrast(colours["accent"], colours["card"]) >= 3  # icons


def contrast(one, other):
    """Of two colours: WCAG 2.2, relative luminance."""

    def luminance(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(map(float.__mul__, linear, (0.2126, 0.7152, 0.0722)))

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


class TestResult:
    def test_of_who_is_let_in(self):
        told = news.result(decision(Outcome.GRANTED, Reason.MATCH, Shown.FACE), 7, RULES, "Anna")
        assert told == {
            "kind": "result", "visit": 7, "outcome": "granted", "reason": "match", "who": "Anna",
            "asks": None, "badge": False, "seconds": None,
        }  # fmt: skip

    def test_nothing_tells_of_duress(self):
        plain = decision(Outcome.GRANTED, Reason.CREDENTIAL, Shown.PIN)
        forced = decision(Outcome.GRANTED, Reason.CREDENTIAL, Shown.PIN, alarms=(Alarm.DURESS,))
        assert news.result(plain, 1, RULES, "Anna") == news.result(forced, 1, RULES, "Anna")

    def test_a_badge_number_alone_tells_no_name(self):
        assert news.result(decision(Outcome.PENDING, Reason.FACE_NEEDED), 1, RULES, "Anna")["who"] is None

    def test_who_is_refused_is_not_named(self):
        assert news.result(decision(Outcome.DENIED, Reason.SUSPENDED, Shown.FACE), 1, RULES, "Anna")["who"] is None

    @pytest.mark.parametrize(
        ("reason", "asks", "seconds"),
        [
            (Reason.PIN_NEEDED, "pin", 12.0),
            (Reason.CARD_NEEDED, "card", 12.0),
            (Reason.FACE_NEEDED, "face", 12.0),
            (Reason.SECOND_PERSON_NEEDED, "second", 33.0),
            (Reason.SIGNATURE_NEEDED, "signature", 44.0),
        ],
    )
    def test_what_is_asked_for(self, reason, asks, seconds):
        told = news.result(decision(Outcome.PENDING, reason, Shown.FACE), 1, RULES, None)
        assert (told["asks"], told["seconds"]) == (asks, seconds)

    @pytest.mark.parametrize(
        ("factors", "own", "shown", "badge"),
        [
            ("face+pin", None, (Shown.FACE,), False),
            ("pin", None, (Shown.FACE,), True),  # seen, and it does not matter who it was
            ("pin", None, (), True),
            ("pin", "face+pin", (Shown.FACE,), False),
            ("card+pin", None, (Shown.CARD,), False),
        ],
    )
    def test_whether_a_pin_alone_would_do(self, factors, own, shown, badge):
        rules = DoorRules("door", factors=Factors.parse(factors))
        pending = decision(Outcome.PENDING, Reason.PIN_NEEDED, *shown)
        assert news.result(pending, 1, rules, None, Factors.parse(own) if own else None)["badge"] is badge

    def test_a_wrong_pin_may_be_typed_again_where_the_face_counts_still(self):
        wrong = decision(Outcome.DENIED, Reason.WRONG_PIN, Shown.FACE)
        assert news.asked(wrong) == "pin"
        assert news.asked(decision(Outcome.DENIED, Reason.WRONG_PIN)) is None
        locked_out = decision(Outcome.DENIED, Reason.WRONG_PIN, Shown.FACE, alarms=(Alarm.LOCKED_OUT,))
        assert news.asked(locked_out) is None


def test_keys_are_the_four_types_and_the_named_ones_where_people_punch():
    rules = AttendanceRules(keys={"dentist": Key("dentist", PunchType.BREAK_START, "doc")})
    found = [(key["name"], key["type"]) for key in news.keys(rules, "door")]
    assert found == [*((each.value, each.value) for each in PunchType), ("dentist", "break_start")]
    assert news.keys(AttendanceRules(terminals=frozenset({"gate"})), "door") == []


def test_whoever_is_enrolled_is_told_what_to_do_and_how_far_it_is():
    told = {"kind": "guide", "hint": "look_left", "done": 2, "of": 5, "session": 7, "why": None}
    assert news.guided(Guidance("look_left", 2, 5, 7)) == told
    assert news.guided(Guidance(OVER, 5, 5, 7, ENROLLED))["why"] == "enrolled"


class TestAudience:
    def test_who_comes_later_begins_with_the_state(self):
        async def listen():
            audience = Audience()
            audience.publish({"n": 1}, state=True)
            audience.publish({"n": 2})
            return await audience.join().take()

        assert asyncio.run(listen()) == ['{"n":1}']

    def test_who_is_slow_misses_the_oldest(self):
        async def listen():
            audience = Audience()
            listener = audience.join()
            for n in range(WAITING + 5):
                audience.publish({"n": n})
            return [json.loads(each)["n"] for each in await listener.take()]

        assert asyncio.run(listen()) == list(range(5, WAITING + 5))

    def test_the_oldest_goes_where_there_are_too_many(self):
        async def listen():
            audience = Audience()
            first, *_ = [audience.join() for _ in range(MOST + 1)]
            return len(audience), await first.take()

        assert asyncio.run(listen()) == (MOST, [])
