"""A Face API of one's own: what is written for Azure's runs against this server, with the models of the scripts."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from faces import cli
from faces.errors import UsageError
from faces.locks import only_one
from faces.pipeline import Pipeline

KEY_FILE = Path("output/face_api.key")


def build_parser() -> argparse.ArgumentParser:
    parser = cli.parser("Serve the Face API.", "python serve.py --port 5000")
    parser.add_argument("--host", default="127.0.0.1", help="name or address to listen on")
    parser.add_argument("--port", type=port, default=5000, help="0 for any that is free")
    parser.add_argument(
        "--database", default="sqlite:///output/faces.db", metavar="URL", help="where everything is kept"
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
        "--rate-limit", default="200/second", metavar="RATE",
        help="most requests of one address, such as 1000/minute; none for any number",
    )  # fmt: skip
    parser.add_argument(
        "--trusted-proxy", metavar="ADDRESS",
        help="of the proxy in front of this, whose X-Forwarded headers say who asks, and how",
    )  # fmt: skip
    parser.add_argument(
        "--audit", type=Path, default=Path("output/audit.log"), metavar="FILE",
        help="who enrolled, identified and erased what",
    )  # fmt: skip
    parser.add_argument(
        "--log", choices=("text", "json", "none"), default="text", help="a line for every request, on stderr"
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
        from faces.server import keys, logs, memory
        from faces.server.application import create_app
        from faces.server.audit import AuditLog
        from faces.server.confidence import curve
        from faces.server.database import Database
        from faces.server.fetch import Fetcher
        from faces.server.housekeeping import Housekeeping
        from faces.server.limits import Limiter
        from faces.server.listening import Listener, address_of, is_loopback
        from faces.server.matching import Indexes
        from faces.server.services import Services
        from faces.server.training import Trainer
        from faces.server.vision import Vision
    except ImportError as error:
        raise UsageError(f"the server needs more ({error}); run: pip install -r requirements-server.txt") from error

    address = address_of(args.host)
    if not is_loopback(address) and args.key_file is None:
        raise UsageError(f"--host {args.host}: others can reach this; name a key of your own: --key-file FILE")
    fetcher, limiter = Fetcher(dict(args.url_map or ()), args.allow_url or ()), Limiter(args.rate_limit)
    logs.set_up(args.log)
    memory.give_back_large_blocks()
    with ExitStack() as stack:
        stack.enter_context(only_one(Database.path_of(args.database)))
        key_file = args.key_file or KEY_FILE
        key = keys.load(key_file)
        pipeline = Pipeline.load(args.detector, args.embedding_model, args.confidence, min_face=args.min_face)
        vision, confidence = Vision(pipeline), curve(pipeline.embedder.spec, args.threshold)
        audit = AuditLog(args.audit)
        stack.callback(audit.close)
        database = Database(args.database, pipeline.fingerprint)
        stack.callback(database.close)
        trainer = Trainer(database, indexes := Indexes())
        stack.callback(trainer.close)
        stack.callback(Housekeeping(database).stop)
        app = create_app(Services(vision, database, confidence, trainer, fetcher, indexes, audit, limiter), key)
        listener = Listener(app, address, args.port, args.threads, args.trusted_proxy)
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: listener.stop())
        print(f"Face API at {listener.url}\nkey {key}, from {key_file}", flush=True)
        listener.run()
    print("stopped; everything is kept")
    return 0


if __name__ == "__main__":
    cli.run(main)
