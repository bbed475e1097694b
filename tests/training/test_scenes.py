"""What the detector learns from shares no face with what it is validated on."""

import csv
import zipfile

import cv2
import numpy as np
import pytest

from agent.vision.align import align
from tests.training.canvases import HEADER, POINTS, coded, write_faces, write_scenes
from training.data.collection import load
from training.data.errors import DataError
from training.scenes import Crops, load_backgrounds, load_scenes, load_shown


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


def add_row(data, name, split, *, x=60, w=40, eye=70):
    numbers = [200, 160, 0.9, x, 45, w, 50, eye, *[v for point in POINTS for v in point][1:]]
    with (data / "scenes" / "faces.csv").open("a", newline="") as table:
        csv.writer(table).writerow([name, split, *numbers])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        pytest.param({"name": "0.webp", "split": "val"}, "row 6: 0.webp is in both splits", id="in both"),
        pytest.param({"name": "0.webp", "split": "Train"}, "row 6: split is train or val, not 'Train'", id="misspelt"),
        pytest.param({"name": "9.webp", "split": ""}, "row 6: split is train or val, not ''", id="unsaid"),
        pytest.param({"name": "0.webp", "split": "train", "eye": "nan"}, "0.webp: a row has something not a", id="nan"),
        pytest.param({"name": "0.webp", "split": "train", "x": "inf"}, "0.webp: a row has something not a", id="inf"),
        pytest.param({"name": "0.webp", "split": "train", "w": 0}, "0.webp: .* a box without width", id="no width"),
        pytest.param({"name": "0.webp", "split": "train", "w": -4}, "0.webp: .* a box without width", id="backwards"),
    ],
)
def test_a_row_that_cannot_be_is_said(data, row, said):
    add_row(data, **row)
    with pytest.raises(DataError, match=said):
        load_scenes(data / "scenes", "train")


def test_an_archive_without_photographs_is_said(data):
    with zipfile.ZipFile(data / "scenes" / "backgrounds.zip", "w") as archive:
        archive.writestr("only/", "")
    with pytest.raises(DataError, match=r"backgrounds\.zip: holds no photograph"):
        load_backgrounds(data / "scenes")


def test_an_archive_with_a_password_is_said(data):
    file = data / "scenes" / "backgrounds.zip"
    content = bytearray(file.read_bytes())
    for begin, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(begin)
        while at >= 0:
            content[at + flags] |= 1
            at = content.find(begin, at + 4)
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"0\.webp is not in it, or damaged: .*password"):
        load_backgrounds(data / "scenes")


def test_faces_to_cut_out_are_aligned_ones(data):
    np.save(data / "work" / "faces.npy", np.zeros((4, 112, 96, 3), np.uint8))
    with pytest.raises(DataError, match="a face to cut out is 96x112: want"):
        Crops(load(data / "work"))[0]


def test_nothing_to_learn_from_is_said(data):
    index = data / "work" / "index.csv"
    index.write_text(index.read_text().replace(",train,", ",val,"))
    with pytest.raises(DataError, match="2 photographs and 0 faces to cut out are left to learn from"):
        load_shown(data / "scenes", data / "work")
