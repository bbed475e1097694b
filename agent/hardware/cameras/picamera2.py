"""The Raspberry Pi's camera, through picamera2 (from apt: python3-picamera2).

Two streams of the same picture: faces are searched for in `lores`, which the image processor makes small, and cut out
of `main` at its full size. That pays where `main` is larger than 640x480. `lores` is asked for as YUV420, the only
format that every Pi has for it; from 1280x720 on picamera2 takes Rec. 709 colours, which OpenCV reads as Rec. 601: a
little off, and only the detector sees it.

Formats are named after the order of bits in a little-endian word: what picamera2 calls BGR888 lies in memory as
R, G, B (its manual, appendix A, and https://github.com/raspberrypi/picamera2/issues/848).
"""

from __future__ import annotations

import threading
from typing import Any

import cv2
from picamera2 import Picamera2

from agent.errors import CameraLost, ConfigError, HardwareError
from agent.hardware.cameras import CameraOptions, Clock, utc_now
from agent.hardware.cameras.pixels import upright
from agent.types import Frame

RGB_IN_MEMORY = "BGR888"
LORES = 320, 240
"""What `lores` fits into once it is upright, pixels: the size that our detector takes."""
BUFFERS = 4  # of which one is being read and the others are being filled
SILENCE_SECONDS = 3.0  # libcamera gives a frame up after 1 to 2 and then sends none any more, without an error


class PiCamera:
    """A camera on the ribbon cable.

    Args:
        options: `source` is the camera's number; `width`, `height`, `fps`, `rotation`, `name`.
        now: stamps the frames when they arrive.

    Raises:
        HardwareError: there is no such camera, or another program uses it.
    """

    def __init__(self, options: CameraOptions, now: Clock = utc_now) -> None:
        self._options = options
        self._now = now
        self._closed = False
        self._lock = threading.Lock()  # closing takes the buffers away
        self._seq = 0
        self._camera = _open(options)
        self._small_width = int(self._camera.camera_configuration()["lores"]["size"][0])  # as libcamera made it

    def read(self) -> Frame | None:
        """Return the next frame, None once closed."""
        with self._lock:
            if self._closed:
                return None
            image, small = self._next()
            at = self._now()
        seq, self._seq = self._seq, self._seq + 1
        image, small = (upright(picture, self._options.rotation) for picture in (image, small))
        return Frame(image=image, at=at, seq=seq, camera=self._options.name, small=small)

    def close(self) -> None:
        """Stop the camera and give it back, after the frame being waited for. May be called again.

        Stopping a camera whose cable is loose may never return (https://github.com/raspberrypi/picamera2/issues/1264):
        then the service's watchdog ends the program.
        """
        with self._lock:
            if not self._closed:
                self._closed = True
                self._camera.close()

    def _next(self) -> tuple[Any, Any]:
        """Return the next picture, large and small, as arrays. The request, one of a few buffers, goes back at once."""
        # Waiting on the job, as capture_request(wait=True) would hang for ever on a silent camera.
        job = self._camera.capture_request(wait=False)
        try:
            request = job.get_result(timeout=SILENCE_SECONDS)
        except (TimeoutError, RuntimeError) as error:
            raise CameraLost("the Pi camera has gone silent; check the ribbon cable") from error
        try:
            image = request.make_array("main")  # a copy without the padding at the end of the rows
            small = request.make_array("lores")  # a copy with it
        finally:
            request.release()
        return image, cv2.cvtColor(small, cv2.COLOR_YUV2RGB_I420)[:, : self._small_width]


def lores_size(width: int, height: int, rotation: int = 0) -> tuple[int, int]:
    """The even width and height of the small picture, of the same shape as the large one and never larger."""
    within = LORES if rotation % 180 == 0 else LORES[::-1]
    scale = min(1.0, within[0] / width, within[1] / height)
    across, down = (max(1, min(round(side * scale / 2), side // 2)) for side in (width, height))
    return 2 * across, 2 * down


def _open(options: CameraOptions) -> Any:
    number = options.source or "0"
    if not number.isdecimal():
        raise ConfigError(f"a Pi camera is chosen by its number, 0 for the first, not by {number!r}")
    try:
        camera = Picamera2(int(number))
    except (IndexError, RuntimeError, OSError) as error:
        raise HardwareError(
            f"no Pi camera {number} ({error}); `rpicam-hello --list-cameras` shows those there are, and no other"
            " program may be using it"
        ) from error
    try:
        camera.configure(_configuration(camera, options))
        camera.start()
    except RuntimeError as error:
        camera.close()
        raise HardwareError(f"Pi camera {number} does not do {options.width}x{options.height}: {error}") from error
    return camera


def _configuration(camera: Any, options: CameraOptions) -> Any:
    frame_us = round(1e6 / options.fps)
    return camera.create_video_configuration(
        main={"size": (options.width, options.height), "format": RGB_IN_MEMORY},
        lores={"size": lores_size(options.width, options.height, options.rotation), "format": "YUV420"},
        controls={"FrameDurationLimits": (frame_us, frame_us)},  # microseconds
        buffer_count=BUFFERS,
    )
