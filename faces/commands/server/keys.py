"""Make, list and revoke the named keys of a server. The server may be running."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path

from faces import optional
from faces.cli import options, text, values
from faces.errors import FacesError

KEY = "key"  # title of a group of options


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = options.parser(
        "Make, list and revoke the named keys of a server. Each has a scope: read, identify, enrol or admin; each scope"
        " includes those before it. Without a command, the keys are listed. The server may be running.",
        "add 'front door' --scope identify",
        "revoke 'front door'",
    )
    files = options.group(parser, options.FILES)
    files.add_argument("--database", default="sqlite:///output/faces.db", metavar="URL", help="as for faces serve")
    files.add_argument(
        "--audit", type=values.file_or_none, default=Path("output/audit.log"), metavar="FILE", help="as for faces serve"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    add = options.subparser(
        commands, "add", "make a key and print it; it cannot be shown again", "door --scope identify"
    )
    key = options.group(add, KEY)
    key.add_argument("name", help="who or what uses it")
    key.add_argument("--scope", required=True, choices=("read", "identify", "enrol", "admin"), help="what it allows")
    options.subparser(commands, "list", "list the names and scopes of the keys")
    revoke = options.subparser(commands, "revoke", "revoke a key: the server refuses it from now on", "door")
    options.group(revoke, KEY).add_argument("name", help="name of the key")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    with optional.server_packages():
        from faces.server.errors import ApiError
        from faces.server.monitoring.audit import Audit, AuditLog, no_audit
        from faces.server.store import named_keys
        from faces.server.store.database import Database

    if Database.models_of(args.database) is None:
        place = Database.path_of(args.database) or "the database"
        raise FacesError(
            f"{place} is not a database of faces serve, or cannot be read; start faces serve with it once, or name"
            " another with --database"
        )
    with ExitStack() as stack:
        database = Database(args.database, None)
        stack.callback(database.close)
        audit: Audit = no_audit
        if args.audit and args.command in ("add", "revoke"):
            audit = AuditLog(args.audit)
            stack.callback(audit.close)
        try:
            if args.command == "add":
                with database.write() as session:
                    row, key = named_keys.create(session, args.name, args.scope)
                    name = row.name
                    print(key, flush=True)  # nobody could use a key that was not shown: an error here undoes it
                audit("make_key", name=name, scope=args.scope)
            elif args.command == "revoke":
                with database.write() as session:
                    if (found := named_keys.find_by_name(session, args.name)) is None:
                        raise FacesError(f"there is no key named {args.name}; faces keys lists them")
                    name = found.name
                    session.delete(found)
                audit("revoke_key", name=name)
                print(f"the key {name} is revoked")
            else:
                with database.read() as session:
                    rows = [(row.name, row.scope, _day(row.created)) for row in named_keys.listed(session)]
                print(text.table(("name", "scope", "since"), [("default", "admin", "in the key file"), *rows]))
        except ApiError as error:
            raise FacesError(error.message) from error
    return 0


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).date().isoformat()
