"""Pictures of whoever stands before the camera, for the demo with a camera of one's own."""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2

from agent.bundle import open_bundle
from agent.config import Config
from agent.errors import CameraLost, EnrolmentRefused
from agent.make import make_camera
from agent.vision.quality import judge

WANTED = 4
PATIENCE_SECONDS = 20.0
APART_SECONDS = 0.7


def take_pictures(config: Config, say: Callable[[str], None]) -> list[bytes]:
    """Returns a few good pictures of the one face before the camera, as JPEG. They go to the demo's broker only.

    Raises:
        EnrolmentRefused: nobody showed a good face in time.
        HardwareError: there is no such camera.
    """
    say("look into the camera: four pictures of you are taken, kept in memory, and gone when the demo ends")
    bundle = open_bundle(config)
    eyes, pictures, told = bundle.eyes(), list[bytes](), ""
    camera, deadline, last = make_camera(config), time.monotonic() + PATIENCE_SECONDS, 0.0
    try:
        while len(pictures) < WANTED and time.monotonic() < deadline:
            try:
                frame = camera.read()
            except CameraLost:
                continue
            if frame is None:
                break
            faces = eyes.faces(frame.image, frame.small)
            rejection = judge(eyes.crop(frame.image, faces[0]).quality, bundle.limits) if len(faces) == 1 else None
            problem = f"{len(faces)} faces" if len(faces) != 1 else rejection.text if rejection else ""
            if problem and problem.split(":")[0] != told:
                told = problem.split(":")[0]
                say(f"not yet: {problem}")
            if not problem and time.monotonic() - last > APART_SECONDS:
                last = time.monotonic()
                pictures.append(cv2.imencode(".jpg", frame.image[..., ::-1])[1].tobytes())
                say(f"picture {len(pictures)} of {WANTED}")
    finally:
        camera.close()
    if not pictures:
        raise EnrolmentRefused("no_face", "nobody showed a usable face to the camera in time: more light, and nearer")
    return pictures
