"""Independent judges of the cast: public detectors and encoders that have never seen it. For measuring only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from agent.types import Floats, Image

if TYPE_CHECKING:
    import onnxruntime

# the usual five points of a 112x112 face crop
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)


class YuNet:
    """OpenCV's face detector: (N, 15) float32 of x, y, width, height, five landmarks, score."""

    def __init__(self, reference: Path, *, score: float = 0.6) -> None:
        model = str(reference / "detector_yunet_n.onnx")
        self._net = cv2.FaceDetectorYN.create(model, "", (320, 320), score_threshold=score)

    def __call__(self, image: Image) -> Floats:
        self._net.setInputSize((image.shape[1], image.shape[0]))
        _, faces = self._net.detect(np.ascontiguousarray(image[..., ::-1]))
        return np.zeros((0, 15), np.float32) if faces is None else np.asarray(faces, np.float32)


class Haar:
    """The frontal Haar cascade of OpenCV 4: (N, 4) x, y, width, height."""

    def __init__(self) -> None:
        folder = Path(cv2.__file__).parent / "data"
        self._net = cv2.CascadeClassifier(str(folder / "haarcascade_frontalface_alt2.xml"))

    def __call__(self, image: Image) -> Floats:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        found = self._net.detectMultiScale(grey, scaleFactor=1.08, minNeighbors=3, minSize=(28, 28))
        return np.asarray(found, np.float32).reshape(-1, 4)


class Encoder:
    """A public face encoder: unit vectors (N, D) of aligned crops (112, 112, 3) RGB."""

    def __init__(self, model: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._net: onnxruntime.InferenceSession = onnxruntime.InferenceSession(str(model), options)

    def __call__(self, crops: Sequence[Image], *, grey: bool = False) -> Floats:
        vectors = []
        for crop in crops:
            picture = np.repeat(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)[..., None], 3, 2) if grey else crop
            batch = (picture.astype(np.float32).transpose(2, 0, 1)[None] - 127.5) / 127.5
            vector = self._net.run(None, {self._net.get_inputs()[0].name: batch})[0][0]
            vectors.append(vector / np.linalg.norm(vector))
        return np.asarray(vectors, np.float32)


def align(image: Image, landmarks: Floats) -> Image:
    """The face on the template, (112, 112, 3), by the similarity of least squares (Umeyama 1991)."""
    source, target = landmarks.mean(0), TEMPLATE.mean(0)
    a, b = landmarks - source, TEMPLATE - target
    # in the plane a similarity is multiplication by a complex number
    za, zb = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
    turn = (np.conj(za) @ zb) / (np.conj(za) @ za)
    matrix = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    affine = np.hstack([matrix, (target - matrix @ source)[:, None]]).astype(np.float32)
    return np.asarray(cv2.warpAffine(image, affine, (112, 112), flags=cv2.INTER_LINEAR), np.uint8)


def central_crop(image: Image, faces: Floats) -> Image | None:
    """The crop of the largest face."""
    if not len(faces):
        return None
    best = faces[int(np.argmax(faces[:, 2] * faces[:, 3]))]
    return align(image, best[4:14].reshape(5, 2))
