"""The measuring itself: every stage of a painted clip, a real outbox into a real broker, a real process."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.cli.bench import process
from agent.cli.bench.outbox import outbox_row
from agent.cli.bench.process import process_rows
from agent.cli.bench.rows import Row
from agent.cli.bench.stages import STAGES, TOTAL, clip_frames, large_gallery
from agent.config import load_config
from agent.config.tables import BUNDLED_MODELS
from agent.errors import HardwareError
from agent.gallery.space import AS_ENCODED
from agent.hardware.cameras.demo import CLIP
from tests.fakes import blocks
from tests.fakes.blocks import GREEN, RED, Block, paint
from tests.fakes.terminal import Terminal, forget_logging

ASKED = {"detect": 3.0, "encode": 2.5, "search 10,000 x 5": 2.0, TOTAL: 12.0}
WITH_MODELS = pytest.mark.skipif(
    not (BUNDLED_MODELS / "encoder.tflite").exists(),
    reason=f"there are no models in {BUNDLED_MODELS}: make them with training/",
)


@pytest.fixture
def latchkey(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    threads = cv2.getNumThreads()
    yield Terminal(tmp_path, monkeypatch, capsys)
    cv2.setNumThreads(threads)
    forget_logging()


@pytest.fixture
def clip(tmp_path):
    """Eight frames: one face in four of them, two in two, none in the rest."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (640, 480))
    for faces in [(Block(RED),)] * 4 + [(Block(RED, x=40), Block(GREEN, x=400))] * 2 + [()] * 2:
        writer.write(cv2.cvtColor(paint(*faces), cv2.COLOR_RGB2BGR))
    writer.release()
    return path


class TestStages:
    def test_every_stage_has_its_row(self, latchkey, clip):
        latchkey("enrol", "anna", latchkey.photo("a.png", Block(RED)))
        outcome = latchkey("bench", "--quick", "--json", "--clip", clip, "--frames", 21)
        assert outcome.code == 0
        assert list(outcome.json) == ["machine", "rows"]
        rows = outcome.json["rows"]
        assert {tuple(row) for row in rows} == {("name", "unit", "value", "p95", "asked", "note", "ok")}
        assert [row["name"] for row in rows] == list(STAGES)
        assert {row["name"]: row["asked"] for row in rows if row["asked"]} == ASKED
        for row in rows:
            assert 0 < row["value"] <= row["p95"]
            assert row["ok"] == (None if row["asked"] is None else row["value"] < row["asked"])
        by_name = {row["name"]: row for row in rows}
        assert by_name["search"]["note"] == "1 template enrolled here"
        # of the frames 5 to 20 those from 8 to 11 and from 16 to 19
        assert by_name[TOTAL]["note"].startswith("8 of 16 frames show one face")

    def test_what_ran_where(self, latchkey, clip):
        where = latchkey("bench", "--quick", "--json", "--clip", clip, "--frames", 10).json["machine"]
        assert list(where) == [
            "latchkey", "detector", "aligner", "encoder", "runtime", "delegate", "processor", "cores", "load", "system",
            "python", "libraries",
        ]  # fmt: skip
        assert (where["encoder"], where["runtime"]) == (blocks.MODEL, "ai-edge-litert")
        assert "numpy" in where["libraries"]

    def test_as_a_table(self, latchkey, clip):
        lines = latchkey("bench", "--quick", "--clip", clip, "--frames", 10).out.splitlines()
        assert "ai-edge-litert" in lines[1]
        assert lines[2].split() == ["what", "median", "p95", "asked", "of"]
        assert [line.split("  ")[0] for line in lines[3:]] == list(STAGES)
        assert "< 12 ms" in lines[-1]

    def test_a_clip_without_a_face(self, latchkey, tmp_path):
        path = tmp_path / "empty.avi"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (640, 480))
        writer.write(np.zeros((480, 640, 3), np.uint8))
        writer.release()
        rows = latchkey("bench", "--quick", "--json", "--clip", path, "--frames", 10).json["rows"]
        total = rows[-1]
        assert (total["value"], total["ok"], total["note"]) == (None, None, "no frame of the clip gets there")

    def test_no_clip(self, latchkey):
        outcome = latchkey("bench", "--quick", "--clip", "none.mp4")
        assert (outcome.code, outcome.err) == (2, "latchkey: none.mp4: there is no such video file\n")


def test_a_clip_begins_again_where_it_is_too_short(clip):
    frames = clip_frames(clip, 20)
    assert len(frames) == 20
    assert [frame.seq for frame in frames] == list(range(20))


def test_the_large_gallery_is_as_large_as_it_says():
    gallery = large_gallery("m", 8, AS_ENCODED)
    assert (gallery.templates, len(gallery.people)) == (50_000, 10_000)
    assert gallery.nearest(gallery.vectors[12_345]).person == "p2469"


@pytest.mark.parametrize(
    ("value", "asked", "ok"), [(1.0, 2.0, True), (2.0, 2.0, False), (None, 2.0, None), (1.0, None, None)]
)
def test_a_figure_has_to_be_below_what_is_asked(value, asked, ok):
    assert Row("x", "ms", value, asked=asked).ok is ok


class TestOutbox:
    @pytest.mark.skipif(
        not shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin"), reason="mosquitto is not installed"
    )
    def test_the_broker_takes_all(self):
        row = outbox_row(300)
        assert (row.name, row.unit, row.asked) == ("300 events to the broker", "s", 10.0)
        assert row.value is not None
        assert row.note.endswith("; mosquitto")

    def test_without_mosquitto_it_says_so(self, monkeypatch):
        monkeypatch.setattr("agent.cli.bench.outbox.shutil.which", lambda *_, **__: None)
        row = outbox_row()
        assert (row.value, row.ok, row.note) == (
            None,
            None,
            "mosquitto is not installed: sudo apt install mosquitto",
        )


class TestProcess:
    def test_an_agent_that_does_not_start_is_an_error(self, tmp_path):
        (tmp_path / "agent.toml").touch()
        config = load_config(tmp_path / "agent.toml", {"models.encoder": tmp_path / "none.tflite"}, {})
        with pytest.raises(HardwareError, match=r"did not get ready \(exit status 2\)"):
            process_rows(config, tmp_path / "none.mp4")

    @WITH_MODELS
    def test_start_memory_and_load(self, monkeypatch, tmp_path, clip):
        (tmp_path / "agent.toml").touch()
        monkeypatch.setattr(process, "MEMORY_SECONDS", 0.5)
        monkeypatch.setattr(process, "EMPTY_SECONDS", 1.0)
        rows = process_rows(load_config(tmp_path / "agent.toml", {}, {}), clip)
        assert [(row.name, row.unit, row.asked) for row in rows] == [
            ("start to READY", "s", 1.5),
            ("resident memory", "MB", 200.0),
            ("empty scene", "%", 10.0),
        ]
        assert rows[0].value > 0.1
        assert 20 < rows[1].value < 1000
        assert rows[2].value >= 0


def test_the_bundled_clip_is_the_default():
    assert Path("agent/demo/clip.mp4") == CLIP.relative_to(CLIP.parents[2])
