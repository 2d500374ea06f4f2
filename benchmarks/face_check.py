"""The check that tells faces from what the built-in detector took for one: python -m benchmarks.face_check

python -m benchmarks.face_check collect outputs.npz     detect and embed the pictures in ../shared/data
python -m benchmarks.face_check train outputs.npz       write faces/embedding/weights/face_check.npz
python -m benchmarks.face_check measure outputs.npz     what passes, cross-validated by file

What is no face are the detections in the pictures of ``cats_dogs``. To train on more of them than a user would see,
these are also searched mirrored and in other sizes, down to a lower score; what is judged are the detections in the
pictures as they are, at the detector's own score. Nineteen of the pictures show people too, whose faces are faces: they
are counted apart, and not trained on. Faces are those of the other sets, and drawn people; some photographs are also
masked below the eyes, given dark glasses, darkened, blurred, shrunk and mirrored, and searched again. Trained on
are only sets that may be used freely; the others are for judging.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.face_variants import variants
from benchmarks.photographs import DATA
from faces import detection
from faces.cli import running, text
from faces.embedding import embedders, face_check
from faces.embedding.embedders import Embedder
from faces.embedding.face_check import FaceCheck, features
from faces.enrolment import SMALLEST_FACE
from faces.files.finding import find_images
from faces.images import Picture, read_image
from faces.metrics.intervals import wilson
from faces.synthetic.people import CAST, STRANGERS, random_person
from faces.synthetic.scenes import portrait
from faces.types import Faces, Floats, Image

FOLDS = 5
HIDDEN, STEPS, RATE, DECAY = 16, 250, 0.01, 0.01
ALLOWED = 14  # detections in 1,000 pictures of animals that may pass
TRAINED_SCORE = 0.35  # of detections in animals that are trained on
ANIMALS, ANIMALS_AND_PEOPLE = "cats_dogs", "cats_dogs, with people"
SIZES = (1.0, 2.0, 0.7, 1.4)  # of the animals' pictures
SETS = {  # of how many photographs of each set there are variants
    "faces": 400,
    "people": 120,
    "strangers": 100,
    "photos": 0,
    "family": 0,
    "fairface": 542,
    "casia_v5": 67,
    "expressions/expw": 200,
    "glasses": 0,
    "lfw": 0,
    "utkface": 150,
    "liveness/nuaa/real": 0,
}
EVERY = {"faces": 3, "utkface": 6, "liveness/nuaa/real": 2}  # of these only every so many photographs
FACES = "mux_*.jpg"  # of ``faces``: the others are CelebA's
TRAINED = ("faces/", "fairface/", "drawn/", "photos/", "family/", "video/", "cats_dogs/")  # paths
DRAWN = 400  # random people, besides the sample's
FRAMES = 4  # of the film, every so many
LARGEST = 1000  # px, the longer side of a photograph that is changed
SHOW_PEOPLE = {  # pictures of ``cats_dogs`` with a person in them
    *(f"cat.{number}.jpg" for number in (26, 166, 198, 230, 246, 257, 372)),
    *(f"dog.{number}.jpg" for number in (41, 43, 153, 216, 226, 263, 322, 372, 461, 480, 537, 545)),
}
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Detections:
    """What was detected; parallel arrays of N.

    outputs: float32 (N, D), of the embedder.
    score: float32, of the detector.
    group: which set it is of, or how the photograph was changed.
    path: of the picture.
    judged: whether a user would see it: unchanged animals, and any faces, at the detector's own score.
    """

    outputs: Floats
    score: Floats
    group: NDArray[np.str_]
    path: NDArray[np.str_]
    judged: Booleans

    @property
    def is_face(self) -> Booleans:
        return np.array([not name.startswith(ANIMALS) for name in self.group], np.bool_)

    @property
    def fold(self) -> NDArray[np.int64]:
        """The fold of each, by its file."""
        return np.array([int(sha256(path.encode()).hexdigest()[:8], 16) % FOLDS for path in self.path], np.int64)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("collect", "train", "measure"))
    parser.add_argument("file", type=Path)
    args = parser.parse_args()
    if args.command == "collect":
        collected = Collector().collect()
        arrays: dict[str, Any] = {field.name: getattr(collected, field.name) for field in fields(Detections)}
        np.savez_compressed(args.file, **arrays)
        return 0
    with np.load(args.file) as saved:
        detections = Detections(**saved)
    if args.command == "measure":
        print(text.table(*measure(detections)))
        return 0
    least = threshold(detections, held_out_values(detections), np.ones(len(detections.score), np.bool_))
    check = fitted(detections, np.ones(len(detections.score), np.bool_), least)
    face_check.save(check, face_check.WEIGHTS / "face_check.npz")
    return 0


# -- collecting --------------------------------------------------------------------------------------------------------


class Collector:
    """Detects and embeds the pictures."""

    def __init__(self) -> None:
        self.own_score = detection.default_confidence(detection.BUILT_IN)
        self.detector = detection.load(detection.BUILT_IN)
        self.embedder: Embedder = embedders.load(embedders.BUILT_IN)
        self.rows: list[tuple[Floats, float, str, str, bool]] = []

    def collect(self) -> Detections:
        """Return the detections in all sets."""
        for name, changed in SETS.items():
            self._photographs(name, changed)
        self._drawn_people()
        for number, frame in enumerate(_film()):
            if number % FRAMES == 0:
                self._add(frame, self.detector.detect(frame), "video", f"video/{number // (10 * FRAMES)}")
        self._animals()
        columns = list(zip(*self.rows, strict=True))
        outputs, score = np.array(columns[0], np.float32), np.array(columns[1], np.float32)
        return Detections(outputs, score, np.array(columns[2]), np.array(columns[3]), np.array(columns[4], np.bool_))

    def _photographs(self, name: str, changed: int) -> None:
        paths = list(find_images(DATA / name))
        paths = [path for path in paths if name != "faces" or path.match(FACES)][:: EVERY.get(name, 1)]
        step = len(paths) // changed if changed else len(paths) + 1
        for number, path in enumerate(paths):
            image, relative = read_image(path), path.relative_to(DATA).as_posix()
            faces = self._main_face(image)
            self._add(image, faces, group_of(name, path), relative)
            if len(faces) and number % step == 0:
                factor = min(LARGEST / max(image.shape[:2]), 1)
                small = np.asarray(
                    cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8
                )
                if len(face := self._main_face(small)):
                    for kind, variant in variants(small, face, path.name):
                        self._add(variant, self._main_face(variant), f"changed: {kind}", relative)

    def _drawn_people(self) -> None:
        people = [*CAST, *STRANGERS, *(random_person(f"person {number}", number) for number in range(DRAWN))]
        for person in people:
            image = portrait(person, 0).image
            self._add(image, self._main_face(image), "drawn", f"drawn/{person.name}")

    def _animals(self) -> None:
        finder = detection.load(detection.BUILT_IN, TRAINED_SCORE)
        for path in find_images(DATA / "cats_dogs"):
            image, relative = read_image(path), path.relative_to(DATA).as_posix()
            group = ANIMALS_AND_PEOPLE if path.name in SHOW_PEOPLE else ANIMALS
            for size in SIZES:
                sized = _resized(image, size)
                for seen in (sized, np.ascontiguousarray(sized[:, ::-1])):
                    self._add(seen, finder.detect(seen), group, relative, size == 1 and seen is sized)

    def _main_face(self, image: Image) -> Faces:
        return self.detector.portrait(Picture.of(image), SMALLEST_FACE)

    def _add(self, image: Image, faces: Faces, group: str, path: str, judged: bool = True) -> None:
        crops = self.embedder.aligner.crop(image, self.detector.refine(image, faces))
        outputs = self.embedder.embed_with_outputs(crops)[1]
        for output, score in zip(outputs, faces.score, strict=True):
            self.rows.append((output, float(score), group, path, judged and score >= self.own_score))


def group_of(name: str, path: Path) -> str:
    """Return the set that a photograph counts for: children are counted apart."""
    if name == "fairface":
        with (DATA / name / "fairface.csv").open(encoding="utf-8") as file:
            age = {row["path"]: row["age"] for row in csv.DictReader(file)}.get(path.name, "")
        return f"fairface, {age if age in ('0-2', '3-9') else 'older'}"
    if name == "utkface":
        return f"utkface, {'under 6' if int(path.name.split('_')[0]) < 6 else 'older'}"
    return {"faces": "mux", "liveness/nuaa/real": "webcam", "expressions/expw": "expw"}.get(name, name)


def _film() -> Iterator[Image]:
    film = cv2.VideoCapture(str(DATA / "video" / "short_hamilton_clip.mp4"))
    while (read := film.read())[0]:
        yield np.asarray(read[1], np.uint8)


def _resized(image: Image, factor: float) -> Image:
    return np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


# -- training ----------------------------------------------------------------------------------------------------------


def fitted(detections: Detections, rows: Booleans, least: float = 0.0) -> FaceCheck:
    """Train a check on some detections by Adam (Kingma and Ba, 2015), on all of them at each step.

    Every set of faces weighs the same, and faces as much as animals.
    least: added to the threshold.
    """
    rows = rows & np.array([path.startswith(TRAINED) for path in detections.path], np.bool_)
    rows = rows & (detections.group != ANIMALS_AND_PEOPLE) & (detections.is_face | (detections.score >= TRAINED_SCORE))
    inputs = features(detections.outputs[rows], detections.score[rows])
    face, group = detections.is_face[rows].astype(np.float32), detections.group[rows]
    _, index, counts = np.unique(group, return_inverse=True, return_counts=True)
    weight = (1 / np.maximum(counts, 100)).astype(np.float32)[index]
    for side in (0, 1):
        weight[face == side] /= weight[face == side].sum()
    mean, scale = inputs.mean(axis=0), inputs.std(axis=0)
    inputs = (inputs - mean) / scale
    rng, width = np.random.default_rng(0), inputs.shape[1]
    parts = [
        rng.normal(0, width**-0.5, (width, HIDDEN)).astype(np.float32),
        np.zeros(HIDDEN, np.float32),
        rng.normal(0, HIDDEN**-0.5, HIDDEN).astype(np.float32),
        np.zeros(1, np.float32),
    ]
    first, second = [np.zeros_like(part) for part in parts], [np.zeros_like(part) for part in parts]
    for step in range(1, STEPS + 1):
        hidden = np.maximum(inputs @ parts[0] + parts[1], 0)
        error = weight * (1 / (1 + np.exp(-(hidden @ parts[2] + parts[3]))) - face)
        back = error[:, None] * parts[2] * (hidden > 0)
        slopes = [
            inputs.T @ back + DECAY * parts[0],
            back.sum(axis=0),
            hidden.T @ error + DECAY * parts[2],
            error.sum(keepdims=True),
        ]
        rate = RATE * (1 - step / STEPS) + RATE / 100
        for k, slope in enumerate(slopes):
            first[k] = 0.9 * first[k] + 0.1 * slope
            second[k] = 0.999 * second[k] + 0.001 * slope**2
            change = first[k] / (1 - 0.9**step) / (np.sqrt(second[k] / (1 - 0.999**step)) + 1e-8)
            parts[k] = np.asarray(parts[k] - rate * change, np.float32)
    return FaceCheck(mean, scale, parts[0], parts[1], parts[2], threshold=least - float(parts[3][0]))


def held_out_values(detections: Detections) -> Floats:
    """Return the value of each detection, by a check that was trained on the files of other folds; 0 is undecided."""
    values, fold = np.zeros(len(detections.score), np.float32), detections.fold
    for each in range(FOLDS):
        check, rows = fitted(detections, fold != each), fold == each
        values[rows] = check.values(detections.outputs[rows], detections.score[rows]) - check.threshold
    return values


def threshold(detections: Detections, values: Floats, rows: Booleans) -> float:
    """Return the value that ``ALLOWED`` of the judged animals reach, or their share of those in ``rows``."""
    animals = detections.judged & (detections.group == ANIMALS)
    allowed = round(ALLOWED * np.count_nonzero(animals & rows) / max(np.count_nonzero(animals), 1))
    return float(np.sort(values[animals & rows])[::-1][allowed - 1 : allowed + 1].mean())


# -- judging -----------------------------------------------------------------------------------------------------------


def measure(detections: Detections) -> tuple[list[str], list[list[str]]]:
    """Return the heading and the rows of a table: how many detections pass, of each set.

    Each is judged by a check, and a threshold, from the files of other folds.
    """
    values, fold = held_out_values(detections), detections.fold
    passes = np.zeros(len(values), np.bool_)
    for each in range(FOLDS):
        passes[fold == each] = values[fold == each] >= threshold(detections, values, fold != each)
    rows = []
    for name in sorted(set(detections.group)):
        of_set = detections.judged & (detections.group == name)
        count, passed = int(np.count_nonzero(of_set)), int(np.count_nonzero(passes[of_set]))
        low, high = wilson(passed / count, count)
        rows.append([name, f"{count:,}", f"{passed:,}", f"{passed / count:.1%}", f"{low:.1%} to {high:.1%}"])
    return ["set", "detections", "pass", "share", "95 % interval"], rows


if __name__ == "__main__":
    running.run(main)
