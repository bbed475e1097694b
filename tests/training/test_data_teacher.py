"""Reference encoders: small ones that are made here, and the public ones where they lie beside."""

from pathlib import Path

import numpy as np
import pytest

from training.data import reference
from training.data.errors import DataError
from training.data.made_up import made_up
from training.data.teacher import MAPPED, TEACHERS, ask, embed, label

SHARED = Path(__file__).parents[3] / "shared" / "data" / "reference"


@pytest.fixture(scope="module")
def faces():
    return made_up(10, 2).samples  # 20: more than a batch, and no multiple of it


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    """A folder with two encoders, of 48 and of 192 numbers: what is left of a face in so many squares."""
    folder = tmp_path_factory.mktemp("encoders")
    for side in (4, 8):
        squares(folder / f"squares_{side}.xml", side)
    (folder / "damaged.onnx").write_bytes(b"no net")
    return folder


def squares(file, side):
    openvino = pytest.importorskip("openvino", reason="openvino is not installed: make training")
    from openvino import opset13 as ops

    window = [112 // side] * 2
    taken = ops.parameter([-1, 3, 112, 112], np.float32)
    pooled = ops.avg_pool(taken, window, [0, 0], [0, 0], window, exclude_pad=True)
    pooled.set_friendly_name("inside")
    rows = ops.reshape(pooled, np.array([0, -1]), special_zero=True)
    openvino.save_model(openvino.Model([rows], [taken]), file, compress_to_fp16=False)


def by_hand(face, side):
    real = (np.asarray(face, np.float64) - 127.5) / 127.5
    return real.reshape(side, 112 // side, side, 112 // side, 3).mean((1, 3))  # (side, side, 3)


def test_every_picture_is_asked_about_in_order_and_maps_lie_as_pictures_do(faces, encoders, tmp_path):
    rows = embed(encoders / "squares_4.xml", faces, maps=("inside", tmp_path / "maps.npy"))
    maps = np.load(tmp_path / "maps.npy")
    assert maps.dtype == np.float16
    for face, row, said in zip(faces, rows, maps, strict=True):
        np.testing.assert_allclose(row, by_hand(face, 4).transpose(2, 0, 1).ravel(), atol=1e-5)
        np.testing.assert_allclose(said, by_hand(face, 4), atol=1e-3)


class Counted(list):
    """Pictures that count how often one is read."""

    read = 0

    def __getitem__(self, index):
        self.read += 1
        return super().__getitem__(index)


def test_a_picture_is_decoded_once(faces, encoders):
    pictures = Counted(faces)
    embed(encoders / "squares_4.xml", pictures)
    assert pictures.read == len(faces)


def test_each_teacher_counts_as_much_as_the_other(faces, encoders):
    rows = label(faces, encoders, teachers=("squares_4.xml", "squares_8.xml")).astype(np.float64)
    assert rows.shape == (20, 48 + 192)
    np.testing.assert_allclose((rows[:, :48] ** 2).sum(1), 0.5, atol=2e-3)
    np.testing.assert_allclose((rows[:, 48:] ** 2).sum(1), 0.5, atol=2e-3)


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        pytest.param("absent.onnx", "no reference encoder absent.onnx", id="a file that is not there"),
        pytest.param("damaged.onnx", r"damaged\.onnx: want an ONNX file that takes", id="a file that is no net"),
        pytest.param(
            "squares_5.xml", r"want an ONNX file that takes \(N, 3, 112, 112\)", id="a net for other pictures"
        ),
    ],
)
def test_what_is_no_reference_encoder_is_said(faces, encoders, teacher, message):
    if teacher == "squares_5.xml":
        (encoders / teacher).write_text((encoders / "squares_4.xml").read_text().replace("112", "90"))
    with pytest.raises(DataError, match=message):
        label(faces, encoders, teachers=(teacher,))


def test_a_net_without_the_map_and_a_picture_that_is_not_aligned_are_said(faces, encoders, tmp_path):
    with pytest.raises(DataError, match="with elsewhere inside: no such node"):
        embed(encoders / "squares_4.xml", faces, maps=("elsewhere", tmp_path / "maps.npy"))
    with pytest.raises(DataError, match=r"picture 1 is 90x100.*112x112"):
        embed(encoders / "squares_4.xml", [faces[0], np.zeros((100, 90, 3), np.uint8)])


def test_the_public_ones_give_vectors_and_maps_that_vary(faces, tmp_path):
    if not all((SHARED / name).exists() for name in TEACHERS):
        pytest.skip(f"{SHARED} is not here: other people's encoders")
    rows = reference.write(faces[:6], tmp_path, ask(SHARED))
    assert rows.shape == (6, 1024)
    assert np.load(tmp_path / "maps.npy").shape == (6, 7, 7, 64)
    cosines = rows.astype(np.float64) @ rows.T.astype(np.float64)
    assert cosines[0, 1] > cosines[0, 2:].max()  # the two of one person


class TestBeside:
    def test_what_was_said_is_read_again_and_an_older_map_is_gone(self, faces, tmp_path):
        np.save(tmp_path / "maps.npy", np.zeros((3, 7, 7, 4), np.float16))
        said = np.eye(20, dtype=np.float16)
        assert reference.read(tmp_path / "nobody asked", 20) is None
        reference.write(faces, tmp_path, lambda pictures, maps: said)
        np.testing.assert_array_equal(reference.read(tmp_path, 20), said)
        assert sorted(file.name for file in tmp_path.iterdir()) == ["teacher.npy"]

    @pytest.mark.parametrize("name", ["teacher.npy", "maps.npy"])
    def test_about_other_pictures_or_damaged(self, tmp_path, name):
        np.save(tmp_path / name, np.zeros((3, 4), np.float16))
        with pytest.raises(DataError, match=rf"{name} is about 3 pictures, and 4 are here.*label {tmp_path}"):
            reference.read(tmp_path, 4)
        (tmp_path / name).write_bytes(b"cut off")
        with pytest.raises(DataError, match="damaged"):
            reference.read(tmp_path, 4)

    def test_maps_are_asked_for_where_there_are_any(self, faces, encoders, tmp_path):
        assert MAPPED[0] in TEACHERS
        rows = reference.write(faces, tmp_path, ask(encoders, ["squares_4.xml"]))
        assert rows.shape == (20, 48)
        assert not (tmp_path / "maps.npy").exists()
