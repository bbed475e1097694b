"""What is written into a run's folder: whole or not at all, on a full disk and after a kill."""

import pytest
import torch

from tests.training.disk import full
from training import detector_preset, preset
from training.errors import RunError
from training.loop.curves import draw, scale
from training.loop.run import Run, read, save
from training.train_detector import opened

LINE = {"seen": 1, "rate": 0.1, "loss": {"a": 1.0}, "val": {"eer": 0.5}}


@pytest.mark.parametrize("size", [0, 1000, 100_000])
def test_a_full_disk_leaves_the_weights_that_were_there(tmp_path, size):
    run = Run(tmp_path)
    save({"good": torch.ones(9)}, run.weights)
    with full(size), pytest.raises(RunError, match=rf"{run.weights} cannot be written: .*df -h {tmp_path}.*go on"):
        save({"larger": torch.zeros(100_000)}, run.weights)
    assert list(read(run.weights)) == ["good"]
    assert list(tmp_path.iterdir()) == [run.weights]


def test_a_full_disk_leaves_the_presets_that_were_there(tmp_path):
    tiny, detector = preset.load("tiny"), detector_preset.load(detector_preset.FILE)
    Run(tmp_path / "run").open(tiny)
    opened(tmp_path / "detector", detector)
    for file, again in (
        (tmp_path / "run" / "preset.json", lambda: Run(tmp_path / "run").open(tiny)),
        (tmp_path / "detector" / "preset.json", lambda: opened(tmp_path / "detector", detector)),
    ):
        before = file.read_bytes()
        with full(100), pytest.raises(RunError, match=rf"{file} cannot be written"):
            again()
        assert file.read_bytes() == before
        assert list(file.parent.iterdir()) == [file]


def test_shares_are_drawn_as_per_cent_and_pixels_as_they_are():
    assert scale(("eer", "tar@1e-03")) == (100.0, "per cent", 100.0)
    assert scale(("misplacement_px", "unsteady_px")) == (1.0, "pixels", None)


def test_a_full_disk_is_said_of_log_and_curves(tmp_path):
    run = Run(tmp_path)
    run.write(LINE)
    draw(run.lines(), run.curves)
    with full(100):
        for write in (lambda: run.write(LINE), lambda: draw(run.lines(), run.curves)):
            with pytest.raises(RunError, match="cannot be written"):
                write()
    assert run.curves.stat().st_size > 10_000
    run.write(LINE)
    assert run.lines() == [LINE, LINE]


def test_a_folder_that_cannot_be_is_said(tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(RunError, match=r"preset\.json cannot be written: .*exists"):
        Run(tmp_path / "run").open(preset.load("tiny"))


@pytest.mark.parametrize("cut", ["{", '{"seen": 2, "los'])
def test_a_line_that_a_kill_cut_off_is_left_out_and_no_other(tmp_path, cut):
    run = Run(tmp_path)
    run.write({"seen": 1})
    with run.log.open("a") as log:
        log.write(cut)
    assert run.lines() == [{"seen": 1}]
    run.write({"seen": 3})
    run.write({"seen": 4})
    assert run.lines() == [{"seen": 1}, {"seen": 3}, {"seen": 4}]


def test_what_is_no_run_is_said(tmp_path):
    file = tmp_path / "encoder.pt"
    file.touch()
    with pytest.raises(RunError, match=r"preset\.json cannot be read: Not a directory; name a run's folder"):
        Run(file).preset()
    with pytest.raises(RunError, match=r"nothing was trained here \(no preset\.json\)"):
        Run(tmp_path).preset()


def test_who_began_with_weights_does_not_begin_with_nothing(tmp_path):
    """Killed before the first look, and started again without --start."""
    run, start = Run(tmp_path / "run"), tmp_path / "start.pt"
    save({"good": torch.ones(9)}, start)
    run.begin(start)
    began = run.start.read_text()
    with pytest.raises(RunError, match=rf"began with weights \(SHA-256 {began[:9]}\.\.\.\), and no state.*--start"):
        run.begin(None)
    assert run.start.read_text() == began
    run.begin(start)
