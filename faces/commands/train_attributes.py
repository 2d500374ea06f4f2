"""Train a network that predicts attributes of faces from labelled photographs: an .onnx file and its model card.

Faces are cut out as in recognition. The split keeps copies of a photograph, and photographs of one person as far as the
embeddings tell, in the same part. All figures are from the test part.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from faces.attributes.model import FACE, TEMPLATES, AttributeModel, read_metadata
from faces.cli import options, recording, signals, values
from faces.files.locks import only_one
from faces.files.writing import check_writable
from faces.training import networks
from faces.training.attributes import dataset, report, training
from faces.training.attributes.dataset import AttributeOptions
from faces.training.data import exploration, reading

ARCHITECTURES = ("pretrained", "residual", "cnn3")
BLOCKS = range(len(networks.BLOCKS) + 1)

log = partial(print, file=sys.stderr, flush=True)


def build_parser() -> argparse.ArgumentParser:
    """Create the parser of ``faces train-attributes``."""
    parser = options.parser(
        "Train a network that predicts attributes of faces, and measure it by group.",
        "--dataset utkface --targets gender age_group age ethnicity",
        "--dataset utkface --explore",
    )
    files = options.group(parser, options.FILES)
    files.add_argument(
        "-i",
        "--dataset",
        type=Path,
        required=True,
        metavar="PATH",
        help="faces named as in UTKFace, or one folder per class; or a CSV file: path, labels",
    )
    files.add_argument(
        "--images", type=Path, metavar="FOLDER", help="what a CSV file's paths are relative to, if not its folder"
    )
    files.add_argument(
        "-t",
        "--targets",
        nargs="+",
        metavar="NAME",
        help="labels to learn, one head each; for one folder per class, its name (default: all labels)",
    )
    files.add_argument(
        "--votes",
        metavar="NAME",
        help="label that a CSV file has votes for: path, then a column of counts for each class, as FER+ has them",
    )
    files.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("output/attributes.onnx"),
        metavar="FILE",
        help="model; its card, report and plots go beside it, as do those of --evaluate",
    )
    others = options.group(parser, "instead of training")
    others.add_argument("--explore", action="store_true", help="describe and plot the data set")
    others.add_argument("--evaluate", type=Path, metavar="MODEL", help="measure a model on its test faces")
    network = options.group(parser, "network")
    network.add_argument(
        "--architecture",
        choices=ARCHITECTURES,
        default="pretrained",
        help="pretrained: fine-tune dlib's face network; residual: a small network from scratch;"
        " cnn3: three convolutions, as in tutorials",
    )
    network.add_argument(
        "--crop",
        choices=TEMPLATES,
        default=FACE,
        help="attributes: the face, from the brows to the chin; head: with hair and hat",
    )
    network.add_argument("--image-size", type=values.count, default=96, metavar="PX", help="side of a face crop")
    network.add_argument(
        "--blocks", type=int, choices=BLOCKS[1:], default=11, metavar="N", help="pretrained: use N of dlib's 14 blocks"
    )
    network.add_argument(
        "--frozen", type=int, choices=BLOCKS, default=7, metavar="N", help="pretrained: N of them keep their weights"
    )
    network.add_argument("--embedding", action="store_true", help="pretrained: also use the built-in embedding")
    network.add_argument(
        "--start",
        type=Path,
        metavar="MODEL",
        help="pretrained: start from the filters of an attribute model instead of dlib's, and keep its split",
    )
    fitting = options.group(parser, options.TRAINING)
    fitting.add_argument("--epochs", type=values.count, default=12, metavar="N", help="maximum passes over the faces")
    fitting.add_argument(
        "--patience",
        type=values.count,
        default=5,
        metavar="N",
        help="epochs without improvement before training stops",
    )
    fitting.add_argument("--batch-size", type=values.count, default=64, metavar="N", help="faces per training step")
    fitting.add_argument(
        "--balance",
        type=values.share,
        default=0.25,
        metavar="SHARE",
        help="0: each face counts the same; 1: each class, which makes rare classes predicted too often",
    )
    fitting.add_argument("--rate", type=values.positive, default=4e-4, metavar="RATE", help="highest learning rate")
    fitting.add_argument(
        "--augmentation",
        choices=("light", "strong"),
        default="light",
        help="light: mirror, shift, change brightness; strong: also rotate, scale and cover a part",
    )
    fitting.add_argument(
        "--smoothing", type=values.share, metavar="SHARE", help="label smoothing, for wrong labels, such as 0.1"
    )
    fitting.add_argument(
        "--seed", type=int, default=0, metavar="N", help="random seed, also of the split; --evaluate ignores it"
    )
    records = options.group(parser, options.RECORDS)
    records.add_argument("--source", metavar="TEXT", help="for the model card: description of the data")
    records.add_argument(
        "--terms", default="not stated", metavar="TEXT", help="for the model card: licence of the data"
    )
    records.add_argument("--tensorboard", type=Path, metavar="FOLDER", help="folder for TensorBoard's log")
    options.add_track_option(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``faces train-attributes``."""
    argv = sys.argv[1:] if argv is None else argv
    args = build_parser().parse_args(argv)
    signals.stop_on_signals()
    attribute_options = options.as_dataclass(AttributeOptions, args)
    training.require_valid(attribute_options)
    if not args.explore and not args.evaluate:
        training.require_side(attribute_options)
    model = AttributeModel(args.evaluate) if args.evaluate else None
    about = model.about if model else read_metadata(args.start) if args.start else None
    data = reading.read(args.dataset, args.targets or (), log, args.images, args.votes)
    check_writable(args.output)
    if args.explore:
        exploration.explore(data, args.output.parent, log)
        return 0

    kind = "evaluate" if args.evaluate else "attributes"
    with only_one(args.output), recording.recording(args.output, kind, vars(args)) as recorder:
        if about:
            recorder.input(args.evaluate or args.start)
        faces = dataset.prepare(data, attribute_options, log, about)
        recorder.data(faces.manifest)
        if model:
            evaluation = report.evaluate(attribute_options, model, faces)
        else:
            history = training.train(attribute_options, faces, typed_command(args, argv), log)
            evaluation = report.evaluate(attribute_options, AttributeModel(args.output), faces, history)
            recorder.artefact(args.output)
        evaluation.record(recorder)
    print(evaluation.text)
    print(f"-> {evaluation.file}")
    return 0


def typed_command(args: argparse.Namespace, argv: Sequence[str]) -> str:
    """Return the command that was typed, with the names of folders instead of their paths."""
    names = {str(path): path.name for path in (args.dataset, args.images, args.start, args.output) if path is not None}
    return shlex.join(["faces", "train-attributes", *(names.get(word, word) for word in argv)])
