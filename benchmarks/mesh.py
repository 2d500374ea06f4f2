"""The face mesh on ../shared/data: python -m benchmarks.mesh [--part NAME]

head: the mean head of faces/landmarks/pose.py, mm.
looks: how far the points are apart when YuNet's boxes are replaced by boxes as dlib frames faces.
pose: how far the pose is from what it should be when a photograph is mirrored, or turned by 20 degrees.
presence: faces for which there is a mesh.
mouth: by CelebA's labels, on other photographs than those that the threshold was chosen on.
eyes: photographs of ``expw`` with eyes that are plainly closed or open. 240 photographs were labelled by eye, without
knowing the measured openings; unclear ones are left out. The threshold was chosen on these.
speed: milliseconds a face, on one core.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.photographs import DATA
from faces.attributes import pose as five_points
from faces.cli import running, text
from faces.files.finding import find_images
from faces.images import read_image
from faces.landmarks import mesh, pose
from faces.landmarks.mesh import FaceMesh, Meshes
from faces.landmarks.openness import OPEN_EYE, OPEN_MOUTH, Openings, openings
from faces.pipeline import Pipeline
from faces.types import Faces, Floats, Image

Array = NDArray[np.float64]
Table = tuple[list[str], list[list[str]]]
STABLE = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 127, 356, 234, 454, 10, 151, 9, 98, 327, 2)
MIRRORED = {33: 263, 133: 362, 127: 356, 234: 454, 98: 327}
FRONTAL, TURN = 10, 20  # degrees
EYE_CORNERS_MM = 90.0
EVERY = {"lfw": 1, "people": 4, "mouth": 6}  # photographs
# by class, the places in the sorted list of its files
CLOSED = {
    "disgust": "180 285 286 410 506",
    "happiness": "27 305 402 477 492",
    "sadness": "36 41 42 112 113 204 230 246 256 389 394 497",
}
OPEN = {
    "disgust": "2 13 15 21 23 26 38 42 48 49 54 55 56 72 75 79 86 87 88 89 90 98 112 120 121 131 133 134 143 144 149 "
    "152 164 167 183 186 193 197 203 205 210 216 225 236 275 277 284 289 297 385 397 407 424 426 468 479 "
    "508 511 514 519 538 543 550 552 553 556 569 570 599 625 646 653",
    "happiness": "11 15 24 31 56 74 75 78 93 97 106 140 159 161 204 225 228 230 241 245 248 249 262 283 299 309 346 "
    "355 404 422 428 442 445 451 463 471 521 550 586 595 629 652",
    "sadness": "4 9 12 14 17 24 31 34 53 61 69 77 80 101 146 150 172 178 179 188 197 198 200 202 205 216 231 243 247 "
    "260 264 275 277 305 312 314 339 349 352 361 363 366 373 395 397 431 446 448 459 486 495 514 522 532 "
    "551 593 600 631 659 662",
}


class Models:
    """The models, and the main faces that they find."""

    def __init__(self) -> None:
        self.pipeline = Pipeline.load(threads=1)
        self.mesh = FaceMesh.load(threads=1)

    def main_faces(self, paths: Iterable[Path]) -> Iterator[tuple[Image, Faces]]:
        """Yield each photograph with a face, and its main face."""
        for path in paths:
            image = read_image(path)
            candidates = self.pipeline.candidates(image).best(image.shape[1], image.shape[0])
            if len(faces := self.pipeline.keep_faces(image, candidates)[0]):
                yield image, faces


def photographs(name: str) -> list[Path]:
    return list(find_images(DATA / name))[:: EVERY.get(name, 1)]


def head(models: Models) -> Table:
    """The mean of the meshes of LFW's faces that look into the camera, made symmetric; their median pitch is 0."""
    shapes = []
    for image, faces in models.main_faces(photographs("lfw")):
        points = models.mesh.of(image, faces).points[0]
        if abs(five_points.head_pose(faces)[0, 1]) < FRONTAL and np.isfinite(points).all():
            shapes.append(_scaled(points[list(STABLE)].astype(np.float64)))
    mean = shapes[0]
    for _ in range(5):
        mean = _scaled(np.mean([each @ pose.rotation(mean, each) for each in shapes], axis=0))
    pairs = MIRRORED | {left: right for right, left in MIRRORED.items()}
    swapped = [STABLE.index(pairs.get(each, each)) for each in STABLE]
    mirror = mean[swapped] * [-1, 1, 1]
    mean = (mean + mirror @ pose.rotation(mirror, mean).T) / 2
    right, left = ([STABLE.index(each) for each in side] for side in (MIRRORED, MIRRORED.values()))
    x = _unit((mean[left] - mean[right]).mean(axis=0))
    z = _unit(np.cross(x, mean[STABLE.index(2)] - mean[STABLE.index(10)]))
    mean = _scaled(mean @ np.stack([x, np.cross(z, x), z], axis=1))
    pitch = np.radians(np.median([pose.angles(pose.rotation(mean, each))[2] for each in shapes]))
    turn = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    mean = mean @ turn.T
    corners = mean[STABLE.index(33)] - mean[STABLE.index(263)]
    mean *= EYE_CORNERS_MM / np.linalg.norm(corners)
    rows = [[str(each), *(f"{value:.1f}" for value in place)] for each, place in zip(STABLE, mean, strict=True)]
    return [f"vertex, {len(shapes)} faces", "x", "y", "z"], rows


def looks(models: Models) -> Table:
    """How far the points are from each other with two detectors' boxes, as a share of the distance between the eyes."""
    apart: dict[str, list[float]] = {"one look": [], "two looks": []}
    for image, faces in models.main_faces(photographs("people")):
        other = replace(faces, xyxy=models.pipeline.detector.predictor_boxes(faces))
        for name, found in (("one look", _one_look), ("two looks", _two_looks)):
            a, b = (found(models.mesh, image, each)[0, :, :2] for each in (faces, other))
            distance = np.linalg.norm(a - b, axis=1).mean() / np.linalg.norm(a[33] - a[263])
            apart[name].append(float(distance))
    rows = [[name, str(len(values)), *_percents(values)] for name, values in apart.items()]
    return ["points", "faces", "median", "95 %"], rows


def turned(models: Models) -> Table:
    """Median and 95th percentile of the error of roll, yaw and pitch, and agreement with the pose of five points."""
    errors: dict[str, list[Floats]] = {"mirrored": [], f"turned by {TURN} degrees": []}
    both = []
    for image, faces in models.main_faces(photographs("people")):
        first = pose.head_pose(models.mesh.of(image, faces))[0]
        both.append((first[1], five_points.head_pose(faces)[0, 1]))
        height, width = image.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -TURN, 1)
        rotated = np.asarray(cv2.warpAffine(image, matrix, (width, height)), np.uint8)
        mirror = np.ascontiguousarray(image[:, ::-1])
        expected = (first * [-1, -1, 1], first + np.array([TURN, 0, 0]))
        for name, changed, should in zip(errors, (mirror, rotated), expected, strict=True):
            found = models.pipeline.detect(changed).best(width, height)
            errors[name].append(np.abs(pose.head_pose(models.mesh.of(changed, found))[0] - should))
    rows = []
    for name, each in errors.items():
        known = np.array([error for error in each if np.isfinite(error).all()])
        figures = zip(np.median(known, axis=0), np.percentile(known, 95, axis=0), strict=True)
        rows.append([name, str(len(known)), *(f"{median:.1f} / {most:.1f}" for median, most in figures)])
    yaws = np.array(both)[np.isfinite(both).all(axis=1)]
    agreement = f"correlation {np.corrcoef(yaws.T)[0, 1]:.2f}, difference {np.std(yaws[:, 0] - yaws[:, 1]):.1f}"
    rows.append(["yaw of five points", str(len(yaws)), "", agreement, ""])
    return ["photograph", "faces", "roll", "yaw", "pitch"], rows


def presence(models: Models) -> Table:
    """Main faces, also with one half black, and detections in pictures of animals; and how many of them have a mesh."""
    rows = []
    for name in ("people", "photos", "family", "fairface", "casia_v5"):
        found = [(image, faces) for image, faces in models.main_faces(photographs(name))]
        rows.append([name, *_known(models.mesh.of(*each) for each in found)])
        rows.append(
            [f"{name}, half of the face black", *_known(models.mesh.of(_half(*each), each[1]) for each in found)]
        )
    animals = map(read_image, photographs("cats_dogs"))
    seen = ((image, models.pipeline.candidates(image)) for image in animals)
    rows.append(["cats_dogs, detections", *_known(models.mesh.of(*each) for each in seen)])
    return ["set", "faces", "with a mesh"], rows


def mouth(models: Models) -> Table:
    """How often the mouth is called open, by CelebA's Mouth_Slightly_Open, on face chips of 112 px."""
    with (DATA / "faces" / "celeba_attributes.csv").open(encoding="utf-8") as file:
        labels = [
            (row["path"], row["Mouth_Slightly_Open"] == "1") for row in list(csv.DictReader(file))[3 :: EVERY["mouth"]]
        ]
    measured = [(_chip(models, DATA / "faces" / path).mouth, is_open) for path, is_open in labels]
    return _states([(value, label) for values, label in measured for value in values], OPEN_MOUTH)


def eyes(models: Models) -> Table:
    """Return the share of open eyes, and of closed eyes, that are called open."""
    measured = []
    for label, chosen in ((False, CLOSED), (True, OPEN)):
        for folder, numbers in chosen.items():
            paths = sorted((DATA / "expressions" / "expw" / folder).rglob("*.jpg"))
            measured += [
                (value, label)
                for each in map(int, numbers.split())
                for value in _chip(models, paths[each]).eyes.reshape(-1)
            ]
    return _states(measured, OPEN_EYE)


def speed(models: Models) -> Table:
    """Milliseconds a face, two looks, the best of 30."""
    image, faces = next(iter(models.main_faces(photographs("people"))))
    rows = []
    for count in (1, 8):
        many, best = faces[np.zeros(count, np.intp)], float("inf")
        for _ in range(30):
            start = time.perf_counter()
            models.mesh.of(image, many)
            best = min(best, (time.perf_counter() - start) / count * 1000)
        rows.append([str(count), f"{best:.1f}"])
    return ["faces of an image", "ms a face"], rows


def _scaled(points: Array) -> Array:
    centred = points - points.mean(axis=0)
    return np.asarray(centred / np.linalg.norm(centred))


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))


def _one_look(network: FaceMesh, image: Image, faces: Faces) -> Floats:
    return network.look(image, mesh.around_boxes(faces))[0]


def _two_looks(network: FaceMesh, image: Image, faces: Faces) -> Floats:
    return network.look(image, mesh.around_points(_one_look(network, image, faces)))[0]


def _percents(values: list[float]) -> list[str]:
    return [f"{np.median(values):.1%}", f"{np.percentile(values, 95):.1%}"]


def _half(image: Image, faces: Faces) -> Image:
    """Return an image with everything black that is to the right of the face's middle."""
    covered: Image = image.copy()
    covered[:, max(int(faces.xyxy[0, [0, 2]].mean()), 0) :] = 0
    return covered


def _known(meshes: Iterable[Meshes]) -> list[str]:
    known = np.concatenate([np.isfinite(each.presence) & (each.presence >= mesh.LEAST_PRESENCE) for each in meshes])
    return [f"{len(known):,}", f"{known.mean():.1%}"]


def _chip(models: Models, path: Path) -> Openings:
    image = read_image(path)
    candidates = models.pipeline.candidates(image).best(image.shape[1], image.shape[0])
    return openings(models.mesh.of(image, models.pipeline.refine(image, candidates)))


def _states(measured: Sequence[tuple[np.floating, bool]], threshold: float) -> Table:
    rows = []
    for label, name in ((True, "open"), (False, "closed")):
        values = np.array([value for value, each in measured if each == label and np.isfinite(value)])
        rows.append(
            [name, f"{len(values):,}", f"{(values >= threshold).mean():.1%}", f"{(values < threshold).mean():.1%}"]
        )
    return ["label", "measured", "called open", "called closed"], rows


TABLES: dict[str, Callable[[Models], Table]] = {
    "head": head,
    "looks": looks,
    "pose": turned,
    "presence": presence,
    "mouth": mouth,
    "eyes": eyes,
    "speed": speed,
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=TABLES, help="print this table only")
    args = parser.parse_args(argv)
    models = Models()
    for name, table in TABLES.items():
        if args.part in (None, name):
            print(text.table(*table(models)), end="\n\n", flush=True)
    return 0


if __name__ == "__main__":
    running.run(main)
