"""output/embeddings.pickle -> output/recognizer.pickle, output/le.pickle: learn who is who, and who is nobody.

How good the photographs are is said at the end, and in training_report.json beside the recognizer.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from faces import records
from faces.cli import options as cli_options
from faces.cli import recording, running, text, values
from faces.files.identity import identity
from faces.files.writing import check_writable
from faces.recognition import classifiers, recognizer_files
from faces.recognition.gallery import NO_NEED, UNKNOWN, Gallery
from faces.recognition.leave_one_out import report
from faces.recognition.recognizers import FaceRecognizer
from faces.recognition.thresholds import ENOUGH_PEOPLE
from faces.records import Recorder


def add_options(parser: argparse.ArgumentParser) -> None:
    """What ``train`` needs."""
    cli_options.add_embeddings_option(parser)
    cli_options.add_recognizer_options(parser)
    parser.add_argument(
        "--fpir", type=values.share, default=0.01, help="share of strangers that may be given a name (lower: stricter)"
    )
    parser.add_argument(
        "--threshold", type=values.positive, help="greatest distance of a match, instead of what follows from --fpir"
    )
    parser.add_argument(
        "--classifier",
        choices=("auto", *classifiers.CLASSIFIERS),
        default="auto",
        help="what tells people apart: svc, centroid, knn, or auto: svc while training it takes seconds, then centroid",
    )
    cli_options.add_track_option(parser)


def build_parser() -> argparse.ArgumentParser:
    parser = cli_options.parser(
        "Train the recognizer: a classifier on the embeddings, and the distance beyond which a face is unknown.",
        "python train_model.py --embeddings output/embeddings.pickle --fpir 0.001",
    )
    add_options(parser)
    return parser


def train(args: argparse.Namespace) -> int:
    """Train on ``args.embeddings``, write the files and say how it went."""
    report_path = args.recognizer.with_name("training_report.json")
    running.require_distinct(args.embeddings, args.recognizer, args.le, report_path)
    for path in (args.recognizer, args.le, report_path):
        check_writable(path)
    options = cli_options.own_options(build_parser(), args)
    with (
        stoppable(args.recognizer, args.le, report_path),
        recording.recording(args.recognizer, "train", options) as run,
    ):
        learn(args, report_path, run)
    return 0


@contextmanager
def stoppable(*files: Path) -> Iterator[None]:
    """Ctrl-C says which of the files are new by then: they are written one after the other."""
    before = [identity(path) for path in files]
    try:
        yield
    except KeyboardInterrupt:
        new = [str(path) for path, was in zip(files, before, strict=True) if identity(path) != was]
        if not new:
            raise
        raise KeyboardInterrupt(f"stopped; new by then: {', '.join(new)}; everything else is unchanged") from None


def learn(args: argparse.Namespace, report_path: Path, run: Recorder) -> None:
    """``train``, while ``run`` takes it down."""
    everything = Gallery.load(args.embeddings)
    gallery = everything.of_people()
    if strangers := len(everything) - len(gallery):
        count = text.plural(strangers, "embedding", "embeddings")
        text.warn(f"{args.embeddings}: {count} of {UNKNOWN} left out; {NO_NEED}")
    run.input(args.embeddings)
    run.models(gallery.fingerprint)
    run.data(records.Manifest.of(gallery))
    if args.classifier == "svc" and classifiers.choose(len(gallery), len(gallery.people)) != "svc":
        text.warn("an SVC of so many photographs and people takes long to train; --classifier centroid does not")
    recognizer = FaceRecognizer(args.fpir, args.threshold, args.classifier).fit(gallery)
    if gallery.fingerprint is None:
        text.warn(f"{args.embeddings} does not say which models made it (the recipe's do not); they are not checked")
    recognizer_files.save(recognizer, args.recognizer, args.le)
    for path in (args.recognizer, args.le):  # now: the report takes a while, in which Ctrl-C may come
        run.artefact(path)

    people = text.plural(len(recognizer.names_), "person", "people")
    print(f"{text.plural(len(gallery), 'embedding', 'embeddings')} of {people} -> {args.recognizer}, {args.le}")
    print(f"unknown beyond a distance of {recognizer.threshold_.distance:.3f} ({recognizer.threshold_.origin})")
    if args.threshold is None and len(recognizer.names_) < ENOUGH_PEOPLE:
        few = text.plural(len(recognizer.names_), "person", "people")
        print(f"this is uncertain from {few}: it may be too loose for people who look alike")
    if args.classifier == "auto" and recognizer.classifier_ != "svc":
        print(f"classifier: {recognizer.classifier_} (of so many, an SVC takes long to train)")
    found = report(gallery, recognizer)
    found.save(report_path)
    run.artefact(report_path)
    run.figure("threshold", found.threshold)
    run.figure("held_out", found.left_out)  # elsewhere those are "left out" that have no face
    for what in ("right", "wrong", "unknown"):
        run.figure(what, getattr(found, what))
    print("\n".join(found.lines()))


def main(argv: Sequence[str] | None = None) -> int:
    return train(build_parser().parse_args(argv))
