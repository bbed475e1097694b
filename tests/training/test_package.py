"""From weights to a file, of what is no face: what was measured is noted for the card, and nothing else."""

import json

import pytest

torch = pytest.importorskip("torch", reason='training is not installed: pip install "latchkey[training]"')

from agent.hardware.engines.litert import LiteRtModel  # noqa: E402
from agent.signature.encode import SignatureEncoder  # noqa: E402
from agent.signature.selftest import self_test  # noqa: E402
from tests.training.pens import writers  # noqa: E402
from tests.training.test_signatures_load import archive  # noqa: E402
from training import sources  # noqa: E402
from training.errors import RunError  # noqa: E402
from training.loop.run import Run, save  # noqa: E402
from training.package import Packaging  # noqa: E402
from training.preset import load  # noqa: E402
from training.tasks import build  # noqa: E402

pytestmark = pytest.mark.timeout(400)  # the first conversion of a session loads a compiler


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return archive(tmp_path_factory.mktemp("signatures") / "made.npz", writers(14, genuine=4, forgeries=2))


@pytest.mark.parametrize(
    ("name", "measured"),
    [("signature-online", {"float_file", "int8_file", "agent"}), ("signature-offline", {"float_file", "int8_file"})],
)
def test_every_form_that_there_is_was_compared(tmp_path, data, name, measured):
    preset = load(name)
    preset = preset.model_copy(update={"export": preset.export.model_copy(update={"samples": 16})})
    packaging = Packaging(Run(tmp_path), preset, sources.make(preset, data, tmp_path))
    torch.manual_seed(0)
    save(build(preset, packaging.source).state_dict(), packaging.run.weights)
    packaging.quantise()
    noted = json.loads((tmp_path / "golden.json").read_text())
    assert set(noted["parity"]) == measured
    assert all(abs(off) < 0.05 for off in noted["parity"].values())
    if "agent" in measured:
        assert self_test(SignatureEncoder(LiteRtModel(packaging.run.model, sha256=None), "tested").vector, noted).good
    else:
        assert "golden" not in noted
    packaging.run.write({"seen": 64})  # and on it goes, with the weights of another look
    torch.manual_seed(1)
    save(build(preset, packaging.source).state_dict(), packaging.run.weights)
    with pytest.raises(RunError, match=r"made of other weights than .*: python -m training quantise --run"):
        packaging.card()
    assert not (tmp_path / "encoder.json").exists()
