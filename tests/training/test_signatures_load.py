import csv

import numpy as np
import pytest

from tests.training.pens import signature, writers
from training.data.errors import DataError
from training.signatures.load import COLUMNS, checked, load, split


def archive(path, signatures, **changed):
    fields = {
        "points": np.concatenate(signatures.trajectories).round().astype(np.int32),
        "lengths": np.array([len(trajectory) for trajectory in signatures.trajectories]),
        "user": signatures.writer,
        "kind": np.where(signatures.genuine, "genuine", "forgery"),
        "session": signatures.session,
    } | changed
    np.savez(path, **{name: field for name, field in fields.items() if field is not None})
    return path


def write(file, points, columns=COLUMNS):
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(columns)
        writer.writerows(points[:, : len(columns)].tolist())


def test_an_archive_gives_back_what_was_in_it(tmp_path):
    made = writers(4)
    found = load(archive(tmp_path / "a.npz", made))
    assert found.writer.tolist() == made.writer.tolist()
    assert found.genuine.tolist() == made.genuine.tolist()
    for one, other in zip(found.trajectories, made.trajectories, strict=True):
        assert one == pytest.approx(other, abs=1)
        assert one[0, 2] == 0


def test_a_folder_has_writers_kinds_and_sessions(tmp_path):
    for i, day in enumerate(("monday", "monday", "tuesday")):
        write(tmp_path / "ada" / "genuine" / day / f"{i}.csv", signature(i))
    write(tmp_path / "ada" / "forgery" / "0.csv", signature(5))
    for i in range(2):
        write(tmp_path / "grace" / "genuine" / f"{i}.csv", signature(7 + i), COLUMNS[:3])
    found = load(tmp_path)
    assert sorted(zip(found.writer.tolist(), found.genuine.tolist(), found.session.tolist(), strict=True)) == [
        ("ada", False, ""),
        ("ada", True, "monday"),
        ("ada", True, "monday"),
        ("ada", True, "tuesday"),
        ("grace", True, ""),
        ("grace", True, ""),
    ]
    grace = found.trajectories[list(found.writer).index("grace")]
    assert (grace[:, 3] == 128).all()  # without a pressure it is the same everywhere


def test_a_clock_that_counts_from_1970_keeps_its_milliseconds(tmp_path):
    points = signature(1).astype(np.float64)
    points[:, 2] += 1.7e12
    for i in range(2):
        write(tmp_path / "ada" / "genuine" / f"{i}.csv", points)
    assert load(tmp_path).trajectories[0][:, 2] == pytest.approx(signature(1)[:, 2], abs=0.5)


def bent(**changed):
    points = signature(3).copy()
    for column, value in changed.items():
        points[60, COLUMNS.index(column)] = value
    return points


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (signature(3)[:10], "at least 16 rows"),
        (signature(3)[:, :4], "got shape"),
        (bent(x=np.nan), "row 61 has something not a number"),
        (bent(ms=0), "time goes back"),
        (signature(3) * np.float32([1, 1, 0.001, 1, 1]), "counts milliseconds"),
        (signature(3) * np.float32([0, 0, 1, 1, 1]), "never moves"),
        (bent(pressure=1023), "want 0 to 255"),
        (bent(end=2), "0 or 1"),
    ],
)
def test_what_is_no_signature_is_said(points, said):
    with pytest.raises(DataError, match=said) as error:
        checked(points, "ada/01.csv")
    assert str(error.value).startswith("ada/01.csv: ")


def test_a_clock_may_stumble(tmp_path):
    points = signature(3).copy()
    points[60, 2] = points[59, 2] - 10  # as those of SUSIG do
    assert (np.diff(checked(points, "")[:, 2]) >= 0).all()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"session": None}, "session"),
        ({"kind": np.array(["copied"] * 36)}, "not copied"),
        ({"lengths": np.full(36, 7)}, "add up to 252"),
        ({"user": np.array(["w00"] * 8 + ["w01"] * 27 + ["w02"])}, "writer w02 has 0 genuine"),
    ],
)
def test_a_wrong_archive_is_said(tmp_path, changed, said):
    with pytest.raises(DataError, match=said):
        load(archive(tmp_path / "a.npz", writers(4), **changed))


def test_a_wrong_file_is_named_with_its_line(tmp_path):
    file = tmp_path / "ada" / "genuine" / "01.csv"
    file.parent.mkdir(parents=True)
    file.write_text("x,y,ms\n1,2,0\n1,two,10\n")
    with pytest.raises(DataError, match=r"01\.csv: line 3: .*two"):
        load(tmp_path)
    file.write_text("x,y,pressure\n1,2,0\n")
    with pytest.raises(DataError, match="no column ms"):
        load(tmp_path)


@pytest.mark.parametrize(
    "content", [b"x,y,ms\n1,2,0\n1,2,\xfc\n", b"x,y,ms\n" + b"1" * 200_000 + b",2,0\n", b"\xff\xfe"]
)
def test_what_is_no_table_is_said(tmp_path, content):
    file = tmp_path / "ada" / "genuine" / "01.csv"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"01\.csv cannot be read as a CSV file in UTF-8"):
        load(tmp_path)


@pytest.mark.parametrize("left", [0, 1, 100, 0.5, 0.99])
def test_an_archive_that_was_cut_off_is_said(tmp_path, left):
    whole = archive(tmp_path / "a.npz", writers(4)).read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[: left if left >= 1 else int(left * len(whole))])
    with pytest.raises(DataError, match=r"a\.npz: neither a folder of signatures nor an \.npz archive"):
        load(tmp_path / "a.npz")


@pytest.mark.parametrize("path", ["nothing.npz", "empty"])
def test_what_is_not_there_is_said(tmp_path, path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=path):
        load(tmp_path / path)


def test_nobody_is_in_two_parts():
    made = writers(14)
    parts = split(made)
    people = [set(part.writer.tolist()) for part in (parts.train, parts.val, parts.test)]
    assert [len(part) for part in people] == [8, 2, 4]
    assert len(set.union(*people)) == 14
    assert split(made).test.writer.tolist() == parts.test.writer.tolist()
    with pytest.raises(DataError, match="too few"):
        split(writers(5))
