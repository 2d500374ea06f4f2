"""Serve the page that names groups, on this machine only, until Ctrl-C."""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from html import escape
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

from faces import optional
from faces.cli import options, values
from faces.cli.text import tell
from faces.commands.photos import shared
from faces.photos.library import Library

HERE = "127.0.0.1"
THREADS = 4


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the page."""
    group = options.group(parser, "page")
    which = group.add_mutually_exclusive_group()
    which.add_argument("--page", action="store_true", help="open the page, also if the output is no terminal")
    which.add_argument("--list", action="store_true", help="print what is left to name, instead of opening the page")
    group.add_argument("--port", type=values.port, default=0, help="of the page; 0: any free port")
    group.add_argument("--no-browser", action="store_true", help="print the address of the page, and start no browser")


def is_wanted(args: argparse.Namespace) -> bool:
    """Return whether to open the page: by default on a terminal, where the server's packages are installed."""
    return bool(args.page) or (not args.list and sys.stdout.isatty() and find_spec("flask") is not None)


def serve(library: Library, args: argparse.Namespace) -> int:
    """Serve the page until it is stopped; return the exit status."""
    with optional.server_packages():
        from faces.server.listening import Listener
        from faces.server.monitoring import logs
        from faces.server.photos.application import create_app
        from faces.server.photos.context import Naming
    logs.set_up("none")
    services = Naming(library.path, args.false_merge, shared.recognizer(library, args))
    secret = secrets.token_urlsafe()
    listener = Listener(create_app(services, secret), HERE, args.port, THREADS)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: listener.stop())
    address = f"{listener.url}/enter/{secret}"
    print(f"name people at {address}")
    print("Ctrl-C ends it; every answer is kept at once")
    sys.stdout.flush()
    with in_browser(address, library.path.parent, not args.no_browser):
        listener.run()
    print("stopped; all answers are kept")
    return 0


@contextmanager
def in_browser(address: str, folder: Path, wanted: bool = True) -> Iterator[None]:
    """Open an address in the browser, which keeps it from other users: they see the arguments of its command.

    The browser is given a file that only the user can read, and that leads on to the address.
    """
    with ExitStack() as stack:
        if wanted:
            with suppress(OSError):  # such as a full disk: the address was printed
                file = stack.enter_context(
                    tempfile.NamedTemporaryFile("w", prefix="name-people-", suffix=".html", dir=folder)
                )
                file.write(f'<!doctype html><meta http-equiv="refresh" content="0; url={escape(address)}">')
                file.flush()
                Thread(target=_open, args=[Path(file.name)], daemon=True).start()  # some return when they are closed
        yield


def _open(file: Path) -> None:
    if not webbrowser.open(file.resolve().as_uri()):
        tell("no browser could be started: open this address in one")
