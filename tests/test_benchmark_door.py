"""The benchmark at the door: what it makes of recordings, and a small part of it on real ones."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from zipfile import ZipFile

import pytest

from agent.config import load_config
from agent.types import Decision, Match, Outcome, Reason, Sighting
from tests.benchmarks import footage
from tests.benchmarks.door import README, main, run
from tests.benchmarks.replay import BEGAN, Visit
from tests.benchmarks.report import BEGIN, END, rewritten, tables
from tests.benchmarks.results import Kind, Results, Tried

DATA = Path(__file__).parents[2] / "shared" / "data"


def decision(reason, *, person=None, after=0.2, similarity=0.8, nearest="0001"):
    outcome = Outcome.GRANTED if person else Outcome.DENIED
    match = Match(nearest, similarity, "0009", 0.3)
    at = BEGAN + timedelta(seconds=after)
    sighting = Sighting(at, "camera", 1, reason, person, match, 0.6, 2, 2 if person else 0, None, "")
    return Decision(outcome, reason, person, sighting, sighting.at, sighting.detail)


def tried(kind, who, *decisions, enrolled=True, faces=10):
    return Tried(kind, who, 0.6, Visit(BEGAN, 10, faces, decisions), enrolled=enrolled)


GRANT = decision(Reason.MATCH, person="0001")
DENIAL = decision(Reason.UNKNOWN, similarity=0.4)


class TestFootage:
    @pytest.fixture
    def archive(self, tmp_path):
        with ZipFile(tmp_path / "door.zip", "w") as archive:
            for number in (100, 20, 3, 0):
                archive.writestr(f"live/0002/0002_01_00_01_{number}.webp", b"")
            archive.writestr("live/0001/0001_00_00_01_7.webp", b"")
            archive.writestr("live/0001/0001_01_00_01_5.webp", b"")
            archive.writestr("live/0001/notes.txt", b"")
            archive.writestr("photo/0002/0002_00_00_01_1.webp", b"")
            yield archive

    def test_sessions_are_in_the_order_they_were_taken(self, archive):
        live = footage.sessions(archive, "live")
        assert list(live) == ["0001", "0002"]
        assert [each.number for each in live["0002"]] == [0, 3, 20, 100]
        assert [each.member for each in footage.sessions(archive, "photo")["0002"]] == [
            "photo/0002/0002_00_00_01_1.webp"
        ]

    def test_glasses_off_is_another_visit(self, archive):
        visits = footage.groups(footage.sessions(archive, "live")["0001"])
        assert [[each.group for each in visit] for visit in visits] == [["00_00_01"], ["01_00_01"]]

    def test_each_picture_is_enrolled_from_once(self):
        pictures = [footage.Picture("0001", "00_00_01", number, "") for number in range(28)]
        turns = [[each.number for each in footage.photos_for(pictures, 4, turn)] for turn in range(7)]
        assert turns[0] == [0, 7, 14, 21]
        assert sorted(number for turn in turns for number in turn) == [*range(28)]

    @pytest.mark.parametrize(
        ("pictures", "played"),
        [("abcd", "abcdcbabcd"), ("ab", "ababababab"), ("a", "aaaaaaaaaa")],
    )
    def test_who_stays_does_not_jump(self, pictures, played):
        assert "".join(footage.forth_and_back(pictures, 10)) == played


class TestVisit:
    def test_let_in_at_last(self):
        one = tried(Kind.MEMBER, "0001", DENIAL, decision(Reason.MATCH, person="0001", after=6.0)).visit
        assert one.opened_for == ["0001"]
        assert one.waited == 6.0
        assert one.most_alike.similarity == 0.8

    @pytest.mark.parametrize(
        ("decisions", "faces", "why"),
        [
            pytest.param((DENIAL, decision(Reason.AMBIGUOUS), DENIAL), 9, "unknown, then ambiguous", id="refused"),
            pytest.param((), 9, "nothing concluded", id="gone too soon"),
            pytest.param((), 0, "no face found", id="not seen"),
        ],
    )
    def test_not_let_in(self, decisions, faces, why):
        one = tried(Kind.MEMBER, "0001", *decisions, faces=faces)
        assert one.visit.why_not == why
        assert one.visit.waited == float("inf")
        assert not one.let_in

    def test_mistaken(self):
        one = tried(Kind.STRANGER, "0002", GRANT, enrolled=False)
        assert not one.let_in
        assert one.mistaken_for == ["0001"]


class TestReport:
    @pytest.fixture
    def text(self):
        threshold = SimpleNamespace(cosine=0.612, fmr=2e-7, extrapolated=True)
        bundle = SimpleNamespace(
            model_id="enc-1",
            detector=SimpleNamespace(id="det-1"),
            aligner=SimpleNamespace(id="al-1"),
            threshold=lambda templates: threshold,
            table=SimpleNamespace(fmr=(1e-2, 1e-6)),
        )
        gallery = SimpleNamespace(people=("0001", "0002"), templates=8)
        staff = SimpleNamespace(gallery=gallery, refused={"0003": "no_face: no face was found"}, asked=3)
        results = Results(bundle, BEGAN, staff=[staff])
        results.take(
            [
                tried(Kind.MEMBER, "0001", GRANT),
                tried(Kind.MEMBER, "0001", DENIAL, decision(Reason.MATCH, person="0001", after=6.0)),
                tried(Kind.MEMBER, "0002", DENIAL),
                tried(Kind.MEMBER, "0002", GRANT),
                tried(Kind.STRANGER, "0001", DENIAL, enrolled=False),
                tried(Kind.STRANGER, "0002", GRANT, enrolled=False),
                tried(Kind.PHOTO, "0001", GRANT),
                tried(Kind.PHOTO, "0016", GRANT, enrolled=False),
                tried(Kind.PASSER, "hall.gif", enrolled=False),
                tried(Kind.SPEAKER, "swiz3n.mpg", DENIAL),
            ]
        )
        return tables(results, command="door --data data")

    def test_says_what_was_measured_and_how(self, text):
        assert "`door --data data`" in text
        assert "Encoder `enc-1`, detector `det-1`, aligner `al-1`." in text
        assert "In each of 1 turn 2 people enrolled, with 8 templates at the most: threshold 0.612" in text
        assert "(false match rate 2.0e-07, beyond the 1.0e-06" in text

    @pytest.mark.parametrize(
        "row",
        [
            "| enrolments refused | 1 of 3 (33.3 %) | failure to enrol |",
            "| visits of enrolled people refused | 2 of 4 (50.0 %) | false rejections |",
            "| … let in as somebody else | 1 of 4 (25.0 %) | misidentifications |",
            "| … let in after a refusal | 1 of 4 (25.0 %) |  |",
            "| visits of strangers let in | 1 of 2 (50.0 %) | false accepts |",
            "| photographs of enrolled people let in as these | 1 of 1 (100.0 %) | IAPIR, the target is returned |",
            "| photographs let in as anybody | 2 of 2 (100.0 %) | IAPIR, somebody is returned |",
            "| 0001 | 2 | 2 | 0 | 0.800 | 0.600 | 3.1, 6.0 | 0 of 1 | 0.400 to 0001 |",
            "| 0016 (not enrolled) | 1 | 0 | 1 x 0001 | 0 | 0.800 |",
            "| hall.gif | no | 10 of 10 | nobody | nothing concluded |  |  | 0.600 |",
            "- 0002, stranger, let in as 0001",
            "- 0003 not enrolled, no_face: no face was found",
        ],
    )
    def test_counts(self, text, row):
        assert row in text.splitlines()

    def test_the_readme_keeps_the_rest(self):
        before, after = "# Title\n\n", "\nMore.\n"
        once = rewritten(f"{before}{BEGIN}\nold\n{END}{after}", "new")
        assert once == f"{before}{BEGIN}\nnew\n{END}{after}"
        assert rewritten(once, "new") == once

    def test_a_readme_without_a_place_for_it(self):
        with pytest.raises(ValueError, match="no lines"):
            rewritten("# Title\n", "new")

    def test_ours_has_one(self):
        assert "new" in rewritten(README.read_text(encoding="utf-8"), "new")


def test_without_recordings_it_says_what_it_wants(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--data", str(tmp_path)])
    assert ended.value.code == 2
    assert "there is no" in capsys.readouterr().err


@pytest.mark.shared_data
@pytest.mark.skipif(not (DATA / "door" / "door.zip").is_file(), reason="the recordings are not here: ../shared/data")
def test_two_real_people(tmp_path):
    config = load_config(None, {"device.data_dir": tmp_path, "mqtt.enabled": False}, {})
    results = run(config, DATA, turns=1, people=["0004", "0005"], videos=False)
    (staff,) = results.staff
    assert staff.refused == {}
    assert (staff.gallery.people, staff.gallery.templates) == (("0004", "0005"), 8)
    assert {person: len(results.of(Kind.MEMBER, person)) for person in results.people} == {"0004": 1, "0005": 1}
    for each in results.of(Kind.MEMBER):
        assert each.let_in, each.visit.why_not
        assert each.visit.waited < 1.0
    for each in results.of(Kind.STRANGER):
        assert not each.enrolled
        assert each.visit.denials
        assert not each.visit.grants
    assert [each.who for each in results.of(Kind.PHOTO)] == ["0004", "0005"]
    assert "| 0005 | 1 | 1 | 0 |" in tables(results, command="door")
