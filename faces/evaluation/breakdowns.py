"""Break an evaluation down by groups of people and by degradation of the photographs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from faces.embedding import embedders
from faces.evaluation.figures.results import Identification, Verification
from faces.evaluation.figures.tables import Page, Row, Table
from faces.evaluation.groups import degraded_photographs, labelled, robustness
from faces.evaluation.groups.degraded_photographs import Degraded
from faces.evaluation.groups.labelled import Groups
from faces.evaluation.groups.predicted import predict
from faces.evaluation.groups.robustness import Robustness
from faces.evaluation.photographs import Photographs
from faces.evaluation.searches.pairs import Pairs
from faces.evaluation.searches.trials import Trial
from faces.extraction.workers import Models, Progress
from faces.metrics.groups import Group, Grouped, describe_gap, gap_to_json, summary
from faces.metrics.wording import between, percent
from faces.recognition.recognizers import FaceRecognizer
from faces.recognition.thresholds import OperatingPoint

PREDICTED = "predicted"

ProgressBar = Callable[[str], AbstractContextManager[Progress]]
"""Takes a title, which may be empty, and shows progress while the context is active."""


@dataclass(slots=True)
class Breakdowns:
    """Figures by group and by degradation; the results are added one after the other.

    groups: a CSV file, ``PREDICTED``, or None for no groups.
    most: number of pairs or probes to degrade; 0 for none.
    folders: data sets with one subfolder per person.
    grouped, robustness: the figures so far.
    nobody_labelled: whether none of the photographs has a label.

    Raises UsageError if the file has another format.
    """

    groups: str | None
    most: int
    processes: int
    progress_bar: ProgressBar
    folders: tuple[Path, ...] = ()
    robustness: list[Robustness] = field(default_factory=list)
    grouped: list[Grouped] = field(default_factory=list)
    nobody_labelled: bool = False
    _labels: Groups | None = None

    def __post_init__(self) -> None:
        if self.groups and self.groups != PREDICTED:
            self._labels = replace(labelled.read(Path(self.groups)), folders=self.folders)

    @property
    def predicted(self) -> bool:
        """Whether models predict the groups."""
        return self.groups == PREDICTED

    @property
    def page(self) -> Page:
        """Tables for a terminal: one for each figure by group, with the gap, and one for degraded photographs."""
        parts: list[str | Table] = []
        several = len({each.target for each in self.grouped} | {each.name for each in self.robustness}) > 1
        for grouped in self.grouped:
            parts += [part for part in (_table(grouped, several), summary(grouped)) if part]
        for each in self.robustness:
            parts += [f"{each.name + ', ' if several else ''}degraded: {each.degraded}", each.table]
        return tuple(parts)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with the keys ``groups`` and ``robustness``, as far as they were requested."""
        content: dict[str, Any] = {}
        if self.groups:
            content["groups"] = {"predicted": self.predicted, "figures": [_grouped_to_json(g) for g in self.grouped]}
        if self.most:
            content["robustness"] = [each.to_json() for each in self.robustness]
        return content

    def add_verification(self, result: Verification, pairs: Pairs, seen: Photographs, models: Models) -> None:
        """Measure the breakdowns of a verification."""
        points = _operating_points(models) if self.groups or self.most else ()
        if labels := self._labels_for(seen.paths):
            self.grouped += labelled.verification_by_group(result, labels, seen, points)
        if self.most:
            sample = robustness.sample_pairs(pairs, self.most)
            degraded = self._degrade(sample.second, models)
            self.robustness.append(robustness.verification_robustness(result, sample, seen, degraded, points))

    def add_identification(
        self,
        result: Identification,
        trials: Sequence[Trial],
        seen: Photographs,
        models: Models,
        recognizer: FaceRecognizer | None = None,
    ) -> None:
        """Measure the breakdowns of an identification; degraded photographs are those of its first trial."""
        if labels := self._labels_for(seen.paths):
            self.grouped += labelled.identification_by_group(result, labels)
        if self.most:
            trial = robustness.sample_probes(trials[0], self.most)
            degraded = self._degrade([*(path for _, path in trial.probes), *trial.strangers], models)
            self.robustness.append(robustness.identification_robustness(result, trial, seen, degraded, recognizer))

    def _labels_for(self, paths: Sequence[Path]) -> Groups | None:
        if self.predicted and self._labels is None:
            with self.progress_bar("groups") as progress:
                self._labels = replace(predict(paths, self.processes, progress), folders=self.folders)
        self.nobody_labelled = self._labels is not None and not self._labels.has_any(paths)
        return self._labels

    def _degrade(self, paths: Sequence[Path], models: Models) -> Degraded:
        with self.progress_bar("degraded") as progress:
            return degraded_photographs.embed_degraded(paths, models, self.processes, progress)


def _operating_points(models: Models) -> Sequence[OperatingPoint]:
    return embedders.load(models[1], 1, models[3]).spec.operating_points


def _table(grouped: Grouped, with_target: bool) -> Table:
    rows: list[Row] = [[str(group), f"{group.count:,}", *_figure(group)] for group in grouped.groups]
    if gap := describe_gap(grouped):
        rows.append(["gap", "", *gap])
    by = grouped.by[0].replace("_", " ")
    title = f"{grouped.target}, by {by}" if with_target else by
    return Table((title, grouped.cases, grouped.measure, "95 % interval"), tuple(rows))


def _figure(group: Group) -> tuple[str, str]:
    return percent(group.value) if group.enough else "too few to tell", between(group)


def _grouped_to_json(grouped: Grouped) -> dict[str, Any]:
    return {
        "name": grouped.target,
        "by": grouped.by[0],
        "measure": grouped.measure,
        "cases": grouped.cases,
        "groups": [{**asdict(group), "of": str(group), "enough": group.enough} for group in grouped.groups],
        "gap": gap_to_json(grouped),
    }
