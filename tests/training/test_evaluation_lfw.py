import json
import zipfile

import cv2
import numpy as np
import pytest

from agent.errors import ConfigError
from agent.types import Box, Embedding, Face
from training.data.collection import load
from training.data.errors import LeakError
from training.evaluation.evaluate import Task, refuse_leaks
from training.evaluation.lfw import lfw_pairs, measure_lfw, people, ten_fold
from training.evaluation.pictures import Benchmark, Faces, central, embed_pictures, remembered
from training.loop.origin import people as people_of


def test_ten_folds_of_a_perfect_and_of_a_useless_score():
    rng = np.random.default_rng(0)
    same = np.tile(np.repeat([True, False], 30), 10)
    assert ten_fold(np.where(same, 0.8, 0.1).astype(np.float32), same) == (1.0, 0.0)
    accuracy, error = ten_fold(rng.normal(size=600).astype(np.float32), same)
    assert accuracy == pytest.approx(0.5, abs=0.08)
    assert 0 < error < 0.05


def test_a_fold_is_judged_by_the_threshold_of_the_others():
    same = np.tile([True, False], 50)
    similarity = np.where(same, 0.9, 0.5).astype(np.float32)
    similarity[:10] -= (
        0.5  # in the first fold everybody is less alike: its matching pairs fall below the others' threshold
    )
    assert ten_fold(similarity, same)[0] == pytest.approx(0.95)


def test_pairs_of_lfw_name_two_pictures(tmp_path):
    file = tmp_path / "pairs.txt"
    file.write_text("1\t1\nAda_L\t1\t12\nAda_L\t2\tBo\t3\n")
    assert lfw_pairs(file) == [
        ("Ada_L/Ada_L_0001.webp", "Ada_L/Ada_L_0012.webp", True),
        ("Ada_L/Ada_L_0002.webp", "Bo/Bo_0003.webp", False),
    ]


def test_the_central_face_is_large_and_near_the_middle():
    def face(x, size):
        return Face(Box(x, 80.0, size, size), np.zeros((5, 2), np.float32), 0.9)

    image = np.zeros((200, 200, 3), np.uint8)
    middle, edge, small = face(70.0, 60.0), face(0.0, 70.0), face(95.0, 10.0)
    assert central([edge, small, middle], image) is middle
    assert central([], image) is None


def test_pictures_come_in_order_of_their_names_as_rgb(tmp_path):
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 2] = 255  # OpenCV's BGR
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("b/2.png", "a/1.png"):
            archive.writestr(name, cv2.imencode(".png", red)[1].tobytes())
    benchmark = Benchmark(tmp_path / "a.zip")
    assert benchmark.names == ["a/1.png", "b/2.png"]
    assert benchmark[0][0, 0].tolist() == [255, 0, 0]


@pytest.fixture
def tiny_lfw(tmp_path):
    """Ten folds of one pair each of a person and of two, of pictures of one colour, a colour a person."""
    rng = np.random.default_rng(0)
    lines = ["10\t1"]
    with zipfile.ZipFile(tmp_path / "lfw.zip", "w") as archive:
        for i in range(10):
            colour = rng.integers(40, 220, 3)
            for number in (1, 2):
                picture = np.clip(colour + rng.normal(0, 2, (64, 64, 3)), 0, 255).astype(np.uint8)
                archive.writestr(f"P{i}/P{i}_000{number}.webp", cv2.imencode(".png", picture)[1].tobytes())
            lines += [f"P{i}\t1\t2", f"P{i}\t1\tP{(i + 1) % 10}\t1"]
        archive.writestr("README.txt", "no picture")
    (tmp_path / "pairs.txt").write_text("\n".join(lines))
    return tmp_path


class Everywhere:
    """A detector that finds the whole picture, but nothing in the first picture of P3."""

    def __init__(self):
        self.calls = 0

    def __call__(self, image):
        self.calls += 1
        if self.calls == 7:
            return []
        marks = np.array([[22, 24], [42, 24], [32, 34], [24, 46], [40, 46]], np.float32)
        return [Face(Box(8.0, 8.0, 48.0, 48.0), marks, 0.9)]


class MeanColour:
    dimension = 3

    def __call__(self, crop):
        mean = crop.mean((0, 1)) - 127.0
        return Embedding((mean / np.linalg.norm(mean)).astype(np.float32), "mean colour")


def faces_of(archive, detector=None):
    return Faces(Benchmark(archive), detector or Everywhere(), lambda image, face: face)


def test_the_protocol_on_a_made_up_benchmark(tiny_lfw):
    (embedded,) = embed_pictures(faces_of(tiny_lfw / "lfw.zip"), [MeanColour()])
    lfw = measure_lfw(embedded, lfw_pairs(tiny_lfw / "pairs.txt"), fmrs=(0.1,), rounds=5)
    assert lfw.found == pytest.approx(19 / 20)
    assert not embedded.vectors[6].any()  # no face: alike to nobody
    # P3's own pair is missed, and is one of two pairs of its fold
    assert lfw.accuracy <= 0.95
    assert (lfw.verification.genuine_pairs, lfw.verification.impostor_pairs) == (10, 180)
    assert set(lfw.figures()) == {"accuracy", "standard_error", "found", "tar@1e-01", "eer"}


def test_faces_of_a_benchmark_are_aligned_when_asked_for_and_once(tiny_lfw):
    detector = Everywhere()
    faces = faces_of(tiny_lfw / "lfw.zip", detector)
    assert (len(faces), detector.calls) == (20, 0)
    assert faces[3].shape == (112, 112, 3)
    assert faces[3].any()
    detector.calls = 6
    assert not faces[6].any()  # none found
    assert faces.found(6) is None
    assert detector.calls == 7
    for _ in range(2):
        embed_pictures(faces, [MeanColour()])
    assert detector.calls == 7 + 18


def test_what_was_encoded_once_is_remembered(tiny_lfw):
    file = tiny_lfw / "model"
    file.write_bytes(b"a")
    detector = Everywhere()

    def ask(label="plain"):
        faces = faces_of(tiny_lfw / "lfw.zip", detector)
        return remembered(tiny_lfw / "cache", faces, [file], [(file, MeanColour())], label=label)[0]

    first, again = ask(), ask()
    assert detector.calls == 20
    assert first.names == again.names
    np.testing.assert_array_equal(first.vectors, again.vectors)
    ask("mirrored")
    before = set((tiny_lfw / "cache").iterdir())
    file.write_bytes(b"b")
    ask()
    assert detector.calls == 60
    (kept,) = set((tiny_lfw / "cache").iterdir()) - before
    kept.write_bytes(kept.read_bytes()[:-300])  # as a full disk leaves it
    once, more = ask(), ask()
    np.testing.assert_array_equal(once.vectors, more.vectors)
    assert detector.calls == 80
    assert not list((tiny_lfw / "cache").glob("*.part"))


def test_people_are_folders():
    assert people(["A/1.webp", "B/1.webp", "A/2.webp"]).tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, "cannot be read", id="missing"),
        pytest.param("10\t300\n", "holds no pairs", id="empty"),
    ],
)
def test_pairs_that_are_none_are_said_as_such(tmp_path, content, words):
    if content is not None:
        (tmp_path / "pairs.txt").write_text(content)
    with pytest.raises(ConfigError, match=words):
        lfw_pairs(tmp_path / "pairs.txt")


def test_a_benchmark_that_is_not_whole_is_said_as_such(tiny_lfw, tmp_path):
    (embedded,) = embed_pictures(faces_of(tiny_lfw / "lfw.zip"), [MeanColour()])
    with pytest.raises(ConfigError, match=r"1 pictures that lfw.zip lacks, as X/X_0001.webp"):
        measure_lfw(embedded, [("X/X_0001.webp", "P0/P0_0001.webp", False)])
    with pytest.raises(ConfigError, match="9 pairs do not make 10 even folds"):
        ten_fold(np.zeros(9, np.float32), np.zeros(9, bool))
    with pytest.raises(ConfigError, match="zip file"):
        Benchmark(tmp_path / "none.zip")
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("a.webp", b"nothing")
    with pytest.raises(ConfigError, match=r"bad\.zip: a\.webp: not a picture"):
        Benchmark(tmp_path / "bad.zip")[0]
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(ConfigError, match=r"empty\.zip holds no pictures"):
        embed_pictures(faces_of(tmp_path / "empty.zip"), [MeanColour()])


class TestLeaks:
    """What was trained on is looked through for what is measured, wherever it came from."""

    @pytest.fixture
    def faces(self, tmp_path):
        rng = np.random.default_rng(1)
        with zipfile.ZipFile(tmp_path / "lfw.zip", "w") as archive:
            for name in ("P1/1.png", "P2/2.png"):
                picture = cv2.resize(rng.integers(0, 255, (16, 16, 3), np.uint8), (64, 64))
                archive.writestr(name, cv2.imencode(".png", picture)[1].tobytes())
        return faces_of(tmp_path / "lfw.zip")

    @pytest.fixture
    def work(self, tmp_path, faces):
        """Three people, the last of whom is one of the benchmark, as `pack` leaves them."""
        rng = np.random.default_rng(2)
        others = [cv2.resize(rng.integers(0, 255, (28, 28, 3), np.uint8), (112, 112)) for _ in range(2)]
        work = tmp_path / "packed"
        work.mkdir()
        with zipfile.ZipFile(work / "faces-0000.zip", "w") as archive:
            for number, picture in enumerate([*others, faces[1]]):
                archive.writestr(f"{number}/a.png", cv2.imencode(".png", picture[..., ::-1])[1].tobytes())
        return work

    def test_packed_faces_are_looked_through(self, faces, work, tmp_path):
        with pytest.raises(LeakError, match=r"1 pairs of pictures .*\n.*2/a\.png.* = P2/2\.png"):
            refuse_leaks(Task(tmp_path, tmp_path, work), faces)

    def test_what_the_card_says_was_not_trained_on_is_not_looked_through(self, faces, work, tmp_path):
        card = tmp_path / "encoder.json"
        card.write_text(json.dumps({"trained": {"people": people_of(load(work))}}))
        with pytest.raises(LeakError):
            refuse_leaks(Task(tmp_path, tmp_path, work), faces)
        card.write_text(json.dumps({"trained": {"people": "0123456789abcdef"}}))
        with pytest.raises(ConfigError, match=rf"encoder\.tflite was not trained on what {work} holds.*--work"):
            refuse_leaks(Task(tmp_path, tmp_path, work), faces)
