"""Which faces are found, and what else is taken for one: python -m benchmarks.finding

The built-in detector (YuNet), whose detections are checked by the embedding, beside dlib's (MMOD), on ../shared/data,
each at its own score. Photographs of ``people`` and ``fairface`` are also shrunk, so that their faces have some sizes.
``cats_dogs`` has pictures that show people too (benchmarks.face_check.SHOW_PEOPLE); a face in the others is false.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import cv2
import numpy as np

from benchmarks.face_check import SHOW_PEOPLE
from benchmarks.photographs import DATA
from faces import detection
from faces.cli import running, text
from faces.detection.base import scaled
from faces.files.finding import find_images
from faces.images import Picture, read_image
from faces.pipeline import NO_FACE, NOT_A_FACE, SMALLEST_FACE, Pipeline
from faces.types import Faces, Image

SETS = ("people", "strangers", "photos", "family", "fairface", "casia_v5")
SIZES = (16, 24, 32, 48, 64, 96)  # px, of the square of a face's area
FRAMES = 4  # of ``video``, every so many
SCORES = (0.5, 0.6, 0.7, 0.8)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth photograph only")
    parser.add_argument("--part", choices=("sets", "sizes", "scores", "portraits"), help="print this table only")
    args = parser.parse_args(argv)
    tables = {"sets": sets, "sizes": sizes, "scores": scores, "portraits": portraits}
    for name, table in tables.items():
        if args.part in (None, name):
            print(text.table(*table(Pipeline.load(), args.every)), end="\n\n", flush=True)
    return 0


def images(name: str, every: int) -> Iterator[Image]:
    """Read the photographs of a set, or the frames of ``video``."""
    if name == "video":
        film = cv2.VideoCapture(str(DATA / "video" / "short_hamilton_clip.mp4"))
        frame = 0
        while (read := film.read())[0]:
            if frame % (FRAMES * every) == 0:
                yield np.asarray(read[1], np.uint8)
            frame += 1
    elif name.startswith("cats_dogs"):
        with_people = name.endswith("with people")
        chosen = [path for path in find_images(DATA / "cats_dogs") if (path.name in SHOW_PEOPLE) == with_people]
        yield from map(read_image, chosen[::every])
    else:
        yield from map(read_image, list(find_images(DATA / name))[::every])


def sets(pipeline: Pipeline, every: int) -> tuple[list[str], list[list[str]]]:
    """Photographs in which a face is found, and faces found in them."""
    mmod, rows = detection.load("dlib"), []
    for name in (*SETS, "video", "cats_dogs", "cats_dogs, with people"):
        found = []
        for image in images(name, every):
            candidates = pipeline.candidates(image)
            kept = pipeline.keep_faces(image, candidates)[0]
            found.append((len(candidates), len(kept), len(mmod.detect(image))))
        counts = np.array(found)
        cells = [f"{np.count_nonzero(column):,}, {column.sum():,}" for column in counts.T]
        rows.append([name, f"{len(counts):,}", *cells])
    return ["set", "photographs", "YuNet: with a face, faces", "and checked", "MMOD"], rows


def sizes(pipeline: Pipeline, every: int) -> tuple[list[str], list[list[str]]]:
    """Share of photographs, shrunk until the face has a size, in which it is found."""
    mmod, found = detection.load("dlib"), {size: np.zeros(4, int) for size in SIZES}
    for name in ("people", "fairface"):
        for image in images(name, 4 * every):
            face = pipeline.detector.portrait(Picture.of(image), SMALLEST_FACE)
            for size in SIZES:
                if len(face) == 0 or (factor := size / face.sizes[0]) > 1:
                    continue
                small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
                wanted = scaled(face, float(factor))
                candidates = pipeline.candidates(np.asarray(small, np.uint8))
                kept = pipeline.keep_faces(np.asarray(small, np.uint8), candidates)[0]
                other = mmod.detect(np.asarray(small, np.uint8))
                found[size] += [1, *(overlaps(wanted, faces) for faces in (candidates, kept, other))]
    rows = [[f"{size} px", f"{n[0]}", *(f"{share:.1%}" for share in n[1:] / max(n[0], 1))] for size, n in found.items()]
    return ["face", "photographs", "YuNet", "and checked", "MMOD"], rows


def scores(pipeline: Pipeline, every: int) -> tuple[list[str], list[list[str]]]:
    """What is left at higher scores, checked: photographs with a face, and detections in animals."""
    rows = []
    for name in (*SETS, "video", "cats_dogs"):
        kept = [pipeline.find(image)[0].score for image in images(name, every)]
        number = [sum(int((score >= least).any()) for score in kept) for least in SCORES]
        rows.append([name, f"{len(kept):,}", *(f"{n:,}" for n in number)])
    return ["set", "photographs", *(f"score {least:g}" for least in SCORES)], rows


def portraits(pipeline: Pipeline, every: int) -> tuple[list[str], list[list[str]]]:
    """Photographs whose main face is found as in enrolment."""
    rows = []
    for name in (*SETS, "cats_dogs"):
        files = (cv2.imencode(".png", image)[1].tobytes() for image in images(name, every))
        reasons = [enrolment.reason for file in files for enrolment in pipeline.enrol([file], check_quality=False)]
        rows.append(
            [name, f"{len(reasons):,}", *(f"{reasons.count(reason):,}" for reason in ("", "no face", "not a face"))]
        )
    return ["set", "photographs", "embedded", NO_FACE, NOT_A_FACE], rows


def overlaps(wanted: Faces, found: Faces) -> bool:
    """Return whether the middle of a face, N = 1, is in one of those found."""
    middle = (wanted.xyxy[0, :2] + wanted.xyxy[0, 2:]) / 2
    inside = (found.xyxy[:, :2] <= middle) & (middle <= found.xyxy[:, 2:])
    return bool(inside.all(axis=1).any())


if __name__ == "__main__":
    running.run(main)
