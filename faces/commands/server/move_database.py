"""Move a server's database to other models: embed again every face whose photograph is known."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from faces import optional
from faces.cli import options, text, values
from faces.cli.progress import progress_bar
from faces.datasets import open_dataset
from faces.detection import registry
from faces.errors import FacesError
from faces.files import locks
from faces.pipeline import Pipeline

if TYPE_CHECKING:
    from faces.server.people.moving import StayingFace


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = options.parser(
        "Move a server's database to other models: embed again every face whose photograph was kept, or is in a data"
        " set. Stop its servers first. If a face cannot be moved, nothing is changed.",
        "--dataset dataset",
        "--models built-in --erase-others",
    )
    files = options.group(parser, options.FILES)
    files.add_argument("--database", default="sqlite:///output/faces.db", metavar="URL", help="as for faces serve")
    files.add_argument(
        "-i", "--dataset", metavar="FOLDER", help="photographs that were enrolled; they are recognized by their content"
    )
    files.add_argument(
        "--erase-others", action="store_true", help="erase the faces that cannot be moved; their people stay"
    )
    models = options.group(parser, options.MODELS)
    models.add_argument(
        "--models", choices=registry.PACKAGED, default=registry.BUILT_IN, metavar="SET", help="the new models"
    )
    models.add_argument(
        "--accuracy", type=values.accuracy, default="default", metavar="LEVEL", help="as for the other commands"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    with optional.server_packages():
        from faces.server.people.moving import prepare
        from faces.server.store.database import Database
    place = Database.path_of(args.database)
    if (former := Database.models_of(args.database)) is None:
        raise FacesError(f"{place or 'the database'} is not a database of faces serve, or cannot be read")
    dataset = None if args.dataset is None else open_dataset(args.dataset)
    pipeline = Pipeline.load(args.models, args.models, accuracy=args.accuracy)
    if former == pipeline.fingerprint:
        print("the faces in the database are of these models already")
        return 0
    with ExitStack() as stack:
        if place is not None:
            stack.enter_context(locks.only_one(place))
        database = Database(args.database, former)
        stack.callback(database.close)
        progress = stack.enter_context(progress_bar("face"))
        move = prepare(database, pipeline, dataset, progress)
        show_staying(move.staying)
        if move.staying and not args.erase_others:
            raise FacesError(
                f"{text.plural(len(move.staying), 'face', 'faces')} cannot be moved, so nothing was changed; name a"
                " folder of their photographs with --dataset, or erase them with --erase-others"
            )
        move.apply(database, pipeline.fingerprint)
    erased = f"; {text.plural(len(move.staying), 'face', 'faces')} erased" if move.staying else ""
    moved = text.plural(len(move.embeddings), "face", "faces")
    print(f"{moved} moved from {former.embedder.name} to {pipeline.fingerprint.embedder.name}{erased}")
    return 0


def show_staying(staying: Sequence[StayingFace]) -> None:
    """Print the people whose faces cannot be moved, and why."""
    counts = Counter((face.owner, face.reason) for face in staying)
    if counts:
        rows = [(owner, number, reason) for (owner, reason), number in sorted(counts.items())]
        print(text.table(("cannot be moved", "faces", "why"), rows))
