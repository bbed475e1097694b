"""What goes into the agent's folder of models: only what it has a place for, and only what is what was trained."""

import json
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason='training is not installed: pip install "latchkey[training]"')

from agent.errors import ConfigError, ModelError  # noqa: E402
from tests.training.disk import full  # noqa: E402
from tests.training.unfit import by_half_pixels  # noqa: E402
from training.errors import RunError  # noqa: E402
from training.install import install, place  # noqa: E402
from training.loop.run import Run, digest  # noqa: E402
from training.preset import load  # noqa: E402

OURS = Path(__file__).parents[2] / "agent" / "models"
GOOD = {"float_file": 1e-7, "int8_file": 0.01, "agent": 0.01}


def made(folder, preset, parity=GOOD, **changed):
    """A run whose file and card are there."""
    ours = OURS / ("signature.json" if "signature" in preset else "encoder.json")
    told = {key: value for key, value in json.loads(ours.read_text()).items() if key in {"kind", "fmr", "thresholds"}}
    run = Run(folder / preset)
    run.open(load(preset))
    shutil.copy(OURS / ("signature.tflite" if "signature" in preset else "encoder.tflite"), run.model)
    told |= {"id": preset, "sha256": digest(run.model), "preset": load(preset).model_dump(mode="json")}
    card = told | changed
    card |= {"parity": parity} if parity else {}
    run.model.with_suffix(".json").write_text(json.dumps(card))
    return run


def put(run, models):
    install(run, run.preset(), models)
    return {file.name: file.read_bytes() for file in models.iterdir()}


@pytest.mark.parametrize(
    ("preset", "name"),
    [("door", "encoder"), ("coral", "encoder"), ("tiny", "encoder"), ("signature-online", "signature")],
)
def test_a_file_and_its_card_go_where_the_agent_looks(tmp_path, preset, name):
    run, models = made(tmp_path, preset), tmp_path / "models"
    for _ in range(2):  # and again, in place of itself
        found = put(run, models)
    assert set(found) == {f"{name}.tflite", f"{name}.json"}
    assert found[f"{name}.tflite"] == run.model.read_bytes()
    assert json.loads(found[f"{name}.json"])["id"] == preset


def test_the_agent_has_no_place_for_pictures_of_signatures(tmp_path):
    run, models = made(tmp_path, "signature-offline"), tmp_path / "models"
    with pytest.raises(ModelError, match="no place for an encoder of signature-offline"):
        put(run, models)
    assert not models.exists()


def test_made_up_people_do_not_take_the_place_of_real_ones(tmp_path):
    models = tmp_path / "models"
    before = put(made(tmp_path, "door"), models)
    with pytest.raises(ModelError, match="knows real faces, and tiny has only seen made-up ones"):
        put(made(tmp_path, "tiny"), models)
    assert {file.name: file.read_bytes() for file in models.iterdir()} == before


@pytest.mark.parametrize(
    ("parity", "words"),
    [
        pytest.param({**GOOD, "int8_file": 0.55}, "is not what was trained", id="the file says something else"),
        pytest.param({"float_file": 0.5, "int8_file": 0.01}, "the float file and PyTorch", id="the float file does"),
        pytest.param(None, "no card that says how far", id="nobody has looked"),
    ],
)
def test_what_is_not_known_to_be_what_was_trained_stays_out(tmp_path, parity, words):
    run, models = made(tmp_path, "signature-online", parity), tmp_path / "models"
    with pytest.raises(ModelError, match=words):
        put(run, models)
    assert not models.exists()


def test_the_card_of_another_file_stays_out(tmp_path):
    models = tmp_path / "models"
    before = put(made(tmp_path, "door"), models)
    with pytest.raises(ConfigError, match=r"encoder\.json is of another file than encoder\.tflite"):
        put(made(tmp_path / "other", "door", sha256="0" * 64), models)
    assert {file.name: file.read_bytes() for file in models.iterdir()} == before


def test_what_is_no_place_for_models_is_said_before_anything_is_measured(tmp_path):
    run, file = made(tmp_path, "door"), tmp_path / "file"
    before = {file.name: file.read_bytes() for file in run.folder.iterdir()}
    with pytest.raises(ModelError, match="the run's own folder"):
        place(run, run.preset(), run.folder / ".." / run.folder.name)
    file.touch()
    for folder in (file, file / "models"):
        with pytest.raises(ModelError, match="no folder that can be written"):
            place(run, run.preset(), folder)
    assert {file.name: file.read_bytes() for file in run.folder.iterdir()} == before


def test_a_full_disk_leaves_the_pair_that_was_there(tmp_path):
    models = tmp_path / "models"
    before = put(made(tmp_path, "door"), models)
    other = made(tmp_path / "other", "door", limits=["None."])
    with full(100_000), pytest.raises(RunError, match=r"encoder\.tflite cannot be written"):
        put(other, models)
    assert {file.name: file.read_bytes() for file in models.iterdir()} == before


FEW = {"similarity": [-0.1, 0.2], "fmr": [0.1, 0.1], "impostor_pairs": 60}
"""As 60 pairs of strangers may make it."""


@pytest.mark.parametrize(
    ("preset", "changed", "words"),
    [
        pytest.param("own", {"fmr": FEW}, "no two different rates that 60 impostor pairs", id="few strangers"),
        pytest.param("own", {"fmr": {**FEW, "similarity": [], "fmr": []}}, "0 similarities", id="hardly any"),
        pytest.param("signature-online", {"thresholds": {}}, "begin with one reference", id="no thresholds"),
    ],
)
def test_a_card_that_the_agent_would_not_start_with_stays_out(tmp_path, preset, changed, words):
    run, models = made(tmp_path, preset, **changed), tmp_path / "models"
    with pytest.raises(ModelError, match=f"the agent would not start with this card: .*{words}"):
        put(run, models)
    assert not models.exists()


@pytest.mark.parametrize(
    ("export", "words"),
    [
        pytest.param({"most_bytes": 1000}, "bytes, 1,000 are allowed", id="too large"),
        pytest.param({"targets": ("edgetpu",)}, "operation [0-9]+ .*RESIZE_BILINEAR", id="leaves int8 on its target"),
    ],
)
def test_what_is_not_fit_to_run_stays_out(tmp_path, export, words):
    run, models = made(tmp_path, "door"), tmp_path / "models"
    by_half_pixels(run.model)
    door = run.preset()
    asked = door.model_copy(update={"export": door.export.model_copy(update=export)})
    with pytest.raises(ModelError, match=words):
        install(run, asked, models)
    assert not models.exists()
