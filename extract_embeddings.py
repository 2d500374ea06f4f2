"""dataset/<person>/*.jpg -> output/embeddings.pickle: the best face of every photograph, as a point in space."""

from __future__ import annotations

import argparse
import csv
import io
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from faces import cli
from faces.errors import FacesError
from faces.gallery import Gallery
from faces.images import Person, check_writable, find_people, write_bytes
from faces.pipeline import Enrolment, Pipeline


def build_parser() -> argparse.ArgumentParser:
    parser = cli.parser(
        "Detect the face in every photograph of a data set, one folder per person, and write its embedding.",
        "python extract_embeddings.py --dataset dataset --embeddings output/embeddings.pickle",
    )
    parser.add_argument(
        "-i", "--dataset", type=Path, default=Path("dataset"), help="folder with one folder of photographs per person"
    )
    cli.add_embeddings_option(parser)
    cli.add_model_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    people = find_people(args.dataset)
    skipped_csv = args.embeddings.with_name("skipped.csv")
    cli.require_distinct(args.embeddings, skipped_csv)
    for path in (args.embeddings, skipped_csv):
        check_writable(path)

    cores = os.cpu_count() or 1
    pipeline = Pipeline.load(args.detector, args.embedding_model, args.confidence, threads=1)
    owners = {path: person.name for person in people for path in person.photographs}
    progress = tqdm(pipeline.enrol_all(owners, cores), total=len(owners), unit="photo", disable=None)
    enrolments = list(progress)

    enrolled = [enrolment for enrolment in enrolments if enrolment.face is not None]
    skipped = [enrolment for enrolment in enrolments if enrolment.face is None]
    report_skipped(skipped_csv, skipped)
    print(summary(people, owners, enrolled))
    if not enrolled:
        raise FacesError(f"no face that helps in any of the {len(owners)} photographs; nothing is written")
    gallery_of(enrolled, owners, args.dataset, pipeline).save(args.embeddings)
    found = cli.plural(len({owners[enrolment.path] for enrolment in enrolled}), "person", "people")
    print(f"\n{cli.plural(len(enrolled), 'embedding', 'embeddings')} of {found} -> {args.embeddings}")
    return 0


def gallery_of(enrolled: list[Enrolment], owners: dict[Path, str], dataset: Path, pipeline: Pipeline) -> Gallery:
    return Gallery(
        embeddings=np.stack([enrolment.embedding for enrolment in enrolled if enrolment.embedding is not None]),
        names=tuple(owners[enrolment.path] for enrolment in enrolled),
        paths=tuple(enrolment.path.relative_to(dataset).as_posix() for enrolment in enrolled),
        hashes=tuple(enrolment.sha256 for enrolment in enrolled),
        boxes=np.concatenate([enrolment.face.xyxy for enrolment in enrolled if enrolment.face is not None]),
        scores=np.concatenate([enrolment.face.score for enrolment in enrolled if enrolment.face is not None]),
        fingerprint=pipeline.fingerprint,
    )


def report_skipped(path: Path, skipped: list[Enrolment]) -> None:
    """Write the photographs that were left out, with the reasons, and show them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([("photograph", "reason"), *((enrolment.path, enrolment.reason) for enrolment in skipped)])
    write_bytes(path, text.getvalue().encode(errors="surrogateescape"))  # on Linux a name may be any bytes
    if skipped:
        print(cli.table(["left out", "reason"], [(enrolment.path, enrolment.reason) for enrolment in skipped]) + "\n")


def summary(people: list[Person], owners: dict[Path, str], enrolled: list[Enrolment]) -> str:
    faces = Counter(owners[enrolment.path] for enrolment in enrolled)
    rows: list[tuple[object, ...]] = [(person.name, len(person.photographs), faces[person.name]) for person in people]
    return cli.table(["person", "photographs", "faces"], [*rows, ("all", len(owners), len(enrolled))])


if __name__ == "__main__":
    cli.run(main)
