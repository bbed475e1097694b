import shutil
from pathlib import Path

import pytest

from tests.training.pens import writers
from tests.training.test_signatures_load import archive
from training.errors import RunError
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


def test_what_cannot_be_measured_is_said(tmp_path, data):
    with pytest.raises(RunError, match="run of tiny"):
        measure(run(tmp_path / "tiny", "tiny"), data)
    with pytest.raises(RunError, match="quantise"):
        measure(run(tmp_path / "online", "signature-online", file=False), data)
