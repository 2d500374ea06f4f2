"""What an evaluation is asked for besides its figures: groups of people, and photographs that are made worse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from faces.embedding import embedders
from faces.evaluation.figures import tables
from faces.evaluation.figures.results import Identification, Verification
from faces.evaluation.groups import labelled, robustness
from faces.evaluation.groups.labelled import Groups
from faces.evaluation.groups.predicted import predict
from faces.evaluation.groups.robustness import Robustness, Worse
from faces.evaluation.photographs import Photographs
from faces.evaluation.searches.pairs import Pairs
from faces.evaluation.searches.trials import Trial
from faces.extraction.task import Models
from faces.metrics.groups import Group, Grouped, gap_in_words, gap_to_json, in_words
from faces.metrics.wording import between, percent
from faces.models.spec import OperatingPoint
from faces.recognition.recognizers import FaceRecognizer

PREDICTED = "predicted"

Progress = Callable[[int, str], AbstractContextManager[Callable[[int], object]]]
"""Of so many photographs, and what is done to them; told of each few that are done."""


@dataclass(slots=True)
class Extras:
    """groups: a CSV file, or ``PREDICTED``, or None. most: pairs or probes that are made worse, 0 for none.

    folders: data sets, in which the first folders are people. nobody: whether the groups are of nobody looked at.
    Raises UsageError for a file that tells no groups.
    """

    groups: str | None
    most: int
    processes: int
    progress: Progress
    folders: tuple[Path, ...] = ()
    robustness: list[Robustness] = field(default_factory=list)
    grouped: list[Grouped] = field(default_factory=list)
    nobody: bool = False
    _told: Groups | None = None

    def __post_init__(self) -> None:
        if self.groups and self.groups != PREDICTED:
            self._told = replace(labelled.read(Path(self.groups)), folders=self.folders)

    @property
    def predicted(self) -> bool:
        return self.groups == PREDICTED

    @property
    def page(self) -> tables.Page:
        """For a terminal: a table of each figure's groups, with the gap in words, and one of photographs made worse."""
        said: list[str | tables.Table] = []
        several = len({one.target for one in self.grouped} | {one.name for one in self.robustness}) > 1
        for one in self.grouped:
            rows: list[tables.Row] = [[str(group), f"{group.count:,}", *_told(group)] for group in one.groups]
            if gap := gap_in_words(one):
                rows.append(["gap", "", *gap])
            by = one.by[0].replace("_", " ")
            head = (f"{one.target}, by {by}" if several else by, one.cases, one.measure, "95 % interval")
            said += [part for part in (tables.Table(head, tuple(rows)), in_words(one)) if part]
        for each in self.robustness:
            said += [f"{each.name + ', ' if several else ''}made worse: {each.worsened}", each.table]
        return tuple(said)

    @property
    def plain(self) -> dict[str, Any]:
        """What ``json.dumps`` takes: ``groups`` and ``robustness``, where they were asked for."""
        content: dict[str, Any] = {}
        if self.groups:
            content["groups"] = {"predicted": self.predicted, "figures": [_plain(one) for one in self.grouped]}
        if self.most:
            content["robustness"] = [one.plain for one in self.robustness]
        return content

    def of_pairs(self, result: Verification, pairs: Pairs, seen: Photographs, models: Models) -> None:
        """Add those of a verification."""
        points = _points(models) if self.groups or self.most else ()
        if told := self._groups(seen.paths):
            self.grouped += labelled.of_verification(result, told, seen, points)
        if self.most:
            some = robustness.some(pairs, self.most)
            worse = self._worsen(some.second, models)
            self.robustness.append(robustness.of_pairs(result, some, seen, worse, points))

    def of_trials(
        self,
        result: Identification,
        trials: Sequence[Trial],
        seen: Photographs,
        models: Models,
        recognizer: FaceRecognizer | None = None,
    ) -> None:
        """Add those of an identification; photographs are made worse for its first trial."""
        if told := self._groups(seen.paths):
            self.grouped += labelled.of_identification(result, told)
        if self.most:
            trial = robustness.some_probes(trials[0], self.most)
            worse = self._worsen([*(path for _, path in trial.probes), *trial.strangers], models)
            self.robustness.append(robustness.of_trial(result, trial, seen, worse, recognizer))

    def _groups(self, paths: Sequence[Path]) -> Groups | None:
        if self.predicted and self._told is None:
            with self.progress(len(paths), "groups") as progress:
                told = predict(paths, self.processes, progress)
                self._told = replace(told, folders=self.folders)
        self.nobody = self._told is not None and not self._told.tell_any(paths)
        return self._told

    def _worsen(self, paths: Sequence[Path], models: Models) -> Worse:
        with self.progress(len(set(paths)) * len(robustness.EVERY), "made worse") as progress:
            return robustness.worsen(paths, models, self.processes, progress)


def _points(models: Models) -> Sequence[OperatingPoint]:
    """Of the embedder, as far as they were measured."""
    return embedders.load(models[1], 1, models[3]).spec.operating_points


def _told(group: Group) -> tuple[str, str]:
    return percent(group.value) if group.enough else "too few to tell", between(group)


def _plain(one: Grouped) -> dict[str, Any]:
    rows = [{**asdict(group), "of": str(group), "enough": group.enough} for group in one.groups]
    about = {"name": one.target, "by": one.by[0], "measure": one.measure, "cases": one.cases}
    return {**about, "groups": rows, "gap": gap_to_json(one)}
