"""What every camera promises, over every backend that loads here."""

import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from agent.hardware import backends
from agent.hardware.cameras import CameraOptions, demo
from tests.fakes import picamera2, scenes
from tests.fakes.mjpeg import MjpegServer

START = datetime(2026, 11, 22, 6, tzinfo=UTC)


class Clock:
    """Goes on by a millisecond each time it is asked."""

    def __init__(self):
        self.at = START

    def __call__(self):
        self.at += timedelta(milliseconds=1)
        return self.at


@pytest.fixture
def ending():
    with ExitStack() as stack:
        yield stack


@pytest.fixture(params=["files", "opencv-file", "opencv-stream", "demo", "picamera2"])
def opened(request, tmp_path, monkeypatch, ending):
    """Return a function that opens the camera under test with further options; all are closed in the end."""
    name, source = request.param.split("-")[0], ""
    if request.param == "files":
        source = scenes.write_folder(tmp_path / "pictures")
    elif request.param == "opencv-file":
        source = scenes.write_clip(tmp_path / "clip.avi")
    elif request.param == "opencv-stream":
        server = MjpegServer(scenes.numbered)
        ending.callback(server.close)
        source = server.url
    elif request.param == "demo" and not demo.CLIP.is_file():
        pytest.skip("the bundled clip is not there")
    elif request.param == "picamera2":
        picamera2.install(monkeypatch, scenes.numbered)

    def open_camera(**options):
        options = {"source": str(source), "width": 64, "height": 48, "name": "hall", **options}
        camera = backends.load("camera", name)(CameraOptions(**options), Clock())
        ending.callback(camera.close)
        return camera

    open_camera.is_scene = request.param != "demo"
    return open_camera


def test_images_are_rgb_bytes_in_one_piece(opened):
    frame = opened(as_fast_as_possible=True).read()
    assert frame.image.dtype == np.uint8
    assert frame.image.ndim == 3
    assert frame.image.shape[2] == 3
    assert frame.image.flags.c_contiguous
    if frame.small is not None:
        assert frame.small.dtype == np.uint8
        assert frame.small.shape[2] == 3
        assert frame.small.flags.c_contiguous
    if opened.is_scene:
        assert frame.image.shape == (48, 64, 3)
        assert scenes.is_rgb(frame.image)


def test_frames_are_counted_stamped_and_named(opened):
    camera = opened(as_fast_as_possible=True)
    frames = [camera.read() for _ in range(4)]
    assert [frame.seq for frame in frames] == [0, 1, 2, 3]
    assert {frame.camera for frame in frames} == {"hall"}
    assert all(frame.at.tzinfo is UTC for frame in frames)
    assert START <= frames[0].at < frames[1].at < frames[2].at < frames[3].at


def test_a_frame_stays_as_it_was_when_the_next_one_comes(opened):
    camera = opened(as_fast_as_possible=True)
    first = camera.read().image
    before = first.copy()
    for _ in range(3):
        assert not np.shares_memory(camera.read().image, first)
    assert np.array_equal(first, before)


def test_closing_ends_it_and_may_be_repeated(opened):
    camera = opened(as_fast_as_possible=True, loop=True)
    camera.read()
    camera.close()
    camera.close()
    assert camera.read() is None
    assert camera.read() is None


def test_another_thread_may_close_while_frames_are_read(opened):
    camera = opened(loop=True, fps=5.0)
    frames = []
    reader = threading.Thread(target=lambda: frames.extend(iter(camera.read, None)))
    reader.start()
    deadline = time.monotonic() + 20
    while not frames and time.monotonic() < deadline:
        time.sleep(0.01)
    camera.close()
    reader.join(20)
    assert not reader.is_alive()
    assert frames


def test_it_can_be_opened_again(opened):
    first = opened(as_fast_as_possible=True)
    first.read()
    first.close()
    again = opened(as_fast_as_possible=True).read()
    assert again.seq == 0
