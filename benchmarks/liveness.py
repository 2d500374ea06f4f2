"""Measure presentation attack detection from pixels: NUAA's live faces and printed photographs of ten people.

python -m benchmarks.liveness errors  # of live faces and of printed photographs, as ISO/IEC 30107-3 counts them
python -m benchmarks.liveness limits  # small faces, little around the face, faces cut off by the picture's edge
python -m benchmarks.liveness boxes  # boxes that are larger, smaller or moved, and dlib's detector
python -m benchmarks.liveness others  # photographs of other sets, which should all count as live
python -m benchmarks.liveness speed
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from time import perf_counter
from unittest.mock import patch

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.photographs import DATA
from faces.files.finding import find_images
from faces.images import read_image
from faces.liveness import squares
from faces.liveness.pixels import THRESHOLD, PixelLiveness
from faces.metrics.intervals import independent_cases, wilson
from faces.pipeline import Pipeline
from faces.types import Faces, Floats, Image

NUAA = DATA / "liveness" / "nuaa"
KINDS = ("real", "print")
ALLOWED = 0.01  # APCER that the default threshold is for
RUNS = 50
Change = Callable[[Image, Faces], "tuple[Image, Faces] | None"]


@dataclass(frozen=True)
class Measured:
    """One attempt each, as parallel arrays. live: bool (N,). person: N names. probability: float32 (N,), or NaN."""

    live: NDArray[np.bool_]
    person: NDArray[np.str_]
    probability: Floats

    def threshold(self) -> float:
        """The least threshold at which at most ``ALLOWED`` of the attacks that are judged pass."""
        attacks = np.sort(self.probability[~self.live & np.isfinite(self.probability)])[::-1]
        return float(np.nextafter(attacks[int(ALLOWED * len(attacks))], np.float32(1)))

    def accepted(self, threshold: float | NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.asarray(self.probability >= threshold)

    def row(self, name: str, threshold: float | NDArray[np.float64]) -> str:
        """APCER, BPCER and their intervals, of those attempts that are judged, and the shares that are not."""
        known, cells = np.isfinite(self.probability), []
        for live in (False, True):
            counted = (self.live == live) & known
            wrong = self.accepted(threshold)[counted] != live
            low, high = wilson(wrong.mean(), independent_cases(wrong, self.person[counted].tolist()))
            cells.append(f"{wrong.mean():.1%} ({wrong.sum()} of {len(wrong)})")
            cells.append(f"{low:.1%} to {high:.1%}")
        unknown = [f"{1 - known[self.live == live].mean():.1%}" for live in (False, True)]
        return f"| {' | '.join([name, *cells, *unknown])} |"


HEADER = """\
| threshold | APCER | 95 % interval | BPCER | 95 % interval | APNRR | BPNRR |
|---|---|---|---|---|---|---|"""


def main(argv: Sequence[str] | None = None) -> int:
    parts = {"errors": errors, "limits": limits, "boxes": boxes, "others": others, "speed": speed}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=parts)
    parts[parser.parse_args(argv).part]()
    return 0


def errors() -> None:
    """Print the errors at 0.5, at the default threshold, and at thresholds from the other nine people."""
    measured = measure()
    print(HEADER)
    print(measured.row("0.5", 0.5))
    print(measured.row(f"{THRESHOLD}, the default", THRESHOLD))
    each = np.full(len(measured.live), np.nan)
    for person in np.unique(measured.person):
        rest = measured.person != person
        part = Measured(measured.live[rest], measured.person[rest], measured.probability[rest])
        each[~rest] = part.threshold()
    print(measured.row(f"of the other people, {each.min():.3f} to {each.max():.3f}", each))
    print(f"\nAPCER of at most {ALLOWED:.0%} from {measured.threshold():.4f} on\n")
    print("| person | attacks | passed | live | refused |\n|---|---|---|---|---|")
    passed = measured.accepted(THRESHOLD)
    for person in np.unique(measured.person):
        of = measured.person == person
        attacks, live = of & ~measured.live, of & measured.live
        print(f"| {person} | {attacks.sum()} | {passed[attacks].sum()} | {live.sum()} | {(~passed[live]).sum()} |")


def limits() -> None:
    """Print the errors without the limits on what is judged, for faces beyond them."""
    with patch.multiple(squares, SMALLEST=1, LEAST_ENLARGED=1, LEAST_BESIDE=-1, MOST_OUTSIDE=1):
        for name, change, values in (
            ("face, px", shrunk, (20, 25, 30, 35, 40, 50, 60, 80)),
            ("enlarged at most", cropped, (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.7, 2.0)),
            ("beside", cut_off, (0.8, 0.6, 0.4, 0.2, 0.0, -0.1)),
        ):
            print(f"\n{name}\n{HEADER.replace('threshold', f'{name}; threshold')}")
            for value in values:
                print_rows(f"{value:g}", measure(partial(change, by=value)))


def boxes() -> None:
    """Print the errors with boxes that are not quite YuNet's."""
    print(HEADER.replace("threshold", "box; threshold"))
    changes = {"as it is": (1.0, 0.0), "0.9 times": (0.9, 0.0), "1.1 times": (1.1, 0.0), "1.2 times": (1.2, 0.0)}
    changes |= {"0.1 lower": (1.0, 0.1), "0.1 higher": (1.0, -0.1)}
    for name, by in changes.items():
        print_rows(name, measure(partial(moved, by=by)))
    print_rows("dlib's", measure(models="dlib"))  # last: dlib's detector takes many times as long


def print_rows(name: str, measured: Measured) -> None:
    """Print a row for 0.5 and one for the default threshold, as soon as they are measured."""
    for threshold in (0.5, THRESHOLD):
        print(measured.row(f"{name}; {threshold}", threshold), flush=True)


def others() -> None:
    """Print how many of the largest faces in other photographs count as live, and how many cannot be judged."""
    print("| set | faces | live at 0.5 | live at the default | cannot tell |\n|---|---|---|---|---|")
    for name in ("people", "strangers", "fairface", "casia_v5", "photos", "family"):
        live = np.array([value for _, _, value in judged(find_images(DATA / name))], np.float32)
        known = np.isfinite(live)
        shares = [f"{(live[known] >= threshold).mean():.1%}" for threshold in (0.5, THRESHOLD)]
        print(f"| {name} | {len(live)} | {' | '.join(shares)} | {1 - known.mean():.1%} |")


def speed() -> None:
    """Print the time that a face takes on one core, without its detection."""
    liveness, pipeline = PixelLiveness.load(threads=1), Pipeline.load(threads=1)
    cv2.setNumThreads(1)
    image = read_image(next(iter(sorted((NUAA / "real").rglob("*.jpg")))))
    face = pipeline.candidates(image).largest()
    for number in (1, 8):
        faces = face[np.zeros(number, np.intp)]
        times = []
        for _ in range(RUNS):
            start = perf_counter()
            liveness.of(image, faces)
            times.append(perf_counter() - start)
        fastest, median = (1e3 / number * value for value in (min(times), np.median(times)))
        print(f"{number} at once: {fastest:.1f} ms a face (fastest of {RUNS}; median {median:.1f})")


@cache
def _models(name: str) -> tuple[Pipeline, PixelLiveness]:
    return Pipeline.load(name, name), PixelLiveness.load()


@cache
def _face(path: Path, models: str) -> Faces:
    """The largest face of a picture, detected once for all changes of it."""
    return _models(models)[0].candidates(read_image(path)).largest()


def measure(change: Change | None = None, models: str = "built-in") -> Measured:
    """Judge the largest face of each of NUAA's pictures; one without a face is not judged."""
    rows = [
        (kind == "real", person, value)
        for kind in KINDS
        for _, person, value in judged(sorted((NUAA / kind).rglob("*.jpg")), change, models)
    ]
    live, person, probability = zip(*rows, strict=True)
    return Measured(np.array(live), np.array(person), np.array(probability, np.float32))


def judged(
    paths: Iterable[Path], change: Change | None = None, models: str = "built-in"
) -> Iterable[tuple[Path, str, float]]:
    """Yield each picture's path, folder and probability, NaN if it is not judged; none that ``change`` leaves out."""
    liveness = _models(models)[1]
    for path in paths:
        image, face = read_image(path), _face(path, models)
        if len(face) == 0:
            yield path, path.parent.name, np.nan
            continue
        changed = change(image, face) if change else (image, face)
        if changed is not None:
            yield path, path.parent.name, float(liveness.of(*changed)[0])


def shrunk(image: Image, face: Faces, by: float) -> tuple[Image, Faces] | None:
    """Shrink a picture so that the shorter side of the face has ``by`` px."""
    scale = by / float((face.xyxy[0, 2:] - face.xyxy[0, :2]).min())
    if scale > 1:
        return None
    smaller = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(smaller, np.uint8), Faces(face.xyxy * np.float32(scale), face.score)


def cropped(image: Image, face: Faces, by: float) -> tuple[Image, Faces] | None:
    """Crop a picture to the face's box, enlarged ``by`` times."""
    height, width = image.shape[:2]
    if squares.enlargement(face.xyxy, height, width)[0] < by:
        return None
    low, high = face.xyxy[0, :2], face.xyxy[0, 2:]
    size = np.minimum(np.ceil((high - low) * by).astype(int) + 1, (width, height))
    first = np.clip(((low + high - size) / 2).astype(int), 0, np.array([width, height]) - size)
    part = image[first[1] : first[1] + size[1], first[0] : first[0] + size[0]]
    return np.ascontiguousarray(part), Faces(face.xyxy - np.tile(first, 2).astype(np.float32), face.score)


def cut_off(image: Image, face: Faces, by: float) -> tuple[Image, Faces] | None:
    """Cut off the left of a picture, up to ``by`` times the width of the box beside it."""

    left, right = face.xyxy[0, 0], face.xyxy[0, 2]
    first = max(round(float(left - by * (right - left))), 0)
    shift = np.array([first, 0, first, 0], np.float32)
    return np.ascontiguousarray(image[:, first:]), Faces(face.xyxy - shift, face.score)


def moved(image: Image, face: Faces, by: tuple[float, float]) -> tuple[Image, Faces] | None:
    """Scale a box about its middle, and move it down by a share of its height."""
    scale, down = by
    low, high = face.xyxy[:, :2], face.xyxy[:, 2:]
    middle, half = (low + high) / 2, (high - low) / 2 * np.float32(scale)
    middle = middle + (high - low) * np.array([0, down], np.float32)
    return image, Faces(np.concatenate([middle - half, middle + half], axis=1).astype(np.float32), face.score)


if __name__ == "__main__":
    sys.exit(main())
