"""What naming the faces of a picture jointly changes, and where HANDOVER of faces/video/votes.py comes from.

python -m benchmarks.together [--models built-in|dlib]

Made pictures: 8 people of ../shared/data/people with one photograph each are enrolled; four of them and four of
../shared/data/strangers are in a picture. The threshold gives a name to a share of all strangers (FPIR), each for
itself.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from benchmarks.photographs import DATA, embeddings, found
from benchmarks.video_chains import CLIP, known
from benchmarks.video_correctness import SHOTS, truly
from faces.cli import running, text
from faces.crops import sharpness
from faces.detection import BUILT_IN
from faces.detection.registry import PACKAGED
from faces.evaluation.photographs import BUILT_IN_MODELS
from faces.evaluation.searches.trials import by_person
from faces.files.finding import find_images
from faces.pipeline import Pipeline
from faces.recognition.assignment import assign
from faces.recognition.distances import People
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Floats
from faces.video.sources import open_source
from faces.video.votes import KEPT_SAMPLES, QUORUM, quality

ENROLLED, THERE, STRANGERS = 8, 4, 4
RATES = (0.01, 0.05, 0.1)
TRIALS, PICTURES = 60, 40  # choices of those enrolled, and pictures for each
EVERY = 7  # frames of the clip: 0.28 s


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", choices=PACKAGED, default=BUILT_IN)
    args = parser.parse_args(argv)
    models = (args.models, args.models, *BUILT_IN_MODELS[2:])
    paths = by_person(DATA / "people")
    everybody = embeddings([p for each in paths.values() for p in each], models, "people")
    strangers = [v for v in embeddings(find_images(DATA / "strangers"), models, "strangers").values() if found(v)]
    people = {
        name: np.stack([everybody[path] for path in each if found(everybody[path])]) for name, each in paths.items()
    }
    rows = [row for rate in RATES for row in pictures(people, np.stack(strangers), rate)]
    print(text.table(["FPIR", "names", "right", "wrong", "strangers named"], rows))
    print()
    print(
        text.table(
            ["of the clip", "recounts", "largest change", "of the threshold"],
            [steps(Pipeline.load(args.models, args.models))],
        )
    )
    return 0


def pictures(people: dict[str, Floats], strangers: Floats, rate: float) -> list[list[object]]:
    """Return a row for names given to each face alone, and one for names given jointly."""
    random, names = np.random.default_rng(0), sorted(people)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for _ in range(TRIALS):
        chosen = sorted(random.choice(names, ENROLLED, replace=False))
        enrolled = People.of(np.stack([people[name][0] for name in chosen]), np.arange(ENROLLED))
        limit = float(np.quantile(enrolled.distances(strangers).min(axis=1), rate))
        for _ in range(PICTURES):
            there = random.choice(ENROLLED, THERE, replace=False)
            others = [people[chosen[k]][1:] for k in there]
            probes = [own[random.integers(len(own))] for own in others]
            probes += [strangers[random.integers(len(strangers))] for _ in range(STRANGERS)]
            distance = enrolled.distances(np.stack(probes)).astype(np.float64)
            nearest = distance.argmin(axis=1)
            limits = np.where(distance.min(axis=1) <= limit, limit, -np.inf)
            given = {
                "each alone": np.where(np.isfinite(limits), nearest, -1),
                "jointly": assign(np.tile(np.arange(ENROLLED), (len(probes), 1)), distance, limits),
            }
            for how, who in given.items():
                counts[how]["right"] += int((who[:THERE] == there).sum())
                counts[how]["wrong"] += int(((who[:THERE] != there) & (who[:THERE] >= 0)).sum())
                counts[how]["strangers"] += int((who[THERE:] >= 0).sum())
    sums = {"right": THERE, "wrong": THERE, "strangers": STRANGERS}
    total = TRIALS * PICTURES
    return [[rate, how, *(f"{c[what] / total / n:.2%}" for what, n in sums.items())] for how, c in counts.items()]


def steps(pipeline: Pipeline) -> list[object]:
    """Return how much the voted distance of a track of the clip changes from one sample to the next."""
    recognizer = enrolled_in(pipeline)
    names, limit = recognizer.names_.tolist(), recognizer.threshold_.distance
    samples: dict[tuple[str, int], list[tuple[float, Floats]]] = defaultdict(list)
    voted: dict[tuple[str, int], list[float]] = defaultdict(list)
    for frame in open_source(str(CLIP)).frames():
        if frame.index % EVERY:
            continue
        detected = pipeline.detect(frame.image)
        crops = pipeline.embedder.aligner.crop(frame.image, detected)
        good = quality(detected, np.array([sharpness(crop) for crop in crops], np.float32))
        for box, share, embedding in zip(detected.xyxy, good, pipeline.embed(frame.image, detected), strict=True):
            if (name := truly(frame.index, box)) is None or share <= 0:
                continue
            track = name, sum(frame.index > shot.last for shot in SHOTS)  # a cut ends it
            samples[track] = sorted([*samples[track], (float(share), embedding)], key=lambda s: -s[0])[:KEPT_SAMPLES]
            if len(samples[track]) >= QUORUM:
                weights = np.array([weight for weight, _ in samples[track]])
                distance = recognizer.distances(np.stack([vector for _, vector in samples[track]]))
                voted[track].append(float(np.average(distance[:, names.index(name)], weights=weights)))
    changes = np.concatenate([np.abs(np.diff(each)) for each in voted.values()])
    return [pipeline.embedder.spec.name, len(changes), f"{changes.max():.3f}", f"{changes.max() / limit:.1%}"]


def enrolled_in(pipeline: Pipeline) -> FaceRecognizer:
    """Return a recognizer of the filmed people and the two of the clip, three photographs each."""
    each = [(name, path) for name, paths in known(3).items() for path in paths]
    enrolments = pipeline.enrol(path.read_bytes() for _, path in each)
    pairs = [(name, e.embedding) for (name, _), e in zip(each, enrolments, strict=True) if e.embedding is not None]
    names, vectors = zip(*pairs, strict=True)
    return FaceRecognizer().fit(Gallery(np.stack(vectors), names, fingerprint=pipeline.fingerprint))


if __name__ == "__main__":
    running.run(main)
