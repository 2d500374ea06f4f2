"""Define synthetic people, who differ in head, skin, hair, eyes, brows, nose, lips and beard."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Person:
    """The features of a person. Lengths in face units, or factors of the average; colours as ``#rrggbb``."""

    name: str
    skin: str = "#e0b090"
    width: float = 1.0  # of the head
    forehead: float = 1.0
    jaw: float = 1.0
    chin: float = 1.0  # width of the chin
    length: float = 1.0  # from the eyes to the chin
    eye_x: float = 0.42  # from the middle to a pupil
    eye_width: float = 0.21  # from a pupil to the corners
    eye_open: float = 0.10
    eye_tilt: float = 0.0  # outer corner up
    iris: str = "#5a3a20"
    crease: float = 0.6  # of the upper lid
    liner: float = 0.3  # 0 pale lashes, 1 painted eyes
    eyeshadow: str = ""
    brow: str = "#3a2a1c"
    brow_y: float = -0.30
    brow_thick: float = 0.05
    brow_arch: float = 0.05
    brow_tilt: float = 0.0  # outer end up
    nose_y: float = 0.60  # its base
    nose_width: float = 0.19
    nose_height: float = 1.0
    mouth_y: float = 0.95
    mouth_width: float = 0.36
    lips: float = 0.10  # half their height
    lip: str = "#b0645c"
    cheek: float = 0.0  # how hollow (negative) or round
    blush: float = 0.2
    hair: str = ""  # colour; "" for bald
    hair_volume: float = 0.12
    hair_length: float = 0.2  # y where it ends
    hairline: tuple[float, float, float, float, float] = (-0.6, -0.85, -0.9, -0.85, -0.6)
    curl: float = 0.0
    beard: str = ""
    beard_density: float = 0.9
    beard_length: float = 0.1
    beard_top: float = 0.75  # y where it starts on the cheek; a goatee starts near the chin
    moustache: float = 0.0
    glasses: str = ""
    glasses_round: bool = True
    age: float = 0.0  # lines and folds, 0 to 1
    freckles: float = 0.0
    hat: str = ""  # colour of a knitted hat
    scarf: str = ""  # colour of a headscarf
    shirt: str = "#405a80"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """The expression, light and clothes of one picture.

    smile: -0.3 to 1.
    mouth: how open, 0 to 1.
    eyes: how open, 0 to 1; 1 is normal.
    brows: how far raised, face units.
    gaze: (x, y), -1 to 1.
    light: direction towards the lamp (x, y, z).
    ambient: share of light from everywhere.
    tint: factors of blue, green and red.
    shirt: ``#rrggbb``; empty for the person's own.
    """

    smile: float = 0.3
    mouth: float = 0.0
    eyes: float = 1.0
    brows: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)
    light: tuple[float, float, float] = (-0.3, -0.5, 0.8)
    ambient: float = 0.55
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    shirt: str = ""


SKINS = ("#f6d8c6", "#efc5a6", "#e3b088", "#cf9468", "#b07848", "#8c5a38", "#6a4028", "#4c2c1c")
HAIRS = ("#1a1412", "#3a2418", "#6a4428", "#a8672c", "#d0a860", "#e8d8a8", "#9a9a9a", "#e6e6e4")
IRISES = ("#2a1a10", "#5a3a20", "#7a6a30", "#4a7a58", "#5a88b0", "#7a8890")
HAIRLINES = {
    "round": (-0.6, -0.85, -0.9, -0.85, -0.6),
    "high": (-0.85, -1.15, -1.2, -1.15, -0.85),
    "receding": (-0.95, -1.35, -1.1, -1.35, -0.95),
    "fringe": (-0.42, -0.42, -0.4, -0.42, -0.42),
    "swept": (-0.35, -0.5, -0.8, -1.05, -0.7),
    "parted": (-0.4, -0.8, -1.2, -0.8, -0.4),
}
SHIRTS = ("#405a80", "#7a3b3b", "#3f6b4f", "#d9d4c8", "#2c2f38", "#8a6a9a", "#c08a3a", "#56788a")

CAST = (
    Person(
        "Amina", skin="#6a4028", jaw=0.93, chin=0.69, length=0.92, eye_x=0.41, eye_width=0.23, eye_tilt=0.23,
        iris="#2a1a10", crease=0.26, liner=0.77, eyeshadow="#3a6a7a", brow="#3a2418", brow_y=-0.27, brow_thick=0.04,
        brow_arch=0.11, brow_tilt=0.06, nose_y=0.56, nose_width=0.28, nose_height=0.74, mouth_y=0.93, mouth_width=0.28,
        lips=0.07, lip="#8a2a4a", cheek=0.47, blush=0.0, hair="#3a2418", hair_length=1.52, hairline=HAIRLINES["parted"],
        seed=1,
    ),
    Person(
        "Bruno", skin="#cf9468", forehead=1.04, chin=1.24, length=1.05, eye_width=0.2, eye_open=0.12, eye_tilt=-0.15,
        iris="#5a88b0", brow="#1a1412", brow_y=-0.27, brow_thick=0.03, brow_arch=0.02, brow_tilt=0.08, nose_y=0.52,
        nose_width=0.26, nose_height=0.74, mouth_y=0.89, mouth_width=0.39, lips=0.16, lip="#8e5048", cheek=-0.91,
        blush=0.45, hair="#1a1412", hair_length=0.95, hairline=HAIRLINES["high"], beard="#1a1412", beard_density=0.56,
        beard_length=0.27, beard_top=1.03, moustache=0.61, shirt="#d9d4c8", seed=2,
    ),
    Person(
        "Finn", skin="#efc5a6", width=0.96, jaw=1.08, chin=0.73, length=0.95, eye_x=0.4, eye_width=0.2, eye_open=0.12,
        eye_tilt=0.09, iris="#4a7a58", crease=0.97, liner=0.1, brow="#a8672c", brow_y=-0.28, brow_thick=0.03,
        brow_tilt=0.07, nose_y=0.66, nose_width=0.2, nose_height=1.27, mouth_y=1.02, mouth_width=0.29, lips=0.08,
        cheek=-0.4, hair="#a8672c", hair_volume=0.25, hair_length=-0.05, hairline=HAIRLINES["swept"], freckles=0.95,
        shirt="#c08a3a", seed=3,
    ),
    Person(
        "Leila", skin="#cf9468", width=0.92, forehead=0.95, jaw=0.85, length=1.04, eye_x=0.44, eye_open=0.07,
        eye_tilt=0.14, iris="#7a6a30", crease=0.14, liner=0.69, eyeshadow="#7a4a3a", brow="#3a2418", brow_y=-0.32,
        brow_thick=0.08, brow_arch=0.04, brow_tilt=0.02, nose_y=0.64, nose_width=0.26, nose_height=1.31,
        mouth_width=0.4, lips=0.09, lip="#b82038", cheek=-0.93, hair="#3a2418", hair_volume=0.18, hair_length=1.26,
        hairline=HAIRLINES["parted"], shirt="#7a3b3b", seed=4,
    ),
    Person(
        "Oskar", skin="#efc5a6", width=0.91, forehead=0.97, chin=1.15, length=0.96, eye_x=0.38, eye_width=0.23,
        eye_open=0.09, crease=0.31, liner=0.12, brow="#d0a860", brow_y=-0.37, brow_thick=0.07, brow_arch=0.07,
        brow_tilt=-0.04, nose_y=0.51, nose_width=0.29, nose_height=0.67, mouth_y=0.94, mouth_width=0.34, lips=0.15,
        cheek=0.7, blush=0.5, beard="#d0a860", beard_density=0.71, beard_length=0.24, beard_top=0.7, moustache=0.51,
        glasses="#6a2a1a", shirt="#56788a", seed=5,
    ),
    Person(
        "Rosa Amaral", skin="#8c5a38", width=0.9, jaw=1.08, chin=0.68, length=0.97, eye_x=0.43, eye_width=0.19,
        eye_tilt=-0.11, iris="#2a1a10", liner=0.95, brow="#9a9a9a", brow_y=-0.24, brow_thick=0.07, brow_arch=0.1,
        nose_y=0.64, nose_width=0.29, nose_height=1.21, mouth_y=0.91, mouth_width=0.29, lips=0.07, lip="#8a2a4a",
        cheek=0.28, blush=0.0, hair="#9a9a9a", hair_volume=0.32, hair_length=1.7, curl=0.69, glasses="#6a2a1a",
        glasses_round=False, age=0.68, shirt="#8a6a9a", seed=6,
    ),
    Person(
        "Samuel", skin="#6a4028", width=0.98, jaw=0.83, chin=1.13, length=0.93, eye_x=0.4, eye_width=0.22,
        eye_open=0.11, crease=0.11, liner=0.02, brow="#e6e6e4", brow_y=-0.32, brow_thick=0.07, brow_arch=0.04,
        brow_tilt=-0.04, nose_y=0.67, nose_width=0.28, nose_height=0.93, mouth_y=0.93, mouth_width=0.43, lips=0.15,
        lip="#c88478", cheek=-0.29, blush=0.0, hair="#e6e6e4", hair_volume=0.28, hair_length=0.26,
        hairline=HAIRLINES["high"], beard="#e6e6e4", beard_density=0.72, beard_length=0.04, moustache=0.98, age=0.64,
        shirt="#2c2f38", seed=7,
    ),
    Person(
        "Zoë Lind", skin="#e3b088", width=1.09, forehead=1.1, jaw=1.04, length=0.97, eye_x=0.45, eye_width=0.18,
        eye_open=0.12, crease=0.73, liner=1.0, eyeshadow="#7a4a3a", brow="#6a4428", brow_y=-0.26, brow_thick=0.03,
        brow_arch=0.02, brow_tilt=0.08, nose_y=0.52, nose_width=0.23, nose_height=0.59, mouth_y=0.98, mouth_width=0.42,
        lips=0.09, lip="#c8506a", cheek=-0.8, hair="#6a4428", hair_volume=0.18, hair_length=2.12,
        hairline=HAIRLINES["parted"], curl=0.96, glasses="#6a2a1a", glasses_round=False, age=0.2, shirt="#3f6b4f",
        seed=8,
    ),
)  # fmt: skip
"""The people of the sample data set, chosen from 300 random ones so that dlib's network separates them well."""

STRANGERS = (
    Person(
        "Stranger 1", skin="#f6d8c6", width=0.91, forehead=0.92, chin=1.25, length=1.07, eye_x=0.38, eye_width=0.22,
        eye_open=0.13, eye_tilt=0.05, iris="#4a7a58", crease=0.45, liner=0.75, eyeshadow="#7a4a3a", brow="#d6d6d4",
        brow_y=-0.34, brow_thick=0.02, nose_y=0.53, nose_width=0.16, mouth_y=0.89, lips=0.15, lip="#b83848", cheek=0.36,
        blush=0.3, hair="#e6e6e4", hair_volume=0.1, hair_length=2.04, hairline=HAIRLINES["high"], age=0.8, seed=9,
    ),
    Person(
        "Stranger 2", skin="#f6d8c6", width=0.95, forehead=0.91, jaw=0.84, length=1.07, eye_x=0.39, eye_width=0.17,
        eye_open=0.07, eye_tilt=-0.14, crease=0.93, liner=0.0, brow="#3a2418", brow_y=-0.34, brow_arch=0.03,
        nose_width=0.17, nose_height=1.4, mouth_y=0.97, mouth_width=0.39, lips=0.08, cheek=0.83, hair="#3a2418",
        hair_volume=0.07, beard="#3a2418", beard_density=0.4, beard_length=0.06, beard_top=0.82, moustache=0.54,
        hat="#3f6b4f", shirt="#3f6b4f", seed=10,
    ),
    Person(
        "Stranger 3", skin="#8c5a38", width=1.05, forehead=0.93, jaw=0.87, eye_x=0.47, eye_width=0.17, iris="#2a1a10",
        crease=0.38, liner=0.67, eyeshadow="#7a4a3a", brow="#e6e6e4", brow_y=-0.26, brow_thick=0.08, brow_arch=0.08,
        nose_width=0.2, mouth_y=0.91, mouth_width=0.44, lips=0.05, lip="#c8506a", cheek=0.39, blush=0.0,
        hair="#e6e6e4", age=0.8, scarf="#2c2f38", seed=11,
    ),
)  # fmt: skip
"""People in the group pictures and the film who are not enrolled."""


def dice(*key: object) -> np.random.Generator:
    """Return a random number generator that depends on ``key`` alone."""
    return np.random.default_rng(zlib.crc32(repr(key).encode()))


def random_person(name: str, *key: object) -> Person:
    """Return a random person, each feature chosen independently."""
    rng = dice("person", *key)
    u = rng.uniform

    def choose(options: Sequence[str], share: float = 1.0) -> str:
        """Return an option with probability ``share``, else an empty string."""
        return str(options[int(rng.integers(len(options)))]) if rng.random() < share else ""

    shade = int(rng.integers(len(SKINS)))
    bearded, painted, old = rng.random() < 0.35, rng.random() < 0.4, rng.random() < 0.3
    hair = choose(HAIRS[6:] if old else HAIRS[: 3 if shade > 4 else 6])
    kind = choose(list(HAIRLINES))
    scarf = choose(SHIRTS, 0.08)
    return Person(
        name,
        skin=SKINS[shade],
        width=u(0.9, 1.12), forehead=u(0.9, 1.1), jaw=u(0.82, 1.16), chin=u(0.6, 1.3), length=u(0.92, 1.1),
        eye_x=u(0.38, 0.47), eye_width=u(0.17, 0.24), eye_open=u(0.06, 0.13), eye_tilt=u(-0.15, 0.25),
        iris=choose(IRISES[: 3 if shade > 3 else 6]), crease=u(0, 1), liner=u(0.6, 1) if painted else u(0, 0.3),
        eyeshadow=choose(("#6a4a6a", "#3a6a7a", "#7a4a3a"), 0.6 * painted),
        brow=hair, brow_y=u(-0.38, -0.24), brow_thick=u(0.02, 0.085), brow_arch=u(0, 0.11), brow_tilt=u(-0.06, 0.1),
        nose_y=u(0.5, 0.7), nose_width=u(0.14, 0.29), nose_height=u(0.5, 1.5),
        mouth_y=u(0.88, 1.02), mouth_width=u(0.28, 0.44), lips=u(0.04, 0.17),
        lip=choose(("#b82038", "#c8506a", "#8a2a4a")) if painted else choose(("#b0645c", "#8e5048", "#c88478")),
        cheek=u(-1, 1), blush=u(0, 0.6) * (shade < 4),
        hair="" if rng.random() < 0.12 else hair, hair_volume=u(0.04, 0.35),
        hair_length=u(0.8, 2.2) if painted or rng.random() < 0.25 else u(-0.1, 0.3),
        hairline=HAIRLINES[kind], curl=u(0.5, 1) if rng.random() < 0.4 else 0.0,
        beard=hair if bearded and not painted else "", beard_density=u(0.35, 1), beard_length=u(0, 0.4),
        beard_top=u(0.5, 1.1), moustache=u(0.3, 1),
        glasses=choose(("#181818", "#6a2a1a", "#b08a40"), 0.22), glasses_round=bool(rng.random() < 0.5),
        age=u(0.6, 1) if old else u(0, 0.25), freckles=u(0.4, 1) if shade < 3 and rng.random() < 0.25 else 0.0,
        hat="" if scarf else choose(SHIRTS, 0.12), scarf=scarf, shirt=choose(SHIRTS), seed=int(rng.integers(10_000)),
    )  # fmt: skip


def random_look(rng: np.random.Generator) -> Look:
    """Return a random expression, light and clothes for one picture."""
    smile, bright, warm = rng.uniform(-0.1, 0.9), rng.uniform(0.9, 1.1), rng.uniform(0.96, 1.04)
    return Look(
        smile=smile,
        mouth=max(0.0, rng.uniform(-0.6, 0.5)) * (smile > 0.2),
        eyes=rng.uniform(0.9, 1.1),
        brows=rng.uniform(-0.01, 0.04),
        gaze=(rng.uniform(-0.5, 0.5), rng.uniform(-0.3, 0.3)),
        light=(rng.uniform(-0.55, 0.55), rng.uniform(-0.8, -0.15), rng.uniform(0.7, 1.0)),
        ambient=rng.uniform(0.56, 0.72),
        tint=(warm * bright, bright, bright / warm),
        shirt=str(rng.choice(SHIRTS)),
    )
