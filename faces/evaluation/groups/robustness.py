"""Measure the same figures on degraded photographs.

In verification the second photograph of each pair is degraded, in identification the probes and the strangers. The
other photographs stay unchanged, and so do the thresholds, except that of TPIR, which is chosen for each level. A face
that is no longer found counts as an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from faces.errors import FacesError
from faces.evaluation.figures.operating_points import strict_threshold
from faces.evaluation.figures.results import FPIRS, Identification, Verification
from faces.evaluation.figures.shares import Flags, Share
from faces.evaluation.figures.tables import Table
from faces.evaluation.groups.degradations import Degradation
from faces.evaluation.groups.degraded_photographs import Degraded
from faces.evaluation.photographs import Photographs
from faces.evaluation.searches.identification import identify
from faces.evaluation.searches.pairs import Pairs
from faces.evaluation.searches.trials import Trial
from faces.metrics.wording import percent, rate_of
from faces.recognition.recognizers import FaceRecognizer
from faces.recognition.thresholds import OperatingPoint


@dataclass(frozen=True, slots=True)
class Level:
    """The figures with one degradation.

    degradation: None for the unchanged photographs.
    figures: one for each of ``Robustness.measures``.
    """

    degradation: Degradation | None
    no_face: Share
    figures: tuple[Share, ...]

    def __str__(self) -> str:
        return str(self.degradation or "as they are")


@dataclass(frozen=True, slots=True)
class Robustness:
    """The figures of one result with every degradation.

    degraded: describes which photographs are degraded.
    measures: names of the figures.
    levels: the first is for the unchanged photographs.
    """

    name: str
    degraded: str
    measures: tuple[str, ...]
    levels: tuple[Level, ...]

    def of_kind(self, name: str) -> list[Level]:
        """Return the levels of a kind: the unchanged photographs, then from mild to severe."""
        return [level for level in self.levels if level.degradation is None or level.degradation.kind == name]

    @property
    def table(self) -> Table:
        """A table for a terminal."""
        rows: list[list[object]] = [
            [str(level), *(_text(share) for share in (*level.figures, level.no_face))] for level in self.levels
        ]
        return Table(("photographs", *self.measures, "no face found"), tuple(rows))

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        levels = [
            {
                "kind": level.degradation and level.degradation.kind,
                "level": level.degradation and level.degradation.level,
                "count": level.no_face.count,
                "no_face": level.no_face.value,
                "figures": [
                    {"value": share.value if share.count else None, "low": share.low, "high": share.high}
                    for share in level.figures
                ],
            }
            for level in self.levels
        ]
        return {"name": self.name, "worsened": self.degraded, "measures": list(self.measures), "levels": levels}


def sample_pairs(pairs: Pairs, most: int, seed: int = 0) -> Pairs:
    """Draw at most ``most`` pairs, half of them of one person. The sample has no folds."""
    rng, kept = np.random.default_rng(seed), np.zeros(len(pairs), np.bool_)
    for same in (True, False):
        rows = np.flatnonzero(pairs.same == same)
        kept[rng.permutation(rows)[: max(most // 2, 1)]] = True
    return replace(pairs, fold=None)[kept]


def sample_probes(trial: Trial, most: int, seed: int = 0) -> Trial:
    """Draw at most ``most`` probes and as many strangers."""
    rng = np.random.default_rng(seed)
    probes, strangers = (np.sort(rng.permutation(len(each))[:most]) for each in (trial.probes, trial.strangers))
    return replace(
        trial, probes=tuple(trial.probes[k] for k in probes), strangers=tuple(trial.strangers[k] for k in strangers)
    )


def verification_robustness(
    result: Verification,
    pairs: Pairs,
    photographs: Photographs,
    degraded: Degraded,
    points: Sequence[OperatingPoint] = (),
) -> Robustness:
    """Measure a verification with degraded second photographs.

    pairs: a sample of the result's pairs.
    degraded: the second photographs of the pairs.
    points: the embedder's, for ``strict_threshold``.
    """
    best = float(np.median(result.thresholds))
    words, strict = strict_threshold(result, points)
    first = photographs.embeddings[photographs.rows(pairs.first)]

    def level(degradation: Degradation | None, seen: Photographs) -> Level:
        rows = seen.rows(pairs.second)
        distance = np.linalg.norm(first - seen.embeddings[rows], axis=1)
        both_faces = np.isfinite(distance)
        right = both_faces & ((distance <= best) == pairs.same)
        accepted = both_faces & (distance <= strict)
        figures = (_share(right), _share(accepted[pairs.same]), _share(accepted[~pairs.same]))
        return Level(degradation, _share(~seen.has_face[rows]), figures)

    measures = ("judged correctly", f"same person accepted {words}", f"different people accepted {words}")
    levels = (level(None, photographs), *(level(degradation, seen) for degradation, seen in degraded.items()))
    return Robustness(result.name, f"the second photograph of each of {len(pairs):,} pairs", measures, levels)


def identification_robustness(
    result: Identification,
    trial: Trial,
    photographs: Photographs,
    degraded: Degraded,
    recognizer: FaceRecognizer | None = None,
) -> Robustness:
    """Measure an identification with degraded probes and strangers.

    trial: a sample of the result's first trial.
    degraded: its probes and strangers.
    recognizer: a trained one, instead of the trial's gallery.

    The threshold is the recognizer's. TPIR is at a threshold for each level, chosen on the strangers whose faces are
    still found; if they are too few, the figure has no cases.
    """
    degraded_paths = [*(path for _, path in trial.probes), *trial.strangers]
    threshold = result.searches[0].threshold

    def level(degradation: Degradation | None, seen: Photographs) -> Level:
        no_face = _share(~seen.has_face[seen.rows(degraded_paths)])
        try:
            replaced = _replaced(photographs, seen, degraded_paths)
            searched = identify(result.name, [trial], replaced, result.fpir, recognizer, threshold=threshold)
        except FacesError:  # no probe has a face any more
            none = Share.of(0, len(trial.probes))
            return Level(degradation, no_face, (none, none, Share.of(0, 0), none))
        named = (share.splits[0] for share in (searched.right, searched.wrong, searched.strangers_named))
        return Level(degradation, no_face, (*named, searched.tpir[0][0].accepted or Share.of(0, 0)))

    levels = (level(None, photographs), *(level(degradation, seen) for degradation, seen in degraded.items()))
    words = f"{len(trial.probes):,} probes and {len(trial.strangers):,} strangers"
    measures = ("given their name", "given another", "strangers named", f"TPIR at FPIR {rate_of(FPIRS[0])}")
    return Robustness(result.name, words, measures, levels)


def _replaced(photographs: Photographs, seen: Photographs, paths: Sequence[Path]) -> Photographs:
    """Return ``photographs`` with the embeddings of some of them taken from ``seen``."""
    embeddings = photographs.embeddings.copy()
    embeddings[photographs.rows(paths)] = seen.embeddings[seen.rows(paths)]
    return replace(photographs, embeddings=embeddings)


def _text(share: Share) -> str:
    return percent(share.value) if share.count else "too few to tell"


def _share(flags: Flags) -> Share:
    return Share.of(int(flags.sum()), len(flags))
