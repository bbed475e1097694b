"""A run's files on its own validation split: figures, the report, and what goes into the card."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch", reason='training is not installed: pip install "latchkey[training]"')

from agent.errors import ConfigError  # noqa: E402
from agent.gallery.anchors import KEY, Anchors  # noqa: E402
from tests.training.pens import writers  # noqa: E402
from tests.training.test_evaluation_report import read  # noqa: E402
from tests.training.test_signatures_load import archive  # noqa: E402
from training import sources  # noqa: E402
from training.__main__ import app  # noqa: E402
from training.data.collection import load as load_people  # noqa: E402
from training.data.made_up import made_up  # noqa: E402
from training.data.splits import ensure_split  # noqa: E402
from training.door import door_detector  # noqa: E402
from training.errors import RunError  # noqa: E402
from training.evaluation.cards import write_card  # noqa: E402
from training.evaluation.evaluate import Results, Task, _measure_cohorts  # noqa: E402
from training.evaluation.own import measure_run, save  # noqa: E402
from training.evaluation.own_report import build_own_report  # noqa: E402
from training.loop.run import Run, digest  # noqa: E402
from training.package import Packaging  # noqa: E402
from training.preset import load  # noqa: E402

FACES = Path(__file__).parents[2] / "agent" / "models" / "encoder.tflite"
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def packaged(folder, preset, data=None, *, floats=True):
    """A run whose file is an encoder of faces, which sees other things too."""
    preset = preset.model_copy(update={"phase": (preset.phase[0].model_copy(update={"side": 112}),)})
    Run(folder).open(preset)
    for name in ("encoder.tflite", "encoder.float.tflite")[: 1 + floats]:
        shutil.copy(FACES, folder / name)
    card = {"id": "ours-1", "sha256": digest(FACES), "figures": {"a": {"b": 1}}, "limits": ["Not <x>."]}
    (folder / "encoder.json").write_text(json.dumps(card))
    return Packaging(Run(folder), preset, sources.make(preset, data, folder))


def page_of(packaging, own):
    card = json.loads(packaging.run.model.with_suffix(".json").read_text())
    return read(build_own_report(packaging, own, card, command="evaluate <it>", now=NOW, runtime="r"))


def test_people_of_ones_own_are_measured_and_reported_without_a_benchmark(tmp_path):
    packaging = packaged(tmp_path, load("tiny"))
    own = measure_run(packaging, None, rounds=10)
    figures = own.figures()
    assert 0 < figures["validation (int8)"]["eer"] < 0.5
    assert set(figures["validation, lost from float to int8"].values()) == {0.0}  # it is the same file here
    assert [one.people for one in own.open_set] == [5, 10]
    assert {(one.name, one.threads) for one in own.speed} == {
        (n, t) for n in ("int8 file", "float file") for t in (1, 2)
    }
    seen = page_of(packaging, own)
    text = " ".join(" ".join(seen.text).split())
    assert seen.tags.count("svg") == 5
    for words in ("ours-1", "Not <x>.", "evaluate <it>", "true accepts at FMR 1e-3", "3 samples of each", "2 threads"):
        assert words in text
    save(packaging, own)
    card = json.loads((tmp_path / "encoder.json").read_text())
    assert card["figures"] == {"a": {"b": 1}} | figures
    assert set(card["speed"]["threads"]) == {"1", "2"}
    packaging.run.model.unlink()
    with pytest.raises(RunError, match="python -m training quantise"):
        measure_run(packaging, None)


def test_where_the_card_normalises_all_is_measured_so_and_by_the_card_of_the_file_alone(tmp_path):
    plain = measure_run(packaged(tmp_path / "plain", load("tiny"), floats=False), None, rounds=10)
    packaging = packaged(tmp_path / "run", load("tiny"), floats=False)
    drawn = np.random.default_rng(1).standard_normal((40, 256))
    anchors = Anchors(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), 8, 1.0, 1.5)
    card = {"id": "ours-1", "dimension": 256, KEY: anchors.as_card()}
    write_card(packaging.run.model, card | {"sha256": digest(FACES)})
    own = measure_run(packaging, None, rounds=10)
    assert own.fmr["mean"] > plain.fmr["mean"] + 0.1  # strangers have more than nothing in common
    assert own.verification.eer_similarity > plain.verification.eer_similarity
    assert Task(Path(), packaging.run.folder, Path()).space().anchors is not None
    write_card(packaging.run.model, card | {"sha256": "0" * 64})
    with pytest.raises(ConfigError, match=r"encoder\.json is of another file than encoder\.tflite.*training card"):
        measure_run(packaging, None)


def test_signatures_are_measured_with_their_forgeries_and_what_is_not_there_is_said(tmp_path):
    data = archive(tmp_path / "made.npz", writers(14, genuine=4, forgeries=2))
    packaging = packaged(tmp_path / "run", load("signature-offline"), data, floats=False)
    own = measure_run(packaging, data, rounds=10)
    assert own.forgeries["test writers (int8)"]["eer_random_1"] < 0.5
    text = " ".join(" ".join(page_of(packaging, own).text).split())
    assert f"{4 * own.people} samples of {own.people} people and {2 * own.people} forgeries, " in text
    for words in ("Forgeries", "random, 1 reference", "Left out. What int8 costs", "encoder.float.tflite is not there"):
        assert words in text


def test_cohorts_of_a_folder_that_names_nobody_for_validation_are_of_those_who_were_held_out(tmp_path):
    drawn = made_up(14, 3)
    np.save(tmp_path / "faces.npy", np.stack(drawn.samples))
    rows = [f"{row},{person}" for row, person in enumerate(drawn.identity.tolist())]
    (tmp_path / "index.csv").write_text("\n".join(["file,identity", *rows]) + "\n")
    results, models = Results(), FACES.parent
    _measure_cohorts(Task(Path(), models, tmp_path, rounds=10), door_detector(), results)
    held = len(ensure_split(load_people(tmp_path)).val)  # three pictures of each
    assert results.fmr["impostor_pairs"] == (held**2 - 3 * held) // 2 > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param([], "name --data", id="neither benchmarks nor a run"),
        pytest.param(["--run", "x", "--cache", "y"], "leave out --cache", id="what goes with benchmarks alone"),
    ],
)
def test_the_two_ways_to_measure_are_told_apart(arguments, words):
    said = CliRunner().invoke(app, ["evaluate", *arguments], env={"COLUMNS": "200"})
    assert said.exit_code == 2
    assert words in said.output


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("evaluate --run nowhere --report {}", id="the report of a run"),
        pytest.param("evaluate --data nowhere --report {}", id="the report of ours"),
        pytest.param("calibrate . --models nowhere --out {}", id="a site file"),
    ],
)
def test_where_the_results_go_is_looked_at_before_anything_is_measured(tmp_path, command):
    (tmp_path / "file").touch()
    said = CliRunner().invoke(app, command.format(tmp_path / "file" / "x" / "result").split())
    assert isinstance(said.exception, ConfigError)
    assert "name another place" in str(said.exception)
    CliRunner().invoke(app, command.format(tmp_path / "new" / "result").split())
    assert (tmp_path / "new").is_dir()


@pytest.mark.parametrize(
    "where", [pytest.param("--run {0}", id="of a run"), pytest.param("--data {0} --models {0}", id="of ours")]
)
def test_a_card_that_is_to_be_written_into_is_looked_for_before_anything_is_measured(tmp_path, where):
    packaged(tmp_path, load("tiny"))
    (tmp_path / "encoder.json").unlink()
    said = CliRunner().invoke(app, ["evaluate", "--save", *where.format(tmp_path).split()])
    assert isinstance(said.exception, ConfigError)
    assert "encoder.json is missing: make it first" in str(said.exception)
    assert not said.output
