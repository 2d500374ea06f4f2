"""dataset/<person>/*.jpg -> output/embeddings.pickle: detect, align and embed the best face of every photograph.

A second run embeds only new photographs; a run that was stopped continues where it was.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import faces
from faces.cli import options as cli_options
from faces.cli import signals, text, values
from faces.cli.files import without_photographs
from faces.cli.progress import progress_bar
from faces.cli.recording import recording

LISTED_PEOPLE = 40  # with more people, the table lists only those with changes
LISTED_DUPLICATES = 10


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``extract``."""
    files = cli_options.group(parser, cli_options.FILES)
    files.add_argument(
        "-i",
        "--dataset",
        default="dataset",
        metavar="FOLDER",
        help="one folder of photographs per person; also an address (s3://..., any that fsspec knows)",
    )
    cli_options.add_embeddings_option(parser)
    files.add_argument("--rebuild", action="store_true", help="embed every photograph again")
    cli_options.add_model_options(parser)
    speed = cli_options.group(parser, cli_options.SPEED)
    speed.add_argument(
        "--workers", type=values.count, default=os.cpu_count() or 1, metavar="N", help="number of processes"
    )
    speed.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="use a Dask cluster: tcp://host:8786, or local for one of --workers processes on this machine",
    )
    cli_options.add_track_option(parser)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = cli_options.parser(
        "Detect the face in every photograph of a data set, one folder per person, and write its embedding.",
        "--dataset dataset --embeddings output/embeddings.pickle",
        "--rebuild --workers 2",
    )
    add_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    signals.stop_on_signals()
    return update_and_show(build_parser().parse_args(argv))


def update_and_show(args: argparse.Namespace) -> int:
    """Bring ``args.embeddings`` up to date with ``args.dataset`` and print what changed."""
    options = cli_options.own_options(build_parser(), args)
    try:
        with progress_bar() as progress:
            update = faces.extract(
                args.dataset,
                args.embeddings,
                **cli_options.model_names(args),
                confidence=args.confidence,
                workers=args.workers,
                scheduler=args.scheduler,
                rebuild=args.rebuild,
                progress=progress,
                warn=text.warn,
                recording=recording(args.embeddings, "extract", options),
            )
    except faces.NoFaceError as error:
        show_photographs(error.update)
        raise
    show_photographs(update)
    result = update.extraction
    print(f"\n{changes(result)}" if update.continued else "")
    people = text.plural(len(result.gallery.people), "person", "people")
    print(f"{text.plural(len(result.gallery), 'embedding', 'embeddings')} of {people} -> {update.embeddings}")
    return 0


def show_photographs(update: faces.EmbeddingsUpdate) -> None:
    """Print the photographs that were skipped or are there twice, and the number of photographs of each person."""
    others = set(update.no_photographs)
    skipped = [row for row in update.skipped if row[0] not in others]
    show_rows(("left out", "reason"), skipped, LISTED_PEOPLE, update.skipped_csv)
    if others:
        print(f"{without_photographs(update.no_photographs)}; see {update.skipped_csv}\n")
    chosen = [row for row in update.several if row not in skipped]
    show_rows(("photograph", "what was done"), chosen, LISTED_PEOPLE, update.several_csv)
    pairs = zip(update.twice, update.duplicates, strict=True)
    same = [row for row, pair in pairs if not pair.is_nearly_the_same]
    show_rows(("photograph", "other photograph", "why"), same, LISTED_DUPLICATES, update.duplicates_csv)
    if nearly_same := len(update.duplicates) - len(same):
        photographs = text.plural(nearly_same, "photograph is", "photographs are")
        print(f"{photographs} nearly the same as another of the same person, see {update.duplicates_csv}\n")
    for note in update.notes:
        print(f"{note}\n")
    print(summary(update.extraction))


def summary(result: faces.Extraction) -> str:
    """Return a table of the people; of many people, only those with changes."""
    photographs = Counter(photograph.person for photograph in result.photographs)
    embeddings = Counter(result.gallery.names)
    people = sorted({*result.people, *result.changed, *result.gallery.people})
    listed = people if len(people) <= LISTED_PEOPLE else [name for name in people if name in result.changed]
    rows: list[tuple[object, ...]] = [(name, photographs[name], embeddings[name]) for name in listed[:LISTED_PEOPLE]]
    if others := len(people) - len(rows):
        shown = [sum(numbers[str(row[0])] for row in rows) for numbers in (photographs, embeddings)]
        rows.append((f"{others} others", len(result.photographs) - shown[0], len(result.gallery) - shown[1]))
    rows.append(("all", len(result.photographs), len(result.gallery)))
    return text.table(["person", "photographs", "faces"], rows)


def changes(result: faces.Extraction) -> str:
    """Return a line with the changes since the last run, or since the run that was stopped."""
    numbers = {"new": result.new, "moved or copied": result.moved, "gone": result.gone, "not read": len(result.lost)}
    listed = ", ".join(f"{number} {change}" for change, number in numbers.items() if number)
    return f"{text.plural(result.known, 'photograph', 'photographs')} known, {listed or 'none new'}"


def show_rows(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]], most: int, path: Path) -> None:
    """Print the first ``most`` rows, and the file that has the others."""
    if rows:
        print(text.table(headings, rows[:most]))
        print(f"and {len(rows) - most} more, in {path}\n" if len(rows) > most else "")
