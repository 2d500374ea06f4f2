"""Which faces are found, and what else is taken for one: python -m benchmarks.finding

The built-in detector (YuNet), whose detections are checked by the embedding, beside dlib's (MMOD), on ../shared/data,
each at its own score. Photographs of ``people`` and ``fairface`` are also shrunk, so that their faces have some sizes.
They are also turned: by 20 degrees (``rolls``), and onto their sides and heads (``turns``).
``cats_dogs`` has pictures that show people too (benchmarks.face_check.SHOW_PEOPLE); a face in the others is false.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator

import cv2
import numpy as np

from benchmarks.face_check import SHOW_PEOPLE
from benchmarks.photographs import DATA
from faces import detection
from faces.cli import running, text
from faces.detection.base import scaled
from faces.enrolment import NO_FACE, NOT_A_FACE, SMALLEST_FACE
from faces.extraction.choosing import choose
from faces.files.finding import find_images
from faces.images import Picture, read_image
from faces.pipeline import Pipeline
from faces.types import Faces, Image

SETS = ("people", "strangers", "photos", "family", "fairface", "casia_v5")
SIZES = (16, 24, 32, 48, 64, 96)  # px, of the square of a face's area
ROLL, ROLLED_SIZES = 20, (50, 75, 100, 150, 200)  # degrees; px
FRAMES = 4  # of ``video``, every so many
SCORES = (0.5, 0.6, 0.7, 0.8)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth photograph only")
    parser.add_argument("--part", choices=TABLES, help="print this table only")
    args = parser.parse_args(argv)
    for name, table in TABLES.items():
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
            candidates = pipeline.candidates(image, turned=name != "video")
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
        files = (png(image) for image in images(name, every))
        reasons = [enrolment.reason for file in files for enrolment in pipeline.enrol([file], check_quality=False)]
        rows.append(
            [name, f"{len(reasons):,}", *(f"{reasons.count(reason):,}" for reason in ("", "no face", "not a face"))]
        )
    return ["set", "photographs", "embedded", NO_FACE, NOT_A_FACE], rows


def turns(pipeline: Pipeline, every: int) -> tuple[list[str], list[list[str]]]:
    """Photographs on their side or head: how many have a face, and how near it is to that of the upright one."""
    rows = []
    for quarters in range(1, 4):
        cosines, number = [], 0
        for image in (image for name in ("people", "fairface", "casia_v5") for image in images(name, every)):
            upright, turned = (pipeline.enrol([png(each)])[0] for each in (image, np.rot90(image, quarters)))
            number += upright.embedding is not None
            if upright.embedding is not None and turned.embedding is not None:
                cosines.append(float(upright.embedding @ turned.embedding))
        low = np.quantile(cosines, [0.01, 0.5])
        rows.append([f"{90 * quarters}", f"{number:,}", f"{len(cosines):,}", *(f"{cosine:.2f}" for cosine in low)])
    return ["degrees", "photographs with a face", "found", "cosine, 1st percentile", "median"], rows


def rolls(pipeline: Pipeline, every: int) -> tuple[list[str], list[list[str]]]:
    """How far the line between the eyes turns with the photograph, at first sight and after the closer look."""
    rows = []
    for size in ROLLED_SIZES:
        measured = []
        for image in images("people", every):
            face = pipeline.detector.detect(image)[:1]
            looks = (_rolls(pipeline, image, face, size, angle) for angle in (0, ROLL) if len(face))
            seen = [look for look in looks if look is not None]
            if len(seen) == 2:
                measured.append(np.subtract(seen[1], seen[0]))
        first, again = np.median(measured, axis=0)
        rows.append([f"{size} px", f"{len(measured)}", f"{first:.1f}", f"{again:.1f}"])
    return ["face", "photographs", f"of {ROLL} degrees, at first sight", "after the closer look"], rows


def several(pipeline: Pipeline, every: int) -> tuple[list[str], list[list[str]]]:
    """Photographs with several faces about as large, and which face is enrolled; the main one is the person's."""
    rows = []
    for name in ("people", "lfw"):
        paths = list(find_images(DATA / name))
        number = Counter(path.parent for path in paths)
        paths = [path for path in paths if number[path.parent] > 1][::every]
        found = [pipeline.enrol([path.read_bytes()])[0] for path in paths]
        decided = choose([path.parent.name for path in paths], found, pipeline.fingerprint.embedder.name)
        pairs = [(before, after) for before, after in zip(found, decided, strict=True) if before.rivals]
        none = sum(after.embedding is None for _, after in pairs)
        main = sum(before.embedding is after.embedding for before, after in pairs)
        counts = (len(paths), len(pairs), main, len(pairs) - main - none, none)
        rows.append([name, *(f"{count:,}" for count in counts)])
    return ["set", "photographs", "with several faces", "the main one taken", "another", "none"], rows


def _rolls(pipeline: Pipeline, image: Image, face: Faces, size: int, angle: float) -> tuple[float, float] | None:
    middle = (face.xyxy[0, :2] + face.xyxy[0, 2:]) / 2
    matrix = cv2.getRotationMatrix2D(tuple(map(float, middle)), -angle, size / float(face.sizes[0]))
    matrix = matrix + np.column_stack([np.zeros((2, 2)), size * 1.5 - middle])
    turned = np.asarray(cv2.warpAffine(image, matrix, (3 * size, 3 * size)), np.uint8)
    first = pipeline.detector.detect(turned)[:1]
    if len(first) == 0:
        return None
    return _roll(first), _roll(pipeline.refine(turned, first))


def _roll(face: Faces) -> float:
    assert face.landmarks is not None
    x, y = face.landmarks[0, 1] - face.landmarks[0, 0]
    return float(np.degrees(np.arctan2(y, x)))


def png(image: Image) -> bytes:
    return cv2.imencode(".png", np.ascontiguousarray(image))[1].tobytes()


def overlaps(wanted: Faces, found: Faces) -> bool:
    """Return whether the middle of a face, N = 1, is in one of those found."""
    middle = (wanted.xyxy[0, :2] + wanted.xyxy[0, 2:]) / 2
    inside = (found.xyxy[:, :2] <= middle) & (middle <= found.xyxy[:, 2:])
    return bool(inside.all(axis=1).any())


TABLES = {
    "sets": sets,
    "sizes": sizes,
    "scores": scores,
    "portraits": portraits,
    "turns": turns,
    "rolls": rolls,
    "several": several,
}


if __name__ == "__main__":
    running.run(main)
