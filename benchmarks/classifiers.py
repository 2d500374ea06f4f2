"""The figures of docs/accuracy.md: which classifier is right how often, and what a large gallery costs.

python -m benchmarks.classifiers accuracy               each classifier at 1, 2, 3, 5 and 10 photographs a person
python -m benchmarks.classifiers crowd                  the same people among more and more others
python -m benchmarks.classifiers shortlist              faces/recognition/classifiers.py (SHORTLIST)
python -m benchmarks.classifiers svc                    faces/recognition/classifiers.py (SVC_LIMIT)
python -m benchmarks.classifiers size 100000 5          train_model.py and one probe, so many people and photographs
python -m benchmarks.classifiers search 500000          exact search beside hnswlib and faiss (pip install them)

Of everybody in ../shared/data/people the first photographs are enrolled and the last ten are probes; those in
../shared/data/strangers are nobody in it. Sizes are measured on made embeddings, about as far apart as LFW's.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.photographs import DATA, PROBES, embeddings
from faces.cli import running, text, values
from faces.evaluation.searches.trials import by_person
from faces.files.finding import find_images
from faces.pipeline import Pipeline
from faces.recognition import recognizer_files
from faces.recognition.classifiers import CLASSIFIERS, SVC, SVC_LIMIT
from faces.recognition.distances import People
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Fingerprint, Floats

ENROLLED = (1, 2, 3, 5, 10)
HEADINGS = ("classifier", "right at 1 %", "right", "wrong", "strangers named", "probability")
TRAIN_MODEL = Path(__file__).resolve().parent.parent / "train_model.py"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, function: Callable[..., None], *arguments: str) -> None:
        sub = commands.add_parser(name)
        sub.set_defaults(function=function)
        for argument in arguments:
            sub.add_argument(argument, type=values.count)

    command("accuracy", measure_accuracy)
    command("crowd", measure_crowd)
    command("shortlist", measure_shortlist)
    command("svc", measure_svc)
    command("size", measure_size, "people", "photographs")
    command("search", measure_search, "vectors")
    args = vars(parser.parse_args())
    args.pop("function")(**args)
    return 0


class Photographs:
    """Embeddings of the people's photographs (P, 20, D), of strangers (S, D), and one (D,) each of others (O, D)."""

    def __init__(self) -> None:
        pipeline = Pipeline.load()
        people, strangers = by_person(DATA / "people"), list(find_images(DATA / "strangers"))
        nobody = {*people, *(path.stem.rpartition("_")[0] for path in strangers)}
        others = [paths[0] for name, paths in by_person(DATA / "lfw").items() if name not in nobody]
        paths = [path for some in people.values() for path in some]
        embedded = embeddings([*paths, *strangers, *others], progress="lfw")
        self.fingerprint = pipeline.fingerprint
        self.people = np.stack([[embedded[path] for path in some] for some in people.values()])
        self.strangers, self.others = (np.stack([embedded[path] for path in some]) for some in (strangers, others))

    def row(self, classifier: str, enrolled: int, others: int = 0) -> list[object]:
        """A classifier's accuracy, beside ``HEADINGS``."""
        number = len(self.people)
        vectors = np.concatenate([self.people[:, :enrolled].reshape(-1, self.people.shape[2]), self.others[:others]])
        names = [f"{k:04}" for k in (*np.repeat(np.arange(number), enrolled), *range(number, number + others))]
        recognizer = FaceRecognizer(classifier=classifier)
        recognizer.fit(Gallery(vectors, tuple(names), fingerprint=self.fingerprint))
        probes = self.people[:, -PROBES:].reshape(-1, self.people.shape[2])
        matches, nobody = recognizer.identify(probes), recognizer.identify(self.strangers)
        truth = np.repeat(names[: number * enrolled : enrolled], PROBES)
        is_right = np.array(matches.candidates) == truth
        named = np.array([name is not None for name in matches.names])
        one_percent = np.sort(nobody.distance)[len(self.strangers) // 100 - 1]
        chances = recognizer.predict_proba(probes)[np.arange(len(truth)), np.searchsorted(recognizer.names_, truth)]
        shares = (
            (is_right & (matches.distance <= one_percent)).mean(),
            (is_right & named).mean(),
            (~is_right & named).mean(),
            np.mean([name is not None for name in nobody.names]),
        )
        return [classifier, *(f"{share:.1%}" for share in shares), f"{chances.mean():.2f}"]


def measure_accuracy() -> None:
    """By photographs a person."""
    photographs = Photographs()
    rows = [[enrolled, *photographs.row(name, enrolled)] for enrolled in ENROLLED for name in CLASSIFIERS]
    print(text.table(["photographs", *HEADINGS], rows))


def measure_crowd() -> None:
    """By people enrolled: the others have one photograph each."""
    photographs = Photographs()
    rows = []
    for others in (100, 300, len(photographs.others)):
        number = len(photographs.people) + others
        rows += [[number, n, *photographs.row(name, n, others)] for n in ENROLLED for name in CLASSIFIERS]
    print(text.table(["people", "photographs", *HEADINGS], rows))


def measure_shortlist() -> None:
    """Of the people's first ten photographs, those not enrolled: how many are told right among everyone else."""
    photographs = Photographs()
    number, size = len(photographs.people), photographs.people.shape[2]
    rows: list[list[object]] = []
    for enrolled in (1, 2, 3, 5):
        vectors = np.concatenate([photographs.people[:, :enrolled].reshape(-1, size), photographs.others])
        starts = np.concatenate([np.arange(number) * enrolled, number * enrolled + np.arange(len(photographs.others))])
        people, probes = People.of(vectors, starts), photographs.people[:, enrolled:-PROBES].reshape(-1, size)
        truth, similarity = np.repeat(np.arange(number), len(probes) // number), probes @ people.centres.T
        rows.append([enrolled])
        for few in (1, 2, 5, 10, 20, len(people)):
            who, distance = people.closest(similarity, probes, few)
            best = np.take_along_axis(who, distance.argmin(axis=1)[:, None], axis=1)[:, 0]
            rows[-1].append(f"{(best == truth).mean():.2%}")
    print(text.table(["photographs", *(f"of {few}" for few in (1, 2, 5, 10, 20)), "of all"], rows))


def measure_svc() -> None:
    """The time to fit an SVC at its limit."""
    rows = []
    for photographs in (1, 2, 5, 10, 20):
        number = int((SVC_LIMIT / photographs) ** 0.5)
        people = People.of(made(number, photographs).reshape(-1, 128), np.arange(number) * photographs)
        rows.append([number, photographs, f"{seconds(lambda people=people: SVC.fit(people)):.1f}"])  # type: ignore[misc]
    print(text.table(["people", "photographs", "seconds"], rows))


def measure_size(people: int, photographs: int) -> None:
    """What train_model.py takes, in a process of its own, and then one probe."""
    vectors = made(people, photographs + 1)
    names = [f"Person {k:06}" for k in np.repeat(np.arange(people), photographs)]
    fingerprint = Fingerprint.from_dict({part: {"name": "dlib-resnet", "sha256": ""} for part in Fingerprint.__slots__})
    with TemporaryDirectory() as name:
        folder = Path(name)
        paths = tuple(f"dataset/{name}/{k:09}.jpg" for k, name in enumerate(names))
        Gallery(vectors[:, :-1].reshape(-1, 128), tuple(names), paths, fingerprint=fingerprint).save(folder / "e")
        command = [sys.executable, str(TRAIN_MODEL), *(f"-{letter}={folder / letter}" for letter in "erl")]
        took = seconds(lambda: subprocess.run(command, check=True))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
        print(f"train_model.py: {took:.1f} s, at most {peak:.2f} GB")
        start = time.perf_counter()
        recognizer = recognizer_files.load(folder / "r", folder / "l", fingerprint)[0]
        print(f"loading the recognizer: {time.perf_counter() - start:.2f} s")
    probes = vectors[:: max(1, people // 200), -1]
    print_times("one probe", lambda probe: recognizer.identify(probe), probes)


def measure_search(vectors: int) -> None:
    """The ten nearest of so many vectors, exact and by two index libraries."""
    import faiss  # type: ignore[import-not-found,import-untyped,unused-ignore]
    import hnswlib  # type: ignore[import-not-found,import-untyped,unused-ignore]

    enrolled = made(vectors // 5, 6)
    probes = enrolled[:: max(1, len(enrolled) // 200), -1]
    stored = enrolled[:, :-1].reshape(-1, 128)
    columns = np.asfortranarray(stored)
    nearest = [np.argsort(-(stored @ probe))[:10] for probe in probes]

    def exact(probe: Floats) -> Any:
        similarity = probe @ columns.T
        return np.argpartition(similarity, -10, axis=1)[:, -10:]

    def judge(name: str, build: Callable[[], object], search: Callable[[Floats], Any]) -> None:
        took = seconds(build)
        hits = [len(set(search(probe[None])[0]) & set(near)) for probe, near in zip(probes, nearest, strict=True)]
        print_times(f"{name}: built in {took:.1f} s, finds {np.mean(hits) / 10:.1%} of the nearest ten", search, probes)

    flat, graph = faiss.IndexFlatIP(128), faiss.IndexHNSWFlat(128, 16, faiss.METRIC_INNER_PRODUCT)
    hnsw = hnswlib.Index("ip", 128)
    hnsw.init_index(len(stored), ef_construction=100, M=16)
    hnsw.set_ef(100)
    graph.hnsw.efConstruction = graph.hnsw.efSearch = 100
    judge("numpy, exact", lambda: None, exact)
    judge("faiss, exact", lambda: flat.add(stored), lambda probe: flat.search(probe, 10)[1])
    judge("hnswlib", lambda: hnsw.add_items(stored), lambda probe: hnsw.knn_query(probe, 10)[0])
    judge("faiss, HNSW", lambda: graph.add(stored), lambda probe: graph.search(probe, 10)[1])


def made(people: int, photographs: int) -> Floats:
    """Embeddings (P, N, 128): those of one person about 0.4 apart, of two about 0.75, all in one half of the sphere."""
    rng = np.random.default_rng(0)

    def directions(*shape: int) -> Floats:
        vectors = rng.standard_normal((*shape, 128), np.float32)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))

    everybody, person, photograph = directions(), directions(people, 1), directions(people, photographs)
    mixed = 0.72**0.5 * everybody + 0.20**0.5 * person + 0.08**0.5 * photograph
    return np.asarray(mixed / np.linalg.norm(mixed, axis=-1, keepdims=True), np.float32)


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def print_times(what: str, function: Callable[[Floats], object], probes: Floats) -> None:
    times = [1000 * seconds(lambda probe=probe: function(probe[None])) for probe in probes]  # type: ignore[misc]
    median, most = np.quantile(times, [0.5, 0.95])
    print(f"{what}: {median:.2f} ms in the median, {most:.2f} ms at most in 95 of 100", flush=True)


if __name__ == "__main__":
    running.run(main)
