"""Made videos whose truth is known: heads move over a textured background, before a camera that has noise.

A head is drawn, or cut out of a photograph, and placed, leant and turned as in ``faces.synthetic.scenes``. Everything
follows from the frame's number, so that frames may be asked for in any order.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.files.writing import write_bytes
from faces.images import read_image
from faces.synthetic.people import CAST, Person, dice, random_look, random_person
from faces.synthetic.portraits import draw_person
from faces.synthetic.scenes import Pose, backdrop, face_box, place
from faces.synthetic.sheet import BOTTOM, LEFT, RIGHT, TOP
from faces.types import Floats, Image
from faces.video.sink import VideoSink
from faces.video.tracks import Frame

WH, RATE = (1280, 720), 30.0  # px; frames a second
NOISE = 3.0  # standard deviation, grey levels
MARGIN = 64  # px of background around the picture, for a camera that shakes
FACE = 1 / 6, 80  # of the picture's height, and at least so many px wide
TURNING = 20.0, 60.0  # degrees of yaw where a face begins to go out of sight, and where nothing of it is seen
GRID = (np.arange(12) + 0.5) / 12  # where in a face it is looked whether it is seen

# LFW's photographs, aligned, 250 px: between the eyes, and half a head's width. What is cut out is an ellipse: its
# middle and half axes in face units.
EYES, EYE_UNIT = (125.0, 113.5), 50.0
ELLIPSE = (0.0, 0.2, 1.4, 1.9)
FINER = 2  # times as fine as the photograph: it may be shown larger

Track = Callable[[float], Pose | None]  # where somebody is at a time, s; None: not there


@dataclass(frozen=True, eq=False, slots=True)
class Head:
    """Somebody to film: pictures of them as ``draw_person`` makes them, ``unit`` px to a face unit."""

    person: Person
    sheets: tuple[Image, ...]
    unit: float

    @property
    def name(self) -> str:
        return self.person.name


@dataclass(frozen=True, slots=True)
class Actor:
    """Who goes where; from ``again`` (s) on, another of their pictures is shown."""

    head: Head
    track: Track
    again: float = math.inf


@dataclass(frozen=True, slots=True)
class Scene:
    """Actors from the rearmost to the foremost, for a time, s."""

    seconds: float
    actors: tuple[Actor, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """The N >= 0 people of a frame: names, boxes float32 (N, 4) px, and the share (N,) of each face that is seen."""

    people: tuple[str, ...]
    xyxy: Floats
    visible: Floats


@dataclass(frozen=True, slots=True)
class Placed:
    """An actor in a frame."""

    head: Head
    sheet: Image
    pose: Pose


@dataclass(frozen=True)
class Film:
    """Scenes cut hard against each other, of ``wh`` px, ``rate`` frames a second; the camera strays by ``shake`` px."""

    name: str
    scenes: tuple[Scene, ...]
    wh: tuple[int, int] = WH
    rate: float = RATE
    shake: float = 0.0

    def __len__(self) -> int:
        return sum(map(self._length, self.scenes))

    def frames(self) -> Iterator[Frame]:
        """Every frame, as a source gives them."""
        for index in range(len(self)):
            yield Frame(self.image(index), index, index / self.rate, time.monotonic())

    def truth(self, index: int) -> Truth:
        """Who is where, also those of whom nothing is seen at the moment; without those who are not there."""
        _, placed, _ = self._at(index)
        boxes = [face_box(one.head.person, one.pose) for one in placed]
        visible = [self._visible(box, *placed[i:]) for i, box in enumerate(boxes)]
        xyxy = np.array(boxes, np.float32).reshape(-1, 4)
        return Truth(tuple(one.head.name for one in placed), xyxy, np.array(visible, np.float32))

    def image(self, index: int) -> Image:
        """uint8 (H, W, 3), BGR."""
        number, placed, stray = self._at(index)
        (w, h), (left, top) = self.wh, (MARGIN - round(away) for away in stray)
        image = texture(self.wh, self.name, number)[top : top + h, left : left + w].copy()
        for one in placed:
            yaw = float(np.clip(one.pose.yaw, -TURNING[1], TURNING[1])) * 0.6
            place(image, one.sheet, one.head.unit, replace(one.pose, yaw=yaw))
        x, y = dice("noise", index).integers(0, MARGIN, 2)
        return np.asarray(cv2.add(image, grain(self.wh)[y : y + h, x : x + w], dtype=cv2.CV_8U), np.uint8)

    def _length(self, scene: Scene) -> int:
        return round(scene.seconds * self.rate)

    def _at(self, index: int) -> tuple[int, list[Placed], tuple[float, float]]:
        """The scene's number, who is where, and how far the camera has strayed."""
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name} has no frame {index}")
        number = 0
        while index >= self._length(self.scenes[number]):
            index, number = index - self._length(self.scenes[number]), number + 1
        seconds = index / self.rate
        waves = np.sin(2 * np.pi * seconds * np.array([[1.1, 4.3], [1.7, 3.7]]))
        dx, dy = (self.shake * waves @ (0.7, 0.3)).tolist()
        placed = []
        for actor in self.scenes[number].actors:
            if pose := actor.track(seconds):
                sheet = turned(actor.head, seconds >= actor.again, round(away(pose), 1))
                placed.append(Placed(actor.head, sheet, replace(pose, x=pose.x + dx, y=pose.y + dy)))
        return number, placed, (dx, dy)

    def _visible(self, box: Floats, one: Placed, *before: Placed) -> float:
        """The share of somebody's face that is in the picture, behind nobody, and towards the camera."""
        xy = np.stack(np.meshgrid(*(box[:2, None] + (box[2:] - box[:2])[:, None] * GRID)), axis=-1).reshape(-1, 2)
        seen = ((xy >= 0) & (xy < self.wh)).all(axis=1).astype(float)
        for other in before:
            seen *= 1 - covered(other, xy)
        return float(seen.mean()) * (1 - away(one.pose))


def away(pose: Pose) -> float:
    """How far a face is turned away, from 0 to 1, where nothing of it is seen."""
    return float(np.clip((abs(pose.yaw) - TURNING[0]) / (TURNING[1] - TURNING[0]), 0, 1))


def turned(head: Head, again: bool, share: float) -> Image:
    """A head's sheet, of which a share has become the back of the head."""
    if share == 0:
        return head.sheets[-1 if again else 0]
    sheet, back = head.sheets[-1 if again else 0], back_of(head, again)
    return cv2.addWeighted(sheet, 1 - share, back, share, 0).astype(np.uint8)


@lru_cache(maxsize=32)
def back_of(head: Head, again: bool) -> Image:
    """A head's sheet without a face: what there is runs together, in the shade."""
    sheet = head.sheets[-1 if again else 0]
    small = cv2.resize(sheet, None, fx=0.1, fy=0.1, interpolation=cv2.INTER_AREA)
    soft = cv2.resize(cv2.GaussianBlur(small, (0, 0), 0.05 * head.unit), sheet.shape[1::-1]).astype(np.float32)
    bgr = 0.4 * soft[..., :3] / np.maximum(soft[..., 3:], 1) * sheet[..., 3:]
    return np.concatenate([bgr.astype(np.uint8), sheet[..., 3:]], axis=2)


def covered(one: Placed, xy: NDArray[np.floating]) -> NDArray[np.float64]:
    """How opaque (N,), 0 to 1, somebody is at points (N, 2) of the picture."""
    roll = math.radians(one.pose.roll)
    turn = np.array([[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]])
    face = (xy - (one.pose.x, one.pose.y)) / one.pose.unit @ turn
    px, py = ((face - (LEFT, TOP)) * one.head.unit).astype(int).T
    height, width = one.sheet.shape[:2]
    inside = (px >= 0) & (px < width) & (py >= 0)  # below the drawing's edge the body goes on
    alpha = one.sheet[np.clip(py, 0, height - 1), np.clip(px, 0, width - 1), 3]
    return np.asarray(np.where(inside, alpha / 255, 0.0))


@lru_cache(maxsize=4)
def texture(wh: tuple[int, int], *key: object) -> Image:
    """A background with detail of every size, ``MARGIN`` px larger than the picture on every side."""
    rng = dice("texture", wh, *key)
    w, h = (side + 2 * MARGIN for side in wh)
    image = backdrop(rng, (w, h)).astype(np.float32) * 0.8
    for size in (2, 5, 12, 40):
        small = rng.normal(0, 7, (h // size + 2, w // size + 2)).astype(np.float32)
        image += cv2.resize(small, (w, h), interpolation=cv2.INTER_CUBIC)[..., None]
    return image.clip(0, 255).astype(np.uint8)


@lru_cache(maxsize=2)
def grain(wh: tuple[int, int]) -> NDArray[np.int16]:
    """Sensor noise, int16 (H + MARGIN, W + MARGIN, 3)."""
    noise = dice("grain").normal(0, NOISE, (wh[1] + MARGIN, wh[0] + MARGIN, 3))
    return np.asarray(noise.round(), np.int16)


# Who is filmed


def drawn(count: int, unit: float = 60) -> list[Head]:
    """So many people who do not exist, two pictures each: the sample data set's, then others."""
    people = [*CAST[:count], *(random_person(f"Extra {n}", "films", n) for n in range(len(CAST), count))]

    def sheet(person: Person, take: int) -> Image:
        return draw_person(person, replace(random_look(dice("films", person.name, take)), shirt=""), unit)

    return [Head(person, (sheet(person, 0), sheet(person, 1)), unit) for person in people]


def photographed(people: dict[str, Sequence[Path]]) -> list[Head]:
    """People by name, cut out of photographs that are aligned as LFW's are."""
    return [Head(Person(n), tuple(map(cut_out, paths)), FINER * EYE_UNIT) for n, paths in people.items()]


def cut_out(path: Path) -> Image:
    """The head of a photograph, as ``draw_person`` would draw it."""
    unit = FINER * EYE_UNIT
    wh = round((RIGHT - LEFT) * unit), round((BOTTOM - TOP) * unit)
    shift = [-start * unit - FINER * eye for start, eye in zip((LEFT, TOP), EYES, strict=True)]
    move = np.array([[FINER, 0, shift[0]], [0, FINER, shift[1]]], np.float32)
    bgr = cv2.warpAffine(read_image(path), move, wh, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    x, y, rx, ry = ELLIPSE
    centre, axes = ((x - LEFT) * unit, (y - TOP) * unit), (2 * rx * unit, 2 * ry * unit)
    alpha = cv2.ellipse(np.zeros(wh[::-1], np.float32), (centre, axes, 0), 1, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 0.08 * unit)[..., None]
    return np.concatenate([bgr * alpha, 255 * alpha], axis=2).astype(np.uint8)


# Where they go


def sway(x: float, y: float, unit: float, *key: object) -> Track:
    """As somebody moves in front of a camera: a little, in every way."""
    phases = dice("sway", *key).uniform(0, 2 * np.pi, 6)
    speeds = 2 * np.pi * np.array([0.23, 0.31, 0.17, 0.29, 0.37, 0.41])

    def track(seconds: float) -> Pose:
        a, b, c, d, e, f = np.sin(speeds * seconds + phases).tolist()
        size = unit * (1 + 0.05 * c)
        return Pose(x + 0.35 * unit * a, y + 0.2 * unit * b, size, roll=5 * d, yaw=12 * e, pitch=4 * f)

    return track


def walk(track: Track, *steps: tuple[float, float]) -> Track:
    """Somebody's track, moved to the side by (s, px), in between evenly."""
    times, ways = zip(*steps, strict=True)

    def moved(seconds: float) -> Pose | None:
        pose = track(seconds)
        return pose and replace(pose, x=pose.x + float(np.interp(seconds, times, ways)))

    return moved


def size(wh: tuple[int, int], count: int) -> float:
    """px to a face unit, so that faces are a sixth of the height, or as large as many may be."""
    share, least = FACE
    return max(wh[1] * share / 2.23 * (0.78 if count > 5 else 1), least / 1.8)


def places(count: int, wh: tuple[int, int]) -> list[tuple[float, float]]:
    """Where so many stand, px: in rows of at most seven."""
    rows = -(-count // 7)
    columns = -(-count // rows)
    ys = wh[1] * ((np.arange(rows) + 0.5) / rows if rows > 1 else np.array([0.42]))
    return [(wh[0] * (i % columns + 0.5) / columns, float(ys[i // columns])) for i in range(count)]


def standing(cast: Sequence[Head], wh: tuple[int, int] = WH, seconds: float = 10, rate: float = RATE) -> Film:
    """1 to 21 people, gently moving, nobody before another's face."""
    unit = size(wh, len(cast))
    actors = [Actor(h, sway(x, y, unit, h.name)) for h, (x, y) in zip(cast, places(len(cast), wh), strict=True)]
    return Film(f"standing {len(cast)}", (Scene(seconds, tuple(actors)),), wh, rate)


def crossing(two: Sequence[Head], wh: tuple[int, int] = WH, speed: float = 2, rate: float = RATE) -> Film:
    """Two walk past each other, the second one in front, with so many face widths a second each; they stand before."""
    unit, (w, h) = size(wh, 2), wh
    way, still = 0.5 * w, 2.0
    end = still + way / (speed * 2 * unit)
    tracks = [
        walk(sway(w / 2 - side * way / 2, 0.42 * h, unit, head.name), (still, 0), (end, side * way))
        for side, head in zip((1, -1), two, strict=True)
    ]
    actors = tuple(Actor(head, track) for head, track in zip(two, tracks, strict=True))
    return Film(f"crossing, {speed:g} faces a second", (Scene(end + still, actors),), wh, rate)


def leaving(two: Sequence[Head], wh: tuple[int, int] = WH, gone: float = 3, rate: float = RATE) -> Film:
    """One of two walks out of the picture, is away for a time (s), and comes back with another face."""
    unit, (w, h) = size(wh, 2), wh
    out, back, way = 3.0, 4.0 + gone, 0.3 * w + 3 * unit
    stays = Actor(two[0], sway(0.3 * w, 0.42 * h, unit, two[0].name))
    track = walk(sway(0.7 * w, 0.42 * h, unit, two[1].name), (out, 0), (out + 1, way), (back, way), (back + 1, 0))
    goes = Actor(two[1], lambda seconds: None if out + 1 < seconds < back else track(seconds), back)
    return Film(f"leaving for {gone:g} s", (Scene(back + 4, (stays, goes)),), wh, rate)


def turning(two: Sequence[Head], wh: tuple[int, int] = WH, gone: float = 1.5, rate: float = RATE) -> Film:
    """One of two turns away for a time (s), and then back, with another face."""
    unit, (w, h) = size(wh, 2), wh
    track = sway(0.7 * w, 0.42 * h, unit, two[1].name)
    times, yaws = (3.0, 3.6, 3.6 + gone, 4.2 + gone), (0.0, TURNING[1] + 30, TURNING[1] + 30, 0.0)

    def turns(seconds: float) -> Pose | None:
        pose = track(seconds)
        return pose and replace(pose, yaw=pose.yaw + float(np.interp(seconds, times, yaws)))

    stays = Actor(two[0], sway(0.3 * w, 0.42 * h, unit, two[0].name))
    return Film(f"turning for {gone:g} s", (Scene(times[-1] + 3, (stays, Actor(two[1], turns, times[1]))),), wh, rate)


def cut(four: Sequence[Head], wh: tuple[int, int] = WH, seconds: float = 3, rate: float = RATE) -> Film:
    """Two people, and after a cut two others in the same places."""
    return Film("cut", tuple(standing(pair, wh, seconds).scenes[0] for pair in (four[:2], four[2:])), wh, rate)


def shaking(cast: Sequence[Head], wh: tuple[int, int] = WH, seconds: float = 6, rate: float = RATE) -> Film:
    """People before a camera that somebody holds who runs."""
    return replace(standing(cast, wh, seconds, rate), name=f"shaking, {len(cast)}", shake=wh[1] / 30)


def hard(cast: Sequence[Head], wh: tuple[int, int] = WH, rate: float = RATE) -> list[Film]:
    """What is difficult about following people, with at least four."""
    a, b, c, d = cast[:4]
    crossings = [crossing(two, wh, speed, rate) for two, speed in (((a, b), 1), ((c, d), 2.5), ((b, d), 5))]
    gone = [leaving((a, c), wh, away, rate) for away in (0.7, 3.0, 8.0)]
    turned = [turning(two, wh, away, rate) for two, away in (((b, c), 0.3), ((d, a), 1.5), ((c, b), 4.0))]
    return [*crossings, *gone, *turned, cut((a, b, c, d), wh, 3, rate), shaking((a, b, c), wh, 6, rate)]


def write(film: Film, path: Path, frames: int | None = None) -> Path:
    """The film as a video, or its first frames, and beside it the truth as JSON; returns the video's path."""
    with VideoSink(path, film.rate) as sink:
        for frame in islice(film.frames(), frames):
            sink.write(frame.image, frame.time)
    write_bytes(path.with_suffix(".json"), json.dumps(as_json(film, frames)).encode())
    return path


def as_json(film: Film, frames: int | None = None) -> dict[str, object]:
    """Plain values: for each frame its people, with their boxes (x1, y1, x2, y2) and the share that is seen."""
    rows = []
    for truth in map(film.truth, range(len(film))[:frames]):
        boxes, visible = truth.xyxy.round(1).tolist(), truth.visible.round(2).tolist()
        seen = zip(truth.people, boxes, visible, strict=True)
        rows.append([{"person": person, "box": box, "visible": share} for person, box, share in seen])
    return {"name": film.name, "width": film.wh[0], "height": film.wh[1], "rate": film.rate, "frames": rows}
