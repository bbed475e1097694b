"""People who do not exist, rendered by our own code: the cast of the demo's clip, and faces for tests.

    python -m training.cast --out agent/demo                                              # makes clip and pictures
    python -m training.cast.check agent/demo --reference ../shared/data/reference         # measures them

A head is a surface of rings with a face pushed out of it (`shape`), painted (`skin`, `eyes`), with hair and body
(`hair`, `body`), rasterised (`raster`) and lit (`shade`) in numpy. `identity` names all that varies, `chance` draws
people, `casting` chose those in `people`, `director` tells the story, `clip` writes it.
"""

from training.cast.chance import random_identity
from training.cast.hall import hall
from training.cast.identity import Expression, Identity, Light, Pose
from training.cast.people import cast
from training.cast.picture import Actor, Sensor, landmarks, render, scene

__all__ = [
    "Actor",
    "Expression",
    "Identity",
    "Light",
    "Pose",
    "Sensor",
    "cast",
    "hall",
    "landmarks",
    "random_identity",
    "render",
    "scene",
]
