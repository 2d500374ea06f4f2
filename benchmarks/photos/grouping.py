"""Compare ways to group faces, calibrate the one that is used, and measure it on many made-up faces.

The false-merge rate is turned into a similarity by the quantiles of ``faces.recognition.impostors``, which were
measured between the 300 photographs of ``strangers``. What is left to choose is ``grouping.SHARED``: it is chosen on
one set of people and shown on another one, both ways.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks.photos import others
from benchmarks.photos.labelled import (
    Labelled,
    Labels,
    colleagues,
    lfw,
    misplaced,
    pairwise,
    people_and_strangers,
    scanned,
)
from faces.cli import text, values
from faces.embedding.embedders import unit
from faces.metrics.wording import percent
from faces.photos.grouping import FALSE_MERGE, SHARED, Known, Scores, group
from faces.recognition.impostors import Impostors, impostors_of
from faces.types import Floats

EACH = 10  # photographs of a made-up person
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
RATES = (0.1, 0.01, 0.001, 0.0001)


class Set:
    """A set of labelled faces that are clear enough to be compared."""

    def __init__(self, given: Labelled, impostors: Impostors) -> None:
        clear = np.array([face.quality > 0 for face in given.faces])
        self.scores = Scores.of(impostors, given.embeddings[clear])
        self.truth = given.truth[clear]
        self.pictures = [face.sha256 for face in given.faces if face.quality > 0]

    def group(self, false_merge: float, shared: float = SHARED) -> Labels:
        known = [Known(has={picture}, refuses={picture}) for picture in self.pictures]
        return group(self.scores, known, false_merge, shared)

    def figures(self, labels: Labels) -> tuple[str, str, str]:
        precision, recall = pairwise(labels, self.truth)
        return f"{precision:.2%}", f"{recall:.2%}", percent(misplaced(labels, self.truth))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=values.count, default=10_000, help="number of made-up people")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the libraries here for the next run")
    args = parser.parse_args(sys.argv[2:])
    impostors = impostors_of("sface-int8, mirrored")
    assert impostors is not None
    listed = {
        "people and strangers": people_and_strangers(),
        "lfw, 2 or more": lfw(),
        "lfw, all": lfw(1),
        "casia_v5": colleagues(),
    }
    with ExitStack() as stack:
        given = {
            name: stack.enter_context(scanned(photographs, args.keep and args.keep / name.replace(", ", "-")))
            for name, photographs in listed.items()
        }
        sets = {name: Set(each, impostors) for name, each in given.items()}
        compare(sets)
        rates(sets)
        calibrate(sets)
        scatter(sets["people and strangers"])
        made_up(sets["people and strangers"], impostors, args.people)
    return 0


def compare(sets: dict[str, Set]) -> None:
    """Print all methods on all sets, at several settings."""
    methods: dict[str, Callable[[Set], Labels]] = {}
    for rate in RATES[1:]:
        methods[f"average linkage, {rate:g}"] = lambda one, rate=rate: one.group(rate)  # type: ignore[misc]
    for rate in RATES[1:]:
        methods[f"Chinese whispers, {rate:g}"] = lambda one, rate=rate: others.whispers(  # type: ignore[misc]
            one.scores, one.pictures, rate
        )
    for least in (2, 3, 5):
        methods[f"HDBSCAN, {least} faces or more"] = lambda one, least=least: others.hdbscan(  # type: ignore[misc]
            one.scores, least
        )
    rows = []
    for method, run in methods.items():
        row: list[str] = [method]
        for one in sets.values():
            start = time.perf_counter()
            labels = run(one)
            precision, recall, _ = one.figures(labels)
            row += [precision, recall, f"{time.perf_counter() - start:.1f} s"]
        rows.append(row)
    headings = ["method", *(f"{name}: {figure}" for name in sets for figure in ("precision", "recall", "time"))]
    print(text.table(headings, rows), end="\n\n")


def rates(sets: dict[str, Set]) -> None:
    """Print what the chosen method does at several rates."""
    rows = [
        (name, f"{rate:g}", f"{one.scores.limit(rate):.2f}", *one.figures(one.group(rate)))
        for name, one in sets.items()
        for rate in RATES
    ]
    print(text.table(["set", "--false-merge", "limit", "precision", "recall", "misplaced"], rows), end="\n\n")


def calibrate(sets: dict[str, Set]) -> None:
    """Choose ``SHARED`` on each set, and show it on the others."""
    rows = []
    for name, one in sets.items():
        results = [(shared, *_measured(one, shared)) for shared in SHARES]
        kept = [result for result in results if result[1] <= FALSE_MERGE] or [min(results, key=lambda each: each[1])]
        best = max(kept, key=lambda result: (result[2], result[0]))[0]
        for other_name, other in sets.items():
            if other_name != name and not (name.startswith("lfw") and other_name.startswith("lfw")):
                rows.append((name, best, other_name, *other.figures(other.group(FALSE_MERGE, best))))
    print(text.table(["chosen on", "share", "shown on", "precision", "recall", "misplaced"], rows), end="\n\n")


def _measured(one: Set, shared: float) -> tuple[float, float]:
    labels = one.group(FALSE_MERGE, shared)
    return misplaced(labels, one.truth), pairwise(labels, one.truth)[1]


def scatter(one: Set) -> None:
    """Print how alike photographs of one person are: what ``questions`` takes for granted."""
    same = (one.truth[:, None] == one.truth) & (one.truth >= 0)
    rows, columns = np.nonzero(np.triu(same, 1))
    scores = one.scores
    cosine = np.einsum("nd,nd->n", scores.embeddings[rows], scores.embeddings[columns])
    value = scores.normalized(cosine - (scores.crowding[rows] + scores.crowding[columns]) / 2)
    print(f"photographs of one person: normalized similarity {value.mean():.2f}, deviation {value.std():.2f}\n")


def made_up(one: Set, impostors: Impostors, people: int) -> None:
    """Group made-up people, and print the time and the memory."""
    embeddings, truth = faces_of(people, one, impostors), np.repeat(np.arange(people), EACH)
    start = time.perf_counter()
    labels = group(Scores.of(impostors, embeddings), [Known(has={row}, refuses={row}) for row in range(len(truth))])
    took = time.perf_counter() - start
    precision, recall = pairwise(labels, truth)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    load = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"{len(truth):,} made-up faces of {people:,} people: {took:.0f} s, {memory:.1f} GB at most; {load}")
    print(f"precision {precision:.2%}, recall {recall:.2%}")


def faces_of(people: int, like: Set, impostors: Impostors) -> Floats:
    """Return ``EACH`` made-up faces of each person, as far from their centre as real photographs are from theirs.

    The centres are random directions, with the mean similarity of different people.
    """
    rng = np.random.default_rng(0)
    real, truth = like.scores.embeddings, like.truth
    theirs = [real[truth == label] for label in np.unique(truth[truth >= 0]) if (truth == label).sum() > 1]
    cosines = np.concatenate([each @ unit(each.mean(axis=0, keepdims=True))[0] for each in theirs])
    common = unit(real.mean(axis=0, keepdims=True))
    own = unit(rng.normal(size=(people, real.shape[1])).astype(np.float32))
    centres = unit(np.sqrt(impostors.mean) * common + np.sqrt(1 - impostors.mean) * own)
    centres = np.repeat(centres, EACH, axis=0)
    away = rng.normal(size=centres.shape).astype(np.float32)
    away = unit(away - (away * centres).sum(axis=1, keepdims=True) * centres)
    cosine = rng.choice(cosines, len(centres))[:, None]
    return np.asarray(cosine * centres + np.sqrt(1 - cosine**2) * away, np.float32)
