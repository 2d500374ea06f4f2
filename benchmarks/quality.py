"""Measure how the quality of a photograph bears on recognition: what ``qualityForRecognition`` says, and is made from.

python -m benchmarks.quality  # the share of true matches that are accepted, by what is measured of a face; of the
    # photographs with odd numbers, for which the bounds were not chosen, by low, medium and high
python -m benchmarks.quality --chosen  # of those with even numbers

The probes are photographs of people and LFW as they are, and made worse: shrunk, blurred, dark, too bright, with the
mouth or the eyes covered. The photographs that they are compared with are as they are.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.photographs import DATA, LFW, PROBES
from faces.attributes import predictor
from faces.attributes.predictor import Attributes
from faces.cli.progress import progress_bar
from faces.evaluation.searches import pairs
from faces.images import read_image
from faces.landmarks.mesh import FaceMesh
from faces.pipeline import Pipeline
from faces.recognition.thresholds import STRICT_FAR, threshold_at
from faces.server.vision.quality import measure
from faces.types import Faces, Floats, Image

REFERENCES = 5  # the first photographs of each of the people
EACH = 3  # ways in which each probe is made worse
AS_IT_IS = "as it is"
BOUNDS = {
    "size, px": ("size", (0, 20, 24, 36, 60, 1000)),
    "blur": ("blur", (0, 0.2, 0.4, 0.6, 0.7, 0.75, 0.8, 0.9, 1)),
    "exposure": ("exposure", (0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1)),
    "yaw, degrees": ("yaw", (0, 10, 20, 30, 35, 60)),
    "pitch, degrees": ("pitch", (0, 10, 20, 30)),
}
FLAGS = {"a mesh": "mesh", "sunglasses": "sunglasses"}  # as the models say
OWN = {"size": "shrunk", "blur": "blurred", "exposure": "dark bright", "mesh": "mouth eyes", "sunglasses": "eyes"}
Row = tuple[Any, ...]
Worse = Callable[[np.random.Generator, Image, Faces], Image]


def shrunk(rng: np.random.Generator, image: Image, face: Faces) -> Image:
    scale = min(1.0, float(np.exp(rng.uniform(np.log(14), np.log(90))) / face.sizes[0]))
    wh = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, wh, interpolation=cv2.INTER_AREA), np.uint8)


def blurred(rng: np.random.Generator, image: Image, face: Faces) -> Image:
    sigma = float(face.sizes[0] * np.exp(rng.uniform(np.log(0.005), np.log(0.12))))
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def dark(rng: np.random.Generator, image: Image, face: Faces) -> Image:
    return np.asarray(image * np.exp(rng.uniform(np.log(0.02), np.log(0.7))), np.uint8)


def bright(rng: np.random.Generator, image: Image, face: Faces) -> Image:
    return np.asarray(np.minimum(image * np.exp(rng.uniform(np.log(1.2), np.log(12))), 255), np.uint8)


def mouth(rng: np.random.Generator, image: Image, face: Faces) -> Image:
    """Cover the face from the nose to the chin, as a mask does."""
    return _covered(image, face, 0.15, 1.8)


def eyes(rng: np.random.Generator, image: Image, face: Faces) -> Image:
    """Cover the eyes with a bar."""
    return _covered(image, face, -1.35, -0.6)


def _covered(image: Image, face: Faces, low: float, high: float) -> Image:
    """Return a copy with a grey bar; low, high: from the nose downwards, as a share of nose to mouth."""
    assert face.landmarks is not None and face.scheme == "five-points"
    right, left, nose, *corners = face.landmarks[0].astype(np.float64)
    down = np.mean(corners, axis=0) - nose
    down = max(float(np.linalg.norm(down)), float(np.linalg.norm(left - right)) / 2) * down / np.linalg.norm(down)
    half = (left - right) * 0.95
    bar = np.array([nose + s * half + t * down for s, t in ((-1, low), (1, low), (1, high), (-1, high))])
    return np.asarray(cv2.fillConvexPoly(image.copy(), bar.round().astype(np.int32), (90, 90, 90)), np.uint8)


WORSE: tuple[Worse, ...] = (shrunk, blurred, dark, bright, mouth, eyes)


@dataclass(frozen=True)
class Measured:
    """Faces of N probes, as parallel arrays.

    accepted: share of the comparisons with photographs of the same person that are accepted.
    made: how the photograph was made worse, or ``AS_IT_IS``.
    recognition: what ``qualityForRecognition`` says.
    number: of the photograph, by which they are split.
    """

    accepted: Floats
    size: Floats
    blur: Floats
    exposure: Floats
    yaw: Floats
    pitch: Floats
    mesh: NDArray[np.bool_]
    sunglasses: NDArray[np.bool_]
    made: NDArray[np.str_]
    recognition: NDArray[np.str_]
    number: NDArray[np.intp]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chosen", action="store_true")
    args = parser.parse_args(argv)
    FaceMesh.load()  # the command that fetches it, if it is missing
    tables(measured(), 0 if args.chosen else 1)
    return 0


def tables(faces: Measured, half: int) -> None:
    """Print the shares, of photographs with even numbers (remainder 0) or odd ones (1)."""
    mine = faces.number % 2 == half
    print("| photographs | faces | true matches accepted |\n|---|---|---|")
    for name in dict.fromkeys(faces.made.tolist()):
        print(row(name, faces, mine & (faces.made == name)))
    for title, (name, bounds) in BOUNDS.items():
        own, values = mine & made_for(name, faces), np.abs(getattr(faces, name))
        print(f"\n| {title} | faces | true matches accepted |\n|---|---|---|")
        for low, high in pairwise(bounds):
            if (inside := own & (values >= low) & (values < high)).any():
                print(row(f"{low:g} to {high:g}", faces, inside))
    print("\n| | faces | true matches accepted |\n|---|---|---|")
    for title, name in FLAGS.items():
        for word, chosen in (("with", getattr(faces, name)), ("without", ~getattr(faces, name))):
            print(row(f"{word} {title}", faces, mine & made_for(name, faces) & chosen))
    print("\n| quality for recognition | faces | true matches accepted |\n|---|---|---|")
    for level in ("low", "medium", "high"):
        said = mine & (faces.recognition == level)
        print(row(level, faces, said))
        print(row(f"{level}, of those as they are", faces, said & (faces.made == AS_IT_IS)))


def made_for(name: str, faces: Measured) -> NDArray[np.bool_]:
    """Return which photographs tell about a measure: those as they are, and those that were made worse in it."""
    return np.asarray(np.isin(faces.made, [AS_IT_IS, *OWN.get(name, "").split()]))


def row(name: str, faces: Measured, chosen: NDArray[np.bool_]) -> str:
    share = f"{faces.accepted[chosen].mean():.1%}" if chosen.any() else "-"
    return f"| {name} | {chosen.sum()} | {share} |"


def measured() -> Measured:
    """Return what is measured of every probe in which a face is found."""
    everything, rows = list(enumerate(probes())), list[Row]()
    with Pool() as pool, progress_bar("probe", "") as progress:
        for done, found in enumerate(pool.imap(rows_of, everything), 1):
            rows += found
            progress(done, len(everything))
    return Measured(*(np.array(column) for column in zip(*rows, strict=True)))


def rows_of(probe: tuple[int, tuple[Path, list[Path]]]) -> list[Row]:
    """Return a row of ``Measured`` of a probe, and of each photograph that is made from it, where a face is found."""
    number, (path, others) = probe
    rng, image = np.random.default_rng(number), read_image(path)
    face = models()[0].candidates(image, turned=True).largest()
    references = np.concatenate([reference(other) for other in others])
    if len(face) == 0 or len(references) == 0:
        return []
    kinds = [WORSE[k] for k in rng.permutation(len(WORSE))[:EACH]]
    pictures = [(AS_IT_IS, image), *((kind.__name__, kind(rng, image, face)) for kind in kinds)]
    return [
        (*measures, name, recognition, number)
        for name, picture in pictures
        for *measures, recognition in faces_of(picture, references)
    ]


def faces_of(image: Image, references: Floats) -> Iterator[Row]:
    """Yield what is measured of the largest face, and its quality for recognition; nothing without a face."""
    pipeline, attributes = models()
    face, embedding = embedded(image)
    if len(face):
        plain: dict[str, Any] = attributes.of(image, face).plain(0)
        mesh, sunglasses = "pitch" in plain, plain["glasses"]["value"] == "sunglasses"
        crop = pipeline.embedder.aligner.crop(image, face)[0]
        quality = measure(crop, float(face.sizes[0]), plain["yaw"], sunglasses or not mesh)
        accepted = np.linalg.norm(references - embedding, axis=1) <= threshold_at(
            pipeline.embedder.spec.operating_points, STRICT_FAR
        )
        measures = accepted.mean(), face.sizes[0], quality.blur, quality.exposure
        yield *measures, plain["yaw"], plain.get("pitch", np.nan), mesh, sunglasses, quality.recognition


@cache
def models() -> tuple[Pipeline, Attributes]:
    cv2.setNumThreads(1)
    pipeline = Pipeline.load(threads=1, min_face=36)
    return pipeline, predictor.load(("head_pose", "glasses"), pipeline, 1)


@cache
def reference(path: Path) -> Floats:
    return embedded(read_image(path))[1]


def embedded(image: Image) -> tuple[Faces, Floats]:
    """Return the largest face and its embedding (1, D); of no face both are empty."""
    pipeline = models()[0]
    face = pipeline.candidates(image, turned=True).largest()
    return face, pipeline.embed(image, face)


def probes() -> Iterator[tuple[Path, list[Path]]]:
    """Yield each probe, and photographs of the same person."""
    for person in sorted(path for path in (DATA / "people").iterdir() if path.is_dir()):
        photographs = sorted(person.iterdir())
        for path in photographs[-PROBES:]:
            yield path, photographs[:REFERENCES]
    every = pairs.read(LFW)
    of_one = every[every.same]
    for first, second in zip(of_one.first, of_one.second, strict=True):
        yield second, [first]


if __name__ == "__main__":
    sys.exit(main())
