"""Strangers named when people of one group or one camera are enrolled: python -m benchmarks.alike

Twenty people are enrolled with one photograph each; the others of their set are strangers (forty at most). Two
thresholds are compared: the general one, measured on people of LFW, and the recognizer's own, which looks at who is
enrolled. Sets: ../shared/data/casia_v5 (one camera) and the age groups of ../shared/data/fairface. "right" is the
share of the other photographs of those enrolled that get the right name; fairface has one photograph a person.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence

import numpy as np

from benchmarks.photographs import DATA, embeddings, found
from faces.cli import running, text, values
from faces.evaluation import photographs
from faces.files.finding import find_images
from faces.metrics.wording import percent
from faces.models import zoo
from faces.pipeline import Pipeline
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.recognition.thresholds import far_per_person, threshold_at
from faces.types import Fingerprint, Floats

STRANGERS = 40  # people
People = list[Floats]  # of each person the embeddings (photographs, D)


def sets(accuracy: str) -> dict[str, People]:
    """The people of each set, those without a face left out."""
    models = (*photographs.BUILT_IN_MODELS[:3], accuracy)
    of_path = embeddings([path for name in ("casia_v5", "fairface") for path in find_images(DATA / name)], models)
    people: dict[str, dict[str, list[Floats]]] = {"casia_v5": {}}
    for path in find_images(DATA / "casia_v5"):
        people["casia_v5"].setdefault(path.parent.name, []).append(of_path[path])
    with (DATA / "fairface" / "fairface.csv").open(encoding="utf-8") as file:
        for row in sorted(csv.DictReader(file), key=lambda row: int(row["age"].split("-")[0].rstrip("+"))):
            group = people.setdefault(f"fairface, {row['age']}", {})
            group[row["path"]] = [of_path[DATA / "fairface" / row["path"]]]
    with_face: dict[str, People] = {}
    for name, photographs_of in people.items():
        embedded = [[embedding for embedding in each if found(embedding)] for each in photographs_of.values()]
        with_face[name] = [np.stack(each) for each in embedded if each]
    return with_face


def measure(
    people: People, enrolled: int, fpir: float, splits: int, fingerprint: Fingerprint
) -> tuple[list[float], list[float], float]:
    """Shares of strangers named, and of probes named right (NaN without any), by the general and the own threshold;
    and the share of the worst split's strangers that the own threshold names."""
    rng = np.random.default_rng(0)
    named, right, worst = np.zeros(2), np.zeros(2), 0.0
    strangers, probes = 0, 0
    points = zoo.operating_points(fingerprint.embedder.name)
    for _ in range(splits):
        order = rng.permutation(len(people))
        known, others = order[:enrolled], order[enrolled : enrolled + STRANGERS]
        first = [int(rng.integers(len(people[k]))) for k in known]
        names = tuple(f"{k:04}" for k in known)
        vectors = np.stack([people[k][at] for k, at in zip(known, first, strict=True)])
        recognizer = FaceRecognizer(fpir).fit(Gallery(vectors, names, fingerprint=fingerprint))
        limits = threshold_at(points, far_per_person(fpir, enrolled)), recognizer.threshold_.distance
        nearest = recognizer.distances(np.concatenate([people[k] for k in others])).min(axis=1)
        mine = [(who, np.delete(people[k], at, axis=0)) for who, k, at in zip(names, known, first, strict=True)]
        truth = np.repeat([who for who, _ in mine], [len(some) for _, some in mine])
        distance = recognizer.distances(np.concatenate([some for _, some in mine]))
        hit = recognizer.names_[distance.argmin(axis=1)] == truth
        strangers, probes = strangers + len(nearest), probes + len(truth)
        for k, limit in enumerate(limits):
            named[k] += (nearest <= limit).sum()
            right[k] += (hit & (distance.min(axis=1) <= limit)).sum()
        worst = max(worst, float((nearest <= limits[1]).mean()))
    share = right / probes if probes else np.full(2, np.nan)
    return (named / strangers).tolist(), share.tolist(), worst


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--enrolled", type=values.count, nargs="+", default=[20], help="people, one row of tables each")
    parser.add_argument("--fpir", type=values.share, nargs="+", default=[0.01, 0.05, 0.001])
    parser.add_argument("--splits", type=values.count, default=100)
    parser.add_argument("--accuracy", choices=("fast", "best"), default="fast")
    args = parser.parse_args(argv)
    everybody = sets(args.accuracy)
    fingerprint = Pipeline.load(*photographs.BUILT_IN_MODELS[:3], args.accuracy).fingerprint
    headings = ("", "strangers named: general", "own threshold", "worst split", "right: general", "own threshold")
    for enrolled in args.enrolled:
        for fpir in args.fpir:
            print(f"\n{enrolled} people enrolled with one photograph, --fpir {fpir}, {args.splits} splits")
            rows, means = [], np.zeros(2)
            for name, people in everybody.items():
                named, right, worst = measure(people, enrolled, fpir, args.splits, fingerprint)
                known = ["" if np.isnan(share) else percent(share) for share in right]
                rows.append((name, *(percent(share) for share in named), percent(worst), *known))
                means += np.array(named) / len(everybody)
            print(text.table(headings, [*rows, ("mean", *(percent(float(share)) for share in means), "", "", "")]))
    return 0


if __name__ == "__main__":
    running.run(main)
