"""What makes the built-in chain better, and what it costs: python -m benchmarks.accuracy_variants [--cache DIR]

Every way to look at a face is a mean over views, each a crop of it. Views are embedded once and kept in the cache.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.photographs import DATA, by_person
from faces import cli, embedders
from faces.aligners import TEMPLATES, _cut
from faces.geometry import similarity, transform
from faces.images import find_images, read_image
from faces.landmarks import SCHEME_ORDER
from faces.pipeline import Pipeline
from faces.types import Floats, Image

SIDE = 150
MIDDLE = (SIDE - 1) / 2
POINTS = TEMPLATES["dlib-chip"].points["eye-corners"][1]


@dataclass(frozen=True)
class View:
    """One crop of a face.

    scale: of what is cut out, 1 as dlib does. turn: degrees. x, y: shift, shares of the chip's side. points: which
    landmarks. straight: without dlib's pixel. chip: cut from the chip, not from the photograph. light: how brightness
    is changed.
    """

    scale: float = 1.0
    turn: float = 0.0
    x: float = 0.0
    y: float = 0.0
    mirror: bool = False
    points: str = "rounded"
    straight: bool = False
    chip: bool = False
    light: str = ""

    @property
    def matrix(self) -> NDArray[np.float64]:
        """From this view's pixels to those of the plain chip."""
        a = self.scale * np.exp(1j * np.deg2rad(self.turn))
        linear = np.array([[a.real, -a.imag], [a.imag, a.real]])
        middle = np.array([MIDDLE, MIDDLE])
        return np.column_stack([linear, middle - linear @ middle + SIDE * np.array([self.x, self.y])])


def through(outer: NDArray[np.float64], inner: NDArray[np.float64]) -> NDArray[np.float64]:
    """The (2, 3) map that does ``inner``, then ``outer``."""
    return np.column_stack([outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2] + outer[:, 2]])


def lit(crop: Image, light: str) -> Image:
    if light == "clahe":
        lab = cv2.cvtColor(crop, cv2.COLOR_BGR2LAB)
        lab[..., 0] = cv2.createCLAHE(2.0, (4, 4)).apply(lab[..., 0])
        return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2BGR), np.uint8)
    if light == "gamma":  # so that the middle of the face is as bright as in most
        mean = crop[30:120, 30:120].mean() / 255
        power = np.log(0.45) / np.log(np.clip(mean, 0.02, 0.98))
        return np.asarray((crop / 255.0) ** power * 255 + 0.5).astype(np.uint8)
    return crop


class Photographs:
    """All of them, with their faces."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = [path for name in ("lfw", "people", "strangers") for path in find_images(DATA / name)]
        self.of = np.array([path.relative_to(DATA).parts[0] for path in self.paths])
        self.names = np.array([path.parent.name for path in self.paths])
        self.landmarks = self._landmarks()

    @cache
    def images(self) -> list[Image]:
        return [read_image(path) for path in self.paths]

    def _landmarks(self) -> dict[str, Floats]:
        file = self.folder / "landmarks.npz"
        if not file.exists():
            pipeline = Pipeline.load(threads=1)
            result: dict[str, list[Floats]] = {}
            for image in tqdm(self.images(), desc="faces"):
                face = pipeline.best_face(image)
                box = pipeline.detector.predictor_boxes(face)[0] if len(face) else np.array([80, 80, 170, 170])
                for name, points in ways_to_points(pipeline.predictor.fit, image, np.asarray(box, np.float32)):
                    result.setdefault(name, []).append(points)
                result.setdefault("score", []).append(face.score[0] if len(face) else np.float32(0))
            np.savez(file, **{name: np.stack(some) for name, some in result.items()})
        return dict(np.load(file))

    def crops(self, view: View, rows: slice) -> Iterator[Image]:
        if view.chip:
            for crop in self.chips()[rows]:
                moved = cv2.warpAffine(
                    crop, view.matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                    borderMode=cv2.BORDER_REPLICATE,
                )
                yield moved[:, ::-1] if view.mirror else moved
            return
        for image, points in zip(self.images()[rows], self.landmarks[view.points][rows], strict=True):
            matrix = through(similarity(POINTS, points.astype(np.float64)), view.matrix)
            crop = lit(_cut(image, matrix, SIDE, not view.straight), view.light)
            yield crop[:, ::-1] if view.mirror else crop

    @cache
    def chips(self) -> list[Image]:
        return list(self.crops(View(), slice(None)))

    def raw(self, view: View) -> Floats:
        """float32 (M, 128), the network's own length kept."""
        return np.concatenate([self.part(view, "lfw"), self.part(view, "rest")])

    def part(self, view: View, part: str) -> Floats:
        rows = slice(0, 1549) if part == "lfw" else slice(1549, None)
        file = self.folder / f"{name_of(view)}_{part}.npy"
        if not file.exists():
            started = time.perf_counter()
            embedder, found, batch = network(), [], []
            for crop in self.crops(view, rows):
                batch.append(crop)
                if len(batch) == embedders.BATCH:
                    found.append(embedder.forward(np.stack(batch)))
                    batch = []
            if batch:
                found.append(embedder.forward(np.stack(batch)))
            np.save(file, np.concatenate(found))
            print(f"{file.stem}: {(time.perf_counter() - started):.0f} s", flush=True)
        return np.load(file)


@cache
def network() -> embedders.Embedder:
    return embedders.load("built-in", threads=1)


def name_of(view: View) -> str:
    text = f"s{view.scale:g}t{view.turn:g}x{view.x:g}y{view.y:g}{view.points}{view.light}"
    return text + ("M" if view.mirror else "") + ("S" if view.straight else "") + ("C" if view.chip else "")


def ways_to_points(fit: Callable[[Image, Floats], Floats], image: Image, box: Floats) -> Iterator[tuple[str, Floats]]:
    exact = fit(image, box)
    yield "rounded", np.floor(exact + 0.5)[SCHEME_ORDER]
    yield "exact", exact[SCHEME_ORDER]
    side = float(np.sqrt((box[2:] - box[:2]).prod()))
    some = [fit(image, box + side * np.array([x, y, x, y], np.float32))
            for x, y in ((0, 0), (-0.06, 0), (0.06, 0), (0, -0.06), (0, 0.06))]
    yield "steady", np.mean(some, axis=0)[SCHEME_ORDER]
    # the picture turned upright about the face, at the size that the predictor was trained on
    to_image = similarity(POINTS, exact[SCHEME_ORDER].astype(np.float64))
    matrix = to_image.copy()
    size = 300
    matrix[:, 2] += transform(to_image, np.array([MIDDLE, MIDDLE])) - transform(to_image, np.array([size / 2, size / 2]))
    upright = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    scale = float(np.linalg.norm(to_image[:, 0]))
    half = side / scale / 2
    # the box's middle lies where it did, relative to the face, in most upright faces
    middle = np.linalg.inv(matrix[:, :2]) @ ((box[:2] + box[2:]) / 2 - matrix[:, 2])
    again = fit(np.asarray(upright, np.uint8), np.array([*(middle - half), *(middle + half)], np.float32))
    yield "upright", transform(matrix, again)[SCHEME_ORDER].astype(np.float32)


