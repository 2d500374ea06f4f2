"""What "this is not ..." costs: true matches that are lost when faces were refused. The figures of docs/web-page.md.

python -m benchmarks.refusals [--detector ...] [--embedding-model ...]

24 people of ../shared/data/people are enrolled with their first five photographs; their last ten are the probes. Of
each person, those faces of ../shared/data/strangers are refused that look most like the person.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from benchmarks.photographs import DATA, PROBES, embeddings, found
from faces.cli import options, running, text
from faces.evaluation.searches.trials import by_person
from faces.files.finding import find_images
from faces.model_choice import choose
from faces.pipeline import Pipeline
from faces.recognition.distances import People
from faces.server.search.confidence import SAME_PERSON, curve
from faces.server.search.index import Index, Layers
from faces.server.search.refusals import Refusals, WithoutRefused
from faces.server.search.searchable import Searchable
from faces.types import Floats

ENROLLED = 5  # photographs of each person
REFUSED = (0, 1, 3, 10, 30, 100)  # faces of each person


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_model_options(parser)
    args = parser.parse_args(argv)
    chosen = choose(args.detector or args.models, args.embedding_model or args.models, args.accuracy)
    models = (chosen.detector, chosen.embedding_model, args.confidence, chosen.accuracy)
    pipeline = Pipeline.load(*models)
    ours = curve(pipeline.embedder.spec, None, pipeline.fingerprint.embedder.name)
    embedded = embeddings([*find_images(DATA / "people"), *find_images(DATA / "strangers")], models, "people")
    photographs = {n: [p for p in paths if found(embedded[p])] for n, paths in by_person(DATA / "people").items()}
    names = list(photographs)
    own = {name: np.stack([embedded[path] for path in paths[:ENROLLED]]) for name, paths in photographs.items()}
    starts = np.arange(len(names)) * ENROLLED
    people = People.of(np.concatenate(list(own.values())), starts)
    group = Layers.of(Index(np.arange(len(names)), np.array(names), people), ours.embedder)
    probes = np.stack([embedded[path] for paths in photographs.values() for path in paths[-PROBES:]])
    owners = np.array([name for name, paths in photographs.items() for _ in paths[-PROBES:]])
    strangers = np.stack([embedded[path] for path in find_images(DATA / "strangers") if found(embedded[path])])

    def named(search: Searchable, faces: Floats) -> np.ndarray:
        result = search.search(faces, 1)
        return np.where(ours.of(result.distance, result.expected)[:, 0] >= SAME_PERSON, result.ids[:, 0], "")

    right, rows = named(group, probes) == owners, list[list[object]]()
    wrong = named(group, strangers)
    print(f"{right.sum()} of {len(probes)} probes are named, and {(wrong != '').sum()} of {len(strangers)} strangers\n")
    by_likeness = np.argsort(people.distances(strangers), axis=0)
    for number in REFUSED:
        refused = {name: (strangers[by_likeness[:number, row]], own[name]) for row, name in enumerate(names) if number}
        search = WithoutRefused(group, Refusals(refused))
        now, others = named(search, probes), named(search, strangers)
        lost = right & (now != owners)
        rows.append([number, int(lost.sum()), int((now[lost] != "").sum()), int((others != "").sum())])
    print(text.table(["refused of each person", "true matches lost", "named wrongly", "strangers named"], rows))
    return 0


if __name__ == "__main__":
    running.run(main)
