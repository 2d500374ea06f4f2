"""Measure accuracy: verification of pairs, open-set identification, and operating points of an embedder."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from faces.cli import options, recording, values
from faces.cli.progress import progress_bar
from faces.cli.text import complain, plural, table, warn
from faces.evaluation.breakdowns import PREDICTED, Breakdowns
from faces.evaluation.evaluator import Evaluator, IdentificationSettings, Outcome
from faces.evaluation.groups.degraded_photographs import ALL_DEGRADATIONS
from faces.evaluation.groups.predicted import WARNING
from faces.evaluation.output_files import json_text, write_json, write_report
from faces.evaluation.recorded_figures import record_results
from faces.evaluation.report.page import require_packages
from faces.files.writing import check_writable

STDOUT = Path("-")
RECORDED_AS = Path("output/evaluation")  # not a file: the record of the run goes to output/runs
PHOTO_BAR = partial(progress_bar, "photo")

Run = Callable[[argparse.Namespace], int]
AddOptions = Callable[[argparse.ArgumentParser], None]
FOLDER: dict[str, Any] = {"type": Path, "metavar": "FOLDER"}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = options.parser(
        "Measure how good models and recognizers are.",
        "identification --images dataset",
        "verification --pairs lfw/pairs.txt --images lfw",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="measured")

    def add(name: str, run: Run, add_options: AddOptions, text: str, *examples: str) -> None:
        command = options.subparser(commands, name, text, *examples)
        add_options(command)
        options.add_model_options(command)
        options.group(command, options.SPEED).add_argument(
            "--workers", type=values.count, default=os.cpu_count() or 1, metavar="N", help="number of processes"
        )
        options.add_track_option(command)
        command.set_defaults(run=run)

    add(
        "verification",
        run_verification,
        add_verification_options,
        "do two photographs show the same person: accuracy, AUC, EER, TAR at FAR",
        "--pairs lfw/pairs.txt --images lfw",
        "--pairs pairs.csv --compare built-in best --report output/report.html",
    )
    add(
        "identification",
        run_identification,
        add_identification_options,
        "who is it, or is it a stranger: ranks, TPIR at FPIR",
        "--images dataset --enrol 3",
        "--gallery known --probes probes --strangers strangers",
    )
    add(
        "operating-points",
        run_operating_points,
        add_operating_points_options,
        "an embedder's thresholds by false accept rate, in the format of faces/models/zoo.py",
        "--images lfw --without people",
        "--images lfw --embedding-model sface",
    )
    return parser


def add_verification_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``verification``."""
    files = options.group(parser, options.FILES)
    files.add_argument(
        "-p",
        "--pairs",
        type=Path,
        required=True,
        metavar="FILE",
        help="LFW's pairs.txt or pairsDevTest.txt, or a CSV file with photograph,other,same[,fold]",
    )
    files.add_argument("-i", "--images", **FOLDER, help="folder of the photographs (default: that of the pairs)")
    add_comparison_options(parser)


def add_identification_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``identification``."""
    files = options.group(parser, options.FILES)
    files.add_argument("-i", "--images", **FOLDER, help="one data set, split at random; or instead of it:")
    files.add_argument("--gallery", **FOLDER, help="people to enrol, one folder of photographs per person")
    files.add_argument("--probes", **FOLDER, help="photographs to search for, in folders with the same names")
    files.add_argument(
        "--strangers",
        **FOLDER,
        help="people who are not enrolled (default: each probe with its person held out)",
    )
    add_comparison_options(parser)
    split = options.group(parser, "split of --images")
    split.add_argument("--enrol", type=values.count, default=3, metavar="N", help="photographs enrolled per person")
    split.add_argument("--splits", type=values.count, default=10, metavar="K", help="number of splits")
    split.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the splits")
    recognition = options.group(parser, options.RECOGNITION)
    recognition.add_argument("--fpir", type=values.share, default=0.01, metavar="SHARE", help="as for train_model.py")
    recognition.add_argument("--threshold", type=values.positive, metavar="DISTANCE", help="as for train_model.py")


def add_operating_points_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``operating-points``."""
    files = options.group(parser, options.FILES)
    files.add_argument("-i", "--images", required=True, **FOLDER, help="one folder of photographs per person")
    files.add_argument("--without", **FOLDER, help="leave out the people who have a folder in it")
    files.add_argument("--pairs", type=Path, metavar="FILE", help="use its pairs of one person (default: all)")
    files.add_argument(
        "--centroids", **FOLDER, help="photographs of 1,000 other people: thresholds for who looks like many"
    )


def add_comparison_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that verification and identification share."""
    files = options.group(parser, options.FILES)
    json = "write JSON; without FILE print only JSON"
    files.add_argument("--json", type=Path, nargs="?", const=STDOUT, metavar="FILE", help=json)
    files.add_argument("--report", type=Path, metavar="FILE", help="write an HTML page with plots and worst errors")
    files.add_argument("--no-faces", action="store_true", help="in the page, list the errors without photographs")
    measured = options.group(parser, "what is measured")
    measured.add_argument(
        "--compare",
        nargs="+",
        metavar="NAME",
        default=(),
        help="several in one table, with times: built-in, best, DETECTOR+EMBEDDER, an embedder's file; version:3 of"
        " retrain.py, or a folder with a recognizer",
    )
    measured.add_argument(
        "--groups",
        metavar="FILE",
        help="figures of each group of people: a CSV file of person (or photograph) and columns such as"
        f" gender,age_group; or {PREDICTED}: by the attribute models, which are wrong for some groups more often than"
        " for others",
    )
    measured.add_argument(
        "--robustness",
        type=values.count,
        nargs="?",
        const=300,
        default=0,
        metavar="N",
        help="degrade N pairs or probes (300): blur, JPEG, darkness, rotation, low resolution, covered eyes and"
        f" mouths; each is measured {len(ALL_DEGRADATIONS)} times",
    )
    skip = "leave out faces that were not found; else they count as errors"
    measured.add_argument("--skip-missing", action="store_true", help=skip)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    settings = {name: value for name, value in vars(args).items() if name != "run"}
    for path in (getattr(args, "json", None), getattr(args, "report", None)):
        if path not in (None, STDOUT):
            check_writable(path)
    if getattr(args, "report", None):
        require_packages()
    with recording.recording(RECORDED_AS, "evaluate", settings) as args.record:
        return int(args.run(args))


def run_verification(args: argparse.Namespace) -> int:
    """Evaluate pairs of photographs."""
    breakdowns = breakdowns_of(args, args.images or args.pairs.parent)
    outcome = evaluator(args, args.compare, args.skip_missing).verification(args.pairs, breakdowns)
    return publish(args, outcome, breakdowns)


def run_identification(args: argparse.Namespace) -> int:
    """Evaluate searches for probes and strangers."""
    breakdowns = breakdowns_of(args, args.images, args.gallery, args.probes, args.strangers)
    names = (field.name for field in fields(IdentificationSettings))
    settings = IdentificationSettings(**{name: getattr(args, name) for name in names})
    outcome = evaluator(args, args.compare, args.skip_missing).identification(settings, breakdowns)
    return publish(args, outcome, breakdowns)


def run_operating_points(args: argparse.Namespace) -> int:
    """Measure an embedder's operating points."""
    measure = evaluator(args).operating_points
    measured, fingerprint, kept = measure(args.images, args.without, args.pairs, args.centroids)
    pairs = f"{measured.points[0].pairs} of {args.images}; {plural(measured.genuine, 'pair', 'pairs')} of one person"
    print(f"# {fingerprint.embedder.name}: {pairs}\n{measured}")
    if kept:
        print(f"written to {kept}; run faces train again, so that recognizers with this embedder use it")
    return 0


def evaluator(args: argparse.Namespace, compare: Sequence[str] = (), skip_missing: bool = False) -> Evaluator:
    """Return the evaluator for the options."""
    return Evaluator(
        named=options.model_names(args),
        confidence=args.confidence,
        compare=compare,
        images=args.images,
        skip_missing=skip_missing,
        processes=args.workers,
        record=args.record,
        progress_bar=PHOTO_BAR,
        warn=warn,
        report_error=complain,
    )


def breakdowns_of(args: argparse.Namespace, *folders: Path | None) -> Breakdowns:
    """Return the breakdowns for the options. folders: data sets, or None."""
    if args.groups == PREDICTED:
        warn(WARNING)
    breakdowns = Breakdowns(args.groups, args.robustness, args.workers, PHOTO_BAR, tuple(filter(None, folders)))
    if args.groups and not breakdowns.predicted:
        args.record.input(Path(args.groups))
    return breakdowns


def publish(args: argparse.Namespace, outcome: Outcome, breakdowns: Breakdowns) -> int:
    """Print the tables or JSON, write the requested files, and return the exit status."""
    record_results(args.record, outcome.results)
    if breakdowns.nobody_labelled:
        warn(f"{args.groups}: none of the people in it is in the photographs; people are named as their folders")
    if args.json == STDOUT:
        print(json_text(outcome.results, breakdowns))
    else:
        page = (*outcome.page, *breakdowns.page)
        print("\n\n".join(part if isinstance(part, str) else table(part.headings, part.rows) for part in page))
    if args.json not in (None, STDOUT):
        write_json(args.json, outcome.results, breakdowns, args.record)
    if args.report:
        write_report(args.report, outcome.results, breakdowns, args.record, faces=not args.no_faces)
        if not args.no_faces:
            warn(f"{args.report} shows people's faces: do not pass it on, or make it with --no-faces")
    return 0 if outcome.complete else 1
