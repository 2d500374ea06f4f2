"""How good is it? Pairs told apart, people found among those enrolled, strangers known to be none; how sure that is.

Also how the operating points of an embedder, in faces/models/zoo.py, are made.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from faces.cli import options, recording, values
from faces.cli.text import complain, plural, table, warn
from faces.evaluation import candidates, documents, photographs, recorded
from faces.evaluation.breakdowns import PREDICTED, Extras
from faces.evaluation.figures import tables
from faces.evaluation.figures.operating_points import measure, people_in
from faces.evaluation.figures.results import Identification, Verification
from faces.evaluation.groups.predicted import WARNING
from faces.evaluation.groups.robustness import EVERY
from faces.evaluation.photographs import Photographs
from faces.evaluation.report.page import More, Results, write
from faces.evaluation.searches import pairs, trials
from faces.evaluation.searches.identification import identify
from faces.evaluation.searches.verification import verify
from faces.extraction.task import Models
from faces.files.writing import check_writable, write_bytes
from faces.records import Manifest
from faces.versions.versions import RECOGNIZER

STDOUT = Path("-")
RECORDED_AS = Path("output/evaluation")  # what is found is no file of its own; runs.py looks into output/runs

FOLDER: dict[str, Any] = {"type": Path, "metavar": "FOLDER"}
Command = Callable[[argparse.Namespace], int]


def build_parser() -> argparse.ArgumentParser:
    parser = options.parser(
        "Measure how good models and recognizers are.",
        "python evaluate.py verification --pairs lfw/pairs.txt --images lfw\n"
        "  python evaluate.py identification --images dataset --enrol 3",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="measured")
    for add, name, run, what, example in (
        (
            add_verification_options,
            "verification",
            verification,
            "are two photographs of one person: accuracy, AUC, EER, TAR at FAR",
            "--pairs lfw/pairs.txt --images lfw",
        ),
        (
            add_identification_options,
            "identification",
            identification,
            "who is it, or nobody of those enrolled: ranks, TPIR at FPIR",
            "--gallery known --probes probes",
        ),
        (
            add_points_options,
            "operating-points",
            points,
            "an embedder's thresholds by false accept rate, as faces/models/zoo.py has them",
            "--images lfw --without people",
        ),
    ):
        epilog = f"example:\n  python evaluate.py {name} {example}"
        one = commands.add_parser(
            name, help=what, description=what, epilog=epilog, formatter_class=options.HelpFormatter
        )
        add(one)
        options.add_track_option(one)
        one.set_defaults(run=run)
    return parser


def add_verification_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-p",
        "--pairs",
        type=Path,
        required=True,
        metavar="FILE",
        help="LFW's pairs.txt or pairsDevTest.txt, or a CSV file of photograph,other,same[,fold]",
    )
    parser.add_argument("-i", "--images", **FOLDER, help="where the photographs are (default: beside the pairs)")
    add_comparison_options(parser)


def add_identification_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gallery", **FOLDER, help="who is enrolled, one folder of photographs per person")
    parser.add_argument("--probes", **FOLDER, help="who is looked for, in folders of the same names")
    parser.add_argument("-i", "--images", **FOLDER, help="instead of these two: one data set, parted at random")
    parser.add_argument(
        "--strangers",
        **FOLDER,
        help="photographs of nobody enrolled (default: everybody who is enrolled, held out by turns)",
    )
    parser.add_argument(
        "--enrol", type=values.count, default=3, metavar="N", help="of --images: photographs to enrol of each person"
    )
    parser.add_argument(
        "--splits", type=values.count, default=10, metavar="K", help="of --images: how often it is parted"
    )
    parser.add_argument("--seed", type=int, default=0, help="of --images: which partings")
    parser.add_argument("--fpir", type=values.share, default=0.01, help="as train_model.py takes it")
    parser.add_argument("--threshold", type=values.positive, help="as train_model.py takes it")
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
    options.add_model_options(parser)
    parser.add_argument(
        "--workers", type=values.count, default=os.cpu_count() or 1, help="processes that work at the same time"
    )


def add_comparison_options(parser: argparse.ArgumentParser) -> None:
    """What both kinds of evaluation take."""
    add_work_options(parser)
    parser.add_argument(
        "--compare",
        nargs="+",
        metavar="WHAT",
        default=(),
        help="several in one table, with their times: built-in, fast, best, DETECTOR+EMBEDDER, an embedder's file; for"
        " identification also version:3 of retrain.py, or a folder with a recognizer in it",
    )
    parser.add_argument(
        "--skip-missing", action="store_true", help="leave out faces that were not found, instead of counting errors"
    )
    parser.add_argument(
        "--json", type=Path, nargs="?", const=STDOUT, metavar="FILE", help="also as JSON; without FILE in its place"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="also as an HTML page, with plots and worst errors")
    parser.add_argument("--no-faces", action="store_true", help="in the page: the errors in words, without photographs")
    parser.add_argument(
        "--groups",
        metavar="FILE",
        help="figures of each group of people: a CSV of person (or photograph) and columns such as gender,age_group; or"
        f" {PREDICTED}: by the attribute models, which are themselves wrong for some groups more often than for others",
    )
    parser.add_argument(
        "--robustness",
        type=values.count,
        nargs="?",
        const=300,
        default=0,
        metavar="N",
        help="figures of N pairs or probes made worse: blur, JPEG, darkness, rotation, low resolution, covered eyes and"
        f" mouths (without N 300; each is looked at {len(EVERY)} times)",
    )


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    options = dict(vars(args))
    run: Command = options.pop("run")
    args.models = (args.detector, args.embedding_model, args.confidence, args.accuracy)
    for path in (getattr(args, "json", None), getattr(args, "report", None)):  # before the work
        if path not in (None, STDOUT):
            check_writable(path)
    with recording.recording(RECORDED_AS, "evaluate", options) as args.record:
        return run(args)


def verification(args: argparse.Namespace) -> int:
    wanted, extras = pairs.read(args.pairs, args.images), extras_of(args, args.images or args.pairs.parent)
    args.record.input(args.pairs)

    def one(candidate: candidates.Candidate, seen: Photographs, seconds: float | None) -> Verification:
        result = verify(candidate.name, wanted, seen, args.skip_missing, seconds)
        extras.of_pairs(result, wanted, seen, candidate.models)
        return result

    chosen = candidates.models_alone(args.compare, args.models)
    found = candidates.compare(chosen, partial(look, args, (*wanted.first, *wanted.second)), one, complain)
    publish(args, found, tables.verifications(found) if args.compare else tables.verification(found[0]), extras)
    return 0 if len(found) == len(chosen) else 1


def identification(args: argparse.Namespace) -> int:
    folders = args.images, args.gallery, args.probes, args.strangers
    chosen, extras = candidates.chosen(args.compare, args.models), extras_of(args, *folders)
    some, warning = list[trials.Trial](), ""
    if any(candidate.recognizer is None for candidate in chosen):
        some, warning = trials.given(*folders, args.enrol, args.splits, args.seed)
    if warning:
        warn(warning)
    paths = [path for trial in some for path in trial.paths]
    if any(candidate.recognizer for candidate in chosen):
        paths += trials.to_look_at(args.probes, args.strangers)

    def one(candidate: candidates.Candidate, seen: Photographs, seconds: float | None) -> Identification:
        tried, recognizer, learnt = some, None, frozenset[str]()
        if candidate.recognizer:
            recognizer = candidates.load(candidate.recognizer, seen.fingerprint)
            args.record.input(candidate.recognizer / RECOGNIZER)
            tried = [trials.of_recognizer(set(recognizer.names_.tolist()), args.probes, args.strangers)]
            learnt = candidates.learnt(candidate.recognizer)
        if copies := trials.copies(tried, dict(zip(seen.paths, seen.hashes, strict=True)), learnt):
            warn(copies)
        how = args.skip_missing, seconds, args.threshold
        result = identify(candidate.name, tried, seen, args.fpir, recognizer, *how)
        extras.of_trials(result, tried, seen, candidate.models, recognizer)
        return result

    found = candidates.compare(chosen, partial(look, args, paths), one, complain)
    publish(args, found, tables.identifications(found) if args.compare else tables.identification(found[0]), extras)
    return 0 if len(found) == len(chosen) else 1


def points(args: argparse.Namespace) -> int:
    people = people_in(args.images, args.without)
    of_one = pairs.read(args.pairs, args.images) if args.pairs else None
    if args.pairs:
        args.record.input(args.pairs)
    seen = look(args, [path for paths in people.values() for path in paths], args.models)
    measured = measure(people, seen, of_one)
    args.record.models(seen.fingerprint)
    about = f"{seen.fingerprint.embedder.name}: {measured.points[0].pairs} of {args.images}"
    print(f"# {about}; {plural(measured.genuine, 'pair', 'pairs')} of one person\n{measured}")
    return 0


@contextmanager
def bar(total: int, what: str = "") -> Iterator[Callable[[int], object]]:
    with tqdm(total=total, desc=what or None, unit="photo", disable=None) as progress:
        yield progress.update


def extras_of(args: argparse.Namespace, *folders: Path | None) -> Extras:
    """What is asked for besides the figures, before the work. folders: of people's."""
    if args.groups == PREDICTED:
        warn(WARNING)
    given = tuple(folder for folder in folders if folder is not None)
    extras = Extras(args.groups, args.robustness, args.workers, bar, given)
    if args.groups and not extras.predicted:
        args.record.input(Path(args.groups))
    return extras


def look(args: argparse.Namespace, paths: Sequence[Path], models: Models) -> Photographs:
    with bar(len(set(paths))) as progress:
        seen = photographs.look_at(paths, models, args.workers, progress)
    if lost := seen.lost():
        warn(lost)
    args.record.data(Manifest.of_files(seen.paths, seen.hashes, args.images or Path()))
    return seen


def publish(args: argparse.Namespace, found: Results, page: tables.Page, extras: Extras) -> None:
    """Print the page, or JSON in its place, and write the files that were asked for."""
    recorded.take_down(args.record, found)
    if extras.nobody:
        warn(f"{args.groups}: nobody in it is in the photographs; people are called as their folders are")
    text = json.dumps(documents.to_json(found, extras.plain), ensure_ascii=False, indent=1)
    if args.json == STDOUT:
        print(text)
    else:
        parts = (*page, *extras.page)
        print("\n\n".join(part if isinstance(part, str) else table(part.headings, part.rows) for part in parts))
    if args.json not in (None, STDOUT):
        write_bytes(args.json, text.encode("utf-8", "backslashreplace") + b"\n")
        args.record.artefact(args.json)
    if args.report:
        more = More(args.record.command, extras.robustness, extras.grouped, extras.predicted)
        write(args.report, found, more, faces=not args.no_faces)
        args.record.artefact(args.report)
        if not args.no_faces:
            warn(f"{args.report} shows people's faces: do not pass it on, or make it with --no-faces")
