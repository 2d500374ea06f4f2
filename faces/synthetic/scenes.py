"""Draw pictures of synthetic people, portraits, groups and a film, with the truth of who is where."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.synthetic.people import STRANGERS, Person, dice, random_look
from faces.synthetic.portraits import draw_person
from faces.synthetic.sheet import LEFT, TOP
from faces.types import Floats, Image


@dataclass(frozen=True, slots=True)
class Pose:
    """The place and direction of a head in a picture.

    x, y: the point between the eyes, px.
    unit: px per face unit; a face is about two units wide.
    roll, yaw, pitch: degrees; positive values lean and look to the image's right, and look down.
    """

    x: float
    y: float
    unit: float
    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0


@dataclass(frozen=True, slots=True)
class DrawnPicture:
    """An image and the N people in it.

    names: N names; None for a stranger.
    xyxy: float32 (N, 4), px, forehead to chin.
    """

    image: Image
    names: tuple[str | None, ...]
    xyxy: Floats


def place(scene: Image, sheet: Image, sheet_unit: float, pose: Pose) -> None:
    """Draw a person into a scene, in place; the body continues below the drawing's edge.

    scene: uint8 (h, w, 3), BGR.
    sheet: from ``draw_person``.
    sheet_unit: px per face unit of the sheet.
    """
    h, w = scene.shape[:2]
    reach = 2.9 * pose.unit
    x0, x1 = int(max(pose.x - reach, 0)), int(min(pose.x + reach, w))
    y0 = int(max(pose.y - 2.4 * pose.unit, 0))
    if x0 >= x1 or y0 >= h:
        return
    # The maps are smooth: every fourth pixel is enough.
    px, py = (np.arange(start + 1.5, stop + 2, 4, dtype=np.float32) for start, stop in ((x0, x1), (y0, h)))
    dx, dy = (px[None] - pose.x) / pose.unit, (py[:, None] - pose.y) / pose.unit
    roll, yaw, pitch = (math.radians(angle) for angle in (pose.roll, pose.yaw, pose.pitch))
    x, y = dx * math.cos(roll) + dy * math.sin(roll), dy * math.cos(roll) - dx * math.sin(roll)
    depth = 0.95 * np.maximum(1 - (x / 1.35) ** 2 - ((y - 0.1) / 1.9) ** 2, 0)
    depth += 0.18 * np.exp(-((x / 0.2) ** 2) - ((y - 0.5) / 0.22) ** 2)
    x, y = x - depth * math.sin(yaw), y - depth * math.sin(pitch)
    wh = 4 * len(px), 4 * len(py)
    maps = [cv2.resize((m - low) * sheet_unit - 0.5, wh)[: h - y0, : x1 - x0] for m, low in ((x, LEFT), (y, TOP))]
    patch = cv2.remap(sheet, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    part = scene[y0:h, x0:x1]
    rest = cv2.cvtColor(255 - patch[..., 3], cv2.COLOR_GRAY2BGR)
    part[:] = cv2.add(cv2.multiply(part, rest, scale=1 / 255), np.ascontiguousarray(patch[..., :3]))


def face_box(person: Person, pose: Pose) -> Floats:
    """Return the box of a person's face, forehead to chin: float32 (4,), px."""
    roll, yaw, pitch = (math.radians(angle) for angle in (pose.roll, pose.yaw, pose.pitch))
    top, bottom = -0.75, 1.48 * person.length
    corners = [(-person.width, 0.3), (person.width, 0.3), (0.0, top), (0.0, bottom)]
    xy = np.array(corners) + np.array([0.3 * math.sin(yaw), 0.3 * math.sin(pitch)])
    turn = np.array([[math.cos(roll), math.sin(roll)], [-math.sin(roll), math.cos(roll)]])
    px = xy @ turn * pose.unit + (pose.x, pose.y)
    return np.concatenate([px.min(0), px.max(0)]).astype(np.float32)


def backdrop(rng: np.random.Generator, wh: tuple[int, int]) -> Image:
    """Draw a blurred background: a wall, lamps in the dark, shelves, or a park."""
    small = max(wh[0] // 6, 1), max(wh[1] // 6, 1)
    tone = rng.uniform(70, 215) + rng.uniform(-25, 25, 3)
    image = np.ones((small[1], small[0], 3)) * tone * np.linspace(1.08, 0.85, small[1])[:, None, None]
    kind = rng.integers(4)
    if kind == 1:
        image *= 0.45
        for _ in range(25):
            at = int(rng.integers(0, small[0])), int(rng.integers(0, small[1]))
            cv2.circle(image, at, int(rng.integers(2, 6)), rng.uniform(90, 250, 3).tolist(), -1)
    elif kind == 2:
        for x in range(0, small[0], 5):
            for y in range(0, small[1], 18):
                cv2.rectangle(
                    image, (x, y + int(rng.integers(2, 7))), (x + 3, y + 15), rng.uniform(40, 190, 3).tolist(), -1
                )
    elif kind == 3:
        image[: small[1] // 2] = (225, 200, 170)
        image[small[1] // 2 :] = (70, 130, 95)
        for _ in range(14):
            at = int(rng.integers(0, small[0])), int(rng.integers(small[1] // 4, small[1] * 2 // 3))
            cv2.circle(
                image, at, int(rng.integers(5, 12)), (rng.uniform(0.6, 1.2) * np.array([50, 110, 75])).tolist(), -1
            )
    soft = cv2.GaussianBlur(image, (0, 0), 1.0 if kind else 3.0)
    return cv2.resize(soft, wh, interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)


@lru_cache(maxsize=1)
def grain() -> NDArray[np.int16]:
    """Return sensor noise: int16 (1024, 1280)."""
    return np.asarray(dice("grain").normal(0, 2.5, (1024, 1280)).round(), np.int16)


def finish(image: Image, rng: np.random.Generator) -> Image:
    """Add a camera's slight blur and noise."""
    h, w = image.shape[:2]
    x, y = int(rng.integers(1281 - w)), int(rng.integers(1025 - h))
    noise = cv2.merge([grain()[y : y + h, x : x + w]] * 3)
    soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 0.8))
    return np.asarray(cv2.add(soft, noise, dtype=cv2.CV_8U), np.uint8)


def portrait(person: Person, *key: object) -> DrawnPicture:
    """Draw one person, 400 to 480 px square; ``key`` determines everything that varies."""
    rng = dice(person.name, *key)
    side = int(rng.integers(50, 61)) * 8
    unit = side * rng.uniform(0.165, 0.21)
    pose = Pose(
        x=side * rng.uniform(0.44, 0.56),
        y=side * rng.uniform(0.38, 0.45),
        unit=unit,
        roll=rng.uniform(-8, 8),
        yaw=rng.uniform(-11, 11),
        pitch=rng.uniform(-5, 5),
    )
    scene = backdrop(rng, (side, side))
    place(scene, draw_person(person, random_look(rng), unit), unit, pose)
    return DrawnPicture(finish(scene, rng), (person.name,), face_box(person, pose)[None])


def group(people: Sequence[Person], *key: object, wh: tuple[int, int] = (960, 640)) -> DrawnPicture:
    """Draw several people side by side; those of ``STRANGERS`` have no name."""
    rng = dice("group", *key)
    scene = backdrop(rng, wh)
    light = random_look(rng)
    portraits = []
    for i, person in enumerate(people):
        unit = wh[1] * rng.uniform(0.098, 0.112)
        pose = Pose(
            x=wh[0] * (i + 0.5) / len(people) + rng.uniform(-15, 15),
            y=wh[1] * (0.36 + 0.1 * (i % 2)),
            unit=unit,
            roll=rng.uniform(-7, 7),
            yaw=rng.uniform(-12, 12),
            pitch=rng.uniform(-5, 5),
        )
        portraits.append((person, pose, replace(random_look(rng), light=light.light, tint=light.tint, shirt="")))
    for person, pose, look in sorted(portraits, key=lambda portrait: portrait[1].y):
        place(scene, draw_person(person, look, pose.unit), pose.unit, pose)
    boxes = np.stack([face_box(person, pose) for person, pose, _ in portraits])
    return DrawnPicture(finish(scene, rng), tuple(map(known_name, people)), boxes)


def film(
    people: Sequence[Person], *key: object, frames: int = 100, wh: tuple[int, int] = (640, 480)
) -> Iterator[DrawnPicture]:
    """Draw people who sway, turn, smile and blink, frame by frame (25 per second)."""
    rng = dice("film", *key)
    background = backdrop(rng, wh)
    light = random_look(rng)
    phases = rng.uniform(0, 2 * np.pi, (len(people), 4))
    unit = wh[0] / len(people) * 0.262
    sheets: dict[tuple[int, int, bool], Image] = {}
    for frame in range(frames):
        scene, boxes = background.copy(), []
        for i, person in enumerate(people):
            a, b, c, d = np.sin(2 * np.pi * frame / 25 * np.array([0.23, 0.31, 0.37, 0.19]) + phases[i]).tolist()
            mood = i, round(1.5 + 1.5 * d), (frame + 37 * i) % 70 < 3
            if mood not in sheets:
                look = replace(light, smile=mood[1] / 3, mouth=0.0, eyes=0.35 if mood[2] else 1.0, shirt="")
                sheets[mood] = draw_person(person, look, unit)
            pose = Pose(
                x=wh[0] * (i + 0.5) / len(people) + 22 * a,
                y=wh[1] * 0.42 + 14 * b,
                unit=unit,
                roll=5 * a,
                yaw=12 * c,
                pitch=4 * b,
            )
            place(scene, sheets[mood], unit, pose)
            boxes.append(face_box(person, pose))
        yield DrawnPicture(finish(scene, rng), tuple(map(known_name, people)), np.stack(boxes))


def known_name(person: Person) -> str | None:
    """Return the person's name; None for one of the strangers."""
    return None if person in STRANGERS else person.name
