"""What is accepted by yaw and by brightness: python -m benchmarks.angles

The people of ../shared/data/people and of lfw with two photographs or more: of each, the photograph that looks most
into the camera is enrolled, the others are probes. The yaw is what five landmarks tell (faces/attributes/pose.py), the
brightness the mean grey of the aligned face. Strangers are those of ../shared/data/strangers.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from benchmarks.photographs import DATA
from faces.attributes.pose import head_pose
from faces.cli import running, text
from faces.evaluation.figures.shares import Share
from faces.files.finding import find_images
from faces.images import read_image
from faces.metrics.wording import between, percent
from faces.pipeline import Pipeline
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Floats

YAWS = (0, 10, 20, 30, 40, 50, 90)  # degrees, to either side
LEVELS = (0, 60, 80, 100, 120, 140, 160, 256)  # of grey, 0 to 255


@dataclass(frozen=True)
class Seen:
    """A photograph's face. yaw: degrees, without its sign. brightness: 0 to 255."""

    person: str
    embedding: Floats
    yaw: float
    brightness: float


Named = tuple[Seen, str | None]


def main(argv: Sequence[str] | None = None) -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args(argv)
    pipeline = Pipeline.load()
    strangers = faces_in(pipeline, "strangers")
    for name in ("people", "lfw"):
        photographs: dict[str, list[Seen]] = {}
        for face in faces_in(pipeline, name):
            photographs.setdefault(face.person, []).append(face)
        by_yaw = [sorted(faces, key=lambda face: face.yaw) for faces in photographs.values() if len(faces) > 1]
        enrolled = [faces[0] for faces in by_yaw]
        probes = [face for faces in by_yaw for face in faces[1:]]
        people = tuple(face.person for face in enrolled)
        recognizer = FaceRecognizer().fit(Gallery(stacked(enrolled), people, fingerprint=pipeline.fingerprint))
        named = list(zip(probes, recognizer.identify(stacked(probes)).names, strict=True))
        others = list(zip(strangers, recognizer.identify(stacked(strangers)).names, strict=True))
        print(f"{name}: {len(enrolled)} people enrolled by one photograph each\n")
        for what, unit, bounds in (("yaw", " degrees", YAWS), ("brightness", "", LEVELS)):
            rows = [
                [f"{low} to {high}{unit}", *row(within(named, what, low, high), within(others, what, low, high))]
                for low, high in pairwise(bounds)
            ]
            print(text.table([what, "probes", "right", "95 % interval", "wrong", "strangers named"], rows), end="\n\n")
    return 0


def within(named: Sequence[Named], what: str, low: float, high: float) -> list[Named]:
    """Return the faces whose yaw or brightness is within the bounds, and their names."""
    return [(face, name) for face, name in named if low <= getattr(face, what) < high]


def row(probes: Sequence[Named], strangers: Sequence[Named]) -> list[object]:
    """Return the shares of the probes that get the right and a wrong name, and the number of strangers named."""
    right = np.array([name == face.person for face, name in probes], np.bool_)
    wrong = np.array([name not in (face.person, None) for face, name in probes], np.bool_)
    share = Share.by_person(right, [face.person for face, _ in probes])
    wrongly = percent(float(wrong.mean()) if len(wrong) else float("nan"))
    number = sum(name is not None for _, name in strangers)
    return [len(probes), percent(share.value), between(share), wrongly, f"{number} of {len(strangers)}"]


def stacked(faces: Sequence[Seen]) -> Floats:
    return np.stack([face.embedding for face in faces])


def faces_in(pipeline: Pipeline, name: str) -> list[Seen]:
    """Return the main face of each photograph of a set that has one."""
    return [face for path in find_images(DATA / name) if (face := seen(pipeline, path))]


def seen(pipeline: Pipeline, path: Path) -> Seen | None:
    """Return the main face of a photograph; None if there is none."""
    image = read_image(path)
    face = pipeline.best_face(image)
    if len(face) == 0:
        return None
    crop = pipeline.embedder.aligner.crop(image, face)
    embedding, is_face = pipeline.embed_crops(crop, face.score)
    if not is_face[0]:
        return None
    brightness = float(cv2.cvtColor(crop[0], cv2.COLOR_BGR2GRAY).mean())
    return Seen(path.parent.name, embedding[0], abs(float(head_pose(face)[0, 1])), brightness)


if __name__ == "__main__":
    running.run(main)
