"""What the detector learns from shares no face with what it is validated on."""

import csv
import zipfile

import cv2
import numpy as np
import pytest

from agent.vision.align import align
from tests.training.canvases import HEADER, POINTS, coded, write_faces, write_scenes
from training.data.errors import DataError
from training.scenes import Crops, load_scenes, load_shown


@pytest.fixture
def data(tmp_path):
    write_scenes(tmp_path / "scenes", ("train", "train", "val", "val"))
    write_faces(tmp_path / "work")
    return tmp_path


def paste_unseen(work, scene):
    """Puts the face of a photograph among those that are cut out, a little darker."""
    faces = np.load(work / "faces.npy")
    faces[2] = align(scene.picture, scene.points[0]) * 0.9
    np.save(work / "faces.npy", faces)


def test_nothing_is_left_out_where_nothing_is_alike(data, caplog):
    shown = load_shown(data / "scenes", data / "work")
    assert [len(one) for one in (shown.scenes, shown.faces.train, shown.unseen)] == [2, 4, 2]
    assert not caplog.records


def test_a_face_of_validation_is_not_cut_out(data, caplog):
    paste_unseen(data / "work", load_scenes(data / "scenes", "val")[1])
    shown = load_shown(data / "scenes", data / "work")
    assert shown.faces.train.tolist() == [0, 1, 3]
    np.testing.assert_array_equal(Crops(shown.faces)[2], shown.faces.samples[3])
    assert "1 faces to cut out and 0 photographs" in caplog.text


def test_a_photograph_of_validation_that_was_moved_and_made_smaller_is_not_shown(data, caplog):
    unseen = load_scenes(data / "scenes", "val")[0]
    smaller = cv2.resize(unseen.picture[10:, 20:], None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    with zipfile.ZipFile(data / "scenes" / "scenes.zip", "a") as archive:
        archive.writestr("again.webp", coded(smaller[..., ::-1]))
    flat = (v for x, y in POINTS for v in ((x - 20) * 0.8, (y - 10) * 0.8))
    with (data / "scenes" / "faces.csv").open("a", newline="") as table:
        csv.writer(table).writerow(
            dict(zip(HEADER, ["again.webp", "train", 144, 120, 0.9, 32, 28, 32, 40, *flat], strict=True)).values()
        )
    assert len(load_scenes(data / "scenes", "train")) == 3
    shown = load_shown(data / "scenes", data / "work")
    assert [scene.name for scene in shown.scenes] == ["0.webp", "1.webp"]
    assert "0 faces to cut out and 1 photographs" in caplog.text


def test_nothing_to_learn_from_is_said(data):
    index = data / "work" / "index.csv"
    index.write_text(index.read_text().replace(",train,", ",val,"))
    with pytest.raises(DataError, match="2 photographs and 0 faces to cut out are left to learn from"):
        load_shown(data / "scenes", data / "work")
