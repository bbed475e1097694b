"""A camera without a Pi: picamera2's request API as its manual describes it, and what goes wrong with it.

A stream's buffers are few, lie in memory with padded rows, and are filled again as soon as a request is released.
"""

import sys
from concurrent.futures import Future

import cv2
import numpy as np

ROW_BYTES = 64  # rows start at multiples of this
CHANNELS_IN_MEMORY = {"BGR888": [0, 1, 2], "RGB888": [2, 1, 0]}  # the names read from the high byte down


class Picamera2:
    plugged = 1  # how many there are
    silent = False  # libcamera has given the sensor up
    scene = staticmethod(lambda number, width, height: np.zeros((height, width, 3), np.uint8))  # RGB

    def __init__(self, camera_num=0):
        list(range(self.plugged))[camera_num]  # an IndexError, as the real one
        self.running = False
        self.closings = 0
        self.taken = 0
        self.number = 0

    def create_video_configuration(self, main, lores=None, controls=None, buffer_count=6):
        unknown = set(main) - {"format", "size"}
        if unknown:
            raise ValueError(f"Bad key {unknown}")
        return {"main": dict(main), "lores": lores, "controls": controls, "buffer_count": buffer_count}

    def configure(self, config):
        for name, pixel_bytes in (("main", 3), ("lores", 1)):
            width, height = config[name]["size"]
            if width % 2 or height % 2:  # some versions make them even instead
                raise RuntimeError("width and height should be even")
            config[name]["stride"] = -(-pixel_bytes * width // ROW_BYTES) * ROW_BYTES
        assert config["lores"]["format"] == "YUV420", "what every Pi can do"
        if any(small > large for small, large in zip(config["lores"]["size"], config["main"]["size"], strict=True)):
            raise RuntimeError("lores stream dimensions may not exceed main stream")
        self.config = config

    def camera_configuration(self):
        return self.config

    def start(self):
        self.running = True

    def capture_request(self, *, wait=True):
        assert wait is False, "waiting for ever on a silent camera"
        job = Job()
        if self.running and not self.silent and self.taken < self.config["buffer_count"]:
            job.set_result(Request(self))
        return job

    def close(self):
        self.running = False
        self.closings += 1


class Job(Future):
    def get_result(self, timeout=None):
        return self.result(min(timeout, 0.05))


class Request:
    def __init__(self, camera):
        self.camera = camera
        main = camera.config["main"]
        width, height = main["size"]
        image = camera.scene(camera.number, width, height)[..., CHANNELS_IN_MEMORY[main["format"]]]
        self.buffer = np.full((height, main["stride"]), 0xAA, np.uint8)
        self.buffer[:, : 3 * width] = image.reshape(height, -1)
        self.lores = yuv420(
            camera.scene(camera.number, *camera.config["lores"]["size"]), camera.config["lores"]["stride"]
        )
        camera.number += 1
        camera.taken += 1

    def make_array(self, name):
        if name == "lores":  # "we leave any packing in there"
            return self.lores.copy()
        main = self.camera.config[name]
        width, height = main["size"]
        return self.buffer[:, : 3 * width].reshape(height, width, 3).copy()

    def release(self):
        if self.buffer is None:
            raise RuntimeError("CompletedRequest: lock now has negative ref_count")
        self.buffer[:] = 0xEE
        self.lores[:] = 0xEE
        self.buffer = None
        self.camera.taken -= 1


def yuv420(image, stride):
    """(H * 3 / 2, stride): the rows of Y, then those of U and of V at half the stride, two to a row."""
    width = image.shape[1]
    padded = cv2.copyMakeBorder(image, 0, 0, 0, stride - width, cv2.BORDER_CONSTANT, value=(255, 0, 255))
    return cv2.cvtColor(padded, cv2.COLOR_RGB2YUV_I420)


def install(monkeypatch, scene):
    """Put a fresh fake in the place of the library and return it; the backend is imported anew with it."""
    fake = type("FakePicamera2", (Picamera2,), {"scene": staticmethod(scene)})
    monkeypatch.setitem(sys.modules, "picamera2", type(sys)("picamera2"))
    monkeypatch.setattr(sys.modules["picamera2"], "Picamera2", fake, raising=False)
    monkeypatch.delitem(sys.modules, "agent.hardware.cameras.picamera2", raising=False)
    return fake
