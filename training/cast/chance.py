"""Identities by chance: plausible people, told apart by everything that tells people apart."""

from __future__ import annotations

import numpy as np

from training.cast.identity import (
    BeardStyle,
    Colour,
    Eyes,
    GlassesStyle,
    Hair,
    HairStyle,
    Identity,
    Mouth,
    Nose,
    Skin,
    Skull,
)

# skin from light to dark, after the ten tones of the Monk scale, somewhat as seen in indoor photographs
TONES: tuple[Colour, ...] = (
    (0.88, 0.73, 0.65), (0.85, 0.68, 0.58), (0.80, 0.63, 0.51), (0.74, 0.56, 0.43),
    (0.66, 0.48, 0.36), (0.55, 0.39, 0.29), (0.44, 0.30, 0.22), (0.34, 0.23, 0.17),
)  # fmt: skip
HAIRS: tuple[Colour, ...] = (
    (0.08, 0.06, 0.06), (0.16, 0.11, 0.08), (0.28, 0.18, 0.11), (0.42, 0.28, 0.16),
    (0.62, 0.47, 0.28), (0.55, 0.25, 0.12), (0.55, 0.54, 0.53), (0.78, 0.77, 0.75),
)  # fmt: skip
IRISES: tuple[Colour, ...] = (
    (0.22, 0.13, 0.08),
    (0.36, 0.24, 0.14),
    (0.38, 0.36, 0.20),
    (0.40, 0.50, 0.58),
)  # brown to blue
CLOTHES: tuple[Colour, ...] = (
    (0.22, 0.28, 0.40), (0.55, 0.16, 0.17), (0.20, 0.33, 0.26), (0.72, 0.70, 0.66),
    (0.12, 0.12, 0.14), (0.60, 0.50, 0.28), (0.36, 0.24, 0.42), (0.30, 0.45, 0.55),
)  # fmt: skip


def random_identity(rng: np.random.Generator) -> Identity:
    """Somebody who does not exist; the same generator state gives the same person."""
    male = float(rng.random() < 0.5) * 0.8 + 0.1 + float(rng.uniform(-0.1, 0.1))
    age = float(rng.beta(1.3, 2.2))
    dark = int(rng.integers(0, len(TONES)))
    hair = _hair(rng, male, age, dark)
    specs = list(GlassesStyle)[1:]
    return Identity(
        skull=_skull(rng, male),
        eyes=_eyes(rng, male, age, dark, hair),
        nose=_nose(rng, male, dark),
        mouth=_mouth(rng, male, dark),
        skin=_skin(rng, age, dark),
        hair=hair,
        glasses=specs[int(rng.integers(len(specs)))] if rng.random() < 0.22 else GlassesStyle.NONE,
        clothes=CLOTHES[int(rng.integers(len(CLOTHES)))],
        collar=_between(rng, 0.1, 0.9),
        seed=int(rng.integers(1, 10_000)),
    )


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    return round(float(rng.uniform(low, high)), 3)


def _near(rng: np.random.Generator, mean: float, spread: float) -> float:
    """Normal, cut at two spreads, and these somewhat wider than among people: a small cast has to differ."""
    return round(mean + 1.85 * spread * float(np.clip(rng.standard_normal(), -2, 2)), 3)


def _skull(rng: np.random.Generator, male: float) -> Skull:
    return Skull(
        width=_near(rng, 6.7 + 0.35 * male, 0.33),
        chin=_near(rng, -10.7 - 0.8 * male, 0.45),
        jaw=_near(rng, 0.80 + 0.09 * male, 0.045),
        chin_width=_near(rng, 0.3 + 0.3 * male, 0.14),
        chin_out=_near(rng, 0.25 + 0.2 * male, 0.25),
        cheekbone_out=_near(rng, 0.35, 0.2),
        cheek_out=_near(rng, 0.0, 0.25),
        forehead=_near(rng, 0.98, 0.035),
        slope=_near(rng, 0.3 + 0.4 * male, 0.35),
        brow_out=_near(rng, 0.1 + 0.35 * male, 0.12),
        ear=_near(rng, 0.95 + 0.1 * male, 0.09),
        neck=min(_near(rng, 4.7 + 1.2 * male, 0.3), 6.3),
    )


def _eyes(rng: np.random.Generator, male: float, age: float, dark: int, hair: Hair) -> Eyes:
    light_eyes = dark < 3 and rng.random() < 0.6
    return Eyes(
        apart=_near(rng, 3.15, 0.15),
        width=_near(rng, 1.48, 0.1),
        opening=float(np.clip(_near(rng, 0.60 - 0.08 * male - 0.08 * age, 0.08), 0.36, 0.8)),
        tilt=_near(rng, 4.0 - 2.0 * age, 3.5),
        depth=_near(rng, 0.75 + 0.3 * male, 0.25),
        crease=_near(rng, 0.33, 0.12),
        bags=float(np.clip(_near(rng, 0.1 + 0.8 * age, 0.15), 0, 1)),
        lashes=float(np.clip(_near(rng, 0.75 - 0.65 * male, 0.15), 0.05, 1)),
        iris=IRISES[int(rng.integers(2, 4))] if light_eyes else IRISES[int(rng.integers(0, 2))],
        brow_height=_near(rng, 2.25 - 0.3 * male, 0.22),
        brow_thickness=float(np.clip(_near(rng, 0.26 + 0.16 * male, 0.09), 0.12, 0.7)),
        brow_tilt=_near(rng, 3.0, 4.0),
        brow_arch=_near(rng, 0.35 - 0.2 * male, 0.15),
        brow_length=_near(rng, 4.2, 0.3),
        brow_density=float(np.clip(_near(rng, 0.85 if max(hair.colour) < 0.5 else 0.65, 0.12), 0.35, 1)),
    )


def _nose(rng: np.random.Generator, male: float, dark: int) -> Nose:
    broad = 0.05 * dark
    return Nose(
        length=_near(rng, 4.15 + 0.35 * male, 0.3),
        width=_near(rng, 1.5 + 0.15 * male + broad, 0.14),
        bridge=float(np.clip(_near(rng, 0.75 + 0.15 * male - 0.05 * dark, 0.22), 0.1, 1.5)),
        bridge_width=_near(rng, 0.7 + 0.5 * broad, 0.1),
        tip=_near(rng, 2.15 + 0.2 * male, 0.22),
        tip_width=_near(rng, 0.95 + 0.6 * broad, 0.13),
        hump=float(np.clip(_near(rng, 0.05 + 0.1 * male, 0.15), -0.1, 0.5)),
        upturn=float(np.clip(_near(rng, 0.35 - 0.25 * male, 0.25), -0.3, 0.9)),
    )


def _mouth(rng: np.random.Generator, male: float, dark: int) -> Mouth:
    full = 0.045 * dark
    return Mouth(
        drop=_near(rng, 2.35 + 0.2 * male, 0.17),
        width=_near(rng, 2.45 + 0.15 * male, 0.16),
        upper=float(np.clip(_near(rng, 0.72 - 0.14 * male + full, 0.14), 0.35, 1.3)),
        lower=float(np.clip(_near(rng, 0.95 - 0.12 * male + full, 0.16), 0.5, 1.5)),
        bow=_between(rng, 0.1, 1.0),
        curl=_near(rng, 0.03, 0.08),
        red=float(np.clip(_near(rng, 0.75 - 0.4 * male, 0.17), 0.15, 1)),
    )


def _skin(rng: np.random.Generator, age: float, dark: int) -> Skin:
    tint = rng.uniform(-0.02, 0.02, 3)
    red, green, blue = (round(float(c + t), 3) for c, t in zip(TONES[dark], tint, strict=True))
    return Skin(
        tone=(red, green, blue),
        ruddy=_between(rng, 0.1, 0.8),
        freckles=_between(rng, 0.4, 1.0) if dark < 3 and rng.random() < 0.25 else 0.0,
        mottled=_between(rng, 0.2, 0.6) + 0.4 * age,
        shine=_between(rng, 0.15, 0.6),
        age=age,
        marks=int(rng.integers(0, 4)),
    )


def _hair(rng: np.random.Generator, male: float, age: float, dark: int) -> Hair:
    grey = age > 0.55 and rng.random() < 0.7
    shade = int(rng.integers(6, 8)) if grey else int(rng.integers(0, 3 if dark > 3 else 6))
    for_men = [HairStyle.SHORT, HairStyle.SHORT, HairStyle.FRINGE, HairStyle.BUZZ, HairStyle.BALD, HairStyle.AFRO]
    for_women = [HairStyle.LONG, HairStyle.LONG, HairStyle.BOB, HairStyle.BUN, HairStyle.FRINGE, HairStyle.AFRO]
    style = (for_men if male > 0.5 else for_women)[int(rng.integers(6))]
    if style is HairStyle.AFRO and dark < 4:
        style = HairStyle.SHORT if male > 0.5 else HairStyle.BUN
    beards = [BeardStyle.NONE, BeardStyle.STUBBLE, BeardStyle.MOUSTACHE, BeardStyle.GOATEE, BeardStyle.FULL]
    beard = beards[int(rng.choice(5, p=[0.4, 0.2, 0.1, 0.1, 0.2]))] if male > 0.5 else BeardStyle.NONE
    return Hair(
        style=style,
        colour=HAIRS[shade],
        line=_near(rng, 6.4 + 0.3 * male, 0.35),
        receding=round(float(rng.beta(1.2, 3)) * male, 3),
        volume=_between(rng, 0.3, 1.2),
        parting=_between(rng, -0.6, 0.6),
        beard=beard,
        beard_density=_between(rng, 0.6, 1.0),
    )
