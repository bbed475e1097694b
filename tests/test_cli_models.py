"""The commands with the models that come with Latchkey, on people who do not exist."""

import cv2
import numpy as np
import pytest

from agent.cli import main
from agent.config.tables import BUNDLED_MODELS
from tests.fakes.terminal import Outcome, forget_logging
from training.cast.identity import Pose
from training.cast.people import cast
from training.cast.picture import render

pytestmark = pytest.mark.skipif(
    not all((BUNDLED_MODELS / f"{name}.tflite").exists() for name in ("encoder", "aligner", "detector")),
    reason=f"there are no models in {BUNDLED_MODELS}: make them with training/",
)


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    """Three pictures of two colleagues and of a stranger, 320x320."""
    folder = tmp_path_factory.mktemp("album")
    people = cast()
    for name, who in (*people.staff[:2], people.strangers[0]):
        (folder / name).mkdir()
        for number, yaw in enumerate((0, 8, -8)):
            image = render(who, Pose(yaw=yaw))
            cv2.imwrite(str(folder / name / f"{number}.png"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return folder


@pytest.fixture
def latchkey(tmp_path, capsys):
    (tmp_path / "agent.toml").write_text('[device]\ndata_dir = "data"\n[mqtt]\nenabled = false\n')

    def run(*arguments):
        capsys.readouterr()
        code = main([*map(str, arguments), "--config", str(tmp_path / "agent.toml")])
        return Outcome(code, *capsys.readouterr())

    yield run
    forget_logging()


def test_staff_is_known_and_a_stranger_is_not(latchkey, album):
    (ada, _), (bruno, _), (stranger, _) = (*cast().staff[:2], cast().strangers[0])
    for name in (ada, bruno):
        outcome = latchkey("enrol", name, album / name / "0.png", album / name / "1.png", "--consent", "test")
        assert outcome.code == 0, outcome.err
    seen = latchkey("identify", *(album / name / "2.png" for name in (ada, bruno, stranger)), "--json").json
    nearest = [picture["faces"][0] for picture in seen]
    assert [(face["verdict"], face["person"]) for face in nearest[:2]] == [("known", ada), ("known", bruno)]
    assert {face["verdict"] for face in seen[2]["faces"]} == {"unknown"}


def test_the_same_people_have_similar_vectors(latchkey, album, tmp_path):
    outcome = latchkey("embed", album, "--npz", tmp_path / "out.npz", "--json")
    assert (outcome.code, outcome.json["found"]) == (0, 9)
    with np.load(tmp_path / "out.npz") as saved:
        vectors, owners = saved["vector"], [path.split("/")[-2] for path in saved["path"]]
    cosines = vectors @ vectors.T
    same = np.equal.outer(owners, owners)
    assert vectors.shape == (9, outcome.json["dimension"])
    assert cosines[same].min() > cosines[~same].max()


def test_the_models_are_good(latchkey):
    checks = latchkey("check", "--json").json["checks"]
    assert next(check["state"] for check in checks if check["name"] == "models") == "ok"
