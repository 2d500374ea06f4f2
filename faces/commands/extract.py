"""dataset/<person>/*.jpg -> output/embeddings.pickle: the best face of every photograph, as a point in space.

Run again, it looks only at photographs that are new; stopped, it goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import signal
from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import Path

from tqdm import tqdm

from faces import records
from faces.cli import options as cli_options
from faces.cli import recording, running, text, values
from faces.datasets import REMOTE, open_dataset
from faces.errors import FacesError
from faces.extraction import extraction, workers
from faces.extraction.checkpoints import Checkpoint
from faces.extraction.extraction import Extraction
from faces.files import locks
from faces.files.writing import check_writable, write_bytes
from faces.pipeline import Enrolment, Pipeline
from faces.recognition import duplicates
from faces.recognition.gallery import NO_NEED

WHOLE_TABLE = 40  # people: of more, only those with changes are shown
SHOWN = 10  # duplicates


def add_options(parser: argparse.ArgumentParser) -> None:
    """What ``extract`` needs."""
    parser.add_argument(
        "-i",
        "--dataset",
        default="dataset",
        help="folder with one folder of photographs per person, or its address (s3://..., anything of fsspec's)",
    )
    cli_options.add_embeddings_option(parser)
    cli_options.add_model_options(parser)
    parser.add_argument("--rebuild", action="store_true", help="look at every photograph again")
    parser.add_argument(
        "--workers", type=values.count, default=os.cpu_count() or 1, help="processes that work at the same time"
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="let a Dask cluster do it: tcp://host:8786, or local for one of --workers processes here",
    )
    cli_options.add_track_option(parser)


def build_parser() -> argparse.ArgumentParser:
    parser = cli_options.parser(
        "Detect the face in every photograph of a data set, one folder per person, and write its embedding.",
        "python extract_embeddings.py --dataset dataset --embeddings output/embeddings.pickle",
    )
    add_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it stops as with Ctrl-C
    return extract(build_parser().parse_args(argv))


def extract(args: argparse.Namespace) -> int:
    """Bring ``args.embeddings`` up to date with ``args.dataset``, and say what changed."""
    dataset = open_dataset(str(args.dataset))
    listing = dataset.listing()
    skipped_csv, duplicates_csv = (args.embeddings.with_name(name) for name in ("skipped.csv", "duplicates.csv"))
    running.require_distinct(args.embeddings, skipped_csv, duplicates_csv)
    for path in (args.embeddings, skipped_csv, duplicates_csv):
        check_writable(path)
    models = args.detector, args.embedding_model, args.confidence, args.accuracy
    task, made_with = workers.Task(dataset, models), extraction.settings(args.confidence)
    options = cli_options.own_options(build_parser(), args)

    with locks.only_one(args.embeddings), recording.recording(args.embeddings, "extract", options) as run:
        fingerprint = Pipeline.load(*models).fingerprint
        run.models(fingerprint)
        old = None
        if not args.rebuild:
            old, why = extraction.remembered(args.embeddings, fingerprint, made_with)
            if why:
                text.warn(why)
            if old is not None:
                run.input(args.embeddings)
        checkpoint = Checkpoint(
            args.embeddings.with_name(f".{args.embeddings.name}.checkpoint"), f"{fingerprint} {made_with}", args.rebuild
        )

        def enrol(paths: Sequence[str]) -> Generator[tuple[Sequence[str], list[Enrolment]], None, None]:
            if not paths:
                return
            some = workers.start(task, min(args.workers, -(-len(paths) // workers.EMBEDDED_TOGETHER)), args.scheduler)
            try:
                with tqdm(total=len(paths), unit="photo", disable=None) as progress:
                    for done in workers.enrol(some, paths, fingerprint):
                        yield done
                        progress.update(len(done[0]))
            finally:
                some.close()

        try:
            result = extraction.extract(dataset, listing, old, checkpoint, enrol, fingerprint, made_with)
        finally:
            checkpoint.save()
        left_out = skipped(result, str(args.dataset))
        twice = [(one.first, one.second, one.why) for one in duplicates.find(result.gallery)]
        write_rows(skipped_csv, ("photograph", "reason"), left_out)
        write_rows(duplicates_csv, ("photograph", "other photograph", "why"), twice)
        if len(result.gallery):
            result.gallery.save(args.embeddings)
            checkpoint.remove()
            for path in (args.embeddings, skipped_csv, duplicates_csv):
                run.artefact(path)
        for what in ("new", "known", "moved", "gone"):
            run.figure(what, getattr(result, what))
        run.figure("not_read", len(result.lost))
        run.data(records.Manifest.of(result.gallery))

        show(("left out", "reason"), left_out, WHOLE_TABLE, skipped_csv)
        same = [row for row in twice if row[2] != duplicates.NEARLY]
        show(("photograph", "other photograph", "why"), same, SHOWN, duplicates_csv)
        if near := len(twice) - len(same):
            photographs = text.plural(near, "photograph is", "photographs are")
            print(f"{photographs} nearly the same as another of the same person, see {duplicates_csv}\n")
        for name in result.nobody:
            print(f"{place(str(args.dataset))}/{name}: left out; {NO_NEED}\n")
        print(summary(result))
        if len(result.gallery) == 0:
            raise FacesError(
                f"no face that helps in any of the {len(result.photographs)} photographs; nothing is written"
            )
        print(f"\n{news(result)}" if old is not None or result.known else "")
        found = text.plural(len(result.gallery.people), "person", "people")
        print(f"{text.plural(len(result.gallery), 'embedding', 'embeddings')} of {found} -> {args.embeddings}")
    return 0


def summary(result: Extraction) -> str:
    """The people: all of them, or of many those with changes."""
    photographs = Counter(one.person for one in result.photographs)
    faces = Counter(result.gallery.names)
    everybody = sorted({*result.people, *result.changed})
    shown = everybody if len(everybody) <= WHOLE_TABLE else [name for name in everybody if name in result.changed]
    rows: list[tuple[object, ...]] = [(name, photographs[name], faces[name]) for name in shown[:WHOLE_TABLE]]
    if len(everybody) > len(rows):
        others = f"{len(everybody) - len(rows)} others"
        listed = [sum(numbers[str(row[0])] for row in rows) for numbers in (photographs, faces)]
        rows.append((others, len(result.photographs) - listed[0], len(result.gallery) - listed[1]))
    return text.table(
        ["person", "photographs", "faces"], [*rows, ("all", len(result.photographs), len(result.gallery))]
    )


def news(result: Extraction) -> str:
    """What is different from last time, or from what a stopped run had done."""
    parts = {"new": result.new, "moved or copied": result.moved, "gone": result.gone, "not read": len(result.lost)}
    changes = ", ".join(f"{number} {what}" for what, number in parts.items() if number)
    return (
        f"{text.plural(result.known, 'photograph', 'photographs')} known{', ' + changes if changes else ', none new'}"
    )


def skipped(result: Extraction, dataset: str) -> list[tuple[str, str]]:
    """The photographs that were left out, with the reasons."""
    out = result.gallery.left_out
    poor = zip(out.paths, out.reasons, strict=True)
    return [(f"{place(dataset)}/{name}", reason) for name, reason in sorted([*poor, *result.lost])]


def place(dataset: str) -> str:
    """The data set's folder or address, as it is written before what is in it."""
    return dataset.rstrip("/") if REMOTE in dataset else Path(dataset).as_posix()


def show(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]], most: int, path: Path) -> None:
    """Print the first rows, and where the others are."""
    if rows:
        print(text.table(headings, rows[:most]))
        print(f"and {len(rows) - most} more, in {path}\n" if len(rows) > most else "")


def write_rows(path: Path, headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([headings, *rows])
    write_bytes(path, text.getvalue().encode(errors="surrogateescape"))  # on Linux a name may be any bytes
