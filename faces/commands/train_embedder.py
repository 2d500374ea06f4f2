"""Photographs of faces -> OpenFace's network nn4.small2 with weights of one's own, a .t7 as the recipe reads it.

The built-in network is the teacher: the small one learns to say of a turned, relit or carelessly cut face what the
teacher says of the same face cut well. Nobody needs to be named for that.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from faces.cli import options, recording, text, values
from faces.embedding import embedders
from faces.errors import FacesError, ModelError, UsageError
from faces.files.digest import digest
from faces.files.finding import expand
from faces.files.locks import only_one
from faces.files.writing import check_writable, write_bytes
from faces.models.engine import CvDnnEngine, OnnxEngine, opencv_reads_torch7
from faces.models.torch7.to_onnx import converted
from faces.records import Manifest, Recorder
from faces.training import backend, openface, plots
from faces.training.data import distillation
from faces.training.distilling import Distillation, Settings

STUDENTS = ("nn4.small2",)
TRIED, TOLERANCE = 32, 1e-4  # faces on which a file is compared with PyTorch, and how far apart the two may be

tell = partial(print, file=sys.stderr, flush=True)


def build_parser() -> argparse.ArgumentParser:
    parser = options.parser(
        "Teach OpenFace's network to embed faces as the built-in one does.",
        "faces train-embedder --photos celeba utkface --without lfw",
    )
    parser.add_argument(
        "--photos",
        nargs="+",
        type=Path,
        required=True,
        metavar="DIR",
        help="photographs or folders of them, of as many people as possible; of each its best face is used",
    )
    parser.add_argument(
        "--without",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="photographs that it will be measured on: whatever looks like a copy of one is not learnt from",
    )
    parser.add_argument(
        "--teacher", default=embedders.BUILT_IN, help="built-in, or an embedding model: a .t7 or .onnx file"
    )
    parser.add_argument("--student", choices=STUDENTS, default=STUDENTS[0], help="the network that is taught")
    parser.add_argument("--epochs", type=values.count, default=20, help="passes over the photographs, in all")
    parser.add_argument("--batch-size", type=values.count, default=64, help="faces that are learnt from at once")
    parser.add_argument("--rate", type=values.positive, default=0.02, help="learning rate at its highest")
    parser.add_argument(
        "--loose", type=values.share, default=0.2, help="share of the faces that are cut as the SSD's box cuts them"
    )
    parser.add_argument(
        "--bf16", action="store_true", help="compute in bfloat16: faster on GPUs and processors that are made for it"
    )
    parser.add_argument("--seed", type=int, default=0, help="of all that is random")
    parser.add_argument("--threads", type=values.count, help="cores to use (default: all)")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("output/nn4.small2.t7"),
        help="the network, renewed while it learns; beside it are kept the faces, the curves, the network as .onnx, and"
        " a checkpoint, from which the same command goes on, with more --epochs too",
    )
    options.add_track_option(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    if args.output.suffix != ".t7":
        raise UsageError(f"--output {args.output}: the network is a .t7 file, and its name must end so")
    torch = backend.needed("torch", "PyTorch")
    paths, without = (list(dict.fromkeys(expand(some))) for some in (args.photos, args.without or ()))
    if args.teacher != embedders.BUILT_IN and not Path(args.teacher).is_file():
        raise UsageError(f"--teacher {args.teacher}: no such file (leave the option out for the built-in network)")
    if (dimension := embedders.load(args.teacher).spec.dimension) != openface.DIMENSION:
        wanted = f"the student's have {openface.DIMENSION}; name another teacher"
        raise UsageError(f"--teacher {args.teacher}: its embeddings have {dimension} numbers, {wanted}")
    check_writable(args.output)
    torch.set_num_threads(args.threads or torch.get_num_threads())
    torch.manual_seed(args.seed)
    with only_one(args.output), recording.recording(args.output, "embedder", vars(args)) as record:
        lesson = prepared(args, paths, without, record)
        if lesson.resume():
            tell(f"{args.output.with_suffix('.checkpoint')}: going on after {lesson.taught:,} faces")
        lesson.run(args.epochs, tell, lambda: kept(lesson, args.output))
        kept(lesson, args.output)
        for name, value in (lesson.curve[-1] if lesson.curve else {}).items():
            record.figure(name, value)
        for suffix in (".t7", ".onnx"):
            record.artefact(args.output.with_suffix(suffix))
    print(f"-> {args.output}")
    return 0


def prepared(
    args: argparse.Namespace, paths: Sequence[Path], without: Sequence[Path], record: Recorder
) -> Distillation:
    """The run with the faces to learn from."""
    known, rows = looked_at(paths, args, ".faces.npy")
    if without:
        others, found = looked_at(without, args, ".without.npy")
        usable = distillation.unlike(known.embeddings[rows], others.embeddings[found])
        tell(f"left out, since they look like copies of those in --without: {(~usable).sum():,}")
        rows = rows[usable]
    if len(rows) == 0:
        raise FacesError("no face is left to learn from")
    record.data(manifest([paths[row] for row in rows]))
    if without:
        record.data(manifest(without), "judged by")
    settings = Settings(
        {"student": args.student, "teacher": args.teacher},
        args.batch_size,
        args.rate,
        args.loose,
        args.seed,
        args.bf16,
    )
    return Distillation(openface.network(), known, rows, settings, args.output.with_suffix(".checkpoint"))


def manifest(paths: Sequence[Path]) -> Manifest:
    """Which photographs these are."""
    return Manifest.of_files(paths, (digest(path).removeprefix("sha256:") for path in paths), Path())


def looked_at(paths: Sequence[Path], args: argparse.Namespace, suffix: str) -> tuple[distillation.Lessons, np.ndarray]:
    """The faces in photographs, and which are usable."""
    heard = text.every(1000, len(paths), "photographs looked at", tell)
    known, rows = distillation.prepare(paths, args.teacher, args.output.with_suffix(suffix), heard, args.threads)
    tell(f"a face in {len(rows):,} of {len(paths):,} photographs")
    return known, rows


def kept(run: Distillation, output: Path) -> None:
    """Write what was learnt so far, and see that it is read as it was meant."""
    openface.write(run.weights, output)
    write_bytes(output.with_suffix(".onnx"), converted(output))
    if run.curve:
        plots.distillation(run.curve, output.with_name(f"{output.stem}_curves.png"))
    crops = run.examples(TRIED)
    blob, expected = cv2.dnn.blobFromImages(list(crops), 1 / 255, swapRB=True), run.embed(crops)
    reader = CvDnnEngine if opencv_reads_torch7() else OnnxEngine
    for file, network in ((output, reader(output)), ((other := output.with_suffix(".onnx")), OnnxEngine(other))):
        apart = float(np.abs(network.run(blob)[0] - expected).max())
        if not apart <= TOLERANCE:
            raise ModelError(f"{file}: answers otherwise than PyTorch, by up to {apart:.2g}; do not use it")
