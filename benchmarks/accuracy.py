"""The figures of README.md and docs/models.md: python -m benchmarks.accuracy [--detector ...] [--embedding-model ...]

Identification: of everybody in ../shared/data/people the first photographs are enrolled, the last ten are probes, and
../shared/data/strangers are nobody in it. Verification: LFW's 1,000 View 1 test pairs.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

import numpy as np

from benchmarks.photographs import DATA, LFW, PROBES
from faces.cli import options, running, text
from faces.evaluation.photographs import Photographs, look_at
from faces.evaluation.searches import pairs, search
from faces.evaluation.searches.identification import identify
from faces.evaluation.searches.trials import Trial, by_person
from faces.evaluation.searches.verification import verify
from faces.files.finding import find_images
from faces.metrics.wording import percent


def trial(enrolled: int, people: int | None = None) -> Trial:
    """The first photographs of the first people, their last ten, and all strangers."""
    folders = dict(list(by_person(DATA / "people").items())[:people])
    gallery, probes = (
        tuple((name, path) for name, paths in folders.items() for path in paths[some])
        for some in (slice(enrolled), slice(-PROBES, None))
    )
    return Trial(gallery, probes, tuple(find_images(DATA / "strangers")))


def probability(trial: Trial, seen: Photographs) -> float:
    """The mean chance of the right person, of the probes with a face."""
    recognizer = search.trained(trial, seen, fpir=0.01)
    rows = seen.rows(path for _, path in trial.probes)
    found = seen.found[rows]
    truth = np.searchsorted(recognizer.names_, np.array([name for name, _ in trial.probes])[found])
    return float(recognizer.predict_proba(seen.embeddings[rows[found]])[np.arange(len(truth)), truth].mean())


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_model_options(parser)
    args = parser.parse_args(argv)
    wanted = pairs.read(LFW)
    paths = [*wanted.first, *wanted.second, *find_images(DATA / "people"), *find_images(DATA / "strangers")]
    models = (args.detector, args.embedding_model, args.confidence, args.accuracy)
    seen = look_at(paths, models, os.cpu_count() or 1)
    told = verify("lfw", wanted, seen)
    best = f"the best threshold, {told.thresholds[0]:.3f}"
    print(f"lfw: {told.accuracy.value:.2%} of {len(wanted)} pairs right at {best}\n")

    rows = []
    for people in (24, 12, 6):
        for enrolled in (1, 2, 5, 10):
            for fpir in (0.01, 0.05):
                some = trial(enrolled, people)
                one = identify("people", [some], seen, fpir)
                shares = [percent(share.mean) for share in (one.right, one.wrong, one.strangers_named)]
                limit = one.searches[0].threshold
                rows.append([people, enrolled, fpir, *shares, f"{probability(some, seen):.2f}", f"{limit:.3f}"])
    headings = ["people", "enrolled", "fpir", "right", "wrong", "strangers named", "probability", "threshold"]
    print(text.table(headings, rows))
    return 0


if __name__ == "__main__":
    running.run(main)
