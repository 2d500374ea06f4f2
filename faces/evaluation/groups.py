"""How fairly: the figures of each group of people, and how far apart the best and the worst are.

As in NIST's report on demographics (Grother et al., NISTIR 8280, 2019): one threshold for all; false matches are those
between people of the same group, where they are most frequent.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faces.errors import UsageError
from faces.evaluation.photographs import Photographs
from faces.evaluation.results import Flags, Identification, Verification
from faces.evaluation.strictness import strict_threshold
from faces.intervals import wilson
from faces.scores import Group, Grouped
from faces.types import OperatingPoint

NOT_TOLD = "not told"
AT_ONCE = 2**22  # distances: bounds memory


@dataclass(frozen=True, slots=True)
class Groups:
    """Who belongs where. by: G groupings. of: by photograph or person, G labels. predicted: by models, which err."""

    by: tuple[str, ...]
    of: Mapping[str, tuple[str, ...]]
    predicted: bool = False

    def labels(self, paths: Sequence[Path], grouping: int) -> list[str]:
        """One of each photograph: by its path, its folder and name, its name, or its folder, which is its person."""
        return [self._label(path, grouping) for path in paths]

    def _label(self, path: Path, grouping: int) -> str:
        for key in (str(path), f"{path.parent.name}/{path.name}", path.name, path.parent.name):
            if key in self.of:
                return self.of[key][grouping] or NOT_TOLD
        return NOT_TOLD


def read(path: Path) -> Groups:
    """A CSV file with headings: a column of photographs or people, and a column for each grouping.

    Raises UsageError, with the line's number, for a file that is none of the kind.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = "not a text in UTF-8" if isinstance(error, UnicodeDecodeError) else (error.strerror or str(error)).lower()
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
    far, strict = strict_threshold(result, points)
    at = f"at FAR {100 * far:g} %"
    found = []
    for grouping, name in enumerate(groups.by):
        first, second = (np.array(groups.labels(paths, grouping)) for paths in (result.first, result.second))
        of = np.where(result.same | (first == second), first, "")
        same, passing = result.same, result.distance <= strict
        found.append(_grouped(name, "accuracy", _counts(of, result.right), "pairs"))
        missed = _counts(of[same], ~passing[same])
        found.append(_grouped(name, f"false non-match rate {at}", missed, "pairs of one person", True))
        if photographs is not None and _folders_are_people(result):
            matched = _crossed(photographs, groups.labels(photographs.paths, grouping), strict)
        else:
            matched = _counts(of[~same], passing[~same])
        found.append(_grouped(name, f"false match rate {at}", matched, "pairs of two people", True))
    return tuple(found)


def of_identification(result: Identification, groups: Groups) -> tuple[Grouped, ...]:
    """Who is given their name, and which strangers are given one, by each grouping; the mean of the splits."""
    probes = [
        (path, said == who) for s in result.searches for path, who, said in zip(s.probes, s.truth, s.said, strict=True)
    ]
    strangers = [
        (path, said is not None)
        for s in result.searches
        for path, said in zip(s.strangers, s.stranger_said, strict=True)
    ]
    found = []
    for grouping, name in enumerate(groups.by):
        for measure, cases, some, lower in (
            ("given their name", "probes", probes, False),
            ("strangers named", "strangers", strangers, True),
        ):
            paths = [path for path, _ in some]
            flags = np.array([flag for _, flag in some], np.bool_)
            labels = np.array(groups.labels(paths, grouping), np.str_)
            each = _counts(labels, flags)
            distinct = {
                of: len({path for path, label in zip(paths, labels, strict=True) if label == of}) for of in each
            }
            found.append(_grouped(name, measure, each, cases, lower, distinct))
    return tuple(found)


def _counts(of: np.ndarray[tuple[int], np.dtype[np.str_]], flags: Flags) -> dict[str, tuple[int, int]]:
    """Of each group how many are flagged, and how many there are; "" is no group."""
    return {str(name): (int(flags[of == name].sum()), int((of == name).sum())) for name in np.unique(of) if name}


def _grouped(
    by: str, measure: str, counts: Mapping[str, tuple[int, int]], cases: str, lower: bool = False,
    distinct: Mapping[str, int] | None = None,
) -> Grouped:  # fmt: skip
    """distinct: cases, where some are counted several times."""
    rows = []
    for name, (part, count) in counts.items():
        sure = distinct[name] if distinct else count
        rows.append(Group((name,), sure, part / count, *wilson(part / count, sure)))
    return Grouped("", measure, (by,), tuple(rows), lower, cases=cases)


def _folders_are_people(result: Verification) -> bool:
    """Whether pairs of one person are in one folder, and pairs of two in two."""
    together = np.array([a.parent == b.parent for a, b in zip(result.first, result.second, strict=True)])
    return bool((together == result.same).all())


def _crossed(photographs: Photographs, labels: Sequence[str], threshold: float) -> dict[str, tuple[int, int]]:
    """Of each group how many pairs of photographs of two of its people are within a threshold, and of how many."""
    owner = np.unique([str(path.parent) for path in photographs.paths], return_inverse=True)[1]
    label, found, result = np.array(labels), photographs.found, {}
    for name in np.unique(label):
        rows = np.flatnonzero(found & (label == name))
        counted = list(_false_matches(photographs.embeddings[rows], owner[rows], threshold))
        if total := sum(count for _, count in counted):
            result[str(name)] = sum(part for part, _ in counted), total
    return result


def _false_matches(
    embeddings: np.ndarray[tuple[int, int], np.dtype[np.float32]], owner: np.ndarray[tuple[int], np.dtype[np.intp]],
    threshold: float,
) -> Iterator[tuple[int, int]]:  # fmt: skip
    """Some photographs with all that come after them, a few at a time."""
    step = max(1, AT_ONCE // max(len(embeddings), 1))
    for start in range(0, len(embeddings), step):
        stop = min(start + step, len(embeddings))
        squared = 2 - 2 * embeddings[start:stop] @ embeddings.T  # they are of unit length
        after = np.arange(len(embeddings))[None] > np.arange(start, stop)[:, None]
        other = after & (owner[start:stop, None] != owner[None])
        yield int((other & (squared <= threshold**2)).sum()), int(other.sum())
