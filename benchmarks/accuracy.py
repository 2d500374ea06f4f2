"""The figures of README.md and docs/models.md: python -m benchmarks.accuracy [--detector ...] [--embedding-model ...]

Identification: of everybody in ../shared/data/people the first photographs are enrolled, the last ten are probes, and
../shared/data/strangers are nobody in it. Verification: LFW's 1,000 View 1 test pairs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.photographs import DATA, PROBES, by_person, distances, embeddings, lfw_pairs
from faces import cli
from faces.gallery import Gallery
from faces.images import find_images
from faces.metrics import best_accuracy
from faces.pipeline import Pipeline
from faces.recognizers import FaceRecognizer
from faces.types import Fingerprint, Floats


@dataclass(frozen=True)
class Identification:
    """Shares of the probes (right, wrong) and of the strangers (named); the mean probability of the right person."""

    right: float
    wrong: float
    strangers_named: float
    probability: float
    threshold: float


def identification(
    embedded: dict[Path, Floats], fingerprint: Fingerprint, enrolled: int, fpir: float = 0.01, people: int | None = None
) -> Identification:
    """Enrol the first photographs of the first people; identify their last ten, and all strangers."""
    folders = dict(list(by_person(DATA / "people").items())[:people])
    gallery = [(name, path) for name, paths in folders.items() for path in paths[:enrolled] if found(embedded[path])]
    vectors = np.stack([embedded[path] for _, path in gallery])
    recognizer = FaceRecognizer(fpir).fit(Gallery(vectors, tuple(name for name, _ in gallery), fingerprint=fingerprint))
    probes = [(name, path) for name, paths in folders.items() for path in paths[-PROBES:]]
    # A probe without a face is neither right nor wrong.
    seen = [(name, path) for name, path in probes if found(embedded[path])]
    matches = recognizer.identify(np.stack([embedded[path] for _, path in seen]))
    chances = recognizer.predict_proba(np.stack([embedded[path] for _, path in seen]))
    of_right = chances[np.arange(len(seen)), np.searchsorted(recognizer.names_, [name for name, _ in seen])]
    strangers = list(find_images(DATA / "strangers"))
    named = recognizer.identify(np.stack([embedded[path] for path in strangers if found(embedded[path])])).names
    right = sum(match == name for match, (name, _) in zip(matches.names, seen, strict=True))
    wrong = sum(match not in (None, name) for match, (name, _) in zip(matches.names, seen, strict=True))
    return Identification(
        right / len(probes), wrong / len(probes), sum(name is not None for name in named) / len(strangers),
        float(of_right.mean()), recognizer.threshold_.distance,
    )  # fmt: skip


def found(embedding: Floats) -> bool:
    return bool(np.isfinite(embedding).all())


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_model_options(parser)
    args = parser.parse_args(argv)
    pipeline = Pipeline.load(args.detector, args.embedding_model, args.confidence, args.accuracy)
    pairs = lfw_pairs()
    embedded = embeddings(pipeline, [path for a, b, _ in pairs for path in (a, b)], "lfw")
    accuracy, threshold = best_accuracy(*distances(embedded, pairs))
    print(f"lfw: {accuracy:.2%} of {len(pairs)} pairs right at the best threshold, {threshold:.3f}\n")

    embedded = embeddings(pipeline, [*find_images(DATA / "people"), *find_images(DATA / "strangers")], "people")
    rows = []
    for people in (24, 12, 6):
        for enrolled in (1, 2, 5, 10):
            for fpir in (0.01, 0.05):
                one = identification(embedded, pipeline.fingerprint, enrolled, fpir, people)
                shares = [f"{share:.1%}" for share in (one.right, one.wrong, one.strangers_named)]
                rows.append([people, enrolled, fpir, *shares, f"{one.probability:.2f}", f"{one.threshold:.3f}"])
    headings = ["people", "enrolled", "fpir", "right", "wrong", "strangers named", "probability", "threshold"]
    print(cli.table(headings, rows))
    return 0


if __name__ == "__main__":
    cli.run(main)
