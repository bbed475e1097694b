"""A camera that is not there yet, comes, is unplugged and comes back: a real stream over the network."""

import time

import cv2
import numpy as np

from agent.vision.pictures import decode_picture
from tests.end_to_end.patience import wait_for
from tests.fakes.mjpeg import MjpegServer
from tests.fakes.ports import steady_port

FPS = 10.0
STAY_SECONDS, AWAY_SECONDS = 1.0, 1.5


def test_the_agent_outlives_its_camera(make_terminal, mosquitto, witness, pictures):
    shown = [decode_picture(picture) for picture in (pictures.ada, pictures.empty)]

    def scene(_):
        there = time.monotonic() % (STAY_SECONDS + AWAY_SECONDS) < STAY_SECONDS
        return shown[0] if there else shown[1]

    port = steady_port()
    terminal = make_terminal(
        mqtt__enabled=True, mqtt__port=mosquitto.port,
        camera__backend="opencv", camera__source=f"http://127.0.0.1:{port}/stream.mjpg",
    )  # fmt: skip
    terminal.seed(ada=as_jpeg(shown[0]))
    running = terminal.start()
    running.wait_said("camera does not answer yet")
    assert witness.request("ping").ok

    for plugged in (1, 2):
        before = len(terminal.decisions())
        camera = MjpegServer(scene, port, FPS)
        wait_for(lambda then=before: len(terminal.decisions()) > then + 1, what="decisions")
        camera.close()
        running.wait_said("camera lost: http", times=plugged)
        assert witness.request("ping").ok  # it goes on without
        assert running.alive
    assert running.stop() == 0
    assert {(outcome, person) for outcome, _, person in terminal.decisions()} == {("granted", "ada")}
    witness.heard_all_of(terminal.check())
    assert "Traceback" not in running.said()


def as_jpeg(image):
    """The picture as it comes over the network."""
    return cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]))[1].tobytes()
