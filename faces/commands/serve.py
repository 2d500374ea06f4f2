"""A web page, and a Face API of one's own: what is written for Azure's runs against it, with the scripts' models."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from faces.cli import options, values
from faces.errors import UsageError


def build_parser() -> argparse.ArgumentParser:
    parser = options.parser("Serve the web pages and the Face API.", "python serve.py --port 5000")
    parser.add_argument("--host", default="127.0.0.1", help="name or address to listen on")
    parser.add_argument("--port", type=port, default=5000, help="0 for any that is free")
    parser.add_argument(
        "--database",
        default="sqlite:///output/faces.db",
        metavar="URL",
        help="where everything is kept; with postgresql+psycopg://user@host/name by several servers together",
    )
    parser.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="file of the key that clients have to send; made where there is none (default: output/face_api.key)",
    )
    parser.add_argument("--threads", type=values.count, default=4, help="requests that are answered at the same time")
    parser.add_argument(
        "--url-map",
        type=mapped,
        action="append",
        metavar="URL=FILE",
        help="a picture's address that stands for a file here; may be repeated",
    )
    parser.add_argument(
        "--allow-url",
        action="append",
        metavar="PREFIX",
        help="pictures whose address begins so are fetched from this machine or network, too; may be repeated",
    )
    parser.add_argument(
        "--classifier",
        type=Path,
        default=Path("output/classifier.onnx"),
        metavar="FILE",
        help="what faces train-classifier made, for the page that says what pictures are of",
    )
    parser.add_argument(
        "--gallery",
        type=Path,
        metavar="FILE",
        help="embeddings to share with the scripts, such as output/embeddings.pickle: who is in it is known here, and"
        " who is enrolled or erased here is so in it (docs/sharing-people.md)",
    )
    parser.add_argument(
        "-r",
        "--recognizer",
        type=Path,
        metavar="FILE",
        help="what the pages name people by, such as output/recognizer.pickle, and whatever version takes its place;"
        " without it, they are named by the faces enrolled here",
    )
    parser.add_argument(
        "-l", "--le", type=Path, metavar="FILE", help="its label encoder (default: le.pickle beside it)"
    )
    parser.add_argument("--keep-photos", action="store_true", help="keep the photographs that people are enrolled from")
    parser.add_argument(
        "--retention",
        type=values.positive,
        metavar="DAYS",
        help="erase faces, and their photographs, after so many days",
    )
    parser.add_argument(
        "--rate-limit",
        default="200/second",
        metavar="RATE",
        help="most requests of one address, such as 1000/minute; none for any number",
    )
    parser.add_argument(
        "--trusted-proxy",
        type=address,
        metavar="ADDRESS",
        help="of the proxy in front of this, whose X-Forwarded headers say who asks, and how",
    )
    parser.add_argument(
        "--audit",
        type=file_or_none,
        default=Path("output/audit.log"),
        metavar="FILE",
        help="who enrolled, identified and erased what; none for no audit",
    )
    parser.add_argument(
        "--log", choices=("text", "json", "none"), default="text", help="a line for every request, on stderr"
    )
    options.add_model_options(parser)
    parser.add_argument("--min-face", type=values.count, default=36, metavar="PX", help="smallest face to look for")
    parser.add_argument(
        "--threshold", type=values.positive, help="distance that gets a confidence of 0.5, instead of the measured one"
    )
    return parser


def port(text: str) -> int:
    """An option's value from 0 to 65535."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 0 to 65535")
    return int(text)


def address(text: str) -> str:
    """An option's value such as 127.0.0.1."""
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as 127.0.0.1") from error


def file_or_none(text: str) -> Path | None:
    """An option's value such as output/audit.log, or none."""
    return None if text == "none" else Path(text)


def mapped(text: str) -> tuple[str, Path]:
    """An option's value such as https://example.org/a.jpg=photos/a.jpg: addresses have = in them oftener than files."""
    url, _, file = text.rpartition("=")
    if not url or not Path(file).is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is not URL=FILE, of a file that there is")
    return url, Path(file)


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    try:
        from faces.server.assembly import Options, assembled
    except ImportError as error:
        raise UsageError(f"the server needs more ({error}); run: pip install 'recognize-faces[server]'") from error

    with assembled(Options(**vars(args))) as server:
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: server.listener.stop())
        if server.database.is_shared:
            how = "by its pgvector" if server.database.has_vectors else "in memory, since it has no pgvector"
            print(f"database {server.database.name}; faces are searched {how}")
        print(f"Face API and pages at {server.listener.url}")
        ours = args.key_file is None  # another's key gets into no log, such as a service's
        print(f"key {server.key}, from {server.key_file}" if ours else f"key in {server.key_file}", flush=True)
        server.listener.run()
    print("stopped; everything is kept")
    return 0
