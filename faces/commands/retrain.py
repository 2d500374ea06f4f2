"""dataset/ -> a new version of the recognizer: extract, train, check it against the old one, and swap it in.

A version that does worse, or a step that fails, leaves the old one in service.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from math import inf
from pathlib import Path

from faces.cli import options, recording, signals, text, values
from faces.commands import extract, train
from faces.datasets import REMOTE
from faces.errors import FacesError, UsageError
from faces.files import locks
from faces.files.watching import FolderWatch
from faces.versions import retraining
from faces.versions.versions import Versions

RETRY = 30  # s until a run that failed is tried again
POLL = 0.2  # s between two looks at the clock and the folder
UNCHANGED = {  # by the stage of the version that nothing changed since
    "in service": "",
    "candidate": ", a candidate: --promote puts it in service",
    "retired": ", which was rolled back; {}",
}
INSTEAD = "instead of one run"
CHECK = "check of the new version"
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
PREVIOUS = NEWEST = 0  # the values of --rollback and --promote without a number


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = options.parser(
        "Extract, train, check the new recognizer against the one in service, and only then swap it in.",
        "--watch",
        "--dataset dataset --every 1h --keep 10",
        conflict_handler="resolve",  # both steps take --embeddings: it is one option
    )
    groups = (options.FILES, INSTEAD, CHECK, options.RECOGNITION, options.MODELS, options.SPEED, options.RECORDS)
    for title in groups:  # in the order of the help
        options.group(parser, title)
    when = options.group(parser, INSTEAD)
    action = when.add_mutually_exclusive_group()
    action.add_argument("--watch", action="store_true", help="retrain whenever the data set has changed")
    action.add_argument("--list", action="store_true", help="show the versions")
    action.add_argument(
        "--rollback",
        type=values.count,
        nargs="?",
        const=PREVIOUS,
        metavar="N",
        help="put version N back in service, or the one before",
    )
    action.add_argument(
        "--promote",
        type=values.count,
        nargs="?",
        const=NEWEST,
        metavar="N",
        help="put candidate N, or the newest, in service if its figures hold",
    )
    when.add_argument("--every", type=duration, metavar="TIME", help="retrain every 90s, 15m, 1h or 1d")
    when.add_argument(
        "--settle",
        type=values.positive,
        default=5.0,
        metavar="SECONDS",
        help="with --watch: after so long without a change",
    )
    when.add_argument(
        "--poll",
        type=values.positive,
        nargs="?",
        const=5.0,
        metavar="SECONDS",
        help="with --watch, for network folders: list all files so often (default: 5)",
    )
    check = options.group(parser, CHECK)
    check.add_argument("--candidate", action="store_true", help="only make a candidate for --promote")
    check.add_argument(
        "--tolerance",
        type=values.share,
        default=0.02,
        metavar="SHARE",
        help="share of held-out photographs that it may lose",
    )
    check.add_argument("--keep", type=values.count, default=5, metavar="N", help="number of versions to keep")
    check.add_argument(
        "--accept-losses", action="store_true", help="let more than half of the photographs be gone; check the others"
    )
    check.add_argument("--force", action="store_true", help="put it in service whatever the check says")
    extract.add_options(parser)
    train.add_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    versions = Versions(args.recognizer, args.le)
    versions.require_own()
    if args.list:
        return show(versions)
    if args.rollback is not None:
        return roll_back(versions, args)
    if args.promote is not None:
        return promote(versions, args)
    if args.watch or args.every:
        return keep_retraining(versions, args)
    return retrain(versions, args)


def retrain(versions: Versions, args: argparse.Namespace) -> int:
    """Extract, train, check and swap once. Raises FacesError, which says what stays in service."""
    with retraining.naming_version_in_service(versions), locked(versions, args):
        versions.settle()
        extract.update_and_show(args)
        renew(versions, args)
    return 0


def renew(versions: Versions, args: argparse.Namespace) -> None:
    """Train a version on the embeddings, check it, and put it in service or leave it a candidate."""
    train_version = partial(train.train, args)
    outcome = retraining.renew(versions, args.embeddings, train_version, options_of(args), args.candidate)
    number, stage, verdict = outcome.version.number, outcome.version.stage, outcome.verdict
    if verdict is None:
        print(f"nothing changed since version {number}{UNCHANGED[stage].format(retraining.kept_in_service(versions))}")
    elif stage == "candidate":
        result = "its figures hold" if verdict.good else "it would be rejected"
        print(f"version {number} is a candidate, {result}: {verdict.why}")
    else:
        print(f"version {number} is in service: {verdict.why}")


def promote(versions: Versions, args: argparse.Namespace) -> int:
    """Put a candidate in service if its figures hold."""
    with locked(versions, args):
        versions.settle()
        outcome = retraining.promote(versions, args.promote or None, options_of(args))
    reason = " already" if outcome.verdict is None else f": {outcome.verdict.why}"
    print(f"version {outcome.version.number} is in service{reason}")
    return 0


def roll_back(versions: Versions, args: argparse.Namespace) -> int:
    """Put an earlier version back in service."""
    with locked(versions, args):
        versions.settle()
        number = retraining.roll_back(versions, args.rollback or None)
    print(f"version {number} is in service")
    return 0


@contextmanager
def locked(versions: Versions, args: argparse.Namespace) -> Iterator[None]:
    """Keep other runs away from the versions; afterwards tell MLflow which stage each has."""
    with locks.only_one(versions.folder), recording.following_stages(versions, args):
        yield


def options_of(args: argparse.Namespace) -> retraining.Options:
    """Return the options of training and checking a version."""
    return retraining.Options(
        fpir=args.fpir,
        threshold=args.threshold,
        classifier=args.classifier,
        tolerance=args.tolerance,
        keep=args.keep,
        accept_losses=args.accept_losses,
        force=args.force,
    )


def keep_retraining(versions: Versions, args: argparse.Namespace) -> int:
    """Retrain again and again until Ctrl-C or SIGTERM; a run that fails prints a line on stderr, and is tried again."""
    if args.watch and REMOTE in str(args.dataset):
        raise UsageError(f"{args.dataset}: only a folder can be watched; use --every")
    signals.stop_on_signals()
    try:
        with ExitStack() as stack:
            watch = stack.enter_context(FolderWatch(Path(args.dataset), args.poll)) if args.watch else None
            complaint = ""
            while True:
                next_run = time.monotonic() + (args.every or inf)
                try:
                    retrain(versions, args)
                    complaint = ""
                except retraining.RejectedError as error:  # another run would reject it, too
                    complaint = ""
                    text.complain(str(error))
                except FacesError as error:  # it may pass, such as a lock that another run holds
                    next_run = min(next_run, time.monotonic() + RETRY)
                    if complaint != str(error):
                        complaint = str(error)
                        text.complain(f"{complaint}; trying again every {RETRY} s")
                sys.stdout.flush()
                if not complaint:
                    text.tell(waiting(args))
                while time.monotonic() < next_run and not (watch and watch.settled(args.settle)):
                    time.sleep(POLL)
    except KeyboardInterrupt:
        print(f"stopped; {retraining.kept_in_service(versions)}", file=sys.stderr)
    return 0


def waiting(args: argparse.Namespace) -> str:
    """Return the line that says what the next run waits for."""
    watched = f"watching {args.dataset} for changes" if args.watch else ""
    later = f"a run every {timedelta(seconds=args.every)}" if args.every else ""
    return f"{', '.join(part for part in (watched, later) if part)}; Ctrl-C stops"


def show(versions: Versions) -> int:
    """Print the versions."""
    headings = ["version", "time", "stage", "people", "photographs", "run", "why"]
    rows = [
        (
            version.number,
            version.time,
            version.stage,
            version.people or "",
            version.photographs or "",
            version.run.rpartition("-")[2],
            version.why,
        )
        for version in versions.all()
    ]
    print(text.table(headings, rows) if rows else "no versions yet")
    if versions.trained_by_hand():
        print(f"\n{versions.recognizer} was trained by hand since: the next run makes it a version")
    return 0


def duration(text: str) -> float:
    """Parse an option's value such as 90s, 15m, 1h or 1d, in seconds."""
    number, unit = text[:-1], text[-1:]
    if not number.isdecimal() or int(number) == 0 or unit not in UNITS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 90s, 15m, 1h or 1d")
    return float(int(number) * UNITS[unit])
