"""The Face API's confidence: its constant in faces/server/search/confidence.py, and the figures of docs/face-api.md.

python -m benchmarks.confidence [--detector ...] [--embedding-model ...]

The steepness is fitted on LFW's 1,000 View 1 test pairs (logistic regression). It is then judged on other people: those
in ../shared/data/people, enrolled with their first photographs and probed with their last ten, and
../shared/data/strangers.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.photographs import DATA, LFW, PROBES, embeddings, found
from faces.cli import options, running, text
from faces.evaluation.photographs import embed_photographs
from faces.evaluation.searches import pairs
from faces.evaluation.searches.trials import by_person
from faces.evaluation.searches.verification import pair_distances
from faces.files.finding import find_images
from faces.pipeline import Pipeline
from faces.recognition.distances import People
from faces.server.search.confidence import SAME_PERSON, Confidence, curve
from faces.types import Floats

GENUINE = 0.8  # confidence, above which clients greet somebody


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_model_options(parser)
    args = parser.parse_args(argv)
    models = (args.detector, args.embedding_model, args.confidence, args.accuracy)
    wanted = pairs.read(LFW)
    apart = pair_distances(wanted, embed_photographs((*wanted.first, *wanted.second), models, os.cpu_count() or 1))
    same, seen = wanted.same, np.isfinite(apart)
    fit = LogisticRegression(C=1e6).fit(apart[seen, None], same[seen])
    steepness, even = -float(fit.coef_[0, 0]), -float(fit.intercept_[0] / fit.coef_[0, 0])
    print(f"steepness {steepness:.1f}; as many pairs of one person as of two: 0.5 at {even:.3f}")

    ours = curve(Pipeline.load(*models).embedder.spec)
    print(f"in use: 0.5 at {ours.middle:.4f}, steepness {ours.steepness:.1f}, so {GENUINE} at {_inverse(ours):.4f}\n")
    confidence = ours.of(apart[seen])
    rows: list[list[object]] = [_row("pairs of photographs", confidence[same[seen]], confidence[~same[seen]])]
    embedded = embeddings([*find_images(DATA / "people"), *find_images(DATA / "strangers")], models, "people")
    for enrolled in (1, 2, 3, 5, 10):
        rows.append(_row(f"24 people, {enrolled} photographs each", *_identify(embedded, enrolled, ours)))
    headings = ["", "genuine", "> 0.8", ">= 0.5", "median", "strangers", "< 0.5", "< 0.8", "highest"]
    print(text.table(headings, rows))
    return 0


def _inverse(ours: Confidence) -> float:
    return ours.middle - float(np.log(GENUINE / (1 - GENUINE))) / ours.steepness


def _identify(embedded: dict[Path, Floats], enrolled: int, ours: Confidence) -> tuple[Floats, Floats]:
    """Confidence of each probe in the right person, and of each stranger in whoever is nearest."""
    photographs = {n: [p for p in paths if found(embedded[p])] for n, paths in by_person(DATA / "people").items()}
    first = [paths[:enrolled] for paths in photographs.values()]
    starts = np.cumsum([0, *(len(paths) for paths in first[:-1])])
    people = People.of(np.stack([embedded[path] for paths in first for path in paths]), starts)
    probes = [(row, path) for row, paths in enumerate(photographs.values()) for path in paths[-PROBES:]]
    strangers = [path for path in find_images(DATA / "strangers") if found(embedded[path])]
    genuine = people.distances(np.stack([embedded[path] for _, path in probes]))
    genuine = genuine[np.arange(len(probes)), [row for row, _ in probes]]
    nearest = people.distances(np.stack([embedded[path] for path in strangers])).min(axis=1)
    return ours.of(genuine), ours.of(nearest)


def _row(what: str, genuine: Floats, impostor: Floats) -> list[object]:
    return [
        what,
        len(genuine),
        f"{(genuine > GENUINE).mean():.1%}",
        f"{(genuine >= SAME_PERSON).mean():.1%}",
        f"{np.median(genuine):.2f}",
        len(impostor),
        f"{(impostor < SAME_PERSON).mean():.1%}",
        f"{(impostor < GENUINE).mean():.1%}",
        f"{impostor.max():.2f}",
    ]


if __name__ == "__main__":
    running.run(main)
