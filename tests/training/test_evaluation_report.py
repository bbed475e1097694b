import hashlib
import json
import re
import shutil
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from agent.errors import ConfigError
from tests.training.disk import full
from training.errors import RunError
from training.evaluation import sections
from training.evaluation.bounds import Share
from training.evaluation.calibration import fmr_card
from training.evaluation.cards import add, read_card
from training.evaluation.cohorts import labelled, rates, similarity_at, unlabelled
from training.evaluation.detection import Detection
from training.evaluation.evaluate import Results, Task, evaluate, save
from training.evaluation.goals import Goal, flatten, load_goals, shown
from training.evaluation.lfw import Lfw
from training.evaluation.openset import open_set
from training.evaluation.page import Section, render, table, verdicts
from training.evaluation.pictures import Embedded
from training.evaluation.reliability import reliability
from training.evaluation.report import build_report
from training.evaluation.speed import Speed
from training.evaluation.verify import verify

TIMES = "\N{MULTIPLICATION SIGN}"
VOID = {"meta", "br", "hr", "img", "input", "link"}
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


class Strict(HTMLParser):
    """Remembers what is open, what ids there are, and what the text says."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.tags, self.links, self.text = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for key, value in attrs:
            if key == "id":
                self.ids.append(value)
            if key in {"href", "src", "xlink:href", "srcset", "data"}:
                self.links.append(value)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(page):
    parser = Strict()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


def people(rng, count=60, each=5, dimension=16):
    identity = np.repeat(np.arange(count), each)
    vectors = rng.normal(size=(count, dimension))[identity] + 0.5 * rng.normal(size=(len(identity), dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), identity


@pytest.fixture(scope="module")
def results():
    rng = np.random.default_rng(0)
    vectors, identity = people(rng)
    embedded = Embedded([f"P/{i}" for i in range(len(vectors))], vectors, np.ones(len(vectors), bool))
    lfw = Lfw(
        0.9876,
        0.0012,
        0.9987,
        verify(vectors, identity, fmrs=(1e-2, 1e-3), rounds=10),
        embedded,
        identity,
        vectors[0],
        identity > 0,
    )
    everybody, other = (
        labelled("the <named>", vectors, identity),
        unlabelled("others", people(rng)[0][::5], None, askew=1234),
    )
    at = similarity_at(everybody, 1e-2)
    share = Share(0.875, 0.86, 0.89)
    given = rng.uniform(0, 1, 500)
    return Results(
        lfw=lfw,
        mirrored=lfw,
        floats=lfw,
        open_set=open_set(vectors, identity, sizes=(10, 30), galleries=3),
        cohorts={1e-2: rates([everybody, other], at, rounds=10)},
        fmr=fmr_card(everybody, [other], rounds=10),
        detection=Detection(
            812, 220, share, 0.0864, 0.0737, 1.73, ((0, 20, share, 10), (120, float("inf"), share, 20)), 0.97
        ),
        speed=[Speed("encoder", 1, 1.234, 1.1, 0.52, 1_458_288), Speed("peer", 1, 2.4, 2.3, 1.0, 1_408_992)],
        reliability=reliability(given, rng.uniform(0, 1, 500) < given),
        left_out=["Nothing & nobody."],
    )


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name in ("encoder", "detector", "aligner"):
        (folder / f"{name}.tflite").write_bytes(b"0" * 100)
        of = hashlib.sha256(b"0" * 100).hexdigest()
        card = {"id": f"{name}-1", "sha256": of, "figures": {}, "fmr": {}, "data": "made-up <data>"}
        (folder / f"{name}.json").write_text(json.dumps(card))
    return folder


@pytest.fixture(scope="module")
def page(results, models):
    task = Task(Path("data"), models, Path("work"))
    return build_report(task, results, command="python -m training evaluate --data D <x>", now=NOW)


class TestReport:
    def test_it_is_html_with_every_tag_closed_and_no_id_twice(self, page):
        seen = read(page)
        assert page.startswith("<!doctype html>")
        assert len(seen.ids) == len(set(seen.ids))
        assert seen.tags.count("svg") == 8
        assert seen.tags.count("h1") == 1

    def test_it_stands_alone(self, page):
        seen = read(page)
        assert not {"script", "link", "img", "iframe", "object", "image"} & set(seen.tags)
        assert all(link.startswith("#") for link in seen.links)
        assert {link[1:] for link in seen.links} <= set(seen.ids)
        assert set(re.findall(r"url\((.)", page)) <= {"#"}
        assert "@import" not in page
        # names of XML's own vocabularies are no addresses: nothing is fetched from them
        assert not re.findall(r"https?://", re.sub(r'xmlns(:\w+)?="[^"]*"', "", page))

    def test_it_says_what_was_measured(self, page):
        text = " ".join(" ".join(read(page).text).split())
        for figure in (
            "98.76 % ± 0.12",
            "99.87 %",
            "87.50 %",
            "1.23 ms",
            f"0.52 {TIMES}",
            "1.46 MB",
            "812",
            "1.73 pixels",
        ):
            assert figure in text
        for words in (
            "encoder-1",
            "made-up <data>",
            "the <named>",
            "python -m training evaluate --data D <x>",
            "2026-11-26",
            "Nothing & nobody.",
            "impostor pairs; 1,234 pictures left out",
        ):
            assert words in text

    def test_plots_take_their_colours_from_the_page(self, page):
        svg = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
        assert "#0102" not in svg
        assert set(re.findall(r"var\((--[\w-]+)\)", svg)) <= set(re.findall(r"(--[\w-]+):", page))

    def test_what_was_not_measured_makes_no_section(self, models):
        page = build_report(Task(Path(), models, Path()), Results(), command="c", now=NOW)
        headings = re.findall(r"<h2>(.*?)</h2>", page)
        assert headings == ["Summary", "Model cards", "How this was made"]
        assert "0 of 0 goals" in page


class TestPage:
    def test_text_is_text(self):
        page = render("a <b> & c", "$d", [Section("<i>", "x < y", (table(("<", "n"), [("<td>", "12")]),))])
        assert read(page).text.count("<td>") == 1
        assert "a &lt;b&gt; &amp; c" in page
        assert "$d" in page

    def test_columns_of_numbers_stand_to_the_right(self):
        html = table(("name", "number", "word"), [("1", "12 %", "x"), ("2", "—", "3")])
        assert re.findall(r'class="number">([^<]*)', html) == ["number", "12 %", "—"]

    def test_a_goal_is_met_missed_or_open(self):
        html = verdicts(("a",), [(("x",), True), (("y",), False), (("z",), None)])
        assert re.findall(r'class="(\w+)">([\w ]+)</td>', html) == [
            ("met", "met"),
            ("missed", "missed"),
            ("open", "not measured"),
        ]


class TestGoals:
    def test_the_goals_of_the_project_name_figures_that_are_measured(self, results):
        measured = flatten(results.figures())
        goals = load_goals()
        assert len(goals) >= 12
        known = {"lfw", "encoder", "loss", "detector"}
        assert {goal.figure.split(".")[0] for goal in goals} == known
        assert measured["encoder.bytes"] == 1_458_288
        assert measured["loss.accuracy"] == 0.0

    def test_at_least_and_at_most(self):
        least, most = Goal("a", "a.a", 0.994, True, "%", ""), Goal("b", "b.b", 1.5, False, "ms", "")
        assert (least.met(0.994), least.met(0.993), most.met(1.5), most.met(1.6)) == (True, False, True, False)
        assert not least.met(float("nan"))
        assert (least.wanted(), most.wanted()) == ("≥ 99.40 %", "≤ 1.50 ms")

    @pytest.mark.parametrize(
        ("value", "unit", "text"),
        [
            (0.98, "%", "98 %"),
            (0.0012, "points", "0.12 points"),
            (1_458_288, "MB", "1.46 MB"),
            (0.5, "x", f"0.50 {TIMES}"),
        ],
    )
    def test_figures_are_shown_in_their_unit(self, value, unit, text):
        assert shown(value, unit) == text
        assert shown(float("nan"), unit) == "not measured"

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            pytest.param("[[goal]\n", "cannot be read", id="not TOML"),
            pytest.param('[[goal]]\nname="a"\nwish=1\n', "unknown keys wish", id="an unknown key"),
            pytest.param('[[goal]]\nname="a"\n', "either at_least or at_most", id="no bound"),
            pytest.param('[[goal]]\nname="a"\nat_least="much"\n', "the bound is a number", id="a word for a bound"),
            pytest.param('[[goal]]\nname="a"\nat_least=1\nunit="miles"\n', "unit 'miles'", id="an unknown unit"),
        ],
    )
    def test_goals_that_are_none_are_said_as_such(self, tmp_path, content, words):
        file = tmp_path / "goals.toml"
        file.write_text(content)
        with pytest.raises(ConfigError, match=words):
            load_goals(file)


def test_figures_go_into_the_cards(results, models):
    save(Task(Path(), models, Path()), results)
    encoder = json.loads((models / "encoder.json").read_text())
    assert encoder["fmr"]["worst"]["upper"]
    assert encoder["figures"]["grey LFW-a, own detector and alignment"]["accuracy"] == 0.9876
    assert encoder["figures"]["grey LFW-a, own detector and alignment, lost from float to int8"]["accuracy"] == 0
    assert encoder["cohorts"]["1e-02"]["others"]["fmr"] <= encoder["cohorts"]["1e-02"]["others"]["at_most"]
    assert encoder["speed"]["threads"] == {"1": {"median_ms": 1.234, "fastest_ms": 1.1}}
    assert encoder["speed"]["machine"]
    assert encoder["data"] == "made-up <data>"
    detector = json.loads((models / "detector.json").read_text())
    assert detector["figures"]["scenes val"]["recall@0.5"] == 0.875
    assert "speed" not in detector  # which was not measured
    aligner = json.loads((models / "aligner.json").read_text())
    assert aligner["figures"] == {"scenes val, found by detector-1": {"misplacement_px": 1.73, "aligned_px": 0.97}}


@pytest.mark.parametrize("name", ["encoder", "detector", "aligner"])
def test_models_that_are_not_there_are_said_as_such(tmp_path, name):
    for other in {"encoder", "detector", "aligner"} - {name}:
        (tmp_path / f"{other}.tflite").touch()
    with pytest.raises(ConfigError, match=rf"{name}\.tflite is missing"):
        evaluate(Task(tmp_path, tmp_path, tmp_path))


def test_a_card_that_is_none_is_said_as_such(tmp_path):
    (tmp_path / "encoder.json").write_text("{")
    with pytest.raises(ConfigError, match="package the model again"):
        read_card(tmp_path / "encoder.tflite")
    assert read_card(tmp_path / "other.tflite") == {}
    with pytest.raises(ConfigError, match=r"other\.json is missing: make it first"):
        add(tmp_path / "other.tflite", {})


def test_a_card_takes_no_figures_of_another_file_and_stays_whole_on_a_full_disk(models, tmp_path):
    file, card = (shutil.copy(models / name, tmp_path / name) for name in ("encoder.tflite", "encoder.json"))
    before = card.read_bytes()
    with full(100), pytest.raises(RunError, match=r"encoder\.json cannot be written"):
        add(file, {"a": {"b": 1.0}})
    assert card.read_bytes() == before
    file.write_bytes(b"quantised again")
    with pytest.raises(ConfigError, match=r"encoder\.json is of another file than encoder\.tflite.*make it anew"):
        add(file, {"a": {"b": 1.0}})
    assert card.read_bytes() == before


def test_small_rates_are_short():
    assert [sections.rate(value) for value in (0, 1e-4, 0.00123, 0.5)] == ["0", "1e-4", "1.2e-3", "0.5"]
