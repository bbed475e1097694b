import csv
import io
import json
import multiprocessing
import pickle
import tarfile
import zipfile

import cv2
import numpy as np
import pytest

from training.data.archive import Archived, load_archives, members_of
from training.data.collection import Collection, by_person, join, load, train_labels
from training.data.errors import DataError
from training.data.lazy import Chained
from training.data.shards import Kind, Packed, Shards


def picture(number):
    flat = np.full((24, 20, 3), 10 * number, np.uint8)
    flat[:12, :, 0] = 200
    return flat


def png(number):
    return cv2.imencode(".png", picture(number)[..., ::-1])[1].tobytes()


def collection(identity, train, val, **more):
    count = len(identity)
    parts = {
        "samples": [picture(i) for i in range(count)],
        "identity": np.array(identity),
        "names": tuple(f"p{i}" for i in range(max(identity) + 1)),
        "group": np.full(count, ""),
        "teacher": None,
        "train": np.array(train, np.int64),
        "val": np.array(val, np.int64),
    }
    return Collection(**parts | more)


class TestCollection:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param({"train": [0, 1, 2], "val": [3]}, r"p1.*split by person", id="a person in both splits"),
            pytest.param({"val": [4]}, "identity -1", id="an unknown person in validation"),
            pytest.param({"group": np.array([""])}, "'group': 1", id="too few groups"),
            pytest.param({"teacher": np.zeros((2, 3), np.float16)}, "'teacher': 2", id="too few teacher rows"),
            pytest.param({"names": ("p0",)}, "has no name", id="a person without a name"),
        ],
    )
    def test_what_does_not_fit_together_is_refused(self, change, message):
        parts = {"train": [0, 1], "val": [2, 3]} | change
        with pytest.raises(DataError, match=message):
            collection([0, 0, 1, 1, -1], **parts)

    def test_people_have_their_rows(self):
        one = collection([0, 1, 0, -1, 2], [0, 1, 2, 3], [4])
        assert {k: v.tolist() for k, v in by_person(one, one.train).items()} == {0: [0, 2], 1: [1]}
        assert {k: v.tolist() for k, v in by_person(one, one.train, least=2).items()} == {0: [0, 2]}

    def test_labels_of_training_have_no_gaps(self):
        one = collection([0, 1, 1, 2, -1, 2], [3, 4, 5, 0], [1, 2])
        labels, count = train_labels(one)
        assert labels.tolist() == [0, -1, -1, 1, -1, 1]
        assert count == 2

    def test_joined_people_of_one_name_are_one(self):
        one = collection([0, 1, -1], [0, 2], [1], teacher=np.ones((3, 4), np.float16))
        other = collection([0, 1], [0, 1], [], names=("p9", "p0"), teacher=np.zeros((2, 4), np.float16))
        both = join(one, other)
        assert both.names == ("p0", "p1", "p9")
        assert both.identity.tolist() == [0, 1, -1, 2, 0]
        assert both.train.tolist() == [0, 2, 3, 4]
        assert both.val.tolist() == [1]
        assert both.teacher[:, 0].tolist() == [1, 1, 1, 0, 0]
        np.testing.assert_array_equal(both.samples[3], picture(0))
        with pytest.raises(DataError, match="4 dimensions, none"):
            join(one, collection([0], [0], []))

    def test_chained_reads_like_a_list(self):
        parts = [[1, 2], [], [3], [4, 5]]
        chained = Chained(parts)
        assert list(chained) == [1, 2, 3, 4, 5]
        assert chained[-1] == 5
        assert chained[1:4] == [2, 3, 4]
        with pytest.raises(IndexError):
            chained[5]


class TestPrepared:
    def test_benchmark_people_are_in_neither_split(self, tmp_path):
        np.save(tmp_path / "faces.npy", np.stack([picture(i) for i in range(5)]))
        rows = [("train", "a", "anna", 0), ("train", "a", "bela", 1), ("val", "a", "cleo", 0)]
        rows += [("val", "b", "dora", 1), ("val", "b", "", 0)]
        with (tmp_path / "index.csv").open("w") as file:
            writer = csv.writer(file)
            writer.writerow(("split", "source", "identity", "bench_overlap", "file"))
            writer.writerows((*row, i) for i, row in enumerate(rows))
        one = load(tmp_path)
        assert one.train.tolist() == [0]
        assert one.val.tolist() == [2]
        assert one.names == ("anna", "bela", "cleo", "dora")
        assert one.group.tolist() == ["a", "a", "a", "b", "b"]
        assert one.teacher is None
        np.save(tmp_path / "faces.npy", np.zeros((4, 24, 20, 3), np.uint8))
        with pytest.raises(DataError, match=r"4 pictures.*5 rows"):
            load(tmp_path)

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            pytest.param(lambda folder: None, "neither faces.npy nor archives", id="an empty folder"),
            pytest.param(lambda folder: (folder / "anna").mkdir(), "pack the pictures first", id="a folder of people"),
            pytest.param(lambda folder: (folder / "a.zip").write_bytes(b"PK nonsense"), "damaged", id="no zip at all"),
            pytest.param(lambda folder: (folder / "a.tar").write_bytes(b"x" * 600), "damaged", id="no tar at all"),
            pytest.param(
                lambda folder: zipfile.ZipFile(folder / "a.zip", "w").close(), "no pictures", id="an empty zip"
            ),
        ],
    )
    def test_what_is_no_data_is_said(self, tmp_path, make, message):
        make(tmp_path)
        with pytest.raises(DataError, match=message):
            load(tmp_path)

    def test_nothing_there(self, tmp_path):
        with pytest.raises(DataError, match="no such"):
            load(tmp_path / "nowhere")


def packed(folder, kind=Kind.ZIP, shard_bytes=150):
    with Shards(folder, kind=kind, shard_bytes=shard_bytes) as shards:
        return [
            shards.add(Packed(f"{who}/{name}", png(i), who, "g", split))
            for i, (who, name, split) in enumerate(
                [("anna", "a.png", ""), ("anna", "a.jpg", ""), ("b.c", "x.y.png", "val"), ("b.c", "ö.png", "val")]
            )
        ]


def put(archive, name, content):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


class TestArchives:
    @pytest.mark.parametrize("kind", Kind)
    @pytest.mark.parametrize("with_index", [True, False])
    def test_what_was_packed_is_read(self, tmp_path, kind, with_index):
        names = packed(tmp_path / "it", kind)
        assert names == ["anna/a.png", "anna/a-2.jpg", "b.c/x_y.png", "b.c/ö.png"]
        assert len(list((tmp_path / "it").glob(f"*.{kind}"))) > 1
        if not with_index:
            (tmp_path / "it" / "index.csv").unlink()
        one = load(tmp_path / "it")
        assert one.names == ("anna", "b.c")
        assert one.identity.tolist() == [0, 0, 1, 1]
        knows_split = with_index or kind is Kind.TAR  # a zip without an index knows folders only
        assert one.val.tolist() == ([2, 3] if knows_split else [])
        assert one.group.tolist() == ["g" if knows_split else ""] * 4
        for i in range(4):
            np.testing.assert_array_equal(one.samples[i], picture(i))

    def test_what_zip_makes_is_read(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("root/anna/1.png", png(1))
            archive.writestr("root/readme.txt", b"x")
        one = load(tmp_path / "a.zip")
        assert one.names == ("anna",)
        np.testing.assert_array_equal(one.samples[-1], picture(1))

    def test_what_a_mac_zips_is_of_the_same_people(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            for number, name in enumerate(("Jos\u00e9", "Jose\u0301")):
                archive.writestr(f"{name}/{number}.png", png(number))
        assert load(tmp_path / "a.zip").names == ("Jos\u00e9",)

    def test_compressed_is_refused(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("anna/1.png", png(1))
        with pytest.raises(DataError, match=r"anna/1.png is compressed.*training pack.*zip -0"):
            load(tmp_path / "a.zip")

    @pytest.mark.parametrize(
        ("names", "people"),
        [
            pytest.param(["anna/1.png", "bela/1.png"], ["anna", "bela"], id="folders of people"),
            pytest.param(["x/y/anna/1.png", "x/y/bela/1.png"], ["anna", "bela"], id="within other folders"),
            pytest.param(["./anna/1.png", "top.png"], ["anna", ""], id="one that lies beside the folders"),
            pytest.param(["P/anna/1.png", "P/top.png"], ["anna", ""], id="one that lies beside them, within another"),
            pytest.param(["1.png", "2.png"], ["", ""], id="no folders"),
        ],
    )
    def test_an_archive_means_the_people_whom_a_folder_means(self, tmp_path, names, people):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            for number, name in enumerate(names):
                archive.writestr(name, png(number))
        one = load(tmp_path / "a.zip")
        assert [(*one.names, "")[who] for who in one.identity] == people

    @pytest.mark.parametrize("names", [["P/anna/2019/1.png", "P/bela/2019/1.png"], ["a/anna/1.png", "b/bela/1.png"]])
    def test_folders_in_folders_are_nobody_for_sure(self, tmp_path, names):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            for number, name in enumerate(names):
                archive.writestr(name, png(number))
        with pytest.raises(DataError, match=rf"a.zip: {names[0]}: whose folder is that, \w+ or \w+\?.*training pack"):
            load(tmp_path / "a.zip")

    @pytest.mark.parametrize("said", ["test", "Val", "validation"])
    def test_a_split_that_is_none_is_refused(self, tmp_path, said):
        with Shards(tmp_path / "it", kind=Kind.TAR) as shards:
            shards.add(Packed("anna/1.png", png(1), "anna", split="val"))
            shards.add(Packed("bela/1.png", png(2), "bela", split=said))
        for file in ("index.csv", "pictures-00000.tar"):
            with pytest.raises(DataError, match=rf"pictures-00000.tar: bela/1.png: split is '{said}', want train, val"):
                load(tmp_path / "it")
            (tmp_path / "it" / file).unlink()

    def test_who_is_null_is_unknown(self, tmp_path):
        with tarfile.open(tmp_path / "a.tar", "w") as archive:
            put(archive, "anna/1.png", png(1))
            put(archive, "anna/1.json", b'{"identity": null, "label": 3}')
        assert load(tmp_path / "a.tar").names == ()

    @pytest.mark.parametrize(("record", "at"), [(b"PK\1\2", 42), (b"PK\5\6", 16)], ids=["a member", "the list"])
    def test_a_zip_that_points_out_of_itself_is_damaged(self, tmp_path, record, at):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("anna/1.png", png(1))
        content = bytearray((tmp_path / "a.zip").read_bytes())
        content[content.index(record) + at + 3] = 127
        (tmp_path / "a.zip").write_bytes(content)
        with pytest.raises(DataError, match=r"a\.zip: .*damaged"):
            load(tmp_path / "a.zip")

    def test_a_json_that_says_nothing_of_its_picture_is_named(self, tmp_path):
        with tarfile.open(tmp_path / "a.tar", "w") as archive:
            put(archive, "anna/1.png", png(1))
            put(archive, "anna/1.json", b"[1, 2]")
        with pytest.raises(DataError, match=r"a\.tar: anna/1\.json: want .* got list"):
            load(tmp_path / "a.tar")

    @pytest.mark.parametrize("kind", Kind)
    def test_cut_off_is_refused(self, tmp_path, kind):
        packed(tmp_path / "it", kind, shard_bytes=10**6)
        file = next((tmp_path / "it").glob(f"*.{kind}"))
        content = file.read_bytes()
        last = max(member.offset + member.size for member in members_of(file))
        file.write_bytes(content[: last - 30])
        with pytest.raises(DataError, match=r"damaged|ends before"):
            load(tmp_path / "it")

    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            pytest.param("file\nanna/a.png\nnobody.png\n", "1 rows name.*nobody.png", id="a row without a picture"),
            pytest.param("name\nanna/a.png\n", "no column `file`", id="no column file"),
            pytest.param("", "no rows", id="empty"),
        ],
    )
    def test_a_wrong_index_is_said(self, tmp_path, lines, message):
        packed(tmp_path / "it")
        (tmp_path / "it" / "index.csv").write_text(lines)
        with pytest.raises(DataError, match=message):
            load(tmp_path / "it")

    def test_one_name_in_two_archives_wants_a_shard(self, tmp_path):
        for number in (0, 1):
            with zipfile.ZipFile(tmp_path / f"{number}.zip", "w") as archive:
                archive.writestr("a.png", png(number))
        (tmp_path / "index.csv").write_text("file,identity\na.png,anna\n")
        with pytest.raises(DataError, match="add a column `shard`"):
            load_archives(tmp_path)
        (tmp_path / "index.csv").write_text("file,identity,shard\na.png,anna,1\na.png,bela,0.zip\n")
        one = load_archives(tmp_path)
        np.testing.assert_array_equal(one.samples[0], picture(1))
        np.testing.assert_array_equal(one.samples[1], picture(0))

    def test_a_damaged_picture_is_named(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("anna/1.png", png(1)[:40])
        with pytest.raises(DataError, match=r"a.zip: anna/1.png: .*cut short"):
            load(tmp_path / "a.zip").samples[0]

    def test_a_full_folder_is_not_written_to(self, tmp_path):
        packed(tmp_path / "it")
        with pytest.raises(DataError, match="new or an empty folder"):
            Shards(tmp_path / "it")

    @pytest.mark.parametrize("method", ["fork", "spawn"])
    def test_other_processes_read_it(self, tmp_path, method):
        packed(tmp_path / "it")
        samples = load(tmp_path / "it").samples
        before = samples[0]
        with multiprocessing.get_context(method).Pool(1) as pool:
            read = pool.map(samples.__getitem__, range(4))
        for i in range(4):
            np.testing.assert_array_equal(read[i], picture(i))
        np.testing.assert_array_equal(before, samples[0])
        assert isinstance(samples, Archived)
        assert len(pickle.dumps(samples)) < 2000  # no pictures in it

    def test_webdataset_finds_its_parts(self, tmp_path):
        packed(tmp_path / "it", Kind.TAR, shard_bytes=10**6)
        with tarfile.open(next((tmp_path / "it").glob("*.tar"))) as archive:
            names = archive.getnames()
            assert names[:2] == ["anna/a.png", "anna/a.json"]
            said = json.loads(archive.extractfile("b.c/x_y.json").read())
        assert said == {"identity": "b.c", "group": "g", "split": "val"}
