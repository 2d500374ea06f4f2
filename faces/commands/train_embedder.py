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
        "--photos celeba utkface --without lfw",
        "--photos celeba --epochs 40 --output output/nn4.small2.t7",
    )
    files = options.group(parser, options.FILES)
    files.add_argument(
        "--photos",
        nargs="+",
        type=Path,
        required=True,
        metavar="PATH",
        help="photographs or folders of them, of as many people as possible; the best face of each is used",
    )
    files.add_argument(
        "--without",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="photographs for evaluation; copies of them are not learned from",
    )
    files.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("output/nn4.small2.t7"),
        metavar="FILE",
        help="network, written after each check; beside it: the faces, the curves, the network as .onnx, and a"
        " checkpoint from which the same command continues, also with more --epochs",
    )
    models = options.group(parser, options.MODELS)
    models.add_argument(
        "--teacher", default=embedders.BUILT_IN, metavar="NAME", help="built-in, or a .t7 or .onnx file"
    )
    models.add_argument("--student", choices=STUDENTS, default=STUDENTS[0], help="network to train")
    training_options = options.group(parser, options.TRAINING)
    training_options.add_argument(
        "--epochs", type=values.count, default=20, metavar="N", help="passes over the photographs, in all"
    )
    training_options.add_argument(
        "--batch-size", type=values.count, default=64, metavar="N", help="faces per training step"
    )
    training_options.add_argument(
        "--rate", type=values.positive, default=0.02, metavar="RATE", help="highest learning rate"
    )
    training_options.add_argument(
        "--loose",
        type=values.share,
        default=0.2,
        metavar="SHARE",
        help="share of the faces that are cut by a box like the SSD's",
    )
    training_options.add_argument("--seed", type=int, default=0, metavar="N", help="random seed")
    speed = options.group(parser, options.SPEED)
    speed.add_argument("--bf16", action="store_true", help="compute in bfloat16, faster on hardware that supports it")
    speed.add_argument("--threads", type=values.count, metavar="N", help="cores to use (default: all)")
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
