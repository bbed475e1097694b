import threading
import time
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from agent.errors import CameraLost, ConfigError, HardwareError
from agent.hardware.cameras import CameraOptions, demo, utc_now
from agent.hardware.cameras.files import Folder
from agent.hardware.cameras.opencv import LiveCapture, open_source, without_password
from agent.hardware.cameras.pace import Pace
from agent.hardware.cameras.pixels import upright
from agent.hardware.cameras.video import VideoFile
from tests.fakes import scenes
from tests.fakes.mjpeg import MjpegServer

START = datetime(2026, 11, 22, 6, tzinfo=UTC)


def numbers(camera, limit=100):
    """Return which scenes the camera shows until it ends."""
    shown = []
    while len(shown) < limit and (frame := camera.read()) is not None:
        shown.append(scenes.number_of(frame.image))
    return shown


def fast(source, **options):
    return CameraOptions(source=str(source), as_fast_as_possible=True, **options)


def outcome(camera):
    frames = list(iter(camera.read, None))
    return [(frame.seq, frame.at) for frame in frames], [frame.image.tobytes() for frame in frames]


class TestOptions:
    def test_a_camera_turns_by_quarters(self):
        with pytest.raises(ConfigError, match="0, 90, 180 or 270 degrees, not 45"):
            CameraOptions(rotation=45)

    @pytest.mark.parametrize("wrong", [{"fps": 0.0}, {"fps": float("nan")}, {"width": 0}, {"height": -1}])
    def test_there_is_no_camera_without_pixels_or_frames(self, wrong):
        with pytest.raises(ConfigError, match="no camera gives"):
            CameraOptions(**wrong)

    def test_the_clock_is_utc(self):
        assert utc_now().tzinfo is UTC


class TestPace:
    def test_frames_come_no_earlier_than_their_time_and_the_delays_do_not_add_up(self):
        pace, start = Pace(100.0), time.monotonic()
        for index in range(11):
            assert pace.wait(index)
            assert time.monotonic() - start >= index / 100.0 - 0.001
            time.sleep(0.005)
        assert time.monotonic() - start < 0.4

    def test_without_a_rate_nothing_waits(self):
        pace, start = Pace(None), time.monotonic()
        assert all(pace.wait(index) for index in range(10_000))
        assert time.monotonic() - start < 1

    def test_stopping_ends_a_wait_of_an_hour(self):
        pace, answers = Pace(1 / 3600), []
        pace.wait(0)
        waiting = threading.Thread(target=lambda: answers.append(pace.wait(1)))
        waiting.start()
        pace.stop()
        waiting.join(5)
        assert answers == [False]
        assert not pace.wait(0)


class TestPixels:
    @pytest.mark.parametrize("degrees", [0, 90, 180, 270])
    def test_turning_is_clockwise(self, degrees):
        image = np.random.default_rng(0).integers(0, 255, (4, 6, 3), np.uint8)
        turned = upright(image, degrees)
        assert np.array_equal(turned, np.rot90(image, -degrees // 90))
        assert turned.flags.c_contiguous


class TestFolder:
    def test_pictures_come_in_the_order_of_their_names(self, tmp_path):
        scenes.write_folder(tmp_path)
        (tmp_path / "002.png").rename(tmp_path / "zebra.png")
        assert numbers(Folder(fast(tmp_path))) == [0, 1, 3, 4, 5, 2]

    def test_each_is_stamped_by_its_place(self, tmp_path):
        camera = Folder(fast(scenes.write_folder(tmp_path), fps=4.0, start=START))
        assert [frame.at for frame in iter(camera.read, None)] == [
            START + timedelta(seconds=number / 4) for number in range(6)
        ]

    def test_the_clock_is_asked_once_where_no_start_is_given(self, tmp_path):
        times = iter([START])
        camera = Folder(fast(scenes.write_folder(tmp_path), fps=10.0), lambda: next(times))
        assert camera.read().at == START
        assert camera.read().at == START + timedelta(seconds=0.1)

    def test_it_starts_again_when_told_to(self, tmp_path):
        camera = Folder(fast(scenes.write_folder(tmp_path, 3), fps=10.0, loop=True, start=START))
        frames = [camera.read() for _ in range(7)]
        assert [scenes.number_of(frame.image) for frame in frames] == [0, 1, 2, 0, 1, 2, 0]
        assert [frame.seq for frame in frames] == list(range(7))
        assert frames[-1].at == START + timedelta(seconds=0.6)

    def test_what_is_no_picture_is_skipped_by_name(self, tmp_path, caplog):
        scenes.write_folder(tmp_path, 4)
        (tmp_path / "001.png").write_bytes(b"no picture")
        (tmp_path / "002.png").write_bytes((tmp_path / "002.png").read_bytes()[:40])
        (tmp_path / "notes.txt").write_text("not even called a picture")
        camera = Folder(fast(tmp_path, fps=10.0, start=START))
        frames = list(iter(camera.read, None))
        assert [scenes.number_of(frame.image) for frame in frames] == [0, 3]
        assert [frame.at for frame in frames] == [START, START + timedelta(seconds=0.1)]
        assert sorted(record.args[0].name for record in caplog.records) == ["001.png", "002.png"]

    def test_a_picture_that_goes_away_is_skipped(self, tmp_path, caplog):
        camera = Folder(fast(scenes.write_folder(tmp_path, 3)))
        (tmp_path / "001.png").unlink()
        assert numbers(camera) == [0, 2]
        assert "No such file" in caplog.text

    @pytest.mark.parametrize("loop", [False, True])
    def test_a_folder_without_one_readable_picture_is_an_error_and_no_endless_loop(self, tmp_path, loop):
        (tmp_path / "a.jpg").write_bytes(b"no picture")
        with pytest.raises(HardwareError, match="none of its 1 pictures can be read"):
            Folder(fast(tmp_path, loop=loop)).read()

    def test_an_empty_folder_is_an_error(self, tmp_path):
        with pytest.raises(HardwareError, match="no pictures in it"):
            Folder(fast(tmp_path))

    def test_an_absent_folder_is_an_error(self, tmp_path):
        with pytest.raises(HardwareError, match="there is no such folder"):
            Folder(fast(tmp_path / "absent"))


class TestVideoFile:
    @pytest.fixture
    def clip(self, tmp_path):
        return scenes.write_clip(tmp_path / "clip.avi", frames=6, fps=25.0)

    def test_every_frame_comes_once(self, clip):
        assert numbers(VideoFile(clip, fast(clip))) == [0, 1, 2, 3, 4, 5]

    def test_a_replay_is_the_same_at_any_speed(self, clip):
        slow = CameraOptions(source=str(clip), start=START)
        assert outcome(VideoFile(clip, fast(clip, start=START))) == outcome(VideoFile(clip, slow))

    def test_frames_are_stamped_by_the_rate_of_the_file(self, clip):
        times, _ = outcome(VideoFile(clip, fast(clip, start=START, fps=3.0)))
        assert times == [(number, START + timedelta(seconds=number / 25)) for number in range(6)]

    def test_it_plays_at_its_own_rate(self, clip):
        start = time.monotonic()
        numbers(VideoFile(clip, CameraOptions(source=str(clip))))
        assert time.monotonic() - start >= 5 / 25

    def test_it_starts_again_when_told_to(self, clip):
        assert numbers(VideoFile(clip, fast(clip, loop=True)), limit=14) == [0, 1, 2, 3, 4, 5] * 2 + [0, 1]

    def test_an_absent_file_is_an_error(self, tmp_path):
        with pytest.raises(HardwareError, match=r"absent\.mp4: there is no such video file"):
            VideoFile(tmp_path / "absent.mp4", fast(""))

    def test_a_file_that_is_no_video_is_an_error(self, tmp_path):
        (tmp_path / "a.mp4").write_text("no video")
        with pytest.raises(HardwareError, match=r"a\.mp4: not a video"):
            VideoFile(tmp_path / "a.mp4", fast(""))

    def test_a_file_that_breaks_off_ends_there(self, clip, tmp_path):
        content = scenes.write_clip(clip, frames=60).read_bytes()
        short = tmp_path / "short.avi"
        short.write_bytes(content[: len(content) * 2 // 3])
        shown = numbers(VideoFile(short, fast(short)))
        assert shown[:-1] == [number % 10 for number in range(len(shown) - 1)]  # the last may be half a picture
        assert 6 < len(shown) < 60


class TestDemo:
    def test_it_is_the_bundled_clip(self, tmp_path, monkeypatch):
        monkeypatch.setattr(demo, "CLIP", scenes.write_clip(tmp_path / "clip.avi"))
        assert numbers(demo.open_demo(fast("0"))) == [0, 1, 2, 3, 4, 5]

    def test_without_it_the_place_is_told(self, tmp_path, monkeypatch):
        monkeypatch.setattr(demo, "CLIP", tmp_path / "clip.mp4")
        with pytest.raises(HardwareError, match=r"clip\.mp4: there is no such video file"):
            demo.open_demo(fast("0"))


class Jammed:
    """An opened camera that gives no pictures."""

    def read(self):
        return False, None

    def release(self):
        pass


class TestSource:
    def test_a_file_is_a_video(self, tmp_path):
        clip = scenes.write_clip(tmp_path / "clip.avi")
        camera = open_source(fast(clip))
        assert isinstance(camera, VideoFile)
        camera.close()

    @pytest.mark.parametrize("source", ["97", "/dev/null"])
    def test_a_camera_that_cannot_be_opened_is_told_with_what_to_look_at(self, source):
        with pytest.raises(HardwareError, match=rf"camera {source}: cannot be opened; `ls /dev/video\*`"):
            open_source(CameraOptions(source=source))

    def test_a_device_that_is_not_there_is_told(self):
        with pytest.raises(HardwareError, match=r"/dev/video97: there is no such camera; `ls /dev/video\*`"):
            open_source(CameraOptions(source="/dev/video97"))

    def test_a_stream_that_does_not_answer_may_do_so_later_and_keeps_its_password(self):
        with pytest.raises(CameraLost, match=r"^http://127.0.0.1:9/a: the stream does not answer"):
            open_source(CameraOptions(source="http://anna:secret@127.0.0.1:9/a?token=x"))

    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("rtsp://user:p@ss@cam.lan:554/h264", "rtsp://cam.lan:554/h264"),
            ("rtsp://cam.lan/live", "rtsp://cam.lan/live"),
            ("http://cam/a?password=x#y", "http://cam/a"),
        ],
    )
    def test_no_password_is_shown(self, url, shown):
        assert without_password(url) == shown

    def test_a_stream_that_stops_is_lost(self):
        server = MjpegServer(scenes.numbered)
        camera = open_source(CameraOptions(source=server.url))
        try:
            assert camera.read().seq == 0
            server.close()
            with pytest.raises(CameraLost, match=r"http://127.*: no picture comes any more"):
                numbers(camera, limit=1000)
        finally:
            server.close()
            camera.close()

    def test_a_camera_without_pictures_is_lost_and_ends_once_closed(self):
        camera = LiveCapture(Jammed(), "camera 0", CameraOptions(), utc_now)
        with pytest.raises(CameraLost, match="camera 0: no picture comes any more"):
            camera.read()
        camera.close()
        assert camera.read() is None

    def test_live_pictures_are_stamped_when_they_come_and_turned(self):
        with_picture = Jammed()
        with_picture.read = lambda: (True, cv2.cvtColor(scenes.numbered(1), cv2.COLOR_RGB2BGR))
        frame = LiveCapture(with_picture, "camera 0", CameraOptions(rotation=90), lambda: START).read()
        assert frame.at == START
        assert np.array_equal(frame.image, np.rot90(scenes.numbered(1), -1))
