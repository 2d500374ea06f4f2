"""Photographs of faces -> OpenFace's network nn4.small2 with weights of one's own, as a .t7 that the recipe reads.

The built-in network is the teacher: the small one learns to say of a turned, relit or carelessly cut face what the
teacher says of the same face cut well. Nobody needs to be named for that.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from faces import cli, embedders
from faces.errors import UsageError
from faces.images import check_writable, expand
from faces.locks import only_one
from faces.training import backend, lessons
from faces.training.distilling import Distillation, Settings
from faces.training.openface import nn4_small2, written

STUDENTS = {"nn4.small2": nn4_small2}

tell = partial(print, file=sys.stderr, flush=True)


def build_parser() -> argparse.ArgumentParser:
    parser = cli.parser(
        "Teach OpenFace's network to embed faces as the built-in one does.",
        "python train_embedder.py --photos celeba utkface --output openface_nn4.small2.v1.t7",
    )
    parser.add_argument(
        "--photos", nargs="+", type=Path, required=True, metavar="DIR",
        help="photographs or folders of them, of as many people as possible; of each its best face is used",
    )  # fmt: skip
    parser.add_argument(
        "--teacher", default=embedders.BUILT_IN, help="built-in, or an embedding model: a .t7 or .onnx file"
    )
    parser.add_argument("--student", choices=STUDENTS, default="nn4.small2", help="the network that is taught")
    parser.add_argument("--epochs", type=cli.count, default=20, help="passes over the photographs, in all")
    parser.add_argument("--batch-size", type=cli.count, default=64, help="faces that are learnt from at once")
    parser.add_argument("--rate", type=cli.positive, default=2e-3, help="learning rate at its highest")
    parser.add_argument(
        "--loose", type=cli.share, default=0.5, help="share of the faces that are cut as the SSD's box cuts them"
    )
    parser.add_argument("--seed", type=int, default=0, help="of all that is random")
    parser.add_argument("--threads", type=cli.count, help="cores to use (default: all)")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("output/nn4.small2.t7"),
        help="the network, written anew at every look at the faces held out; beside it are kept the faces and the"
        " state, from which the same command goes on, also with other --epochs",
    )  # fmt: skip
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    if args.output.suffix != ".t7":
        raise UsageError(f"{args.output}: the network is a .t7 file")
    backend.needed("torch", "PyTorch")
    paths = list(dict.fromkeys(expand(args.photos)))
    check_writable(args.output)
    with only_one(args.output):
        train(args, paths)
    return 0


def train(args: argparse.Namespace, paths: Sequence[Path]) -> None:
    import torch

    torch.set_num_threads(args.threads or torch.get_num_threads())
    torch.manual_seed(args.seed)
    file = args.output.with_suffix(".faces.npy")
    known, rows = lessons.prepare(paths, args.teacher, file, every(1000, len(paths)))
    tell(f"{len(rows):,} faces in {len(paths):,} photographs")
    settings = Settings(
        photographs=digest(known.embeddings[rows]), teacher=args.teacher, student=args.student,
        batch_size=args.batch_size, rate=args.rate, loose=args.loose, seed=args.seed,
    )  # fmt: skip
    student = STUDENTS[args.student]()
    run = Distillation(student, known, rows, settings, args.output.with_suffix(".checkpoint"))
    if run.resume():
        tell(f"{args.output.with_suffix('.checkpoint')}: going on after {run.step * args.batch_size:,} faces")
    run.run(args.epochs, tell, lambda: written(run.weights, args.output))


def digest(embeddings: np.ndarray) -> str:
    """Stands for the photographs, wherever they lie."""
    return hashlib.sha256(np.ascontiguousarray(embeddings).tobytes()).hexdigest()[:16]


def every(step: int, total: int) -> lessons.Progress:
    """A listener that speaks now and then."""

    def heard(done: int) -> None:
        if done // step > (done - lessons.AT_ONCE) // step or done == total:
            tell(f"{done:,} of {total:,} photographs looked at")

    return heard


if __name__ == "__main__":
    cli.run(main)
