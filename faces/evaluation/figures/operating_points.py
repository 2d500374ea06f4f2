"""An embedder's operating points: how close different people's photographs come, and how close one person's are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faces.errors import UsageError
from faces.evaluation.figures.results import Verification
from faces.evaluation.photographs import Photographs
from faces.evaluation.searches.pairs import Pairs
from faces.evaluation.searches.trials import by_person
from faces.metrics.wording import rate_of
from faces.models.spec import OperatingPoint
from faces.recognition.distances import euclidean
from faces.recognition.gallery import is_nobody
from faces.recognition.thresholds import threshold_at
from faces.types import Floats

FARS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)


@dataclass(frozen=True, slots=True)
class Measured:
    """Operating points, and how many pairs of different people, of one, and people they were measured on.

    points: of those of ``FARS`` that there are enough pairs for: one that is within the threshold, at least.
    """

    points: tuple[OperatingPoint, ...]
    others: int
    genuine: int
    people: int

    def __str__(self) -> str:
        """As faces/models/zoo.py has it: false accept rate, threshold, true accept rate."""
        few = len(FARS) - len(self.points)
        rows = [
            f"# {_short(far)}: too few pairs of two people to tell: {self.others:,}; {round(1 / far):,} are needed"
            for far in FARS[:few]
        ]
        return "\n".join([*rows, *(f"({_short(one.far)}, {one.threshold}, {one.tar})," for one in self.points)])


def people_in(images: Path, without: Path | None) -> dict[str, list[Path]]:
    """The photographs of a folder by person, of those who are not in another. Raises UsageError when nobody is left."""
    others = by_person(without) if without else {}
    people = {name: paths for name, paths in by_person(images).items() if name not in others and not is_nobody(name)}
    if not people:
        raise UsageError(f"{without}: everybody of {images} is in it; nobody is left")
    return people


def measure(people: Mapping[str, Sequence[Path]], photographs: Photographs, pairs: Pairs | None = None) -> Measured:
    """All pairs of photographs of different people. Of one person: all, or those of ``pairs`` that these people have.

    Raises UsageError when there are none of one person, or fewer of two than the loosest of ``FARS`` takes.
    """
    paths = [path for some in people.values() for path in some]
    owner = np.repeat(np.arange(len(people)), [len(some) for some in people.values()])
    rows = photographs.rows(paths)
    kept = photographs.found[rows]
    vectors, owner = photographs.embeddings[rows[kept]], owner[kept]
    apart = euclidean(vectors, vectors)
    later = np.triu(np.ones(apart.shape, np.bool_), 1)
    same = owner[:, None] == owner
    others = apart[later & ~same]
    if pairs is None:
        genuine = apart[later & same]
    else:
        place = {path: k for k, path in enumerate(path for path, k in zip(paths, kept, strict=True) if k)}
        wanted = zip(pairs.first, pairs.second, pairs.same, strict=True)
        at = [(place[a], place[b]) for a, b, is_same in wanted if is_same and a in place and b in place]
        genuine = apart[tuple(np.array(at, np.intp).reshape(-1, 2).T)]
    enough = [far for far in FARS if len(others) * far >= 1]
    for some, kind in ((enough, f"of two people for a rate of {FARS[-1]:g}"), (genuine, "of one person")):
        if len(some) == 0:
            raise UsageError(f"too few pairs {kind} among {len(paths):,} photographs of {len(people)} people")
    label = f"{len(others):,} pairs of {len(people)} people"
    return Measured(operating_points(others, genuine, enough, label), len(others), len(genuine), len(people))


def _short(far: float) -> str:
    return f"{far:.0e}".replace("e-0", "e-")


def operating_points(
    impostor: Floats, genuine: Floats, fars: Sequence[float], pairs: str
) -> tuple[OperatingPoint, ...]:
    """The thresholds that the given shares of ``impostor`` distances are below, and the share of ``genuine`` ones."""
    thresholds = np.quantile(impostor, fars)
    return tuple(
        OperatingPoint(round(float(t), 4), far, round(float((genuine <= t).mean()), 4), pairs)
        for t, far in zip(thresholds, fars, strict=True)
    )


FAR = 1e-3


def strict_threshold(result: Verification, points: Sequence[OperatingPoint] = ()) -> tuple[str, float]:
    """A threshold, after what it is in words, such as ``at FAR 0.1%``.

    points: of the embedder, for that of ``FAR``; without, it is the strictest that the result has enough pairs for, or
    else the one that tells most pairs right.
    """
    if len(points) > 1:
        return f"at FAR {rate_of(FAR)}", threshold_at(points, FAR)
    known = [(one.rate, one.threshold) for one in result.tar if one.threshold is not None]
    if not known:
        return "at the best threshold", float(np.median(result.thresholds))
    far, threshold = min(known)
    return f"at FAR {rate_of(far)}", threshold
