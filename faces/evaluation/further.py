"""What is asked beyond the figures: of groups of people, and of photographs that are made worse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from faces import zoo
from faces.evaluation import groups, robustness
from faces.evaluation.comparing import Evaluated
from faces.evaluation.degradations import Degradation
from faces.evaluation.documents import finite
from faces.evaluation.groups import Groups
from faces.evaluation.pairs import Pairs
from faces.evaluation.photographs import Photographs
from faces.evaluation.results import Identification, Verification
from faces.evaluation.robustness import Robustness
from faces.evaluation.tables import Page, Table, percent
from faces.evaluation.trials import Trial
from faces.scores import Group, Grouped, in_words
from faces.tasks import Models
from faces.types import OperatingPoint

Worsen = Callable[[Sequence[Path], Models], Mapping[Degradation, Photographs]]


def grouped(one: Evaluated[Verification] | Evaluated[Identification], told: Groups) -> tuple[Grouped, ...]:
    """Its figures by each grouping."""
    if isinstance(one.result, Verification):
        return groups.of_verification(one.result, told, one.seen, _points(one.seen))
    return groups.of_identification(one.result, told)


def worse_pairs(one: Evaluated[Verification], pairs: Pairs, most: int, worsen: Worsen) -> Robustness:
    """Of at most so many pairs, drawn at random, whose second photographs are made worse."""
    some = robustness.some(pairs, most)
    worse = worsen(some.second, one.candidate.models)
    return robustness.of_pairs(one.result, some, one.seen, worse, _points(one.seen))


def worse_probes(one: Evaluated[Identification], trial: Trial, most: int, worsen: Worsen) -> Robustness:
    """Of at most so many probes, and as many strangers, which are made worse."""
    rng = np.random.default_rng(0)
    probes = tuple(trial.probes[k] for k in sorted(rng.permutation(len(trial.probes))[:most]))
    strangers = tuple(trial.strangers[k] for k in sorted(rng.permutation(len(trial.strangers))[:most]))
    some = replace(trial, probes=probes, strangers=strangers)
    worse = worsen([*(path for _, path in probes), *strangers], one.candidate.models)
    return robustness.of_trial(one.result, some, one.seen, worse)


def page(by_group: Sequence[Grouped], robust: Sequence[Robustness]) -> Page:
    """Both, for a terminal."""
    parts: list[str | Table] = []
    for name, measures in groupby(by_group, lambda one: (one.target, one.by[0])):
        parts += [f"{name[0]}, by {name[1]}:", *_groups(list(measures))]
    for one in robust:
        headings, rows = one.table
        parts += [f"{one.name}, worse: {one.worsened}", Table(tuple(headings), tuple([*row] for row in rows))]
    return tuple(parts)


def to_json(by_group: Sequence[Grouped], robust: Sequence[Robustness]) -> dict[str, Any]:
    """``groups`` and ``robustness``, where they were asked for."""
    found: dict[str, Any] = {}
    if by_group:
        found["groups"] = [
            {
                "name": one.target, "by": one.by[0], "measure": one.measure, "cases": one.cases,
                "groups": [
                    {"group": str(group), "count": group.count, "value": group.value, "low": group.low,
                     "high": group.high, "enough": group.enough}
                    for group in one.groups
                ],
            }
            for one in by_group
        ]  # fmt: skip
    if robust:
        found["robustness"] = [one.plain for one in robust]
    return dict(finite(found))


def _points(seen: Photographs) -> tuple[OperatingPoint, ...]:
    return zoo.operating_points(seen.fingerprint.embedder.name) if seen.fingerprint else ()


def _groups(measures: Sequence[Grouped]) -> Page:
    """A column for each measure of one grouping; then best and worst in words."""
    found = {(one.measure, str(group)): group for one in measures for group in one.groups}
    labels = sorted({label for _, label in found})
    rows: tuple[list[object], ...] = tuple(
        [label, *(_figure(found.get((one.measure, label))) for one in measures)] for label in labels
    )
    words = [f"{one.measure}: {said}" for one in measures if (said := in_words(one))]
    return Table(("", *(one.measure for one in measures)), rows), "\n".join(words)


def _figure(group: Group | None) -> str:
    if group is None:
        return "–"
    figure = f"{percent(group.value)} of {group.count:,}"
    return figure if group.enough else f"({figure}: too few to tell)"
