"""Figures for labelled groups of people, and the gap between the best and the worst group.

As in NIST's report on demographics (Grother et al., NISTIR 8280, 2019): one threshold for everybody; false matches are
between people of the same group, where they are most frequent.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faces.datasets import folder_of
from faces.errors import UsageError, reason_of
from faces.evaluation.figures.operating_points import strict_threshold
from faces.evaluation.figures.results import FPIRS, Identification, Verification
from faces.evaluation.figures.shares import Flags
from faces.evaluation.groups.false_matches import false_matches, person_numbers
from faces.evaluation.photographs import Photographs
from faces.files.tables import require_commas
from faces.metrics.groups import UNLABELLED, Group, Grouped
from faces.metrics.intervals import wilson
from faces.metrics.wording import rate_of
from faces.recognition.thresholds import OperatingPoint

Labels = np.ndarray[tuple[int], np.dtype[np.str_]]


@dataclass(frozen=True, slots=True)
class Groups:
    """The labels of people or photographs.

    by: G names of groupings.
    of: G labels by photograph or person.
    predicted: whether models predicted the labels.
    folders: data sets with one subfolder per person.
    """

    by: tuple[str, ...]
    of: Mapping[str, tuple[str, ...]]
    predicted: bool = False
    folders: tuple[Path, ...] = ()

    def labels(self, paths: Sequence[Path], grouping: int) -> list[str]:
        """Return one label per photograph.

        grouping: index in ``by``.

        A photograph is looked up by path, by folder and name, by name, by person, and by folder.
        """
        each = (self._labels(path) for path in paths)
        return [(labels[grouping] if labels else "") or UNLABELLED for labels in each]

    def has_any(self, paths: Sequence[Path]) -> bool:
        """Return whether one of the photographs, or its person, has labels."""
        return any(self._labels(path) for path in paths)

    def _labels(self, path: Path) -> tuple[str, ...]:
        person = unicodedata.normalize("NFC", folder_of(path, self.folders).name)  # as people's names are
        keys = (str(path), f"{path.parent.name}/{path.name}", path.name, person, path.parent.name)
        return next((self.of[key] for key in keys if key in self.of), ())


def read(path: Path) -> Groups:
    """Read a CSV file with headings: a column of photographs or people, and a column for each grouping.

    Raises UsageError, with the line's number, if the file has another format.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = "not a text file in UTF-8" if isinstance(error, UnicodeDecodeError) else reason_of(error)
        raise UsageError(f"{path}: {reason}") from error
    require_commas(path, text.partition("\n")[0])
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
            raise UsageError(f"{path}, line {lines.line_num}: {key} has other labels in a line above")
    if not of:
        raise UsageError(f"{path}: no labels in it")
    return Groups(tuple(name.strip() for name in head[1:]), of)


def verification_by_group(
    result: Verification, groups: Groups, photographs: Photographs | None = None, points: Sequence[OperatingPoint] = ()
) -> tuple[Grouped, ...]:
    """Return accuracy, false non-match rate and false match rate for each grouping.

    A pair of the same person is in the group of its first photograph; a pair of different people is in the group that
    both share, or in none.

    photographs: if folders are people, false matches are counted among all of these; otherwise among the pairs.
    points: the embedder's, for ``strict_threshold``.
    """
    words, threshold = strict_threshold(result, points)
    figures = []
    for grouping, name in enumerate(groups.by):
        first, second = (np.array(groups.labels(paths, grouping)) for paths in (result.first, result.second))
        labels = np.where(result.same | (first == second), first, "")
        same, accepted = result.same, result.distance <= threshold
        figures.append(_grouped(result.name, name, "accuracy", _counts(labels, result.right), "pairs"))
        rejected = _counts(labels[same], ~accepted[same])
        measure = f"false non-match rate {words}"
        figures.append(_grouped(result.name, name, measure, rejected, "pairs of one person", True))
        measure = f"false match rate {words}"
        if photographs is not None and (owner := person_numbers(result, groups.folders, photographs.paths)) is not None:
            rows = tuple(false_matches(photographs, owner, groups.labels(photographs.paths, grouping), threshold))
            figures.append(Grouped(result.name, measure, (name,), rows, True, cases="photographs"))
        else:
            matched = _counts(labels[~same], accepted[~same])
            figures.append(_grouped(result.name, name, measure, matched, "pairs of two people", True))
    return tuple(figures)


@dataclass(frozen=True, slots=True)
class _Measure:
    """A figure of photographs: paths and flags are (N,) each."""

    name: str
    cases: str
    paths: list[Path]
    flags: Flags
    lower_is_better: bool = False


def identification_by_group(result: Identification, groups: Groups) -> tuple[Grouped, ...]:
    """Return rank 1, correctly named probes, named strangers, and TPIR for each grouping; the mean of the splits.

    Thresholds are those of everybody.
    """
    figures = []
    for grouping, name in enumerate(groups.by):
        for measure in _measures(result):
            labels = np.array(groups.labels(measure.paths, grouping), np.str_)
            counts = _counts(labels, measure.flags)
            photographs = {
                label: len({path for path, other in zip(measure.paths, labels, strict=True) if other == label})
                for label in counts
            }
            lower = measure.lower_is_better
            figures.append(_grouped(result.name, name, measure.name, counts, measure.cases, lower, photographs))
    return tuple(figures)


def _measures(result: Identification) -> list[_Measure]:
    searches = result.searches
    probes = [path for search in searches for path in search.probes]
    strangers = [path for search in searches for path in search.strangers]
    closest = np.concatenate([search.rank == 0 for search in searches])
    named = [name == person for search in searches for person, name in zip(search.truth, search.named, strict=True)]
    strangers_named = [name is not None for search in searches for name in search.stranger_named]
    measures = [
        _Measure("rank 1", "probes", probes, closest),
        _Measure("given their name", "probes", probes, np.array(named, np.bool_)),
        _Measure("strangers named", "strangers", strangers, np.array(strangers_named, np.bool_), lower_is_better=True),
    ]
    for rate, points in zip(FPIRS, result.tpir, strict=True):
        thresholds = [point.threshold for point in points if point.threshold is not None]
        if len(thresholds) == len(searches):
            near = [
                (search.rank == 0) & (search.genuine <= threshold)
                for search, threshold in zip(searches, thresholds, strict=True)
            ]
            measures.append(_Measure(f"TPIR at FPIR {rate_of(rate)}", "probes", probes, np.concatenate(near)))
    return measures


def _counts(labels: Labels, flags: Flags) -> dict[str, tuple[int, int]]:
    """Return the number of flagged cases and of all cases for each label; the label "" is left out."""
    rows = {str(name): labels == name for name in np.unique(labels) if name}
    return {name: (int(flags[where].sum()), int(where.sum())) for name, where in rows.items()}


def _grouped(
    target: str,
    by: str,
    measure: str,
    counts: Mapping[str, tuple[int, int]],
    cases: str,
    lower_is_better: bool = False,
    photographs: Mapping[str, int] | None = None,
) -> Grouped:
    """Build the figure. photographs: number of different cases in each group, if splits repeat some."""
    rows = []
    for name, (part, count) in counts.items():
        different = photographs[name] if photographs else count
        rows.append(Group((name,), different, part / count, *wilson(part / count, different)))
    return Grouped(target, measure, (by,), tuple(rows), lower_is_better, cases=cases)
