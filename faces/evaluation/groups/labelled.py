"""How fairly: the figures of each group of people, and how far apart the best and the worst are.

As in NIST's report on demographics (Grother et al., NISTIR 8280, 2019): one threshold for all; false matches are those
between people of the same group, where they are most frequent.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faces.datasets import folder_of
from faces.errors import UsageError, reason_of
from faces.evaluation.figures.operating_points import strict_threshold
from faces.evaluation.figures.results import FPIRS, Flags, Identification, Indices, Numbers, Verification
from faces.evaluation.photographs import Photographs
from faces.metrics.groups import NOT_TOLD, Group, Grouped
from faces.metrics.intervals import wilson
from faces.metrics.wording import rate_of
from faces.models.spec import OperatingPoint
from faces.recognition.distances import euclidean
from faces.types import Floats

AT_ONCE = 2**22  # distances: bounds memory
ROUNDS = 500  # of the bootstrap


@dataclass(frozen=True, slots=True)
class Groups:
    """Who belongs where.

    by: G groupings. of: by photograph or person, G labels. predicted: by models, which err. folders: data sets, in
    which the first folders are people.
    """

    by: tuple[str, ...]
    of: Mapping[str, tuple[str, ...]]
    predicted: bool = False
    folders: tuple[Path, ...] = ()

    def labels(self, paths: Sequence[Path], grouping: int) -> list[str]:
        """One of each photograph: by its path, its folder and name, its name, its person, or its folder."""
        told = (self._told(path) for path in paths)
        return [(labels[grouping] if labels else "") or NOT_TOLD for labels in told]

    def tell_any(self, paths: Sequence[Path]) -> bool:
        """Whether one of the photographs, or its person, is among those that it tells of."""
        return any(self._told(path) for path in paths)

    def _told(self, path: Path) -> tuple[str, ...]:
        """The labels of a photograph; none where it is not told of."""
        person = unicodedata.normalize("NFC", folder_of(path, self.folders).name)  # as people's names are
        keys = (str(path), f"{path.parent.name}/{path.name}", path.name, person, path.parent.name)
        return next((self.of[key] for key in keys if key in self.of), ())


def read(path: Path) -> Groups:
    """A CSV file with headings: a column of photographs or people, and a column for each grouping.

    Raises UsageError, with the line's number, for a file that is none of the kind.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = "not a text in UTF-8" if isinstance(error, UnicodeDecodeError) else reason_of(error)
        raise UsageError(f"{path}: {why}") from error
    lines = csv.reader(text.splitlines())
    head = next(lines, [])
    if len(head) < 2:
        raise UsageError(f"{path}: no groupings; the first line is person,gender or photograph,gender,age_group,...")
    of: dict[str, tuple[str, ...]] = {}
    for cells in lines:
        if not any(cells):
            continue
        key, *labels = (cell.strip() for cell in cells)
        if len(cells) != len(head):
            raise UsageError(f"{path}, line {lines.line_num}: {len(cells)} columns, not {len(head)}")
        if of.setdefault(key, tuple(labels)) != tuple(labels):
            raise UsageError(f"{path}, line {lines.line_num}: {key} is in other groups above")
    if not of:
        raise UsageError(f"{path}: nobody is in it")
    return Groups(tuple(name.strip() for name in head[1:]), of)


def of_verification(
    result: Verification, groups: Groups, photographs: Photographs | None = None, points: Sequence[OperatingPoint] = ()
) -> tuple[Grouped, ...]:
    """Accuracy, false non-matches and false matches by each grouping.

    A pair of one person belongs to the group of its first photograph, one of two people to that of both, or to none.
    photographs: for false matches among all of them, if folders are people; otherwise they are among the pairs.
    points: of the embedder, for ``strict_threshold``.
    """
    at, strict = strict_threshold(result, points)
    found = []
    for grouping, name in enumerate(groups.by):
        first, second = (np.array(groups.labels(paths, grouping)) for paths in (result.first, result.second))
        of = np.where(result.same | (first == second), first, "")
        same, passing = result.same, result.distance <= strict
        found.append(_grouped(result.name, name, "accuracy", _counts(of, result.right), "pairs"))
        missed = _counts(of[same], ~passing[same])
        found.append(_grouped(result.name, name, f"false non-match rate {at}", missed, "pairs of one person", True))
        measure = f"false match rate {at}"
        if photographs is not None and (owner := _owner(result, groups.folders, photographs.paths)) is not None:
            rows = tuple(_crossed(photographs, owner, groups.labels(photographs.paths, grouping), strict))
            found.append(Grouped(result.name, measure, (name,), rows, True, cases="photographs"))
        else:
            matched = _counts(of[~same], passing[~same])
            found.append(_grouped(result.name, name, measure, matched, "pairs of two people", True))
    return tuple(found)


def of_identification(result: Identification, groups: Groups) -> tuple[Grouped, ...]:
    """Whose person is closest, and close enough, who is given their name, and which strangers are given one.

    By each grouping; the mean of the splits. Thresholds are those of everybody.
    """
    searches = result.searches
    probes = [path for one in searches for path in one.probes]
    strangers = [path for one in searches for path in one.strangers]
    measures: list[tuple[str, str, list[Path], list[bool], bool]] = [
        ("rank 1", "probes", probes, [rank == 0 for one in searches for rank in one.rank], False),
        (
            "given their name",
            "probes",
            probes,
            [said == who for one in searches for who, said in zip(one.truth, one.said, strict=True)],
            False,
        ),
        (
            "strangers named",
            "strangers",
            strangers,
            [said is not None for one in searches for said in one.stranger_said],
            True,
        ),
    ]
    for rate, points in zip(FPIRS, result.tpir, strict=True):
        limits = [point.threshold for point in points if point.threshold is not None]
        if len(limits) == len(searches):
            near = [(one.rank == 0) & (one.genuine <= limit) for one, limit in zip(searches, limits, strict=True)]
            measures.append((f"TPIR at FPIR {rate_of(rate)}", "probes", probes, np.concatenate(near).tolist(), False))
    found = []
    for grouping, name in enumerate(groups.by):
        for measure, cases, paths, told, lower in measures:
            flags = np.array(told, np.bool_)
            labels = np.array(groups.labels(paths, grouping), np.str_)
            each = _counts(labels, flags)
            distinct = {
                of: len({path for path, label in zip(paths, labels, strict=True) if label == of}) for of in each
            }
            found.append(_grouped(result.name, name, measure, each, cases, lower, distinct))
    return tuple(found)


def _counts(of: np.ndarray[tuple[int], np.dtype[np.str_]], flags: Flags) -> dict[str, tuple[int, int]]:
    """Of each group how many are flagged, and how many there are; "" is no group."""
    return {str(name): (int(flags[of == name].sum()), int((of == name).sum())) for name in np.unique(of) if name}


def _grouped(
    target: str,
    by: str,
    measure: str,
    counts: Mapping[str, tuple[int, int]],
    cases: str,
    lower: bool = False,
    distinct: Mapping[str, int] | None = None,
) -> Grouped:
    """distinct: cases, where some are counted several times."""
    rows = []
    for name, (part, count) in counts.items():
        sure = distinct[name] if distinct else count
        rows.append(Group((name,), sure, part / count, *wilson(part / count, sure)))
    return Grouped(target, measure, (by,), tuple(rows), lower, cases=cases)


def _owner(result: Verification, folders: Sequence[Path], paths: Sequence[Path]) -> Indices | None:
    """(N,) numbers of the people of N photographs, if folders are people: of pairs of one one, of pairs of two two.

    These are the first ones in the data sets, or those that the photographs lie in.
    """
    for below in (folders, ()):
        pairs = zip(result.first, result.second, strict=True)
        together = np.array([folder_of(a, below) == folder_of(b, below) for a, b in pairs])
        if (together == result.same).all():
            return np.unique([str(folder_of(path, below)) for path in paths], return_inverse=True)[1]
    return None


def _crossed(photographs: Photographs, owner: Indices, labels: Sequence[str], threshold: float) -> Iterator[Group]:
    """Of each group, how many of the pairs of photographs of two of its people are within a threshold.

    owner: (N,), whose each photograph is. Its count is of photographs. Its interval is of a bootstrap over people,
    since pairs share them.
    """
    label, found = np.array(labels), photographs.found
    for name in np.unique(label):
        rows = np.flatnonzero(found & (label == name))
        people, mine, photos = np.unique(owner[rows], return_inverse=True, return_counts=True)
        if len(people) < 2:
            continue
        matches = _matches(photographs.embeddings[rows], mine, threshold)
        rng, ones = np.random.default_rng(0), np.ones(len(people))
        drawn = rng.multinomial(len(people), ones / len(people), ROUNDS).astype(np.float64)
        low, high = np.quantile([_rate(weight, photos, *matches) for weight in drawn], [0.025, 0.975]).tolist()
        if not len(matches[0]):  # nothing to draw from: as of so many pairs that share nobody
            high = wilson(0.0, len(people) // 2)[1]
        yield Group((str(name),), len(rows), _rate(ones, photos, *matches), low, high)


def _rate(weight: Numbers, photos: Indices, first: Indices, second: Indices) -> float:
    """Of people (P,), each there so many times with so many photos, the share of pairs of two that match."""
    each = weight * photos
    pairs = (each.sum() ** 2 - (each**2).sum()) / 2
    return float((weight[first] * weight[second]).sum() / pairs) if pairs else 0.0


def _matches(embeddings: Floats, owner: Indices, threshold: float) -> tuple[Indices, Indices]:
    """The owners (K,) and (K,) of pairs of photographs of two people that are within a threshold, each pair once."""
    found: list[tuple[Indices, Indices]] = []
    step = max(1, AT_ONCE // max(len(embeddings), 1))
    for start in range(0, len(embeddings), step):
        apart = euclidean(embeddings[start : start + step], embeddings)
        rows, columns = np.nonzero(apart <= threshold)
        rows = rows + start
        kept = (columns > rows) & (owner[columns] != owner[rows])
        found.append((owner[rows[kept]], owner[columns[kept]]))
    first, second = (np.concatenate(each) for each in zip(*found, strict=True))
    return first, second
