"""What a door camera might have made of an aligned face: moved, covered, badly lit, blurred, noisy and compressed.

In the order in which it happens: the detector misplaces the face, the face wears something, light falls on it, the
lens blurs, the sensor adds noise and perhaps sees no colour, and the picture is scaled and compressed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from agent.vision.align import SIZE, TEMPLATE
from training.data import lens, light, worn
from training.data.errors import DataError
from training.data.light import Picture


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How often and how much. A name alone is a chance, 0..1; lengths are pixels of the 112 pixel crop."""

    mirror: float = 0.5
    # As far as our own detector misplaces near faces: "What a misplaced face costs" in training/research/encoder.md.
    turn_degrees: float = 1.7  # standard deviation
    zoom: float = 0.023  # standard deviation of the scale's logarithm
    shift_px: float = 0.9  # standard deviation, in x and in y
    glasses: float = 0.03
    mask: float = 0.03
    relight: float = 0.4
    gain: float = 0.2  # standard deviation of the logarithm of the brightness
    gamma: float = 0.2  # standard deviation of the logarithm of the exponent
    lift_levels: float = 8.0  # standard deviation of what is added, of 255
    backlight: float = 0.04
    backlight_levels: float = 140.0  # of 255: the most that the bright side glares
    low_light: float = 0.05
    darkest: float = 0.08  # the least light, of what the picture had
    noise_levels: float = 4.0  # of 255, standard deviation in the dark, before the camera brightens it up again
    motion: float = 0.05
    motion_px: float = 9.0  # the longest way that the face moves while the shutter is open
    defocus: float = 0.05
    defocus_px: float = 2.4  # the largest radius of what a point becomes
    grey: float = 0.3
    infrared: float = 0.05  # grey as under an infra-red lamp
    coarse: float = 0.05
    coarsest: float = 0.35  # the smallest scale at which the picture was taken, of the one that comes out
    compression: float = 0.06
    lowest_quality: float = 20  # JPEG, of 100
    hide: float = 0.05  # a random rectangle of one colour (Zhong et al. 2017, random erasing)

    def __post_init__(self) -> None:
        for name in CHANCES:
            if not 0 <= getattr(self, name) <= 1:
                raise DataError(f"augmentation: {name} is a chance between 0 and 1, not {getattr(self, name)}")
        for field in fields(self):
            if getattr(self, field.name) < 0:
                raise DataError(f"augmentation: {field.name} is not negative, but {getattr(self, field.name)} is")
        if not 0 < self.coarsest <= 1 or not 0 < self.darkest <= 1 or not 1 <= self.lowest_quality <= 90:
            raise DataError(
                "augmentation: coarsest and darkest lie above 0 and up to 1, lowest_quality from 1 to 90, not "
                f"{self.coarsest}, {self.darkest} and {self.lowest_quality}"
            )


CHANCES = (
    *("mirror", "glasses", "mask", "relight", "backlight", "motion", "defocus"),
    *("low_light", "infrared", "grey", "coarse", "compression", "hide"),
)
NOTHING = replace(Augmentation(turn_degrees=0.0, zoom=0.0, shift_px=0.0), **dict.fromkeys(CHANCES, 0.0))
"""Pictures as they are, only resized."""


def augment(picture: Picture, side: int, random: np.random.Generator, how: Augmentation) -> Picture:
    """Returns (side, side, 3) uint8 RGB.

    Args:
        picture: (H, W, 3) uint8 RGB, an aligned face; of other sizes than 112x112 it is taken as one scaled.
        side: pixels.
        random: all chance comes from here.
        how: how often and how much.
    """
    out, marks = _place(picture, side, random, how)
    scale = side / SIZE
    effects: tuple[tuple[float, Callable[[Picture], Picture]], ...] = (
        (how.glasses, lambda p: worn.glasses(p, marks, random)),
        (how.mask, lambda p: worn.mask(p, marks, random)),
        (how.relight, lambda p: light.relight(p, random, gain=how.gain, gamma=how.gamma, lift=how.lift_levels)),
        (how.backlight, lambda p: light.backlight(p, random, most=how.backlight_levels)),
        (how.motion, lambda p: lens.motion(p, random, longest=how.motion_px * scale)),
        (how.defocus, lambda p: lens.defocus(p, random, largest=how.defocus_px * scale)),
        (how.low_light, lambda p: light.low_light(p, random, darkest=how.darkest, noise=how.noise_levels)),
        (how.infrared, lambda p: light.infrared(p, random)),
        (how.grey, light.grey),
        (how.coarse, lambda p: lens.coarse(p, random, coarsest=how.coarsest)),
        (how.compression, lambda p: lens.compression(p, random, lowest=how.lowest_quality)),
        (how.hide, lambda p: worn.hide(p, random)),
    )
    for (chance, effect), drawn in zip(effects, random.random(len(effects)).tolist(), strict=True):
        if drawn < chance:
            out = effect(out)
    return out


def _place(
    picture: Picture, side: int, random: np.random.Generator, how: Augmentation
) -> tuple[Picture, NDArray[np.float64]]:
    """Returns the picture at its new size and place, and (5, 2) where its landmarks are then."""
    scale = side / SIZE
    normal = random.standard_normal(4)
    angle, zoom = np.radians(how.turn_degrees * normal[0]), np.exp(how.zoom * normal[1]) * scale
    shift = how.shift_px * normal[2:] * scale
    mirror = -1.0 if random.random() < how.mirror else 1.0
    cos, sin = np.cos(angle) * zoom, np.sin(angle) * zoom
    turn = np.array([[cos * mirror, -sin], [sin * mirror, cos]])
    # Numbers name the middles of pixels: the middle of the crop, (112 - 1) / 2, goes to that of the new picture.
    middle = (side - 1) / 2 + shift - turn @ np.full(2, (SIZE - 1) / 2)
    marks = TEMPLATE @ turn.T + middle
    if picture.shape[0] != SIZE:
        smaller = SIZE / picture.shape[0]  # the crop's pixel is (p + 1/2) smaller - 1/2
        middle = middle + turn @ np.full(2, (smaller - 1) / 2)
        turn = turn * smaller
    flags = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
    warped = cv2.warpAffine(picture, np.column_stack([turn, middle]), (side, side), flags=flags)
    return np.asarray(warped, np.uint8), marks
