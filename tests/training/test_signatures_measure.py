import shutil
from pathlib import Path

import pytest

from tests.training.pens import writers
from tests.training.test_signatures_load import archive
from training import sources
from training.errors import RunError
from training.loop import origin
from training.loop.run import Run
from training.preset import load
from training.signatures.measure import measure

FACES = Path(__file__).parents[2] / "agent" / "models" / "encoder.tflite"  # an encoder of pictures, if not of these


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return archive(tmp_path_factory.mktemp("signatures") / "made.npz", writers(14, genuine=4, forgeries=2))


def run(folder, preset, *, file=True):
    Run(folder).open(load(preset))
    if file:
        shutil.copy(FACES, folder / "encoder.tflite")
    return folder


def test_a_run_is_measured_on_the_test_writers_beside_time_warping(tmp_path, data):
    found = measure(run(tmp_path / "run", "signature-offline"), data, dtw=True)
    assert len(found) == 2
    by_file, by_warping = found.values()
    assert 0 <= by_file["eer_random_1"] < 0.5  # even one for faces sees that writers differ
    assert by_warping["eer_random_1"] < 0.2
    assert by_file["eer_skilled_1_low"] <= by_file["eer_skilled_1"] <= by_file["eer_skilled_1_high"]


def test_a_run_of_other_signatures_is_not_measured_on_these(tmp_path, data):
    folder, preset = run(tmp_path / "run", "signature-offline"), load("signature-offline")
    others = archive(tmp_path / "others.npz", writers(13, genuine=4, forgeries=2))
    learnt = sources.make(preset, others, tmp_path).collection
    assert sources.place(preset, others, tmp_path) == ("--data", others)
    origin.keep(Run(folder), learnt, others, (), rows=len(learnt), flag="--data")
    with pytest.raises(RunError, match=rf"trained on other data than {data} holds now.*--data {others}\)"):
        measure(folder, data)


def test_what_cannot_be_measured_is_said(tmp_path, data):
    with pytest.raises(RunError, match="run of tiny"):
        measure(run(tmp_path / "tiny", "tiny"), data)
    with pytest.raises(RunError, match="quantise"):
        measure(run(tmp_path / "online", "signature-online", file=False), data)
