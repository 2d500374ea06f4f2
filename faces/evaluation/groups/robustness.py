"""How much recognition bears: the same figures, of photographs that are made worse in one way after the other.

Of a pair the second photograph is made worse, of an identification the probes and the strangers; what they are
compared with stays as it is, and so do the thresholds, but for that of TPIR, which is each level's own. A face that
is not found any more counts as an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faces.datasets import Folder
from faces.errors import FacesError, ImageError
from faces.evaluation.figures.operating_points import strict_threshold
from faces.evaluation.figures.results import FPIRS, Flags, Identification, Share, Verification
from faces.evaluation.figures.tables import Table
from faces.evaluation.groups.degradations import KINDS, Degradation, Marks
from faces.evaluation.photographs import Photographs, look_at
from faces.evaluation.searches.identification import identify
from faces.evaluation.searches.pairs import Pairs
from faces.evaluation.searches.trials import Trial
from faces.extraction.task import Models
from faces.images import read_image
from faces.metrics.wording import percent, rate_of
from faces.models.spec import OperatingPoint
from faces.pipeline import process_pipeline
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Image

Worse = Mapping[Degradation, Photographs]  # the same photographs at every level
EVERY = tuple(Degradation(name, level) for name, kind in KINDS.items() for level in kind.levels)


@dataclass(frozen=True, slots=True)
class Level:
    """What becomes of photographs at one level. how: None for as they are. figures: of ``Robustness.measures``."""

    how: Degradation | None
    no_face: Share
    figures: tuple[Share, ...]

    def __str__(self) -> str:
        return str(self.how or "as they are")


@dataclass(frozen=True, slots=True)
class Robustness:
    """Figures by level. worsened: which photographs are. measures: in words. levels: first, as they are."""

    name: str
    worsened: str
    measures: tuple[str, ...]
    levels: tuple[Level, ...]

    def kind(self, name: str) -> list[Level]:
        """The levels of a kind, from none of it to severe."""
        return [level for level in self.levels if level.how is None or level.how.kind == name]

    @property
    def table(self) -> Table:
        """For a terminal."""
        rows: list[list[object]] = [
            [str(level), *(_told(share) for share in (*level.figures, level.no_face))] for level in self.levels
        ]
        return Table(("photographs", *self.measures, "no face found"), tuple(rows))

    @property
    def plain(self) -> dict[str, Any]:
        """What ``json.dumps`` takes."""
        levels = [
            {
                "kind": level.how and level.how.kind,
                "level": level.how and level.how.level,
                "count": level.no_face.count,
                "no_face": level.no_face.value,
                "figures": [
                    {"value": share.value if share.count else None, "low": share.low, "high": share.high}
                    for share in level.figures
                ],
            }
            for level in self.levels
        ]
        return {"name": self.name, "worsened": self.worsened, "measures": list(self.measures), "levels": levels}


def worsen(
    paths: Iterable[Path], models: Models, processes: int = 1, progress: Callable[[int], object] = lambda _: None
) -> Worse:
    """Look at photographs at each of ``EVERY`` level; ``progress`` is told of each few that are done.

    Raises FacesError as ``look_at`` does.
    """
    each = tuple(dict.fromkeys(paths))
    wanted = [Path(_WorseFolder.name(how, path)) for path in each for how in EVERY]  # the face of each is found once
    seen = look_at(wanted, models, processes, progress, _WorseFolder(Path(), models))
    return {
        how: replace(
            seen,
            paths=each,
            embeddings=seen.embeddings[k :: len(EVERY)],
            boxes=seen.boxes[k :: len(EVERY)],
            reasons=seen.reasons[k :: len(EVERY)],
            hashes=seen.hashes[k :: len(EVERY)],
        )
        for k, how in enumerate(EVERY)
    }


def some(pairs: Pairs, most: int, seed: int = 0) -> Pairs:
    """At most so many pairs, half of them of one person, drawn at random; without folds."""
    rng, kept = np.random.default_rng(seed), np.zeros(len(pairs), np.bool_)
    for same in (True, False):
        rows = np.flatnonzero(pairs.same == same)
        kept[rng.permutation(rows)[: max(most // 2, 1)]] = True
    return replace(pairs, fold=None)[kept]


def some_probes(trial: Trial, most: int, seed: int = 0) -> Trial:
    """At most so many probes and as many strangers, drawn at random."""
    rng = np.random.default_rng(seed)
    probes, strangers = (np.sort(rng.permutation(len(each))[:most]) for each in (trial.probes, trial.strangers))
    return replace(
        trial, probes=tuple(trial.probes[k] for k in probes), strangers=tuple(trial.strangers[k] for k in strangers)
    )


def of_pairs(
    result: Verification,
    pairs: Pairs,
    photographs: Photographs,
    worse: Worse,
    points: Sequence[OperatingPoint] = (),
) -> Robustness:
    """Of some of the pairs of a verification, whose second photographs are in ``worse``.

    points: of the embedder, for ``strict_threshold``.
    """
    best = float(np.median(result.thresholds))
    at, strict = strict_threshold(result, points)
    first = photographs.embeddings[photographs.rows(pairs.first)]

    def level(how: Degradation | None, seen: Photographs) -> Level:
        rows = seen.rows(pairs.second)
        distance = np.linalg.norm(first - seen.embeddings[rows], axis=1)
        found = np.isfinite(distance)
        right, passing = found & ((distance <= best) == pairs.same), found & (distance <= strict)
        figures = (_share(right), _share(passing[pairs.same]), _share(passing[~pairs.same]))
        return Level(how, _share(~seen.found[rows]), figures)

    measures = ("told right", f"same person accepted {at}", f"different people accepted {at}")
    levels = (level(None, photographs), *(level(how, seen) for how, seen in worse.items()))
    return Robustness(result.name, f"the second photograph of each of {len(pairs):,} pairs", measures, levels)


def of_trial(
    result: Identification,
    trial: Trial,
    photographs: Photographs,
    worse: Worse,
    recognizer: FaceRecognizer | None = None,
) -> Robustness:
    """Of one trial of an identification, whose probes and strangers are in ``worse``.

    At the threshold of the recognizer, and TPIR at the one that names no more of the strangers who are left with a face
    at that level than its FPIR; of no probes where they are too few to tell.
    recognizer: one that is trained already, in place of the trial's gallery.
    """
    probing = [*(path for _, path in trial.probes), *trial.strangers]
    threshold = result.searches[0].threshold

    def level(how: Degradation | None, seen: Photographs) -> Level:
        no_face = _share(~seen.found[seen.rows(probing)])
        try:
            instead = _instead(photographs, seen, probing)
            found = identify(result.name, [trial], instead, result.fpir, recognizer, threshold=threshold)
        except FacesError:  # no probe has a face any more
            none = Share.of(0, len(trial.probes))
            return Level(how, no_face, (none, none, Share.of(0, 0), none))
        told = (one.splits[0] for one in (found.right, found.wrong, found.strangers_named))
        return Level(how, no_face, (*told, found.tpir[0][0].passing or Share.of(0, 0)))

    levels = (level(None, photographs), *(level(how, seen) for how, seen in worse.items()))
    worsened = f"{len(trial.probes):,} probes and {len(trial.strangers):,} strangers"
    measures = ("given their name", "given another", "strangers named", f"TPIR at FPIR {rate_of(FPIRS[0])}")
    return Robustness(result.name, worsened, measures, levels)


def _instead(photographs: Photographs, seen: Photographs, paths: Sequence[Path]) -> Photographs:
    """Photographs of which some look different."""
    embeddings = photographs.embeddings.copy()
    embeddings[photographs.rows(paths)] = seen.embeddings[seen.rows(paths)]
    return replace(photographs, embeddings=embeddings)


def _told(share: Share) -> str:
    return percent(share.value) if share.count else "too few to tell"


def _share(flags: Flags) -> Share:
    return Share.of(int(flags.sum()), len(flags))


@dataclass(frozen=True)
class _WorseFolder(Folder):
    """Reads photographs as they would be if they were worse. models: find the face, for where it is and how large."""

    models: Models

    @staticmethod
    def name(how: Degradation, path: Path) -> str:
        return f"{how.kind}={how.level}:{path}"

    def read(self, path: str) -> bytes:
        how, _, file = path.partition(":")
        kind, _, level = how.partition("=")
        image, marks = _marked(file, self.models)
        return cv2.imencode(".bmp", Degradation(kind, float(level)).of(image, marks))[1].tobytes()


@lru_cache(maxsize=2)
def _marked(file: str, models: Models) -> tuple[Image, Marks]:
    """A photograph, and where its face is. Raises OSError when it cannot be read or has none."""
    try:
        image = read_image(Path(file))
    except ImageError as error:
        raise OSError(str(error)) from error
    face = process_pipeline(*models).best_face(image)
    if len(face) == 0:
        raise OSError("no face to make worse")
    return image, Marks.of(face)
