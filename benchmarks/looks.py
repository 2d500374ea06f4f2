"""Other ways to look at a face than the package's, and what the built-in network says of each: for accuracy_variants.

A look at all photographs of ../shared/data's lfw, people and strangers costs minutes, so it is kept in a folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.photographs import DATA
from faces.crops import sharpness
from faces.embedding import embedders
from faces.embedding.aligners import TEMPLATES, Aligner
from faces.embedding.landmarks import SCHEME_ORDER, ShapePredictor
from faces.embedding.views import View
from faces.files.finding import find_images
from faces.files.writing import make_folder
from faces.geometry import similarity, transform
from faces.images import read_image
from faces.pipeline import Pipeline
from faces.types import Faces, Floats, Image

CHIP = TEMPLATES["dlib-chip"]
USED, POINTS = CHIP.points["eye-corners"]
MIDDLE = np.full(2, (CHIP.side - 1) / 2)
UPRIGHT = 300  # px, of a face turned upright for a second look at its landmarks
AROUND = ((0, 0), (-0.06, 0), (0.06, 0), (0, -0.06), (0, 0.06))  # shares of the box, by which it is shifted
BOX_WIDTH = 0.988  # of the detector's box, in widths of the chip: the median
NOBODY = np.array([80, 80, 170, 170], np.float32)  # where LFW has its faces
USUAL = 0.45  # mean brightness of most faces


@dataclass(frozen=True)
class Look:
    """One crop of a face.

    scale, turn (degrees), x, y (shares of the side): how what is cut out differs from the plain chip. mirror: left is
    right. chip: cut out of the plain chip, as the package's views are, not out of the photograph. points: which
    landmarks, of ``ways_to_points``. straight: without dlib's pixel (``Template.as_dlib``). gamma: as bright as most.
    """

    scale: float = 1.0
    turn: float = 0.0
    x: float = 0.0
    y: float = 0.0
    mirror: bool = False
    chip: bool = False
    points: str = "rounded"
    straight: bool = False
    gamma: bool = False

    @property
    def name(self) -> str:
        """For a file."""
        return " ".join(f"{key}={value}" for key, value in vars(self).items() if value != vars(Look())[key]) or "plain"

    @property
    def aligner(self) -> Aligner:
        """The aligner that cuts so: where its template wants the landmarks, after this look's change."""
        a = np.exp(-1j * np.deg2rad(self.turn)) / self.scale
        turned = (POINTS - MIDDLE - CHIP.side * np.array([self.x, self.y])) @ [[a.real, a.imag], [-a.imag, a.real]]
        return Aligner(replace(CHIP, points={"eye-corners": (USED, turned + MIDDLE)}, as_dlib=not self.straight))


def mirrored(*looks: Look) -> list[Look]:
    """Looks, and their mirror images."""
    return [replace(look, mirror=mirror) for look in looks for mirror in (False, True)]


class Photographs:
    """The M photographs, lfw's first, with the face of each. folder: where what was computed is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        make_folder(folder)
        self.paths = [path for name in ("lfw", "people", "strangers") for path in find_images(DATA / name)]
        self.sets = np.array([path.relative_to(DATA).parts[0] for path in self.paths])
        self.names = np.array([path.parent.name for path in self.paths])

    def embedded(self, look: Look) -> Floats:
        """float32 (M, D): what the network says, at its own length."""
        file = self._folder / f"{look.name}.npy"
        if not file.is_file():
            crops, said = self._crops(look), []
            with tqdm(total=len(self.paths), desc=look.name, disable=None) as progress:
                while some := [crop for crop, _ in zip(crops, range(embedders.BATCH_FACES), strict=False)]:
                    said.append(self._embedder.forward(np.stack(some)))
                    progress.update(len(some))
            np.save(file, np.concatenate(said))
        return np.asarray(np.load(file), np.float32)

    def sharpness(self) -> Floats:
        """float32 (M,): of the plain crops."""
        return np.array([sharpness(crop) for crop in self._crops(Look())], np.float32)

    def _crops(self, look: Look) -> Iterator[Image]:
        if look.chip:
            yield from (View(look.scale, look.mirror).of(crop[None])[0] for crop in self._crops(Look()))
            return
        aligner, none = look.aligner, np.zeros((1, 4), np.float32)
        for path, points in zip(self.paths, self._landmarks[look.points], strict=True):
            crop = aligner.crop(read_image(path), Faces(none, none[0, :1], points[None], "eye-corners"))[0]
            if look.gamma:
                power = np.log(USUAL) / np.log(np.clip(crop[30:120, 30:120].mean() / 255, 0.02, 0.98))
                crop = ((crop / 255.0) ** power * 255 + 0.5).astype(np.uint8)
            yield crop[:, ::-1] if look.mirror else crop

    @cached_property
    def _embedder(self) -> embedders.Embedder:
        return embedders.load(embedders.BUILT_IN, threads=1)

    @cached_property
    def _landmarks(self) -> dict[str, Floats]:
        """float32 (M, 5, 2), by the way to find them."""
        file = self._folder / "landmarks.npz"
        if not file.is_file():
            pipeline, found = Pipeline.load(threads=1), list[dict[str, Floats]]()
            for path in tqdm(self.paths, desc="landmarks", disable=None):
                image = read_image(path)
                face = pipeline.best_face(image)
                box = pipeline.detector.predictor_boxes(face)[0] if len(face) else NOBODY
                found.append(ways_to_points(pipeline.predictor, image, box))
            arrays: dict[str, Any] = {way: np.stack([one[way] for one in found]) for way in found[0]}
            np.savez(file, **arrays)
        return dict(np.load(file))


def ways_to_points(predictor: ShapePredictor, image: Image, box: Floats) -> dict[str, Floats]:
    """A face's landmarks (5, 2), by the way to find them."""
    exact = predictor.fit(image, box)[SCHEME_ORDER]
    rounded = np.floor(exact + 0.5)
    side = np.float32(np.sqrt((box[2:] - box[:2]).prod()))
    shifted = [predictor.fit(image, box + side * np.array([x, y, x, y], np.float32)) for x, y in AROUND]
    to_image = similarity(POINTS, exact.astype(np.float64))
    width = CHIP.side * float(np.linalg.norm(to_image[:, 0]))
    centre = transform(to_image, MIDDLE)
    framed = centre + (rounded - centre) * np.sqrt(side / BOX_WIDTH / width)
    return {
        "rounded": rounded,  # to whole pixels, as dlib does
        "exact": exact,
        "steady": np.mean(shifted, axis=0)[SCHEME_ORDER],  # of boxes a little beside
        "upright": _upright(predictor, image, box, to_image).astype(np.float32),
        "framed": framed.astype(np.float32),  # as large as the points and the detector's box say, in the mean
    }


def _upright(predictor: ShapePredictor, image: Image, box: Floats, to_image: NDArray[np.float64]) -> Floats:
    """The points found again in a picture that the first ones have turned upright."""
    matrix = to_image.copy()
    matrix[:, 2] += transform(to_image, MIDDLE) - transform(to_image, np.full(2, UPRIGHT / 2))
    turned = cv2.warpAffine(image, matrix, (UPRIGHT, UPRIGHT), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    middle = np.linalg.solve(matrix[:, :2], (box[:2] + box[2:]) / 2 - matrix[:, 2])
    half = np.sqrt((box[2:] - box[:2]).prod()) / np.linalg.norm(to_image[:, 0]) / 2
    again = predictor.fit(np.asarray(turned, np.uint8), np.array([*(middle - half), *(middle + half)], np.float32))
    return np.asarray(transform(matrix, again)[SCHEME_ORDER], np.float32)
