"""A Face API of one's own: what is written for Azure's runs against this server, with the models of the scripts."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from faces import cli, extraction
from faces.errors import UsageError
from faces.locks import only_one
from faces.pipeline import Pipeline

KEY_FILE = Path("output/face_api.key")


def build_parser() -> argparse.ArgumentParser:
    parser = cli.parser("Serve the Face API.", "python serve.py --port 5000")
    parser.add_argument("--host", default="127.0.0.1", help="name or address to listen on")
    parser.add_argument("--port", type=port, default=5000, help="0 for any that is free")
    parser.add_argument(
        "--database",
        default="sqlite:///output/faces.db",
        metavar="URL",
        help="where everything is kept; with postgresql+psycopg://user@host/name by several servers together",
    )
    parser.add_argument(
        "--key-file", type=Path, metavar="FILE",
        help=f"file of the key that clients have to send; made where there is none (default: {KEY_FILE})",
    )  # fmt: skip
    parser.add_argument("--threads", type=cli.count, default=4, help="requests that are answered at the same time")
    parser.add_argument(
        "--url-map", type=mapped, action="append", metavar="URL=FILE",
        help="a picture's address that stands for a file here; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--allow-url", action="append", metavar="PREFIX",
        help="pictures whose address begins so are fetched from this machine or network, too; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--classifier", type=Path, default=Path("output/classifier.onnx"), metavar="FILE",
        help="what train_classifier.py made, for the page that says what pictures are of",
    )  # fmt: skip
    parser.add_argument(
        "--gallery", type=Path, metavar="FILE",
        help="embeddings to share with the scripts, such as output/embeddings.pickle: who is in it is known here, and"
        " who is enrolled or erased here is so in it (docs/sharing-people.md)",
    )  # fmt: skip
    parser.add_argument("--keep-photos", action="store_true", help="keep the photographs that people are enrolled from")
    parser.add_argument(
        "--retention", type=cli.positive, metavar="DAYS", help="erase faces, and their photographs, after so many days"
    )
    cli.add_model_options(parser)
    parser.add_argument("--min-face", type=cli.count, default=36, metavar="PX", help="smallest face to look for")
    parser.add_argument(
        "--threshold", type=cli.positive, help="distance that gets a confidence of 0.5, instead of the measured one"
    )
    return parser


def port(text: str) -> int:
    """An option's value from 0 to 65535."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 0 to 65535")
    return int(text)


def mapped(text: str) -> tuple[str, Path]:
    """An option's value such as https://example.org/a.jpg=photos/a.jpg: addresses have = in them oftener than files."""
    url, _, file = text.rpartition("=")
    if not url or not Path(file).is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is not URL=FILE, of a file that there is")
    return url, Path(file)


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    try:
        from faces.server import keys, pages
        from faces.server.application import create_app
        from faces.server.confidence import curve
        from faces.server.database import Database
        from faces.server.enrolment import Enrolment
        from faces.server.fetch import Fetcher
        from faces.server.gallery_file import GalleryFile
        from faces.server.housekeeping import Housekeeping
        from faces.server.listening import Listener, address_of, is_loopback
        from faces.server.matching import Indexes
        from faces.server.pages.classes import Classes
        from faces.server.pages.parts import Parts
        from faces.server.services import Services
        from faces.server.training import Trainer
        from faces.server.vision import Vision
    except ImportError as error:
        raise UsageError(f"the server needs more ({error}); run: pip install -r requirements-server.txt") from error

    address = address_of(args.host)
    if not is_loopback(address) and args.key_file is None:
        raise UsageError(f"--host {args.host}: others can reach this; name a key of your own: --key-file FILE")
    fetcher = Fetcher(dict(args.url_map or ()), args.allow_url or ())
    with ExitStack() as stack:
        if (path := Database.path_of(args.database)) is not None:
            stack.enter_context(only_one(path))
        key_file = args.key_file or KEY_FILE
        key = keys.load(key_file)
        pipeline = Pipeline.load(args.detector, args.embedding_model, args.confidence, min_face=args.min_face)
        vision, confidence = Vision(pipeline), curve(pipeline.embedder.spec, args.threshold)
        database = Database(args.database, pipeline.fingerprint, pipeline.embedder.spec.dimension)
        stack.callback(database.close)
        trainer = Trainer(database, indexes := Indexes())
        stack.callback(trainer.close)
        gallery = GalleryFile(args.gallery, extraction.settings(args.confidence)) if args.gallery else None
        dimension = pipeline.embedder.spec.dimension
        enrolment = Enrolment(database, indexes, confidence, args.keep_photos, gallery, dimension)
        enrolment.share()
        keep = partial(enrolment.retire, args.retention) if args.retention else enrolment.follow
        stack.callback(Housekeeping(database, keep).stop)
        app = create_app(Services(vision, database, confidence, trainer, fetcher, indexes), key)
        pages.install(app, Parts(enrolment, Classes(args.classifier)), key)
        listener = Listener(app, address, args.port, args.threads)
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: listener.stop())
        if database.is_shared:
            how = "by its pgvector" if database.has_vectors else "in memory, since it has no pgvector"
            print(f"database {database.name}; faces are searched {how}")
        print(f"Face API at {listener.url}, pages at {listener.url}/\nkey {key}, from {key_file}", flush=True)
        listener.run()
    print("stopped; everything is kept")
    return 0


if __name__ == "__main__":
    cli.run(main)
