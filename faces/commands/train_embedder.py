"""Train OpenFace's network nn4.small2 from photographs of faces: a .t7 file as the recipe uses.

The built-in embedder is the teacher: the student learns to embed a rotated, relit or badly cut face as the teacher
embeds the same face cut well. The photographs need no names.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from faces.cli import options, recording, values
from faces.embedding import embedders
from faces.errors import UsageError
from faces.files.finding import expand
from faces.files.locks import only_one
from faces.files.writing import check_writable
from faces.training import backend
from faces.training.embedder import training
from faces.training.embedder.training import STUDENTS, EmbedderOptions

log = partial(print, file=sys.stderr, flush=True)


def build_parser() -> argparse.ArgumentParser:
    """Create the parser of ``faces train-embedder``."""
    parser = options.parser(
        "Train OpenFace's network to embed faces as the built-in embedder does.",
        "faces train-embedder --photos celeba utkface --without lfw",
    )
    parser.add_argument(
        "--photos",
        nargs="+",
        type=Path,
        required=True,
        metavar="DIR",
        help="photographs or folders of them, of as many people as possible; the best face of each is used",
    )
    parser.add_argument(
        "--without",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="photographs for evaluation; copies of them are not learned from",
    )
    parser.add_argument(
        "--teacher", default=embedders.BUILT_IN, help="built-in, or an embedding model: a .t7 or .onnx file"
    )
    parser.add_argument("--student", choices=STUDENTS, default=STUDENTS[0], help="network to train")
    parser.add_argument("--epochs", type=values.count, default=20, help="passes over the photographs, in all")
    parser.add_argument("--batch-size", type=values.count, default=64, help="faces per training step")
    parser.add_argument("--rate", type=values.positive, default=0.02, help="highest learning rate")
    parser.add_argument(
        "--loose", type=values.share, default=0.2, help="share of the faces that are cut by a box like the SSD's"
    )
    parser.add_argument(
        "--bf16", action="store_true", help="compute in bfloat16, which is faster on hardware that supports it"
    )
    parser.add_argument("--seed", type=int, default=0, help="random seed")
    parser.add_argument("--threads", type=values.count, help="cores to use (default: all)")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("output/nn4.small2.t7"),
        help="network file, written after each check; beside it: the faces, the curves, the network as .onnx, and a"
        " checkpoint from which the same command continues, also with more --epochs",
    )
    options.add_track_option(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``faces train-embedder``."""
    args = build_parser().parse_args(argv)
    if args.output.suffix != ".t7":
        raise UsageError(f"--output {args.output}: the name must end in .t7")
    backend.require("torch")
    paths, excluded = (list(dict.fromkeys(expand(places))) for places in (args.photos, args.without or ()))
    training.require_teacher(args.teacher)
    check_writable(args.output)
    embedder_options = options.as_dataclass(EmbedderOptions, args)
    with only_one(args.output), recording.recording(args.output, "embedder", vars(args)) as recorder:
        training.train(embedder_options, paths, excluded, recorder, log)
    print(f"-> {args.output}")
    return 0
