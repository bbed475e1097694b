"""The Pi's camera against a fake of picamera2's request API; the contract suite runs over it as well."""

import sys
import time

import numpy as np
import pytest

from agent.errors import CameraLost, ConfigError, HardwareError
from agent.hardware import backends
from agent.hardware.cameras import CameraOptions
from tests.fakes import picamera2, scenes


@pytest.fixture
def fake(monkeypatch):
    return picamera2.install(monkeypatch, scenes.numbered)


def opened(**options):
    return backends.load("camera", "picamera2")(CameraOptions(**options))


@pytest.mark.parametrize(
    ("large", "small"),
    [
        ((640, 480), (320, 240)),
        ((1920, 1080), (320, 180)),
        ((1296, 972), (320, 240)),
        ((480, 640), (180, 240)),
        ((64, 48), (64, 48)),
    ],
)
def test_two_streams_are_configured_at_the_size_and_rate_asked_for(fake, large, small):
    camera = opened(width=large[0], height=large[1], fps=10.0)
    config = camera._camera.config
    assert config["main"]["size"] == large
    assert config["lores"] == {"size": small, "format": "YUV420", "stride": -(-small[0] // 64) * 64}
    assert config["controls"] == {"FrameDurationLimits": (100_000, 100_000)}


def test_the_bytes_are_red_green_blue_whatever_the_format_is_called(fake):
    assert np.array_equal(opened(width=64, height=48).read().image, scenes.numbered(0))


def test_padding_at_the_end_of_rows_is_left_out(fake):
    camera = opened(width=50, height=40)
    assert camera._camera.config["main"]["stride"] > 150
    assert np.array_equal(camera.read().image, scenes.numbered(0, 50, 40))


@pytest.mark.parametrize(
    ("size", "rotation", "small"),
    [
        ((640, 480), 90, (240, 180)),  # 180x240 when upright
        ((640, 480), 180, (320, 240)),
        ((67, 49), 0, (66, 48)),  # never larger than what becomes of odd sizes
        ((65, 65), 0, (64, 64)),
        ((7680, 64), 0, (320, 2)),
        ((1, 1), 0, (2, 2)),
    ],
)
def test_the_small_size(fake, size, rotation, small):
    opened(width=64, height=48)  # imports the backend with the fake
    assert sys.modules["agent.hardware.cameras.picamera2"].lores_size(*size, rotation) == small


def test_a_small_picture_of_another_size_than_asked_for_is_read_right(fake, monkeypatch):
    given = fake.configure

    def configure(camera, config):
        config["lores"]["size"] = (192, 160)  # libcamera has the last word
        given(camera, config)

    monkeypatch.setattr(fake, "configure", configure)
    frame = opened(width=1000, height=800).read()
    assert frame.small.shape == (160, 192, 3)
    assert np.abs(frame.small.astype(int) - scenes.numbered(0, 192, 160)).mean() < 6


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_the_small_picture_shows_the_same_without_padding(fake, rotation):
    frame = opened(width=1000, height=800, rotation=rotation).read()
    width, height = (300, 240) if rotation % 180 == 0 else (240, 192)
    wanted = np.rot90(scenes.numbered(0, width, height), -rotation // 90)
    assert frame.small.shape == wanted.shape
    assert frame.small.flags.c_contiguous
    assert np.abs(frame.small.astype(int) - wanted).mean() < 6  # YUV has colour at half the size


def test_every_buffer_goes_back_at_once(fake):
    camera = opened(width=64, height=48)
    for number in range(20):
        assert scenes.number_of(camera.read().image) == number % 10
        assert camera._camera.taken == 0


def test_a_buffer_goes_back_even_if_the_picture_cannot_be_made(fake):
    camera = opened(width=64, height=48)
    camera._camera.scene = lambda *_: np.zeros((48, 64, 3), np.uint8)
    request = picamera2.Request(camera._camera)
    request.make_array = lambda name: 1 / 0
    camera._camera.capture_request = lambda *, wait: finished(request)
    with pytest.raises(ZeroDivisionError):
        camera.read()
    assert request.buffer is None


def finished(request):
    job = picamera2.Job()
    job.set_result(request)
    return job


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_the_picture_is_turned(fake, rotation):
    image = opened(width=64, height=48, rotation=rotation).read().image
    assert np.array_equal(image, np.rot90(scenes.numbered(0), -rotation // 90))
    assert image.flags.c_contiguous


def test_a_camera_that_goes_silent_is_lost_and_not_waited_for_for_ever(fake):
    camera = opened(width=64, height=48)
    camera.read()
    fake.silent = True
    start = time.monotonic()
    with pytest.raises(CameraLost, match="check the ribbon cable"):
        camera.read()
    assert time.monotonic() - start < 3
    camera.close()


def test_it_is_closed_once(fake):
    camera = opened(width=64, height=48)
    camera.close()
    camera.close()
    assert camera._camera.closings == 1


def test_no_camera_is_told_with_what_to_look_at(fake):
    fake.plugged = 0
    with pytest.raises(HardwareError, match=r"no Pi camera 0 .*`rpicam-hello --list-cameras`"):
        opened()


def test_a_size_it_does_not_do_is_told_and_the_camera_given_back(fake):
    given_back = []
    fake.close = lambda self: given_back.append("yes")
    with pytest.raises(HardwareError, match="does not do 641x480: width and height should be even"):
        opened(width=641)
    assert len(given_back) == 1


def test_a_camera_is_chosen_by_number(fake):
    with pytest.raises(ConfigError, match="by its number, 0 for the first, not by '/dev/video0'"):
        opened(source="/dev/video0")
