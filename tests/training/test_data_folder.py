import csv
import os
from dataclasses import replace

import cv2
import numpy as np
import pytest

from agent.types import Box, Face
from agent.vision.align import TEMPLATE, align
from agent.vision.eyes import Eyes
from tests.training.disk import full
from training.data.collection import load
from training.data.crops import Cropper, already_aligned
from training.data.errors import DataError, PictureRefused
from training.data.folder import list_folder, list_table, pack
from training.data.made_up import draw, person
from training.data.shards import REFUSED, Kind


def as_found(image, face):
    """An aligner that finds nothing wrong."""
    return face


@pytest.fixture(scope="module")
def faces():
    """Three pictures each of four people, encoded."""
    people = []
    for number in range(4):
        random = np.random.default_rng(number)
        who = person(random)
        people.append([cv2.imencode(".png", draw(who, random)[..., ::-1])[1].tobytes() for _ in range(3)])
    return people


def put(root, name, content):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


class TestListing:
    def test_folders_are_people(self, tmp_path, faces):
        for name in ("anna/1.png", "anna/deep/2.PNG", "bela/1.jpg", "top.png", "anna/notes.txt", "bela/.hidden.png"):
            put(tmp_path, name, faces[0][0])
        (tmp_path / "empty").mkdir()
        listed, notes = list_folder(tmp_path)
        assert [(one.path.name, one.identity) for one in listed] == [
            ("1.png", "anna"), ("2.PNG", "anna"), ("1.jpg", "bela"), ("top.png", ""),
        ]  # fmt: skip
        assert len(notes) == 3
        assert ".txt" in notes[0]
        assert "unknown people" in notes[1]
        assert "empty" in notes[2]

    def test_folders_that_systems_make_are_no_people(self, tmp_path, faces):
        made = ("@eaDir/1.png", "anna/@eaDir/1.png/thumb.png", ".thumbnails/2.png", "__MACOSX/anna/1.png")
        for name in (*made, "anna/1.png", "a@b/1.png"):
            put(tmp_path, name, faces[0][0])
        listed, notes = list_folder(tmp_path)
        assert [one.identity for one in listed] == ["a@b", "anna"]
        assert notes == ["4 files lie in folders that systems make (.thumbnails, @eaDir, __MACOSX): left out"]

    @pytest.mark.parametrize(("files", "message"), [([], "empty; want"), (["a/x.heic"], "1 other files; want")])
    def test_a_folder_without_pictures(self, tmp_path, files, message):
        for name in files:
            put(tmp_path, name, b"x")
        with pytest.raises(DataError, match=message):
            list_folder(tmp_path)

    def test_no_folder(self, tmp_path):
        with pytest.raises(DataError, match="no such folder"):
            list_folder(tmp_path / "no")

    def test_a_table_names_people(self, tmp_path, faces):
        put(tmp_path, "x/1.png", faces[0][0])
        table = tmp_path / "people.csv"
        table.write_text("file,identity,group,split\nx/1.png, anna ,old,val\nx/1.png,anna,old,val\n")
        (one,), notes = list_table(table)
        assert (one.identity, one.group, one.split) == ("anna", "old", "val")
        assert "1 rows say" in notes[0]

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            pytest.param("x/1.png,anna,,test", "line 3: split is 'test'", id="a split that is none"),
            pytest.param("x/1.png,bela,,", "say it once", id="one picture of two people"),
            pytest.param("x/2.png,anna,,", "1 of 2 files are not there: .*2.png", id="a missing file"),
        ],
    )
    def test_a_wrong_table(self, tmp_path, faces, row, message):
        put(tmp_path, "x/1.png", faces[0][0])
        table = tmp_path / "people.csv"
        table.write_text(f"file,identity,group,split\nx/1.png,anna,,\n{row}\n")
        with pytest.raises(DataError, match=message):
            list_table(table)


class TestPacking:
    def test_nothing_is_lost_without_a_word(self, tmp_path, faces):
        root, target = tmp_path / "root", tmp_path / "target"
        for who, pictures in zip(("anna", "Bela", "bela", "dora"), faces, strict=True):
            for number, content in enumerate(pictures if who != "dora" else pictures[:1]):
                put(root, f"{who}/{number}.png", content)
        put(root, "anna/again.png", faces[0][0])
        put(root, "anna/broken.png", faces[0][1][:50])
        put(root, "anna/nothing.png", b"")
        put(root, "anna/huge.png", faces[0][1][:16] + (30_000).to_bytes(4, "big") * 2 + faces[0][1][24:])
        put(root, "lost/large.png", cv2.imencode(".png", np.zeros((50, 60, 3), np.uint8))[1].tobytes())
        near = cv2.imdecode(np.frombuffer(faces[1][2], np.uint8), 1)
        put(root, "dora/same.jpg", cv2.imencode(".jpg", near)[1].tobytes())
        put(root, "bela/borrowed.png", faces[0][2])
        listed, notes = list_folder(root)
        report = pack(listed, target, notes=notes)
        text = str(report)
        assert report.kept == {"anna": 3, "Bela": 3, "bela": 4, "dora": 2}
        assert {(r.listed.path.name, r.code) for r in report.refused} == {
            ("again.png", "duplicate"), ("broken.png", "unreadable"), ("nothing.png", "unreadable"),
            ("huge.png", "unreadable"), ("large.png", "not_aligned"),
        }  # fmt: skip
        with (target / "refused.csv").open() as file:
            why = {row["file"].rpartition("/")[2]: row["why"] for row in csv.DictReader(file)}
        assert len(why) == 5
        assert why["huge.png"] == "the picture is 30000 x 30000: at most 200,000,000 pixels are taken"
        for words in ("12 pictures kept, 4 people; 5 pictures left out", "3 unreadable", "60x50", "'Bela' and 'bela'",
                      "no usable picture left: lost", "same file under two names", "dora/same.jpg"):  # fmt: skip
            assert words in text, words
        one = load(target)
        assert len(one) + len(report.refused) == len(listed)
        np.testing.assert_array_equal(
            one.samples[0], cv2.imdecode(np.frombuffer(faces[1][0], np.uint8), 1)[..., ::-1]
        )  # Bela sorts first; kept byte by byte

    def test_what_has_no_name_in_utf8_is_refused(self, tmp_path, faces):
        root, target = tmp_path / "root", tmp_path / "target"
        for number, name in enumerate((b"jos\xe9/1.png", b"anna/\xe9.png", b"anna/1.png")):
            put(root, os.fsdecode(name), faces[0][number])
        (root / os.fsdecode(b"\xe9")).mkdir()
        listed, notes = list_folder(root)
        report = pack(listed, target, notes=notes)
        assert [refused.code for refused in report.refused] == ["bad_name"] * 2
        said = (target / REFUSED).read_text(encoding="utf-8")
        for name in (r"jos\xe9/1.png", r"anna/\xe9.png"):
            assert name in said
        assert r"no picture: \xe9" in str(report)
        assert "2 bad name" in str(report)
        str(report).encode()
        assert load(target).names == ("anna",)

    def test_two_spellings_of_an_accent_are_one_person(self, tmp_path, faces):
        root, names = tmp_path / "root", ("Jos\u00e9", "Jose\u0301")
        rows = ["file,identity"]
        for name, content in zip(names, faces[0], strict=False):
            rows.append(f"root/{put(root, f'{name}/1.png', content).parent.name}/1.png,{name}")
        put(tmp_path, "table.csv", "\n".join(rows).encode())
        for number, listed in enumerate((list_folder(root)[0], list_table(tmp_path / "table.csv")[0])):
            assert pack(listed, tmp_path / f"target{number}").kept == {names[0]: 2}
            assert load(tmp_path / f"target{number}").names == names[:1]

    def test_people_with_one_picture_are_named(self, tmp_path, faces):
        put(tmp_path / "root", "solo/1.png", faces[0][0])
        listed, _ = list_folder(tmp_path / "root")
        assert "one picture, which matches no other: solo" in str(pack(listed, tmp_path / "target"))

    def test_nothing_usable(self, tmp_path, faces):
        put(tmp_path / "root", "anna/1.png", b"x")
        listed, _ = list_folder(tmp_path / "root")
        with pytest.raises(DataError, match="none of 1 pictures"):
            pack(listed, tmp_path / "target")
        assert "1.png" in (tmp_path / "target" / REFUSED).read_text()
        put(tmp_path / "root", "anna/2.png", faces[0][0])
        assert pack(list_folder(tmp_path / "root")[0], tmp_path / "target").kept["anna"] == 1

    @pytest.mark.parametrize("kind", Kind)
    def test_a_full_disk_is_said_and_packing_may_be_tried_again(self, tmp_path, faces, kind):
        for number, content in enumerate(faces[0]):
            put(tmp_path / "root", f"anna/{number}.png", content)
        listed, target = list_folder(tmp_path / "root")[0], tmp_path / "target"
        with full(len(faces[0][0])), pytest.raises(DataError, match=rf"{target}: not packed: .*pack again into it"):
            pack(listed, target, kind=kind)
        assert pack(listed, target, kind=kind).kept.total() == 3

    @pytest.mark.parametrize("kind", Kind)
    def test_a_try_that_did_not_end_is_not_trained_on_and_may_be_tried_again(self, tmp_path, faces, kind):
        rows = ["file,identity,split"]
        for number, who in enumerate(("anna", "bela")):
            for at, content in enumerate(faces[number]):
                put(tmp_path, f"{who}/{at}.png", content)
                rows.append(f"{who}/{at}.png,{who},{'val' if who == 'anna' else 'train'}")
        table = put(tmp_path, "table.csv", "\n".join(rows).encode())
        target, listed = tmp_path / "target", list_table(table)[0]
        stopped = Stop(after=4)
        with pytest.raises(KeyboardInterrupt):
            pack(listed, target, crop=stopped, kind=kind, shard_bytes=1)
        with pytest.raises(DataError, match="did not end: pack again"):
            load(target)
        first = min(target.glob("*.part"))  # or killed while they got their names
        first.rename(target / first.stem)
        put(target, "index.csv", b"file")
        put(target, "mine.txt", b"not a part of it")
        with pytest.raises(DataError, match="name a new or an empty folder"):
            pack(listed, target, kind=kind)
        (target / "mine.txt").unlink()
        assert pack(listed, target, kind=kind).kept.total() == 6
        assert load(target).val.tolist() == [0, 1, 2]
        assert sorted(file.name for file in target.iterdir()) == ["index.csv", f"pictures-00000.{kind}", REFUSED]

    def test_whole_photographs_are_cut_out(self, tmp_path, faces):
        crop = cv2.imdecode(np.frombuffer(faces[0][0], np.uint8), 1)
        photo = np.full((300, 400, 3), 128, np.uint8)
        photo[100:212, 150:262] = crop
        put(tmp_path / "root", "anna/1.png", cv2.imencode(".png", photo)[1].tobytes())
        listed, _ = list_folder(tmp_path / "root")
        pack(listed, tmp_path / "target", crop=Cropper(lambda image: [face(150, 100)], as_found))
        (cut,) = load(tmp_path / "target").samples
        assert np.abs(cut.astype(int) - crop[..., ::-1]).mean() < 4  # JPEG


class Stop:
    """Ctrl-C after so many pictures."""

    def __init__(self, after):
        self.left = after

    def __call__(self, picture):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return picture


def face(x, y, size=112):
    return Face(Box(x, y, size, size), (TEMPLATE * size / 112 + (x, y)).astype(np.float32), 0.9)


class TestCropping:
    @pytest.mark.parametrize(
        ("found", "code"),
        [
            pytest.param([], "no_face", id="nobody"),
            pytest.param([face(0, 0), face(100, 0, 80)], "several_faces", id="two of a size"),
            pytest.param([face(0, 0, 20)], "too_small", id="far away"),
        ],
    )
    def test_what_cannot_be_used_is_refused(self, found, code):
        with pytest.raises(PictureRefused) as refused:
            Cropper(lambda image: found, as_found)(np.zeros((200, 300, 3), np.uint8))
        assert refused.value.code == code

    def test_somebody_in_the_background_does_not_matter(self):
        crop = Cropper(lambda image: [face(200, 0, 40), face(0, 0)], as_found)(np.full((200, 300, 3), 9, np.uint8))
        assert crop.shape == (112, 112, 3)

    def test_a_face_is_aligned_as_at_the_door(self):
        photo = np.random.default_rng(0).integers(0, 255, (300, 400, 3)).astype(np.uint8)
        found = face(150, 100)

        def aligner(image, face):
            return replace(face, landmarks=face.landmarks + np.float32(3))

        same = Eyes(None, aligner, None).crop(photo, found).image
        np.testing.assert_array_equal(Cropper(lambda image: [found], aligner)(photo), same)
        assert (same != align(photo, found.landmarks)).any()

    def test_a_crop_is_one_already(self):
        crop = np.zeros((112, 112, 3), np.uint8)
        assert Cropper(lambda image: [], as_found)(crop) is crop
        assert already_aligned(crop) is crop
