"""Pictures of people who do not exist, and folders of them that play the camera."""

from dataclasses import dataclass

import cv2
import numpy as np

from training.cast import cast, hall, render

SIZE = (320, 240)
VISIT_FPS = 10  # of the plays below where they are shown at their own speed
AWAY = 13  # pictures of the empty hall, of which the gate concludes that the visitor has left


@dataclass(frozen=True)
class Pictures:
    """PNG files: two who are to be staff, a stranger, the empty hall, and two people at once."""

    ada: bytes
    bruno: bytes
    stranger: bytes
    empty: bytes
    both: bytes  # ada and the stranger


def make_pictures():
    people = cast()
    background = hall(SIZE)
    (_, ada), (_, bruno) = people.staff[:2]
    shown = [render(who, size=SIZE, background=background) for who in (ada, bruno, people.strangers[0][1])]
    both = np.hstack([shown[0], shown[2]])
    return Pictures(*(png(image) for image in (*shown, background, both)))


def png(image):
    """The file of a picture, (H, W, 3) uint8 RGB."""
    return cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()


def write_play(folder, scenes):
    """Writes PNG files so that a camera of the kind `files` shows them in this order."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(scenes):
        (folder / f"{number:05}.png").write_bytes(picture)
    return folder


def visit(pictures, *who, shots=3):
    """Each of `who` comes, stays for some pictures and is gone."""
    return [picture for name in who for picture in [getattr(pictures, name)] * shots + [pictures.empty] * AWAY]


def hurried(pictures, *who):
    """The same for a camera that shows 2 pictures a second as fast as it can: many decisions in little time."""
    return [picture for name in who for picture in [getattr(pictures, name)] * 2 + [pictures.empty] * 3]
