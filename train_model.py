"""output/embeddings.pickle -> output/recognizer.pickle, output/le.pickle: learn who is who, and who is nobody."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from faces import cli, recognizers
from faces.gallery import Gallery
from faces.images import check_writable
from faces.recognizers import FaceRecognizer


def build_parser() -> argparse.ArgumentParser:
    parser = cli.parser(
        "Train the recognizer: an SVC on the embeddings, and the distance beyond which a face is unknown.",
        "python train_model.py --embeddings output/embeddings.pickle --fpir 0.001",
    )
    cli.add_embeddings_option(parser)
    cli.add_recognizer_options(parser)
    parser.add_argument(
        "--fpir", type=cli.share, default=0.01, help="share of strangers that may be given a name (lower: stricter)"
    )
    parser.add_argument(
        "--threshold", type=cli.positive, help="greatest distance of a match, instead of what follows from --fpir"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    cli.require_distinct(args.embeddings, args.recognizer, args.le)
    for path in (args.recognizer, args.le):
        check_writable(path)
    gallery = Gallery.load(args.embeddings)
    recognizer = FaceRecognizer(args.fpir, args.threshold).fit(gallery)
    if gallery.fingerprint is None:
        cli.warn(f"{args.embeddings} does not say which models made it (the recipe's do not); they are not checked")
    recognizers.save(recognizer, args.recognizer, args.le)

    people = cli.plural(len(recognizer.names_), "person", "people")
    print(f"{cli.plural(len(gallery), 'embedding', 'embeddings')} of {people} -> {args.recognizer}, {args.le}")
    print(f"unknown beyond a distance of {recognizer.threshold_.distance:.3f} ({recognizer.threshold_.origin})")
    return 0


if __name__ == "__main__":
    cli.run(main)
