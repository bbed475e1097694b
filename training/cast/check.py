"""Measures the demo's clip with judges that have never seen it.

    python -m training.cast.check agent/demo --reference ../shared/data/reference

Detectors: the Haar cascade that OpenCV 4 brings, and YuNet, which OpenCV 5 reads. Encoders need onnxruntime. What
is missing is left out, with a word: run it in an environment of each kind.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from agent.types import Floats, Image
from training.cast.clip import SIZE
from training.cast.director import Story, shown, story
from training.cast.judges import Encoder, Haar, YuNet, align, central_crop
from training.cast.people import cast
from training.cast.picture import FOCAL, Actor, landmarks

Detector = Callable[[Image], Floats]
ENCODERS = ("encoder_edgeface_xs.onnx", "encoder_mbf.onnx")


def clip_frames(path: Path) -> Iterator[Image]:
    """The frames of a video file, RGB."""
    video = cv2.VideoCapture(str(path))
    while True:
        more, frame = video.read()
        if not more:
            break
        yield np.ascontiguousarray(frame[..., ::-1])
    video.release()


def found(boxes: Floats, actor: Actor) -> int | None:
    """Index of the box around an actor's face."""
    points = landmarks(actor.who, actor.pose, face=actor.face, size=SIZE, focal=FOCAL)
    x, y = points.mean(axis=0)
    size = 19.0 * FOCAL * SIZE[1] / actor.pose.distance  # pixels from chin to hair line
    for i, (left, top, width, height) in enumerate(boxes[:, :4]):
        if left < x < left + width and top < y < top + height and size / 2 < height < size * 2:
            return i
    return None


def recall(frames: list[Image], told: Story, detector: Detector) -> str:
    """How many of the frames with faces had all of them found, and how many boxes held none."""
    good = faces = false = 0
    near_good = near = 0
    for number, frame in enumerate(frames):
        boxes = detector(frame)
        actors = [actor for actor in told.actors(number) if shown(actor.pose)]
        matched = {found(boxes, actor) for actor in told.actors(number)} - {None}
        false += len(boxes) - len(matched)
        if actors:
            complete = all(found(boxes, actor) is not None for actor in actors)
            faces, good = faces + 1, good + complete
            at_door = all(abs(actor.pose.yaw) < 25 and actor.pose.distance < 120 for actor in actors)
            near, near_good = near + at_door, near_good + (at_door and complete)
    return (
        f"all faces found in {good} of {faces} frames that show one ({100 * good / faces:.1f} %), "
        f"in {near_good} of {near} at the door ({100 * near_good / near:.1f} %); {false} false boxes"
    )


def crops_by_person(frames: list[Image], told: Story, demo: Path, detector: YuNet) -> dict[str, list[Image]]:
    """Aligned crops: of the clip's frames at the door, one in four, by person; of the pictures by person + '/'."""
    crops: dict[str, list[Image]] = {}
    for number, frame in list(enumerate(frames))[::4]:
        boxes = detector(frame)
        for visit in told.visits:
            actor = visit.actor(number)
            if actor is None or visit.near is None or not visit.near <= number <= (visit.until or 0):
                continue
            if (which := found(boxes, actor)) is not None:
                crops.setdefault(visit.person, []).append(align(frame, boxes[which, 4:14].reshape(5, 2)))
    for file in sorted((demo / "staff").glob("*.jpg")):
        picture = cv2.imread(str(file))[..., ::-1]
        crop = central_crop(np.ascontiguousarray(picture), detector(picture))
        crops.setdefault(file.stem.rsplit("-", 1)[0] + "/", []).extend([] if crop is None else [crop])
    return crops


def likeness(crops: dict[str, list[Image]], encoder: Encoder, *, grey: bool) -> str:
    """Cosines between crops of the same and of different people."""
    vectors = {name: encoder(pictures, grey=grey) for name, pictures in crops.items()}
    same, enrolled, other, worst = [], [], [], ("", -1.0)
    for a, b in itertools.combinations_with_replacement(sorted(vectors), 2):  # "ada" comes before "ada/"
        cosines = vectors[a] @ vectors[b].T
        if a.rstrip("/") != b.rstrip("/"):
            other.append(cosines.ravel())
            worst = max(worst, (f"{a} and {b}", float(cosines.max())), key=lambda pair: pair[1])
            continue
        same.append(cosines[cosines < 0.9999])  # not those of a picture with itself
        if a != b:
            enrolled.append(cosines.max(axis=1))
    s, o, e = np.concatenate(same), np.concatenate(other), np.concatenate(enrolled)
    return (
        f"same mean {s.mean():.3f} p05 {np.quantile(s, 0.05):.3f} min {s.min():.3f}; "
        f"clip to best picture mean {e.mean():.3f} min {e.min():.3f}; "
        f"different mean {o.mean():.3f} p95 {np.quantile(o, 0.95):.3f} max {o.max():.3f} ({worst[0]})"
    )


def main() -> None:
    """Prints a line per judge."""
    parser = argparse.ArgumentParser(prog="python -m training.cast.check", description="Measures the demo's clip.")
    parser.add_argument("demo", type=Path, nargs="?", default=Path("agent/demo"))
    parser.add_argument("--reference", type=Path, default=Path("../shared/data/reference"))
    asked = parser.parse_args()
    frames, told = list(clip_frames(asked.demo / "clip.mp4")), story(cast())
    print(f"{len(frames)} frames, {len(told.visits)} visits")
    if hasattr(cv2, "CascadeClassifier"):
        print("Haar: ", recall(frames, told, Haar()))
    try:
        yunet = YuNet(asked.reference)
    except cv2.error:
        print(f"YuNet and the encoders left out: OpenCV {cv2.__version__} cannot read the detector, 5.0 can")
        return
    print("YuNet:", recall(frames, told, yunet))
    if find_spec("onnxruntime") is None:
        print("encoders left out: onnxruntime is not installed")
        return
    crops = crops_by_person(frames, told, asked.demo, yunet)
    for name in ENCODERS:
        for grey in (False, True):
            judged = likeness(crops, Encoder(asked.reference / name), grey=grey)
            print(f"{name}{' grey' if grey else ''}: {judged}")


if __name__ == "__main__":
    main()
