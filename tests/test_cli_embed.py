"""Vectors of many pictures."""

import json
import os
import threading

import numpy as np
import pytest

from agent.cli.embedding import Embedder, largest_central
from agent.cli.pictures import picture_files
from agent.errors import PictureError
from agent.types import Box, Face
from agent.vision.align import SIZE, TEMPLATE
from tests.fakes import blocks
from tests.fakes.blocks import BLUE, GREEN, RED, Block
from tests.fakes.terminal import Terminal, forget_logging


@pytest.fixture
def latchkey(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    yield Terminal(tmp_path, monkeypatch, capsys)
    forget_logging()


def unit(*numbers):
    return np.array(numbers) / np.linalg.norm(numbers)


class TestNpz:
    @pytest.fixture
    def folder(self, latchkey):
        latchkey.photo("album/b/2.png", Block(GREEN))
        latchkey.photo("album/a.PNG", Block(RED))
        latchkey.photo("album/c.png")
        (latchkey.folder / "album" / "b" / "1.jpg").write_text("hello")
        (latchkey.folder / "album" / "notes.txt").write_text("hello")
        latchkey.photo("album/.b.png", Block(RED))
        return latchkey.folder / "album"

    def test_everything_in_order_and_the_troubles_told(self, latchkey, folder):
        outcome = latchkey("embed", "album", folder / "a.PNG", "--npz", "out")
        assert outcome.code == 0
        assert outcome.err == "latchkey: album/b/1.jpg: not a picture: a JPEG, PNG, WebP or BMP is needed\n"
        assert outcome.out == f"out: 3 of 5 pictures show a face, 3 numbers each by {blocks.MODEL}\n"
        with np.load("out", allow_pickle=False) as saved:
            assert sorted(saved) == ["found", "path", "vector"]
            path, vector, found = saved["path"], saved["vector"], saved["found"]
        assert path.tolist() == ["album/a.PNG", "album/b/1.jpg", "album/b/2.png", "album/c.png", f"{folder}/a.PNG"]
        assert found.tolist() == [True, False, True, False, True]
        assert (vector.shape, vector.dtype, found.dtype, path.dtype.kind) == ((5, 3), np.float32, bool, "U")
        assert np.linalg.norm(vector, axis=1) == pytest.approx([1, 0, 1, 0, 1])
        assert vector[0] == pytest.approx(unit(2, -1, -1), abs=0.01)
        assert vector[2] == pytest.approx(unit(-1, 2, -1), abs=0.01)
        assert np.array_equal(vector[0], vector[4])

    def test_in_json(self, latchkey, folder):
        assert latchkey("embed", "album/a.PNG", "--npz", "x.npz", "--json").json == {
            "npz": "x.npz",
            "pictures": 1,
            "found": 1,
            "dimension": 3,
            "model": blocks.MODEL,
        }

    def test_an_older_file_stays_until_the_new_one_is_whole(self, latchkey, folder):
        (latchkey.folder / "out.npz").write_text("old")
        latchkey("embed", "album", "--npz", "out.npz")
        assert [file.name for file in latchkey.folder.glob("*out.npz*")] == ["out.npz"]
        assert len(np.load("out.npz")["path"]) == 4

    def test_where_it_cannot_be_written_it_says_so_first(self, latchkey, folder):
        outcome = latchkey("embed", "album", "--npz", "no/out.npz")
        assert (outcome.code, outcome.err) == (
            1,
            "latchkey: no/out.npz: want a file in a folder that can be written to\n",
        )

    def test_names_that_are_no_text(self, latchkey, folder):
        name = os.fsdecode(b"album/\xff.png")
        (folder / "a.PNG").rename(name)
        latchkey("embed", "album", "--npz", "out.npz")
        assert os.fsencode(str(np.load("out.npz")["path"][-1])) == b"album/\xff.png"


class TestLines:
    def test_for_humans(self, latchkey):
        latchkey.photo("a.png", Block(RED))
        latchkey.photo("b.png")
        lines = latchkey("embed", "a.png", "b.png").out.splitlines()
        assert lines[0].startswith("a.png: face at [26")
        assert lines[0].endswith("]: 0.816 -0.408 -0.408 ...")
        assert lines[1] == "b.png: no face"

    def test_for_programs(self, latchkey):
        latchkey.photo("a.png", Block(RED))
        latchkey.photo("b.png")
        one, other = latchkey("embed", "a.png", "b.png", "--json").json_lines
        assert list(one) == ["path", "found", "box", "vector"]
        assert (one["path"], one["found"], len(one["vector"])) == ("a.png", True, 3)
        assert one["box"] == pytest.approx([260, 180, 120, 120], abs=1)
        assert other == {"path": "b.png", "found": False, "box": None, "vector": None}


class TestAligned:
    def test_crops_are_taken_as_they_are(self, latchkey):
        latchkey.photo("crop.png", Block(BLUE, px=SIZE, x=0, y=0), size=(SIZE, SIZE))
        latchkey.photo("large.png", Block(BLUE))
        outcome = latchkey("embed", "crop.png", "large.png", "--aligned", "--json")
        crop, large = outcome.json_lines
        assert (crop["found"], crop["box"]) == (True, None)
        assert crop["vector"] == pytest.approx(unit(-1, -1, 2), abs=0.01)
        assert not large["found"]
        assert outcome.err == "latchkey: large.png: not an aligned crop: 640x480, want 112x112\n"


class TestMistakes:
    @pytest.mark.parametrize("arguments", [["none.png"], ["empty"]])
    def test_nothing_to_embed(self, latchkey, arguments):
        (latchkey.folder / "empty").mkdir()
        outcome = latchkey("embed", *arguments)
        assert outcome.code == 1
        assert "there is no such file" in outcome.err or "no pictures there" in outcome.err

    def test_no_models(self, latchkey):
        latchkey.photo("a.png")
        outcome = latchkey("embed", "a.png", "--set", "models.encoder=none.tflite")
        assert (outcome.code, "none.json: no card" in outcome.err) == (2, True)


class TestLargestCentral:
    IMAGE = np.zeros((100, 100, 3), np.uint8)

    def face(self, x, y, size):
        return Face(Box(x - size / 2, y - size / 2, size, size), TEMPLATE, 0.9)

    def test_nobody(self):
        assert largest_central([], self.IMAGE) is None

    @pytest.mark.parametrize(
        ("faces", "chosen"),
        [
            pytest.param([(50, 50, 20), (50, 50, 30)], 1, id="the larger of two in the middle"),
            pytest.param([(50, 50, 30), (95, 50, 40)], 0, id="the middle one before a little larger one at the edge"),
            pytest.param([(50, 50, 10), (80, 50, 40)], 1, id="a much larger one before one in the background"),
            pytest.param([(100, 100, 90), (60, 50, 9)], 1, id="never one in the very corner"),
        ],
    )
    def test_area_times_closeness(self, faces, chosen):
        found = [self.face(*each) for each in faces]
        assert largest_central(found, self.IMAGE) is found[chosen]


class TestEmbedder:
    def test_each_thread_has_its_own_eyes_and_the_order_stays(self, latchkey):
        paths = [latchkey.photo(f"{i}.png", *([Block(RED, tint=i)] * (i % 3 > 0))) for i in range(24)]
        owners, meet = [], threading.Barrier(3, timeout=10)

        class Eyes:
            def __init__(self):
                self.owner = threading.get_ident()
                owners.append(self.owner)
                meet.wait()

            def faces(self, image, small=None):
                assert threading.get_ident() == self.owner
                return []

        done = list(Embedder(Eyes).each(paths, threads=3))
        assert [one.path for one in done] == paths
        assert len(set(owners)) == len(owners) == 3

    def test_whoever_stops_listening_stops_the_work(self, latchkey):
        paths = [latchkey.photo("0.png")] * 500
        looked = []

        class Eyes:
            def faces(self, image, small=None):
                looked.append(1)
                return []

        results = Embedder(Eyes).each(paths, threads=2)
        next(results)
        results.close()
        assert len(looked) < 500


def test_picture_files_are_refused_before_the_work(tmp_path):
    with pytest.raises(PictureError, match="there is no such file or folder"):
        picture_files([tmp_path, tmp_path / "none"])


def test_what_is_printed_is_json_even_for_names_that_are_no_text(latchkey):
    name = os.fsdecode(b"\xff.png")
    latchkey.photo(name)
    assert json.loads(latchkey("embed", name, "--json").out)["path"] == name
