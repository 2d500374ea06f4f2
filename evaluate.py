"""How good is it? Pairs told apart, people found among those enrolled, strangers known to be none; how sure that is.

Also how the operating points of an embedder, in faces/zoo.py, are made.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from faces import cli
from faces.errors import UsageError
from faces.evaluation import (
    candidates,
    comparing,
    documents,
    operating_points,
    pairs,
    photographs,
    records,
    report,
    tables,
    trials,
)
from faces.evaluation.candidates import Candidate
from faces.evaluation.identification import identify
from faces.evaluation.photographs import Photographs
from faces.evaluation.results import Identification, Verification
from faces.evaluation.trials import Trial
from faces.evaluation.verification import verify
from faces.images import check_writable, write_bytes
from faces.runs import Manifest
from faces.tasks import Models

STDOUT = Path("-")
RECORDED_AS = Path("output/evaluation")  # what is found is no file of its own; runs.py looks into output/runs

FOLDER: dict[str, Any] = {"type": Path, "metavar": "FOLDER"}
Command = Callable[[argparse.Namespace], int]


def build_parser() -> argparse.ArgumentParser:
    parser = cli.parser(
        "Measure how good models and recognizers are.",
        "python evaluate.py verification --pairs lfw/pairs.txt --images lfw\n"
        "  python evaluate.py identification --images dataset --enrol 3",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add, name, run, what, example in (
        (add_verification_options, "verification", verification,
         "are two photographs of one person: accuracy, AUC, EER, TAR at FAR", "--pairs lfw/pairs.txt --images lfw"),
        (add_identification_options, "identification", identification,
         "who is it, or nobody of those enrolled: ranks, TPIR at FPIR", "--gallery known --probes probes"),
        (add_points_options, "operating-points", points,
         "an embedder's thresholds by false accept rate, as faces/zoo.py has them", "--images lfw --without people"),
    ):  # fmt: skip
        epilog = f"example:\n  python evaluate.py {name} {example}"
        one = commands.add_parser(name, help=what, description=what, epilog=epilog, formatter_class=cli.HelpFormatter)
        add(one)
        cli.add_track_option(one)
        one.set_defaults(run=run)
    return parser


def add_verification_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-p", "--pairs", type=Path, required=True, metavar="FILE",
        help="LFW's pairs.txt or pairsDevTest.txt, or a CSV file of photograph,other,same[,fold]",
    )  # fmt: skip
    parser.add_argument("-i", "--images", **FOLDER, help="where the photographs are (default: beside the pairs)")
    add_comparison_options(parser)


def add_identification_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gallery", **FOLDER, help="who is enrolled, one folder of photographs per person")
    parser.add_argument("--probes", **FOLDER, help="who is looked for, in folders of the same names")
    parser.add_argument("-i", "--images", **FOLDER, help="instead of these two: one data set, parted at random")
    parser.add_argument(
        "--strangers", **FOLDER,
        help="photographs of nobody enrolled (default: everybody who is enrolled, held out by turns)",
    )  # fmt: skip
    parser.add_argument(
        "--enrol", type=cli.count, default=3, metavar="N", help="of --images: photographs to enrol of each person"
    )
    parser.add_argument("--splits", type=cli.count, default=10, metavar="K", help="of --images: how often it is parted")
    parser.add_argument("--seed", type=int, default=0, help="of --images: which partings")
    parser.add_argument("--fpir", type=cli.share, default=0.01, help="as train_model.py takes it")
    parser.add_argument("--threshold", type=cli.positive, help="as train_model.py takes it")
    add_comparison_options(parser)


def add_points_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--images", required=True, **FOLDER, help="one folder of photographs per person")
    parser.add_argument("--without", **FOLDER, help="leave out the people who have a folder in it")
    parser.add_argument(
        "--pairs", type=Path, metavar="FILE", help="take its pairs of one person (default: all there are)"
    )
    add_work_options(parser)


def add_work_options(parser: argparse.ArgumentParser) -> None:
    """Which models look at the photographs, and how."""
    cli.add_model_options(parser)
    parser.add_argument(
        "--workers", type=cli.count, default=os.cpu_count() or 1, help="processes that work at the same time"
    )


def add_comparison_options(parser: argparse.ArgumentParser) -> None:
    """What both kinds of evaluation take."""
    add_work_options(parser)
    parser.add_argument(
        "--compare", nargs="+", metavar="WHAT", default=(),
        help="several in one table, with their times: built-in, fast, best, DETECTOR+EMBEDDER, an embedder's file; for"
        " identification also version:3 of retrain.py, or a folder with a recognizer in it",
    )  # fmt: skip
    parser.add_argument(
        "--skip-missing", action="store_true", help="leave out faces that were not found, instead of counting errors"
    )
    parser.add_argument(
        "--json", type=Path, nargs="?", const=STDOUT, metavar="FILE", help="also as JSON; without FILE in its place"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="also as a page with plots, FILE.html")
    parser.add_argument("--no-faces", action="store_true", help="leave photographs of errors out of the page")


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    run: Command = args.run
    for path in (getattr(args, "json", None), getattr(args, "report", None)):  # before the work
        if path not in (None, STDOUT):
            check_writable(path)
    options = {name: value for name, value in vars(args).items() if name != "run"}
    with cli.recording(RECORDED_AS, "evaluate", options) as args.record:
        return run(args)


def models_of(args: argparse.Namespace) -> Models:
    return args.detector, args.embedding_model, args.confidence, args.accuracy


def verification(args: argparse.Namespace) -> int:
    wanted = pairs.read(args.pairs, args.images)
    paths = list(dict.fromkeys((*wanted.first, *wanted.second)))

    def one(candidate: Candidate, seen: Photographs, seconds: float | None) -> Verification:
        if candidate.recognizer:
            raise UsageError("a recognizer has no say in verification; use: evaluate.py identification")
        return verify(candidate.name, wanted, seen, args.skip_missing, seconds)

    chosen = candidates.chosen(args.compare, models_of(args))
    found = comparing.compare(chosen, partial(look, args, paths), one, complain, bool(args.compare))
    results = [each.result for each in found]
    publish(args, results, tables.verifications(results) if args.compare else tables.verification(results[0]))
    return 0 if len(found) == len(chosen) else 1


def identification(args: argparse.Namespace) -> int:
    chosen = candidates.chosen(args.compare, models_of(args))
    some = parted(args) if any(candidate.recognizer is None for candidate in chosen) else []
    paths = [path for trial in some for path in trial.paths]
    if any(candidate.recognizer for candidate in chosen):
        paths += trials.to_look_at(args.probes, args.strangers)

    def one(candidate: Candidate, seen: Photographs, seconds: float | None) -> Identification:
        how = args.skip_missing, seconds
        if candidate.recognizer is None:
            warn_of_copies(some, seen)
            return identify(candidate.name, some, seen, args.fpir, None, *how, args.threshold)
        assert seen.fingerprint is not None
        recognizer = candidates.load(candidate.recognizer, seen.fingerprint)
        trial = trials.of_recognizer(set(recognizer.names_.tolist()), args.probes, args.strangers)
        return identify(candidate.name, [trial], seen, args.fpir, recognizer, *how)

    found = comparing.compare(chosen, partial(look, args, paths), one, complain, bool(args.compare))
    results = [each.result for each in found]
    publish(args, results, tables.identifications(results) if args.compare else tables.identification(results[0]))
    return 0 if len(found) == len(chosen) else 1


def parted(args: argparse.Namespace) -> list[Trial]:
    """What models are tried with."""
    if args.images is not None and args.gallery is None and args.probes is None:
        return trials.drawn(args.images, args.enrol, args.splits, args.seed, args.strangers)
    if args.images is not None or args.gallery is None or args.probes is None:
        raise UsageError("give --gallery and --probes, or --images for one data set to be parted")
    trial, nobody = trials.from_folders(args.gallery, args.probes, args.strangers)
    if nobody:
        cli.warn(f"not in {args.gallery}, so strangers: {', '.join(nobody[:5])}{', ...' if len(nobody) > 5 else ''}")
    return [trial]


def warn_of_copies(some: Sequence[Trial], seen: Photographs) -> None:
    hashes = dict(zip(seen.paths, seen.hashes, strict=True))
    if copies := {path for trial in some for path in trial.enrolled_too(hashes)}:
        cli.warn(f"{len(copies):,} photographs are enrolled as well as looked for, which is too easy: {min(copies)}...")


def points(args: argparse.Namespace) -> int:
    people = operating_points.people_in(args.images, args.without)
    of_one = pairs.read(args.pairs, args.images) if args.pairs else None
    seen = look(args, [path for paths in people.values() for path in paths], models_of(args))
    measured = operating_points.measure(people, seen, of_one)
    args.record.models(seen.fingerprint)
    name = seen.fingerprint.embedder.name if seen.fingerprint else ""
    print(f"# {name}: {measured.points[0].pairs} of {args.images}; {measured.genuine:,} pairs of one person")
    print(measured)
    return 0


def look(args: argparse.Namespace, paths: Sequence[Path], models: Models) -> Photographs:
    with tqdm(total=len(set(paths)), unit="photo", disable=None) as progress:
        seen = photographs.look_at(paths, models, args.workers, progress.update)
    if lost := seen.lost():
        cli.warn(lost)
    args.record.data(Manifest.of_files(seen.paths, seen.hashes, args.images or Path()))
    return seen


def complain(text: str) -> None:
    print(f"error: {text}", file=sys.stderr)


def publish(args: argparse.Namespace, found: report.Results, page: tables.Page) -> None:
    """Print the page, or JSON in its place, and write the files that were asked for."""
    args.record.models(found[0].fingerprint if len(found) == 1 else None)
    for name, value in records.figures(found).items():
        args.record.figure(name, value)
    text = json.dumps(documents.to_json(found), ensure_ascii=False, indent=1)
    if args.report:
        report.write(args.report, found, report.More(shlex.join(["python", *sys.argv])), faces=not args.no_faces)
        args.record.artefact(args.report)
    if args.json == STDOUT:
        print(text)
        return
    print("\n\n".join(part if isinstance(part, str) else cli.table(part.headings, part.rows) for part in page))
    if args.json:
        write_bytes(args.json, text.encode("utf-8", "backslashreplace") + b"\n")
        args.record.artefact(args.json)


if __name__ == "__main__":
    cli.run(main)
