"""Measure an embedder's operating points: thresholds with their false and true accept rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faces.errors import UsageError
from faces.evaluation.figures.centroids import centroids_of
from faces.evaluation.figures.results import Verification
from faces.evaluation.photographs import Photographs
from faces.evaluation.searches.pairs import Pairs
from faces.evaluation.searches.trials import by_person
from faces.files.finding import find_images
from faces.metrics.wording import rate_of
from faces.recognition.distances import euclidean
from faces.recognition.gallery import is_nobody
from faces.recognition.impostors import NEIGHBOURS, Impostors, measure
from faces.recognition.thresholds import STRICT_FAR, OperatingPoint, measure_operating_points, threshold_at
from faces.types import Floats

LEAST_PEOPLE, LEAST_OTHERS = 50, 1000  # for how similar different people are, and for centroids
FARS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)


@dataclass(frozen=True, slots=True)
class MeasuredPoints:
    """Operating points, and the numbers of pairs and people they were measured on.

    points: for those of ``FARS`` with enough impostor pairs: at least one within the threshold.
    impostor: number of pairs of different people.
    genuine: number of pairs of the same person.
    """

    points: tuple[OperatingPoint, ...]
    impostor: int
    genuine: int
    people: int

    def __str__(self) -> str:
        """Return lines in the format of faces/models/zoo.py: false accept rate, threshold, true accept rate."""
        missing = len(FARS) - len(self.points)
        comments = [
            f"# {_short(far)}: too few pairs of two people to tell: {self.impostor:,}; {round(1 / far):,} are needed"
            for far in FARS[:missing]
        ]
        rows = [f"({_short(point.far)}, {point.threshold}, {point.tar})," for point in self.points]
        return "\n".join([*comments, *rows])


def people_in(images: Path, without: Path | None) -> dict[str, list[Path]]:
    """Return the photographs in a folder by person, without the people who have a subfolder in ``without``.

    Raises UsageError if nobody is left.
    """
    excluded = by_person(without) if without else {}
    people = {name: paths for name, paths in by_person(images).items() if name not in excluded and not is_nobody(name)}
    if not people:
        raise UsageError(f"{without}: everybody in {images} is in it; nobody is left")
    return people


def others_in(folder: Path) -> list[Path]:
    """Return one photograph of each person in a folder, of whom centroids are made.

    Those in one of its folders show one person, those that lie in it directly somebody else each.

    Raises UsageError for fewer than ``LEAST_OTHERS``.
    """
    first: dict[Path, Path] = {}
    for path in find_images(folder):
        first.setdefault(path if path.parent == folder else path.parent, path)
    if len(first) < LEAST_OTHERS:
        raise UsageError(f"{folder}: {len(first):,} people for --centroids; {LEAST_OTHERS:,} are needed")
    return list(first.values())


def measure_points(
    people: Mapping[str, Sequence[Path]], photographs: Photographs, pairs: Pairs | None = None
) -> MeasuredPoints:
    """Measure operating points on all pairs of photographs of different people.

    people: photographs by person, all of them in ``photographs``.
    pairs: its pairs of the same person give the true accept rates; by default all such pairs do.

    Raises UsageError if there is no pair of the same person, or too few of different people for the loosest of
    ``FARS``.
    """
    paths = [path for paths in people.values() for path in paths]
    owner = np.repeat(np.arange(len(people)), [len(paths) for paths in people.values()])
    rows = photographs.rows(paths)
    kept = photographs.has_face[rows]
    vectors, owner = photographs.embeddings[rows[kept]], owner[kept]
    distances = euclidean(vectors, vectors)
    upper = np.triu(np.ones(distances.shape, np.bool_), 1)
    same = owner[:, None] == owner
    impostor = distances[upper & ~same]
    if pairs is None:
        genuine = distances[upper & same]
    else:
        kept_paths = [path for path, has_face in zip(paths, kept, strict=True) if has_face]
        genuine = distances[_rows_of(pairs, kept_paths)]
    fars = [far for far in FARS if len(impostor) * far >= 1]
    for cases, kind in ((fars, f"of two people for a rate of {FARS[-1]:g}"), (genuine, "of one person")):
        if len(cases) == 0:
            raise UsageError(f"too few pairs {kind} among {len(paths):,} photographs of {len(people)} people")
    label = f"{len(impostor):,} pairs of {len(people)} people"
    return MeasuredPoints(
        measure_operating_points(impostor, genuine, fars, label), len(impostor), len(genuine), len(people)
    )


def measure_impostors(people: Mapping[str, Sequence[Path]], photographs: Photographs, others: Floats) -> Impostors:
    """Measure how similar different people are, and how much that depends on the neighbourhood of a face.

    people: photographs by person, all of them in ``photographs``; the first one with a face is taken of each.
    others: float32 (N, D), faces of other people, of whom the centroids are made.

    Raises UsageError for too few people or others.
    """
    rows = (photographs.rows(paths) for paths in people.values())
    first = [each[photographs.has_face[each]][:1] for each in rows]
    faces = photographs.embeddings[np.concatenate(first)]
    if len(faces) < LEAST_PEOPLE:
        raise UsageError(f"only {len(faces)} people with a face; {LEAST_PEOPLE} are needed beside --centroids")
    centroids = centroids_of(others)
    if len(centroids) < NEIGHBOURS:
        raise UsageError(f"--centroids: faces were found of only {len(others):,} people; {LEAST_OTHERS:,} are needed")
    return measure(faces, centroids)


def _rows_of(pairs: Pairs, paths: Sequence[Path]) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], ...]:
    """Return rows and columns, (K,) each, of the pairs of the same person with both photographs in ``paths``."""
    row = {path: k for k, path in enumerate(paths)}
    each = zip(pairs.first, pairs.second, pairs.same, strict=True)
    places = [(row[a], row[b]) for a, b, same in each if same and a in row and b in row]
    return tuple(np.array(places, np.intp).reshape(-1, 2).T)


def _short(far: float) -> str:
    return f"{far:.0e}".replace("e-0", "e-")


def strict_threshold(result: Verification, points: Sequence[OperatingPoint] = ()) -> tuple[str, float]:
    """Return a description such as ``at FAR 0.1%``, and the threshold.

    points: the embedder's operating points, for the threshold at ``STRICT_FAR``. Without them it is the strictest
        threshold of ``result.tar``, or the best threshold if there are too few pairs for any rate.
    """
    if len(points) > 1:
        return f"at FAR {rate_of(STRICT_FAR)}", threshold_at(points, STRICT_FAR)
    measured = [(point.rate, point.threshold) for point in result.tar if point.threshold is not None]
    if not measured:
        return "at the best threshold", float(np.median(result.thresholds))
    far, threshold = min(measured)
    return f"at FAR {rate_of(far)}", threshold
