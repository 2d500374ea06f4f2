"""Labelled faces -> an ONNX file that tells gender, age, ... of a face, and a card that says how well and for whom.

The faces are cut out of the photographs as recognize_image.py cuts them, and parted so that copies, and people whom the
embeddings know for sure, are not both learnt from and tested with. The figures are of those tested with.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.attributes.model import EMBEDDING, IMAGE, TEMPLATE, AttributeModel
from faces.cli import options, recording, text, values
from faces.errors import FacesError, UsageError
from faces.files.locks import only_one
from faces.files.writing import check_writable, write_bytes
from faces.metrics import markdown
from faces.records import Manifest
from faces.training import backend, exporting, fitting, heads, model_card, networks, plots, scores
from faces.training.data import exploration, face_crops, labelled, near_duplicates, splits
from faces.training.data.face_crops import Chips
from faces.training.data.labelled import Labelled

ARCHITECTURES = ("pretrained", "residual", "cnn3")
BLOCKS = range(len(networks.BLOCKS) + 1)
TRIED = 32  # faces that the ONNX file's answers are compared with Keras' on
STRATA = ("gender", "age_group", "ethnicity", "emotion", "glasses")

tell = partial(print, file=sys.stderr, flush=True)


def build_parser() -> argparse.ArgumentParser:
    parser = options.parser(
        "Train a network that tells what a face looks like, and measure for whom it does so well.",
        "faces train-attributes --dataset utkface --targets gender age_group age ethnicity",
    )
    parser.add_argument(
        "-i",
        "--dataset",
        type=Path,
        required=True,
        help="folder of faces named as UTKFace's, or with a folder per class; or a CSV file: path, labels",
    )
    parser.add_argument("--images", type=Path, metavar="DIR", help="folder that a CSV's paths begin in, if not its own")
    parser.add_argument(
        "-t",
        "--targets",
        nargs="+",
        metavar="NAME",
        help="what to learn, a head each; of a folder per class the one name (default: all that is labelled)",
    )
    parser.add_argument("--explore", action="store_true", help="only say what is in the data set, and draw it")
    parser.add_argument("--evaluate", type=Path, metavar="MODEL", help="only measure a model, on faces new to it")
    parser.add_argument(
        "--architecture",
        choices=ARCHITECTURES,
        default="pretrained",
        help="pretrained: dlib's face network, which goes on learning; residual: a small one from scratch;"
        " cnn3: three convolutions, as in tutorials",
    )
    parser.add_argument("--epochs", type=values.count, default=12, help="most passes over the faces")
    parser.add_argument("--patience", type=values.count, default=5, help="epochs without gain before training stops")
    parser.add_argument("--batch-size", type=values.count, default=64, help="faces that are learnt from at once")
    parser.add_argument("--image-size", type=values.count, default=96, help="px, the side of a face's chip")
    parser.add_argument(
        "--blocks",
        type=int,
        choices=BLOCKS[1:],
        default=11,
        metavar="N",
        help="pretrained: how many of dlib's 14 blocks",
    )
    parser.add_argument(
        "--frozen",
        type=int,
        choices=BLOCKS,
        default=7,
        metavar="N",
        help="pretrained: how many of them stay as they are",
    )
    parser.add_argument("--embedding", action="store_true", help="pretrained: learn from the built-in embedding, too")
    parser.add_argument(
        "--augmentation",
        choices=("light", "strong"),
        default="light",
        help="light: faces are mirrored, shifted, lighter or darker; strong: turned, scaled and partly hidden, too",
    )
    parser.add_argument("--smoothing", type=values.share, help="part of every label that is doubted, as 0.1")
    parser.add_argument("--rate", type=values.positive, default=4e-4, help="learning rate at its highest")
    parser.add_argument(
        "--seed", type=int, default=0, help="of all that is random, the split included, but for --evaluate's"
    )
    parser.add_argument("--source", help="for the card: what the data is")
    parser.add_argument("--terms", default="not stated", help="for the card: the data's licence")
    parser.add_argument("--tensorboard", type=Path, metavar="DIR", help="write TensorBoard's log there")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("output/attributes.onnx"),
        help="the model; its card, report and pictures are written beside it, as are those of --evaluate",
    )
    options.add_track_option(parser)
    return parser


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is learnt from, and what it is judged by. parts: bool (N,) masks to train, to validate, to test with."""

    data: Labelled
    chips: Chips
    parts: tuple[NDArray[np.bool_], ...]
    sha256: str
    manifest: Manifest


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    if args.output.suffix != ".onnx":
        raise UsageError(f"{args.output}: the model is an .onnx file")
    if args.embedding and args.architecture != "pretrained":
        raise UsageError(f"--embedding goes with --architecture pretrained, not {args.architecture}")
    least = networks.least_side(args.architecture, args.blocks)
    if args.image_size < least and not (args.explore or args.evaluate):
        blocks = f" with --blocks {args.blocks}" if args.architecture == "pretrained" else ""
        raise UsageError(f"--image-size {args.image_size}: {args.architecture}{blocks} needs {least} px or more")
    model = AttributeModel(args.evaluate) if args.evaluate else None
    data = labelled.read(args.dataset, args.targets or (), tell, args.images)
    check_writable(args.output)
    if args.explore:
        exploration.explore(data, args.output.parent, tell)
        return 0
    kind = "attributes" if model is None else "evaluate"
    with only_one(args.output), recording.recording(args.output, kind, vars(args)) as run:
        if model is not None:
            run.input(args.evaluate)
        lesson = prepared(args, data, model)
        run.data(lesson.manifest)
        figures = report(args, model, lesson) if model is not None else train(args, lesson)
        if model is None:
            run.artefact(args.output)
        for one in figures:
            if isinstance(one, scores.ChoiceScore):
                run.figure(f"{one.target}_accuracy", one.accuracy)
            else:
                run.figure(f"{one.target}_mean_absolute_error", one.mean_absolute_error)
    return 0


def prepared(args: argparse.Namespace, data: Labelled, model: AttributeModel | None = None) -> Lesson:
    """The usable photographs, their faces, and who is in which part.

    model: one to measure: the parts are those that it was trained with, and of other data all is to test with.
    """
    face_crops.require_room(len(data))
    looks = near_duplicates.look(data.paths, lambda done: tell(f"{done:,} of {len(data):,} photographs read"))
    data, usable = exploration.clean(data, looks)
    looks = looks[usable]
    below = args.images or (args.dataset if args.dataset.is_dir() else args.dataset.parent)
    manifest = Manifest.of_files(data.paths, looks.fingerprints.astype(str), below)
    if model is None:
        labelled.check(data, list(data.labels))
    sha256 = labelled.digest(data, looks.fingerprints)
    key = (
        f"{hashlib.sha256(looks.fingerprints.tobytes()).hexdigest()} {face_crops.CUT.name}"  # of another order another
    )
    cache = args.output.with_suffix(".chips.npz")
    faces = face_crops.cut(data.paths, cache, key, text.every(1000, len(data), "faces cut", tell))
    tell(f"{len(data):,} faces, of which {int((~faces.found).sum())} were not found but guessed where they are")
    if not faces.found.any():
        raise FacesError(f"{args.dataset}: no face was found in any photograph")
    if model is None or model.about.get("data_sha256") == sha256:
        groups = splits.groups(data.paths, looks.hashes, faces.embeddings)
        strata = [name for name in STRATA if name in data.labels]
        seed = args.seed if model is None else int(model.about.get("seed", 0))
        training, *judged = splits.split(data, looks.fingerprints, groups, seed, stratify=strata)
    else:
        training, *judged = (np.full(len(data), chosen) for chosen in (False, False, True))
    return Lesson(data, faces, (training, *(part & ~data.copies for part in judged)), sha256, manifest)


def train(args: argparse.Namespace, lesson: Lesson) -> Sequence[scores.Score]:
    """Learn, write the model, and measure it."""
    data, side = lesson.data, args.image_size
    training, validation = (lesson.parts[at] for at in (0, 1))
    tell(f"{training.sum():,} faces to train with, {validation.sum():,} to validate, {lesson.parts[2].sum():,} to test")
    images = heads.resized(lesson.chips.images, side)
    given: heads.Inputs = images
    if args.embedding:
        given = {IMAGE: images, EMBEDDING: lesson.chips.embeddings}
    making = {
        "architecture": args.architecture,
        "blocks": args.blocks,
        "frozen": args.frozen,
        "epochs": args.epochs,
        "embedding": args.embedding,
        "batch_size": args.batch_size,
        "rate": args.rate,
        "seed": args.seed,
        "augmentation": args.augmentation,
        "smoothing": args.smoothing,
        "data_sha256": lesson.sha256,
    }
    about = {"side": side, "cut": TEMPLATE, "heads": heads.described(data), "command": command(args), **making}
    backend.seed(args.seed)
    design = networks.ARCHITECTURES[args.architecture]
    options = {}
    if args.architecture == "pretrained":
        options = {"blocks": args.blocks, "frozen": args.frozen}
        options["embedding"] = lesson.chips.embeddings.shape[1] if args.embedding else 0
    core = design(side, heads.widths(data), heads.ranges(data), **options)
    steps = args.epochs * -(-int(training.sum()) // args.batch_size)
    network = networks.augmented(core, args.augmentation == "strong")
    heads.compiled(network, data, args.rate, steps, args.smoothing or 0.0)
    history = fitting.fit(
        network,
        heads.taught(data, given, training),
        heads.taught(data, given, validation, balanced=False),
        epochs=args.epochs,
        batch_size=args.batch_size,
        seed=args.seed,
        settings=making | {"side": side},
        patience=args.patience,
        folder=args.output.with_suffix(".training"),
        tell=tell,
        tensorboard=args.tensorboard,
    )
    exporting.export(core, args.output, about, heads.of_rows(heads.of_rows(given, lesson.parts[2]), slice(TRIED)))
    plots.curves(history, args.output.with_name(f"{args.output.stem}_curves.png"))
    return report(args, AttributeModel(args.output), lesson, history.metrics)


def command(args: argparse.Namespace) -> str:
    """What was typed, with folders' names for where they are."""
    places = {str(path): path.name for path in (args.dataset, args.images, args.output) if path is not None}
    words = [places.get(word, word) for word in sys.argv[1:]]
    return shlex.join(["faces", "train-attributes", *words])


def report(
    args: argparse.Namespace, model: AttributeModel, lesson: Lesson, history: Any = None
) -> Sequence[scores.Score]:
    """Measure a model on the faces to test with: print the figures, write the card, the report and the pictures.

    A model that was there already keeps its own: what is written is called STEM_evaluation, and is no card.
    """
    test = lesson.parts[2]
    data = lesson.data[test]
    for head in model.heads:
        if (classes := data.classes.get(head.name, head.classes)) != head.classes:
            told, there = ", ".join(head.classes), ", ".join(classes)
            raise FacesError(f"{args.evaluate}: {head.name} is one of {told}; in {args.dataset} it is one of {there}")
    figures, groups = scores.evaluate(data, model.answer(lesson.chips.images[test], lesson.chips.embeddings[test]))
    if not figures:
        raise FacesError(f"{args.evaluate}: answers none of {', '.join(data.labels)}")
    said = f"Measured on {origin(args, lesson)}\n\n" if args.evaluate else ""
    print(said + scores.markdown(figures, groups))
    stem = args.output.with_name(f"{args.output.stem}_evaluation" if args.evaluate else args.output.stem)
    for one in figures:
        if isinstance(one, scores.ChoiceScore):
            plots.confusion(np.array(one.confusion), one.classes, Path(f"{stem}_{one.target}.png"))
    sizes = dict(zip(("training", "validation", "test"), (int(part.sum()) for part in lesson.parts), strict=True))
    content = {
        "model": model.about,
        "faces": sizes,
        "guessed": int((~lesson.chips.found[test]).sum()),
        "left_out": len(lesson.data.left_out),
        "test": scores.to_json(figures, groups),
        "history": history,
    }
    write_bytes(Path(f"{stem}_report.json"), f"{json.dumps(content, indent=1)}\n".encode())
    if args.evaluate:
        text = f"# {args.evaluate.name}\n\n{said}{scores.markdown(figures, groups)}"
    else:
        text = model_card.render(card(args, model, lesson, sizes), figures, groups)
    write_bytes(Path(f"{stem}.md"), text.encode("utf-8", "backslashreplace"))
    print(f"-> {stem}.md")
    return figures


def origin(args: argparse.Namespace, lesson: Lesson) -> str:
    """Of a model that is only measured: which faces, and whether it has seen them."""
    count, model = f"{lesson.parts[2].sum():,} photographs of {args.dataset.name}", args.evaluate.name
    if lesson.parts[0].any():
        return f"{count} that {model} was neither trained nor stopped by."
    return (
        f"all {count}: files, labels or targets are others than those that {model} was trained with. It may have"
        " learnt from some of them, which flatters the figures."
    )


def card(args: argparse.Namespace, model: AttributeModel, lesson: Lesson, sizes: dict[str, int]) -> model_card.Card:
    """What a reader of the model's file should know."""
    about = model.about
    predicts = [
        f"{head.name}: {f'a probability each of {markdown.joined(head.classes)}' if head.classes else head.unit}"
        for head in model.heads
    ]
    images = f"faces cut out by the aligner template `{TEMPLATE}`, {about['side']} x {about['side']} px, uint8 BGR"
    if model.wants_embeddings:
        images += ", and what the built-in embedder makes of the same face"
    source = model_card.Source(
        args.dataset.name, args.source or f"{len(lesson.data):,} photographs.", args.terms, lesson.sha256
    )
    return model_card.Card(
        name=args.output.stem.replace("_", " ").capitalize(),
        summary="What a face looks like to a small network. It can be wrong, and says so only by its probabilities.",
        predicts=tuple(predicts),
        images=f"{images}.",
        sources=(source,),
        architecture=f"Architecture `{about.get('architecture', 'unknown')}` (faces/training/networks.py), by",
        command=str(about.get("command", "")),
        seed=int(about.get("seed", 0)),
        split=f"{sizes['test']:,} photographs that it was neither trained ({sizes['training']:,}) nor stopped"
        f" ({sizes['validation']:,}) by. Copies, and people whom the embeddings know for sure, are in one part; some"
        " others with several photographs may be in two, which flatters the figures.",
    )
