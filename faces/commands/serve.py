"""Serve the web pages, and a Face API that clients of Azure's Face API can use."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from faces import optional
from faces.attributes import predictor
from faces.cli import options, values

PAGE_ATTRIBUTES = (*predictor.DEFAULT, "live")  # those that the pages have words for


def build_parser() -> argparse.ArgumentParser:
    """Create the parser of ``faces serve``."""
    parser = options.parser(
        "Serve the web pages and the Face API. 'keys' as the first word manages the keys of the server.",
        "--port 8080",
        "--gallery output/embeddings.pickle --recognizer output/recognizer.pickle",
    )
    network = options.group(parser, "network")
    network.add_argument("--host", default="127.0.0.1", help="host name or address to listen on")
    network.add_argument("--port", type=values.port, default=5000, help="port to listen on; 0: any free port")
    network.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="key that clients send; created if missing (default: output/face_api.key)",
    )
    network.add_argument(
        "--rate-limit",
        default="200/second",
        metavar="RATE",
        help="requests per client address, such as 1000/minute, or none",
    )
    network.add_argument(
        "--trusted-proxy",
        type=address,
        metavar="ADDRESS",
        help="reverse proxy whose X-Forwarded headers are trusted",
    )
    network.add_argument(
        "--tls-cert", type=Path, metavar="FILE", help="serve https with this certificate, in PEM, its issuers' after it"
    )
    network.add_argument(
        "--tls-key", type=Path, metavar="FILE", help="key of the certificate, in PEM (default: in the same file)"
    )
    network.add_argument(
        "--tls-self-signed",
        action="store_true",
        help="serve https with a certificate made once and kept beside the database",
    )
    network.add_argument(
        "--cors-origin",
        action="append",
        metavar="ORIGIN",
        help="let web pages of this origin, such as https://example.org, call the API; may be repeated",
    )
    network.add_argument(
        "--url-map",
        type=url_and_file,
        action="append",
        metavar="URL=FILE",
        help="answer for a picture's URL with a file; may be repeated",
    )
    network.add_argument(
        "--allow-url",
        action="append",
        metavar="PREFIX",
        help="fetch pictures whose URL starts with this also from this machine or network; may be repeated",
    )
    files = options.group(parser, options.FILES)
    files.add_argument(
        "--database",
        default="sqlite:///output/faces.db",
        metavar="URL",
        help="several servers can share postgresql+psycopg://user@host/name",
    )
    files.add_argument(
        "--gallery",
        type=Path,
        metavar="FILE",
        help="embeddings to share with the other commands: people enrolled or erased here or there are so in both"
        " (docs/sharing-people.md)",
    )
    files.add_argument(
        "-r",
        "--recognizer",
        type=Path,
        metavar="FILE",
        help="recognizer of the pages, loaded again when it changes (default: compare with the faces enrolled here)",
    )
    files.add_argument(
        "-l", "--le", type=Path, metavar="FILE", help="label encoder (default: le.pickle beside the recognizer)"
    )
    files.add_argument(
        "--classifier",
        type=Path,
        default=Path("output/classifier.onnx"),
        metavar="FILE",
        help="of faces train-classifier, for the page that classifies",
    )
    records = options.group(parser, "privacy and records")
    records.add_argument("--keep-photos", action="store_true", help="keep the photographs of enrolled people")
    records.add_argument(
        "--retention", type=values.positive, metavar="DAYS", help="erase faces and photographs after so many days"
    )
    records.add_argument(
        "--audit",
        type=values.file_or_none,
        default=Path("output/audit.log"),
        metavar="FILE",
        help="log of enrolments, identifications and erasures, or none",
    )
    records.add_argument("--log", choices=("text", "json", "none"), default="text", help="request log on stderr")
    options.add_model_options(parser)
    models = options.group(parser, options.MODELS)
    models.add_argument("--min-face", type=values.count, default=36, metavar="PX", help="smallest face to detect")
    models.add_argument(
        "--threshold",
        type=values.positive,
        metavar="DISTANCE",
        help="distance with a confidence of 0.5 for everybody, instead of what was measured",
    )
    options.add_exclusive_option(parser, "a picture on the page Recognize")
    models.add_argument(
        "--attributes",
        type=page_attributes,
        default=predictor.DEFAULT,
        metavar="LIST",
        help=f"what the page Recognize says of a face, of {', '.join(PAGE_ATTRIBUTES)}"
        f" (default: {','.join(predictor.DEFAULT)})",
    )
    models.add_argument(
        "--strict-attributes",
        action="store_true",
        help="refuse a request for a face attribute that no model measures, such as mask, instead of answering no",
    )
    options.group(parser, options.SPEED).add_argument(
        "--threads", type=values.count, default=4, metavar="N", help="requests answered at the same time"
    )
    return parser


def page_attributes(text: str) -> tuple[str, ...]:
    """Parse a list such as gender,live."""
    names = values.attribute_names(text)
    if unknown := [name for name in names if name not in PAGE_ATTRIBUTES]:
        raise argparse.ArgumentTypeError(f"the pages do not show {unknown[0]}, only {', '.join(PAGE_ATTRIBUTES)}")
    return names


def address(text: str) -> str:
    """Parse an IP address such as 127.0.0.1."""
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as 127.0.0.1") from error


def url_and_file(text: str) -> tuple[str, Path]:
    """Parse URL=FILE, such as https://example.org/a.jpg=photos/a.jpg; the last = separates, as URLs may contain it."""
    url, _, file = text.rpartition("=")
    if not url or not Path(file).is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is not URL=FILE with an existing file")
    return url, Path(file)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``faces serve`` until it is stopped."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["keys"]:
        from faces.commands.server import keys

        sys.argv[0] += " keys"  # what the command's own help and errors begin with
        return keys.main(arguments[1:])
    args = build_parser().parse_args(arguments)
    with optional.server_packages():
        from faces.server import tls
        from faces.server.assembly import Options, assembled

    with assembled(Options(**vars(args))) as server:
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: server.listener.stop())
        if server.database.is_shared:
            search = "in the database, with pgvector" if server.database.has_vectors else "in memory, without pgvector"
            print(f"database {server.database.name}; faces are searched {search}")
        print(f"Face API and pages at {server.listener.url}")
        show_key = args.key_file is None  # a key that was provided must not appear in the log of a service
        print(f"key {server.key}, from {server.key_file}" if show_key else f"key in {server.key_file}")
        if server.certificate:
            print(f"certificate SHA-256 {tls.fingerprint(server.certificate)}, from {server.certificate}")
        sys.stdout.flush()
        server.listener.run()
    print("stopped; all data is kept")
    return 0
