"""dataset/ -> a new version of the recognizer: extract, train, check it against the old one, and swap it in.

A version that does worse, or a step that fails, leaves the old one in service.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from math import inf
from pathlib import Path

from faces.cli import options, recording, text, values
from faces.commands import extract, train
from faces.datasets import REMOTE
from faces.errors import FacesError, FingerprintError, PickleError, UsageError, reason_of
from faces.files import locks
from faces.files.watching import FolderWatch
from faces.recognition import recognizer_files
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Fingerprint
from faces.versions.judging import Verdict, gallery_of, judge, judge_reports, source
from faces.versions.versions import LE, RECOGNIZER, REPORT, Version, Versions, counts, read_report

LOOK = 0.2  # seconds between two looks at the clock and the folder
STILL = {  # of the version that nothing changed since
    "in service": "",
    "candidate": ", a candidate: --promote puts it in service",
    "retired": ", which was rolled back; {standing}",
}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
PREVIOUS = NEWEST = 0  # what --rollback and --promote without a number mean


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Extract, train, check the new recognizer against the one in service, and only then swap it in.",
        epilog="example:\n  python retrain.py --watch",
        formatter_class=options.HelpFormatter,
        conflict_handler="resolve",  # both steps take --embeddings: it is one option
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--watch", action="store_true", help="stay, and do it whenever the data set settles after a change"
    )
    what.add_argument("--list", action="store_true", help="show the versions, and do nothing else")
    what.add_argument(
        "--rollback",
        type=values.count,
        nargs="?",
        const=PREVIOUS,
        metavar="N",
        help="put version N back in service, without a number the one before, and do nothing else",
    )
    what.add_argument(
        "--promote",
        type=values.count,
        nargs="?",
        const=NEWEST,
        metavar="N",
        help="put candidate N in service, without a number the newest, if its figures hold, and do nothing else",
    )
    parser.add_argument(
        "--candidate",
        action="store_true",
        help="leave the new version as a candidate, for --promote; nothing is swapped",
    )
    parser.add_argument("--every", type=duration, metavar="TIME", help="stay, and do it every 90s, 15m, 1h or 1d")
    parser.add_argument(
        "--settle",
        type=values.positive,
        default=5.0,
        metavar="SECONDS",
        help="with --watch: without a change, before it is done",
    )
    parser.add_argument(
        "--poll",
        type=values.positive,
        nargs="?",
        const=5.0,
        metavar="SECONDS",
        help="with --watch, for network folders: look at every file each so many seconds (without a number 5)",
    )
    parser.add_argument(
        "--tolerance", type=values.share, default=0.02, help="share of the held-out photographs that may be lost"
    )
    parser.add_argument("--keep", type=values.count, default=5, metavar="N", help="how many versions to keep")
    parser.add_argument("--force", action="store_true", help="swap the new version in, whatever the check says")
    extract.add_options(parser)
    train.add_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
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
    """One round. Raises FacesError, which says what stays in service."""
    try:
        with locks.only_one(versions.folder), recording.following_stages(versions, args):
            versions.settle()
            return extract.extract(args) or renew(versions, args)
    except FacesError as error:
        raise type(error)(f"{error}; {standing(versions)}") from error
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"stopped; {standing(versions)}") from None
    except BrokenPipeError:  # the reader of what is said, such as head, has seen enough
        raise
    except OSError as error:  # of a disk that is going, such as a stale one of the network
        what = f"{error.filename}: " if error.filename else ""
        raise FacesError(f"{what}{reason_of(error)}; {standing(versions)}") from error


def renew(versions: Versions, args: argparse.Namespace) -> int:
    """From the embeddings to a version that is in service, a candidate, or rejected, which raises FacesError."""
    gallery = Gallery.load(args.embeddings)
    made_of = source(gallery, args.fpir, args.threshold, args.classifier)
    if not args.force and (same := unchanged(versions, gallery, made_of)):
        if same.stage == "rejected":
            raise FacesError(f"nothing changed since version {same.number}, which was rejected: {same.why}")
        print(f"nothing changed since version {same.number}{STILL[same.stage].format(standing=standing(versions))}")
        return 0

    new = versions.candidate(made_of)
    try:
        files = {name: versions.path(new.number, name) for name in (RECOGNIZER, LE)}
        train.train(argparse.Namespace(**vars(args) | {"recognizer": files[RECOGNIZER], "le": files[LE]}))
        people, photographs = counts(versions.path(new.number, REPORT))
        new = replace(new, people=people, photographs=photographs, run=versions.run_of(new.number))
        verdict = check(versions, new, gallery.fingerprint, args.tolerance)
        if args.candidate:
            versions.record(replace(new, why=verdict.why, check=verdict.check, waits=True))
            held = "its figures hold" if verdict.good else "it would be rejected"
            print(f"version {new.number} is a candidate, {held}: {verdict.why}")
        else:
            decide(versions, new, verdict, args.force)
    finally:
        versions.clean()
    versions.prune(args.keep)
    return 0


def promote(versions: Versions, args: argparse.Namespace) -> int:
    """A candidate, or one that was rejected, is judged against what is in service now. Raises FacesError."""
    with locks.only_one(versions.folder), recording.following_stages(versions, args):
        versions.settle()
        new = versions.get(args.promote) if args.promote else versions.waiting()
        if new.stage == "retired":
            raise FacesError(f"version {new.number} was in service before: --rollback {new.number} returns to it")
        if new.stage == "in service":
            print(f"version {new.number} is in service already")
            return 0
        models = recognizer_files.made_by(versions.path(new.number, LE))
        try:
            decide(versions, new, check(versions, new, models, args.tolerance), args.force)
        except FacesError as error:
            raise type(error)(f"{error}; {standing(versions)}") from error
        versions.prune(args.keep)
    return 0


def decide(versions: Versions, new: Version, verdict: Verdict, force: bool) -> None:
    """Put a version in service if its figures hold; else it is rejected, which raises FacesError."""
    new = replace(new, why=verdict.why, check=verdict.check)
    if not verdict.good and not force:
        versions.record(replace(new, stage="rejected"))
        raise FacesError(f"version {new.number} is rejected (--force takes it): {verdict.why}")
    versions.record(new)
    versions.put_in_service(new.number)
    print(f"version {new.number} is in service: {verdict.why}")


def unchanged(versions: Versions, gallery: Gallery, made_of: str) -> Version | None:
    """The version of this very training: the one in service, or the last, which was rejected or rolled back."""
    now = versions.in_service()
    if now and not now.source and (old := load(versions, now, gallery.fingerprint)):  # trained by hand
        now = replace(now, source=source(gallery_of(old), old.fpir, old.threshold, old.classifier))
    return next((one for one in (now, *versions.all()[-1:]) if one and one.source == made_of), None)


def check(versions: Versions, new: Version, models: Fingerprint | None, tolerance: float) -> Verdict:
    """Whether a version may replace the one in service."""
    now = versions.in_service()
    if now is None:
        return Verdict(True, "the first version")
    candidate, old = load(versions, new, models), load(versions, now, models)
    if candidate is None:
        raise FacesError(f"version {new.number} cannot be read again")
    if old is None:
        was, found = (read_report(versions.path(one.number, REPORT)) for one in (now, new))
        return judge_reports(was, found, tolerance)
    return judge(old, candidate, tolerance)


def load(versions: Versions, version: Version, models: Fingerprint | None) -> FaceRecognizer | None:
    """A version's recognizer; None when it cannot be read, or was not made by these models."""
    if models is None:
        return None
    recognizer_path, le_path = (versions.path(version.number, name) for name in (RECOGNIZER, LE))
    try:
        recognizer, _ = recognizer_files.load(recognizer_path, le_path, models)
    except (FingerprintError, PickleError):
        return None
    return recognizer if isinstance(recognizer, FaceRecognizer) and recognizer.fingerprint_ else None


def keep_retraining(versions: Versions, args: argparse.Namespace) -> int:
    """Round after round, until Ctrl-C or SIGTERM; one that fails is a line on stderr."""
    if args.watch and REMOTE in str(args.dataset):
        raise UsageError(f"{args.dataset}: only a folder can be watched; use --every")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ExitStack() as stack:
            watch = stack.enter_context(FolderWatch(Path(args.dataset), args.poll)) if args.watch else None
            while True:
                started = time.monotonic()
                try:
                    retrain(versions, args)
                except FacesError as error:
                    text.complain(str(error))
                sys.stdout.flush()
                while time.monotonic() < started + (args.every or inf) and not (watch and watch.settled(args.settle)):
                    time.sleep(LOOK)
    except KeyboardInterrupt:
        print(f"stopped; {standing(versions)}", file=sys.stderr)
    return 0


def roll_back(versions: Versions, args: argparse.Namespace) -> int:
    with locks.only_one(versions.folder), recording.following_stages(versions, args):
        versions.settle()
        number = args.rollback or versions.before()
        versions.put_in_service(number)
    print(f"version {number} is in service")
    return 0


def show(versions: Versions) -> int:
    headings = ["version", "time", "stage", "people", "photographs", "run", "why"]
    rows = [
        (one.number, one.time, one.stage, one.people or "", one.photographs or "", one.run.rpartition("-")[2], one.why)
        for one in versions.all()
    ]
    print(text.table(headings, rows) if rows else "no versions yet")
    if versions.trained_by_hand():
        print(f"\n{versions.recognizer} was trained by hand since: the next run makes it a version")
    return 0


def standing(versions: Versions) -> str:
    """What stays in service when something fails."""
    if now := versions.in_service():
        return f"version {now.number} stays in service"
    return f"{versions.recognizer} stays in service" if versions.recognizer.exists() else "nothing is in service yet"


def duration(text: str) -> float:
    """An option's value such as 90s, 15m, 1h or 1d, in seconds."""
    number, unit = text[:-1], text[-1:]
    if not number.isdecimal() or int(number) == 0 or unit not in UNITS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 90s, 15m, 1h or 1d")
    return float(int(number) * UNITS[unit])
