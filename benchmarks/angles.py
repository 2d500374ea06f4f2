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
    """A photograph's face. yaw: degrees. brightness: 0 to 255."""

    person: str
    embedding: Floats
    yaw: float
    brightness: float


def main(argv: Sequence[str] | None = None) -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args(argv)
    pipeline = Pipeline.load()
    strangers = [one for path in find_images(DATA / "strangers") if (one := seen(pipeline, path))]
    for name in ("people", "lfw"):
        photographs: dict[str, list[Seen]] = {}
        for path in find_images(DATA / name):
            if one := seen(pipeline, path):
                photographs.setdefault(one.person, []).append(one)
        each = [sorted(some, key=lambda one: abs(one.yaw)) for some in photographs.values() if len(some) > 1]
        enrolled, probes = [some[0] for some in each], [one for some in each for one in some[1:]]
        gallery = Gallery(
            np.stack([one.embedding for one in enrolled]),
            tuple(one.person for one in enrolled),
            fingerprint=pipeline.fingerprint,
        )
        recognizer = FaceRecognizer().fit(gallery)
        names = recognizer.identify(np.stack([one.embedding for one in probes])).names
        others = recognizer.identify(np.stack([one.embedding for one in strangers])).names
        print(f"{name}: {len(enrolled)} people enrolled by one photograph each\n")
        for what, unit, bounds in (("yaw", " degrees", YAWS), ("brightness", "", LEVELS)):
            rows = []
            for low, high in pairwise(bounds):
                inside = [low <= abs(getattr(one, what)) < high for one in probes]
                some = [(one, given) for one, given, kept in zip(probes, names, inside, strict=True) if kept]
                right = np.array([given == one.person for one, given in some], np.bool_)
                wrong = np.array([given not in (one.person, None) for one, given in some], np.bool_)
                share = Share.by_person(right, [one.person for one, _ in some])
                named = [
                    given is not None
                    for one, given in zip(strangers, others, strict=True)
                    if low <= abs(getattr(one, what)) < high
                ]
                rows.append(
                    [
                        f"{low} to {high}{unit}",
                        len(some),
                        percent(share.value),
                        between(share),
                        percent(float(wrong.mean()) if len(some) else float("nan")),
                        f"{sum(named)} of {len(named)}",
                    ]
                )
            print(text.table([what, "probes", "right", "95 % interval", "wrong", "strangers named"], rows), end="\n\n")
    return 0


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
    return Seen(path.parent.name, embedding[0], float(head_pose(face)[0, 1]), brightness)


if __name__ == "__main__":
    running.run(main)
