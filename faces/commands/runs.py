"""Show the records that every extraction, training and evaluation leaves in output/runs/."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from faces.cli import options, text, values
from faces.errors import FacesError
from faces.records import Damaged, Manifest, Run, Runs, beside, lineage
from faces.records.record import Data, File

LISTED = 10  # rows of a list
FOLDER = Path("output/runs")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = options.parser(
        "Show which run made a file and from which photographs, and what changed since the last run.",
        "list --kind train",
        "why output/recognizer.pickle",
    )
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")

    def command(name: str, summary: str, *examples: str) -> argparse._ArgumentGroup:
        files = options.group(options.subparser(commands, name, summary, *examples), options.FILES)
        # "why" looks beside the file
        folder = None if name == "why" else FOLDER
        files.add_argument("--folder", type=Path, default=folder, metavar="FOLDER", help="folder of the records")
        return files

    listing = command("list", "show the runs, the newest first", "--kind train", "--json")
    listing.add_argument("--kind", help="only extract, train, evaluate, ...")
    listing.add_argument("--json", action="store_true", help="print one JSON object per run")
    showing = command("show", "show everything about a run", "last", "last-1 --json")
    showing.add_argument(
        "run", nargs="?", default=lineage.NEWEST, help="its number, the beginning of it, last, last-1, ..."
    )
    showing.add_argument("--json", action="store_true", help="print the record")
    diff = command("diff", "show how run B differs from run A", "last-1 last", "--kind train")
    diff.add_argument("a", nargs="?", help="a run (without it, the one of B's kind before B)")
    diff.add_argument("b", nargs="?", help="a later run (without it, the last; of A's kind if only A is given)")
    diff.add_argument("--kind", help="compare the last two runs of this kind")
    why = command(
        "why",
        "show which run made a file, and from which photographs",
        "output/recognizer.pickle",
        "output/embeddings.pickle --person Amina",
    )
    why.add_argument("file", type=Path, help="such as output/recognizer.pickle")
    why.add_argument("--person", metavar="NAME", help="list this person's photographs")
    prune = command("prune", "delete old records, but not those of files that still exist", "--keep 100")
    prune.add_argument(
        "--keep", type=values.count, required=True, metavar="N", help="number of records to keep, the newest"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    if args.command == "why":
        own = beside(args.file)
        explain(args.file, args.folder or (own if own.is_dir() else FOLDER), args.person)
        return 0
    runs = Runs(args.folder)
    if args.command == "list":
        show_all(runs, args.kind, args.json)
    elif args.command == "show":
        run = runs.find(args.run)
        print(run.to_json().rstrip() if args.json else "\n".join(described(run)))
    elif args.command == "diff":
        compare(runs, *lineage.pair(runs, args.a, args.b, args.kind))
    else:
        print(f"{text.plural(runs.prune(args.keep), 'record', 'records')} deleted")
    return 0


def show_all(runs: Runs, kind: str | None, as_json: bool) -> None:
    """Print all runs, the newest first."""
    listed_runs = runs.all(kind)
    if as_json:
        for run in listed_runs:
            print(json.dumps(asdict(run), ensure_ascii=False))
        return
    rows = [row(run) for run in listed_runs]
    headings = ["run", "time, UTC", "kind", "seconds", "ended", "photographs", "code"]
    print(text.table(headings, rows) if rows else f"{runs.folder}: no runs yet{f' of kind {kind}' if kind else ''}")


def row(run: Run | Damaged) -> tuple[object, ...]:
    """Return a run as a row of the table."""
    if isinstance(run, Damaged):
        return run.id, "", "", "", run.why, "", ""
    photographs = ", ".join(str(data.photographs) for data in run.data)
    return run.short, moment(run), run.kind, f"{run.seconds:.1f}", run.status, photographs, str(run.code)


def moment(run: Run) -> str:
    """Return the start of a run."""
    return run.time[:19].replace("T", " ")


def described(run: Run) -> list[str]:
    """Return everything about a run, in lines."""
    ended = run.status if run.status != "failed" else f"failed: {run.error}"
    rows = [
        ("run", run.id),
        ("began", f"{moment(run)} UTC, took {run.seconds:.1f} s"),
        ("ended", ended),
        ("command", run.command),
        ("code", str(run.code)),
        ("python", f"{run.python} on {run.platform}"),
        ("packages", ", ".join(f"{name} {version}" for name, version in run.packages.items())),
        ("models", ", ".join(f"{part} {model}" for part, model in run.made_with.items())),
        *((data.role, photographs_of(data)) for data in run.data),
        *(("read", described_file(file)) for file in run.inputs),
        *(("wrote", described_file(file)) for file in run.artefacts),
        ("made of runs", ", ".join(id_.rpartition("-")[2] for id_ in run.parents)),
        ("parameters", ", ".join(f"{name} {formatted(value)}" for name, value in run.parameters.items())),
        ("figures", ", ".join(f"{words(name)} {formatted(value)}" for name, value in run.figures.items())),
        *(("note", note) for note in run.notes),
    ]
    return text.table(["", ""], [row for row in rows if row[1]]).splitlines()[1:]


def photographs_of(data: Data) -> str:
    """Return the numbers of photographs and people of a data set."""
    of = f" of {text.plural(data.people, 'person', 'people')}" if data.people else ""
    return f"{text.plural(data.photographs, 'photograph', 'photographs')}{of} (data set {data.sha256[:12]})"


def described_file(file: File) -> str:
    """Return a file's path, hash and size."""
    return f"{file.path} ({file.sha256[:12]}, {file.size:,} bytes)"


def words(name: str) -> str:
    """Return the name of a figure as words."""
    return name.replace("_", " ")


def formatted(value: Any) -> str:
    """Return the value of an option or figure as text."""
    if isinstance(value, list):
        return ",".join(map(formatted, value))
    return f"{value:.6g}" if isinstance(value, float) else "-" if value is None else str(value)


def compare(runs: Runs, old: Run, new: Run) -> None:
    """Print how two runs differ."""
    difference = lineage.difference(old, new, runs.folder)
    print(f"from {old.short} ({old.kind}, {moment(old)}) to {new.short} ({new.kind}, {moment(new)})\n")
    lines = []
    for role, photographs in difference.photographs.items():
        for change in ("added", "gone", "changed"):
            lines += listed(f"{role} {change}", list(getattr(photographs, change)))
        lines += listed(f"{role} moved", [f"{old_path} -> {new_path}" for old_path, new_path in photographs.moved])
        if photographs == lineage.Photographs():
            lines.append(f"{role}: the same, but other people's, or left out for other reasons")
    lines += [f"{role}: others; the list of them is lost" for role in difference.unknown]
    if difference.code[0] != difference.code[1]:
        lines.append(f"code: {difference.code[0]} -> {difference.code[1]}")
    for part in ("models", "packages", "parameters"):
        changes = getattr(difference, part).items()
        lines += listed(part, [f"{words(name)}: {formatted(a)} -> {formatted(b)}" for name, (a, b) in changes])
    print("\n".join(lines) if lines else "the same photographs, code, models, packages and parameters")
    names = list({**old.figures, **new.figures})
    if names:
        rows = [(words(name), formatted(old.figures.get(name)), formatted(new.figures.get(name))) for name in names]
        print("\n" + text.table(["figure", old.short, new.short], rows))


def listed(title: str, rows: Sequence[str]) -> list[str]:
    """Return a title with the number of rows, and the first rows, indented; nothing without rows."""
    more = [f"  and {len(rows) - LISTED} more"] if len(rows) > LISTED else []
    return [f"{title} ({len(rows)}):", *(f"  {row}" for row in rows[:LISTED]), *more] if rows else []


def explain(file: Path, folder: Path, person: str | None) -> None:
    """Print which run made a file, and from which photographs. Raises FacesError when that is not recorded."""
    made = File.of(file)
    makers = list(Runs(folder).makers(made.sha256))
    if not makers:
        raise FacesError(why_unknown(file, folder))
    run = makers[0]
    print(f"{file}: made by run {by(run)}")
    if len(makers) > 1:
        print(f"{text.plural(len(makers) - 1, 'earlier run', 'earlier runs')} made the same content")
    chain = [run, *lineage.ancestors(run, folder)]
    makers_of = {artefact.sha256: ancestor for ancestor in reversed(chain) for artefact in ancestor.artefacts}
    for ancestor in chain:
        for read in ancestor.inputs if ancestor.kind != "extract" else ():
            maker = makers_of.get(read.sha256)
            print(f"from {read.path}: {f'made by run {by(maker)}' if maker else 'no recorded run made it'}")
    for note in dict.fromkeys(note for ancestor in chain for note in ancestor.notes):
        print(f"note: {note}")
    source = next((ancestor for ancestor in chain if ancestor.data), None)
    if source is None:
        raise FacesError(f"{file}: no record of the photographs that it was made from")
    for data in source.data:
        show_photographs(Manifest.load(folder, data.sha256), data.role, data.sha256, person)


def by(run: Run) -> str:
    """Return a run with its time, code and command."""
    return f"{run.short} ({run.kind}, {moment(run)} UTC, code {run.code}): {run.command}"


def why_unknown(file: Path, folder: Path) -> str:
    """Return why the run that made a file is unknown."""
    writers = [
        run
        for run in Runs(folder).all()
        if isinstance(run, Run) and any(Path(other.path).resolve() == file.resolve() for other in run.artefacts)
    ]
    if writers:
        last = writers[0]
        return f"{file}: changed since run {last.short} wrote it ({moment(last)} UTC); no run made its content"
    if not Runs(folder).all():
        return f"{folder}: no runs yet; files made before have no record"
    return f"{file}: none of the runs in {folder} made it"


def show_photographs(manifest: Manifest, role: str, sha256: str, person: str | None) -> None:
    """Print the photographs of a data set: their number by person, or one person's."""
    number, people = manifest.used
    left_out = len(manifest) - number
    print(f"\n{photographs_of(Data(role, sha256, number, people))}{f', {left_out} left out' if left_out else ''}")
    if person is None:
        counts = Counter(name or "(erased)" for _, name, _, reason in manifest.rows() if not reason)
        rows = sorted(counts.items()) if people else []
        print(text.table(["person", "photographs"], rows[: 4 * LISTED]) if rows else "")
        print(f"and {len(rows) - 4 * LISTED} others; --person shows one" if len(rows) > 4 * LISTED else "", end="")
        return
    rows_of_person = [
        (path or "(erased)", sha256[:12], reason or "used")
        for path, name, sha256, reason in manifest.rows()
        if name == person
    ]
    if not rows_of_person:
        raise FacesError(f"no person called {person!r} is among them")
    print(text.table(["photograph", "SHA-256", ""], rows_of_person))
