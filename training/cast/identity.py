"""Who somebody is and how they stand: the numbers that make a face. Nobody real is described by any of them.

Lengths are centimetres on a head of natural size, seen from the front: x to the picture's right, y up from the
line of the eyes, z towards the camera. Colours are sRGB in 0..1. Angles are degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Colour: TypeAlias = tuple[float, float, float]


class HairStyle(StrEnum):
    """How the hair is worn."""

    BALD = "bald"
    BUZZ = "buzz"
    SHORT = "short"
    FRINGE = "fringe"
    BOB = "bob"
    LONG = "long"
    AFRO = "afro"
    BUN = "bun"


class BeardStyle(StrEnum):
    """What grows on the lower face."""

    NONE = "none"
    STUBBLE = "stubble"
    MOUSTACHE = "moustache"
    GOATEE = "goatee"
    FULL = "full"


class GlassesStyle(StrEnum):
    """What is worn before the eyes."""

    NONE = "none"
    ROUND = "round"
    SQUARE = "square"
    THIN = "thin"


@dataclass(frozen=True, slots=True)
class Skull:
    """The form of the head. `*_out` push a region out (or, negative, in)."""

    width: float = 7.1  # half the width at the cheek bones
    chin: float = -11.4  # y of the chin's underside
    jaw: float = 0.85  # jaw width as a part of the face's
    chin_width: float = 0.5  # 0 pointed, 1 broad
    chin_out: float = 0.3
    cheekbone_out: float = 0.3
    cheek_out: float = 0.0
    forehead: float = 1.0  # temple width as a part of the face's
    slope: float = 0.0  # how far the forehead leans back
    brow_out: float = 0.3
    ear: float = 1.0  # ear size
    neck: float = 5.6  # half width


@dataclass(frozen=True, slots=True)
class Eyes:
    """Eyes and brows."""

    apart: float = 3.15  # half the distance between the pupils
    width: float = 1.5  # half the width of one eye
    opening: float = 0.5  # from its middle to the upper lid
    tilt: float = 4.0  # outer corner up
    depth: float = 0.9  # how deep the sockets are
    crease: float = 0.4  # distance of the fold above the upper lid
    bags: float = 0.2
    lashes: float = 0.4  # 1: made up
    iris: Colour = (0.35, 0.23, 0.14)
    brow_height: float = 1.9
    brow_thickness: float = 0.35
    brow_tilt: float = 3.0
    brow_arch: float = 0.2
    brow_length: float = 4.0
    brow_density: float = 0.8


@dataclass(frozen=True, slots=True)
class Nose:
    """The nose: height means away from the face."""

    length: float = 4.4
    width: float = 1.6  # half, at the wings
    bridge: float = 0.7  # height between the eyes
    bridge_width: float = 0.75
    tip: float = 2.2  # height of the tip
    tip_width: float = 1.0
    hump: float = 0.0
    upturn: float = 0.2


@dataclass(frozen=True, slots=True)
class Mouth:
    """The lips."""

    drop: float = 2.3  # below the tip of the nose
    width: float = 2.5  # half
    upper: float = 0.6  # thickness
    lower: float = 0.8
    bow: float = 0.5  # depth of the Cupid's bow
    curl: float = 0.0  # corners up
    red: float = 0.4  # how far the colour is from the skin's; 1: lipstick


@dataclass(frozen=True, slots=True)
class Skin:
    """Colour and age."""

    tone: Colour = (0.80, 0.62, 0.52)
    ruddy: float = 0.4
    freckles: float = 0.0
    mottled: float = 0.5
    shine: float = 0.4
    age: float = 0.2  # 0 twenty, 1 seventy: lines and folds
    marks: int = 2  # moles


@dataclass(frozen=True, slots=True)
class Hair:
    """Hair, beard and their colour."""

    style: HairStyle = HairStyle.SHORT
    colour: Colour = (0.20, 0.14, 0.10)
    line: float = 6.6  # y where the forehead ends
    receding: float = 0.0
    volume: float = 1.0
    parting: float = 0.3  # x of the parting, in head half widths
    beard: BeardStyle = BeardStyle.NONE
    beard_density: float = 0.8


@dataclass(frozen=True, slots=True)
class Identity:
    """One person who does not exist."""

    skull: Skull = Skull()
    eyes: Eyes = Eyes()
    nose: Nose = Nose()
    mouth: Mouth = Mouth()
    skin: Skin = Skin()
    hair: Hair = Hair()
    glasses: GlassesStyle = GlassesStyle.NONE
    clothes: Colour = (0.25, 0.32, 0.45)
    collar: float = 0.4  # how open the neckline is
    seed: int = 0  # of moles, strands and the like


@dataclass(frozen=True, slots=True)
class Expression:
    """What the face does: each 0..1; the gaze is how far the irises are off the eyes' middle, centimetres."""

    smile: float = 0.0
    open: float = 0.0  # mouth
    blink: float = 0.0
    raise_brows: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the head is and how it is turned, as in the image."""

    yaw: float = 0.0  # towards the picture's right
    pitch: float = 0.0  # up
    roll: float = 0.0  # clockwise
    x: float = 0.0  # cm right of the optical axis
    y: float = 0.0  # cm above it
    distance: float = 75.0  # cm from the camera
    body: float = 0.4  # part of the yaw that the shoulders follow


@dataclass(frozen=True, slots=True)
class Light:
    """One soft lamp and what comes from all sides."""

    azimuth: float = -30.0  # from the picture's right (positive) or left
    elevation: float = 35.0
    key: float = 0.75
    ambient: float = 0.42
    warmth: float = 0.0  # -1 bluish, 1 yellowish


FRONT, PLAIN, SOFT = Pose(), Expression(), Light()  # what one gets without asking
