"""`prepare` on a made-up data folder; the reference encoders are not asked where their answers lie there already."""

import csv
import zipfile

import cv2
import numpy as np
import pytest

from tests.training.disk import full
from training.data.collection import load
from training.data.errors import DataError
from training.data.room import array_on_disk
from training.data.shards import Packed, Shards
from training.prepare import prepare


def picture(number, side=112):
    flat = np.full((side, side, 3), 10 * number, np.uint8)
    flat[:60, :, 0] = 200
    return flat


def fill(data, names, side=112):
    """Writes two archives of two pictures each, named alike, and the index."""
    (data / "faces").mkdir(parents=True)
    rows = [("file", "shard", "split", "source", "identity", "bench_overlap")]
    for shard in (0, 1):
        with zipfile.ZipFile(data / "faces" / f"faces_{shard:02d}.zip", "w") as archive:
            for at, name in enumerate(names):
                content = cv2.imencode(".png", picture(2 * shard + at, side)[..., ::-1])[1].tobytes()
                archive.writestr(name, content)
                rows.append((name, shard, "val" if shard else "train", "a", f"p{shard}", 0))
    write_index(data, rows)
    return data


def write_index(data, rows):
    with (data / "faces" / "index.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)


@pytest.fixture
def data(tmp_path):
    return fill(tmp_path / "data", ["0.png", "1.png"])


@pytest.fixture
def work(tmp_path):
    """A folder in which the reference encoders have answered already."""
    work = tmp_path / "work"
    work.mkdir()
    np.save(work / "teacher.npy", np.eye(4, dtype=np.float16))
    np.save(work / "maps.npy", np.zeros((4, 7, 7, 64), np.float16))
    return work


def test_faces_are_unpacked_once_and_labels_may_change(data, work):
    prepare(data, work)
    one = load(work)
    for number in range(4):
        np.testing.assert_array_equal(one.samples[number], picture(number))
    assert one.identity.tolist() == [0, 0, 1, 1]
    assert one.val.tolist() == [2, 3]
    made = (work / "faces.npy").stat().st_mtime_ns
    index = data / "faces" / "index.csv"
    index.write_text(index.read_text().replace("p1", "p9"))
    prepare(data, work)
    assert load(work).names == ("p0", "p9")
    assert (work / "faces.npy").stat().st_mtime_ns == made


def test_other_pictures_are_not_mixed_with_what_is_there(data, work, tmp_path):
    prepare(data, work)
    before = (work / "index.csv").read_bytes()
    with pytest.raises(DataError, match=r"was made of other pictures.*name a new folder, or remove"):
        prepare(fill(tmp_path / "others", ["1.png", "0.png"]), work)
    assert (work / "index.csv").read_bytes() == before


@pytest.mark.parametrize("where", ["file", "file/below"])
def test_where_no_folder_can_be_is_said(data, tmp_path, where):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"no folder can be made there: (File exists|Not a directory); name another"):
        prepare(data, tmp_path / where)


def test_what_was_packed_keeps_its_index(data, tmp_path):
    mine = tmp_path / "mine"
    with Shards(mine) as shards:
        shards.add(Packed("ada/1.png", b"", "ada", "g", "val"))
    before = {file.name: file.read_bytes() for file in mine.iterdir()}
    with pytest.raises(DataError, match="name a new folder"):
        prepare(data, mine)
    with pytest.raises(DataError, match="the pictures themselves lie there: name a new folder"):
        prepare(data, data / "faces")
    assert {file.name: file.read_bytes() for file in mine.iterdir()} == before
    assert not (data / "faces" / "faces.npy").exists()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(lambda faces: (faces / "index.csv").unlink(), "no faces/index.csv in it.*--data", id="no index"),
        pytest.param(
            lambda faces: (faces / "faces_00.zip").unlink(), "2 rows name pictures that are in no", id="no first zip"
        ),
        pytest.param(
            lambda faces: (faces / "faces_01.zip").unlink(), "2 rows name pictures that are in no", id="no last zip"
        ),
        pytest.param(lambda faces: (faces / "faces_00.zip").write_bytes(b"PK"), "damaged or cut off", id="a cut zip"),
        pytest.param(lambda faces: damage(faces / "faces_00.zip"), "1.png: not a picture", id="a picture"),
        pytest.param(
            lambda faces: write_index(faces.parent, [("file", "shard"), ("7.png", "0")]), "7.png", id="a wrong index"
        ),
    ],
)
def test_what_is_no_data_is_said(data, work, spoil, message):
    spoil(data / "faces")
    with pytest.raises(DataError, match=message):
        prepare(data, work)
    assert not (work / "index.csv").exists()
    assert not (work / "faces.npy").exists()
    assert not list(work.glob("*.part"))


def damage(archive):
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("0.png", cv2.imencode(".png", picture(0))[1].tobytes())
        written.writestr("1.png", b"no picture")


def test_pictures_of_another_size_are_said(tmp_path, work):
    with pytest.raises(DataError, match="picture 0 is 90x90, not 112x112"):
        prepare(fill(tmp_path / "small", ["0.png", "1.png"], 90), work)


class TestRoom:
    def test_room_is_taken_before_anything_is_written(self, tmp_path):
        file = tmp_path / "some.npy"
        file.write_bytes(b"of an earlier try")
        array = array_on_disk(file, np.uint8, (3, 2**20))
        array[2] = 7
        array.flush()
        assert np.load(file)[:, 5].tolist() == [0, 0, 7]
        assert file.stat().st_blocks * 512 >= 3 * 2**20

    def test_a_full_disk_is_said(self, tmp_path):
        file = tmp_path / "much.npy"
        with pytest.raises(DataError, match=r"much.npy: wants 37632000.0 GB, .* GB are free: make room, or go"):
            array_on_disk(file, np.uint8, (10**12, 112, 112, 3))
        assert not file.exists()

    def test_a_quota_is_said(self, tmp_path):
        with full(2**20), pytest.raises(DataError, match=r"much.npy: no room for 0.0 GB: File too large"):
            array_on_disk(tmp_path / "much.npy", np.uint8, (3, 2**20))
        assert not (tmp_path / "much.npy").exists()


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_damaged_faces_are_said(data, work, content):
    prepare(data, work)
    (work / "faces.npy").write_bytes(content)
    with pytest.raises(DataError, match=r"faces.npy: no array that can be read"):
        load(work)
