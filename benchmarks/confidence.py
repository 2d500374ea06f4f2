"""The Face API's confidence: the constants in faces/server/search/confidence.py, and the figures of docs/face-api.md.

python -m benchmarks.confidence [--detector ...] [--embedding-model ...]

The steepness is fitted on LFW's 1,000 View 1 test pairs (logistic regression); it counts only for embedders whose
similarity of strangers was not measured. The confidence in use is judged on these pairs, and on other people: those in
../shared/data/people, enrolled with their first photographs and probed with their last ten, and
../shared/data/strangers.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from benchmarks.photographs import DATA, LFW, PROBES, embeddings, found
from faces.cli import options, running, text
from faces.evaluation.searches import pairs
from faces.evaluation.searches.trials import by_person
from faces.files.finding import find_images
from faces.model_choice import choose
from faces.pipeline import Pipeline
from faces.recognition.distances import People
from faces.server.search.confidence import SAME_PERSON, Confidence, curve
from faces.server.search.index import Index, Layers
from faces.types import Floats

Values = NDArray[np.float64]

GENUINE = 0.8  # confidence, above which clients greet somebody


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_model_options(parser)
    args = parser.parse_args(argv)
    chosen = choose(args.detector or args.models, args.embedding_model or args.models, args.accuracy)
    models = (chosen.detector, chosen.embedding_model, args.confidence, chosen.accuracy)
    wanted = pairs.read(LFW)
    embedded = embeddings([*wanted.first, *wanted.second], models, "lfw")
    each = [(embedded[a], embedded[b]) for a, b in zip(wanted.first, wanted.second, strict=True)]
    apart = np.array([float(np.linalg.norm(a - b)) for a, b in each])
    same, seen = wanted.same, np.isfinite(apart)
    fit = LogisticRegression(C=1e6).fit(apart[seen, None], same[seen])
    steepness, even = -float(fit.coef_[0, 0]), -float(fit.intercept_[0] / fit.coef_[0, 0])
    print(f"steepness {steepness:.1f}; as many pairs of one person as of two: 0.5 at {even:.3f}")

    pipeline = Pipeline.load(*models)
    embedder = pipeline.fingerprint.embedder.name
    ours = curve(pipeline.embedder.spec, None, embedder)
    print(
        f"the curve in use where nothing else was measured: 0.5 at {ours.middle:.4f}, steepness {ours.steepness:.1f}\n"
    )
    confidence = np.array([_of_pair(a, b, ours) for (a, b), is_seen in zip(each, seen, strict=True) if is_seen])
    rows: list[list[object]] = [_row("pairs of photographs", confidence[same[seen]], confidence[~same[seen]])]
    embedded = embeddings([*find_images(DATA / "people"), *find_images(DATA / "strangers")], models, "people")
    for enrolled in (1, 2, 3, 5, 10):
        rows.append(_row(f"24 people, {enrolled} photographs each", *_identify(embedded, enrolled, ours)))
    headings = ["", "genuine", "> 0.8", ">= 0.5", "median", "strangers", "< 0.5", "< 0.8", "highest"]
    print(text.table(headings, rows))
    return 0


def _of_pair(probe: Floats, other: Floats, ours: Confidence) -> float:
    return ours.verified(probe[None], People.of(other[None], np.zeros(1, np.intp)))


def _identify(embedded: dict[Path, Floats], enrolled: int, ours: Confidence) -> tuple[Values, Values]:
    """Confidence of each probe in the right person, and of each stranger in the most likely one."""
    photographs = {n: [p for p in paths if found(embedded[p])] for n, paths in by_person(DATA / "people").items()}
    first = [paths[:enrolled] for paths in photographs.values()]
    starts = np.cumsum([0, *(len(paths) for paths in first[:-1])])
    people = People.of(np.stack([embedded[path] for paths in first for path in paths]), starts)
    keys = np.arange(len(people))
    group = Layers.of(Index(keys, np.array([str(key) for key in keys]), people), ours.embedder)
    probes = [(row, path) for row, paths in enumerate(photographs.values()) for path in paths[-PROBES:]]
    strangers = [path for path in find_images(DATA / "strangers") if found(embedded[path])]
    own = group.search(np.stack([embedded[path] for _, path in probes]), len(keys))
    is_own = own.ids == np.array([[str(row)] for row, _ in probes])
    nearest = group.search(np.stack([embedded[path] for path in strangers]), 1)
    return ours.of(own.distance, own.expected)[is_own], ours.of(nearest.distance, nearest.expected)[:, 0]


def _row(what: str, genuine: Values, impostor: Values) -> list[object]:
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
