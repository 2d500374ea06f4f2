"""Measure the figures of README.md and docs/models.md.

python -m benchmarks.accuracy [--detector ...] [--embedding-model ...]

Identification: the first photographs of each person in ../shared/data/people are enrolled, the last ten are probes, and
../shared/data/strangers has the strangers. Verification: LFW's 1,000 View 1 test pairs.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

import numpy as np

from benchmarks.photographs import DATA, LFW, PROBES
from faces.cli import options, running, text
from faces.evaluation.photographs import Photographs, embed_photographs
from faces.evaluation.searches import pairs, search
from faces.evaluation.searches.identification import identify
from faces.evaluation.searches.trials import Trial, by_person
from faces.evaluation.searches.verification import verify
from faces.files.finding import find_images
from faces.metrics.wording import percent


def trial(enrolled: int, people: int | None = None) -> Trial:
    """Return a trial: the first photographs of the first people, their last ten, and all strangers."""
    folders = dict(list(by_person(DATA / "people").items())[:people])
    gallery, probes = (
        tuple((name, path) for name, paths in folders.items() for path in paths[some])
        for some in (slice(enrolled), slice(-PROBES, None))
    )
    return Trial(gallery, probes, tuple(find_images(DATA / "strangers")))


def probability(trial: Trial, seen: Photographs) -> float:
    """Return the mean probability of the right person, over the probes with a face."""
    recognizer = search.train_recognizer(trial, seen, fpir=0.01)
    rows = seen.rows(path for _, path in trial.probes)
    with_face = seen.has_face[rows]
    truth = np.searchsorted(recognizer.names_, np.array([name for name, _ in trial.probes])[with_face])
    return float(recognizer.predict_proba(seen.embeddings[rows[with_face]])[np.arange(len(truth)), truth].mean())


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_model_options(parser)
    args = parser.parse_args(argv)
    wanted = pairs.read(LFW)
    paths = [*wanted.first, *wanted.second, *find_images(DATA / "people"), *find_images(DATA / "strangers")]
    models = (args.detector, args.embedding_model, args.confidence, args.accuracy)
    seen = embed_photographs(paths, models, os.cpu_count() or 1)
    result = verify("lfw", wanted, seen)
    threshold = f"the best threshold, {result.thresholds[0]:.3f}"
    print(f"lfw: {result.accuracy.value:.2%} of {len(wanted)} pairs judged correctly at {threshold}\n")

    rows = []
    for people in (24, 12, 6):
        for enrolled in (1, 2, 5, 10):
            for fpir in (0.01, 0.05):
                subset = trial(enrolled, people)
                searched = identify("people", [subset], seen, fpir)
                shares = [percent(share.mean) for share in (searched.right, searched.wrong, searched.strangers_named)]
                mean = probability(subset, seen)
                rows.append([people, enrolled, fpir, *shares, f"{mean:.2f}", f"{searched.threshold:.3f}"])
    headings = ["people", "enrolled", "fpir", "right", "wrong", "strangers named", "probability", "threshold"]
    print(text.table(headings, rows))
    return 0


if __name__ == "__main__":
    running.run(main)
