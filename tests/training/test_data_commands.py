"""`pack`, `label`, `blend` and what `train` says of them, as a user types them, on people who are drawn."""

import sys

import cv2
import numpy as np
import pytest

from tests.training import shorts
from tests.training.test_data_teacher import squares
from training import preset as presets
from training.__main__ import main
from training.data.collection import load
from training.data.errors import DataError
from training.data.made_up import draw, person
from training.errors import RunError
from training.learn import learn


def put(folder, people, pictures=3, seed=0):
    """Writes aligned faces as JPEG, each person in a folder."""
    for number in range(people):
        random = np.random.default_rng((seed, number))
        who = person(random)
        for at in range(pictures):
            file = folder / f"p{seed}-{number}" / f"{at}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(file), draw(who, random)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    return folder


@pytest.fixture
def say(monkeypatch, capsys):
    """Runs a command; returns its exit status and all that it said."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["training", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code or 0, " ".join((said.out + said.err).split())

    return run


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    squares(folder / "squares.xml", 4)
    return "--reference", folder, "--encoder", "squares.xml"


@pytest.fixture
def packed(say, tmp_path):
    status, said = say("pack", put(tmp_path / "people", 12, pictures=6), tmp_path / "data")
    assert status == 0, said
    assert "72 pictures kept, 12 people; 0 pictures left out" in said
    return tmp_path / "data"


@pytest.fixture
def preset(tmp_path):
    return shorts.packed(tmp_path, loss="distillation", samples=24)


def test_packed_people_are_labelled_and_their_blends_go_with_them(say, packed, reference, preset, tmp_path):
    assert load(packed).teacher is None
    status, said = say("label", packed, *reference)
    assert status == 0
    assert said.endswith(f"{packed}: 72 pictures, 48 numbers of each")
    assert load(packed).teacher.shape == (72, 48)
    blending = ("blend", tmp_path / "blends", "--count", 5, "--preset", preset, "--work", packed, *reference)
    status, said = say(*blending)
    assert status == 0
    assert said.endswith(f"{tmp_path / 'blends'}: 5 blends")
    assert load(tmp_path / "blends").teacher.shape == (5, 48)
    assert not (tmp_path / "blends" / "maps.npy").exists()


def test_tar_and_a_table(say, tmp_path):
    people = put(tmp_path / "people", 2)
    table = tmp_path / "table.csv"
    rows = [f"{file.relative_to(tmp_path)},{file.parent.name},door" for file in sorted(people.rglob("*.jpg"))]
    table.write_text("\n".join(["file,identity,group", *rows]))
    assert say("pack", table, tmp_path / "data", "--tar")[0] == 0
    assert [file.suffix for file in sorted((tmp_path / "data").iterdir())] == [".csv", ".tar", ".csv"]
    assert set(load(tmp_path / "data").group) == {"door"}


def test_answers_about_other_pictures_are_refused_until_asked_again(say, packed, reference):
    np.save(packed / "teacher.npy", np.zeros((71, 48), np.float16))
    with pytest.raises(DataError, match=r"about 71 pictures, and 72 are here"):
        load(packed)
    assert say("label", packed, *reference)[0] == 0
    assert load(packed).teacher.shape == (72, 48)


def test_a_run_does_not_go_where_the_pictures_are(packed, preset):
    before = sorted(packed.iterdir())
    for work in (packed, packed.parent):
        with pytest.raises(RunError, match=r"a run wants a folder of its own.*--run"):
            learn(presets.load(str(preset)), packed, data=None, work=work)
    assert sorted(packed.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("label", "{data}", "--reference", "{data}"), "no reference encoder encoder_edgeface", id="none"),
        pytest.param(("label", "{data}/nothing", "--reference", "{data}"), "does not exist", id="nothing packed"),
        pytest.param(("label", "{people}", "--reference", "{data}"), "pack the pictures first", id="not packed"),
        pytest.param(("pack", "{people}", "{data}"), "name a new or an empty folder", id="packed already"),
        pytest.param(
            ("blend", "{data}/b", "--count", "2", "--reference", "{data}", "--preset", "{preset}", "--work", "{data}"),
            "label {data} --reference DIR", id="blends of what nobody was asked about",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_in_a_sentence(say, packed, preset, arguments, message):
    names = {"data": packed, "people": packed.parent / "people", "preset": preset}
    status, said = say(*(argument.format(**names) for argument in arguments))
    assert status == 2
    assert message.format(**names) in said
    assert "Traceback" not in said
