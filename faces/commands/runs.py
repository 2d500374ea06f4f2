"""What was done, and with what: the records that every extraction, training and evaluation leaves in output/runs/."""

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

SHOWN = 10  # of a list, for people to read
NEWEST = "last"
FOLDER = Path("output/runs")


def build_parser() -> argparse.ArgumentParser:
    parser = options.parser(
        "Which photographs made this recognizer, what changed since the last run, which run made this file.",
        "python runs.py why output/recognizer.pickle",
    )
    commands = parser.add_subparsers(title="commands", dest="command", required=True)

    def command(name: str, what: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=what, description=what, formatter_class=options.HelpFormatter)
        one.add_argument("--folder", type=Path, default=FOLDER, help="where the records are")
        return one

    listing = command("list", "show the runs, the newest first")
    listing.add_argument("--kind", help="only extract, train, evaluate, ...")
    listing.add_argument("--json", action="store_true", help="for programs, a line for each run")
    one = command("show", "show all that is known of a run")
    one.add_argument("run", nargs="?", default=NEWEST, help="its number, the beginning of it, last, last-1, ...")
    one.add_argument("--json", action="store_true", help="the record as it is")
    two = command("diff", "show what is different in run B")
    two.add_argument("a", nargs="?", help="a run (without it, the one of B's kind before B)")
    two.add_argument("b", nargs="?", help="a later run (without it, the last; of A's kind if only A is given)")
    two.add_argument("--kind", help="compare the last two runs of this kind")
    why = command("why", "show which run made a file, and from which photographs")
    why.add_argument("file", type=Path, help="such as output/recognizer.pickle")
    why.add_argument("--person", metavar="NAME", help="list this person's photographs")
    why.set_defaults(folder=None)  # those beside the file
    prune = command("prune", "delete old records, but not those of files that are still there")
    prune.add_argument("--keep", type=values.count, required=True, metavar="N", help="how many to keep, the newest")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
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
        compare(runs, *pair(runs, args.a, args.b, args.kind))
    else:
        print(f"{text.plural(runs.prune(args.keep), 'record', 'records')} deleted")
    return 0


def show_all(runs: Runs, kind: str | None, as_json: bool) -> None:
    found = runs.all(kind)
    if as_json:
        for one in found:
            print(json.dumps(asdict(one), ensure_ascii=False))
        return
    rows = [row(one) for one in found]
    headings = ["run", "time, UTC", "kind", "seconds", "ended", "photographs", "code"]
    print(text.table(headings, rows) if rows else f"{runs.folder}: no runs yet{f' of kind {kind}' if kind else ''}")


def row(one: Run | Damaged) -> tuple[object, ...]:
    if isinstance(one, Damaged):
        return one.id, "", "", "", one.why, "", ""
    photographs = ", ".join(str(data.photographs) for data in one.data)
    return one.short, moment(one), one.kind, f"{one.seconds:.1f}", one.status, photographs, str(one.code)


def moment(run: Run) -> str:
    return run.time[:19].replace("T", " ")


def described(run: Run) -> list[str]:
    """All that is known of a run, in lines."""
    ended = run.status if run.status != "failed" else f"failed: {run.error}"
    about = [
        ("run", run.id),
        ("began", f"{moment(run)} UTC, took {run.seconds:.1f} s"),
        ("ended", ended),
        ("command", run.command),
        ("code", str(run.code)),
        ("python", f"{run.python} on {run.platform}"),
        ("packages", ", ".join(f"{name} {version}" for name, version in run.packages.items())),
        ("models", ", ".join(f"{part} {model}" for part, model in run.made_with.items())),
        *((data.role, used(data)) for data in run.data),
        *(("read", filed(one)) for one in run.inputs),
        *(("wrote", filed(one)) for one in run.artefacts),
        ("made of runs", ", ".join(id_.rpartition("-")[2] for id_ in run.parents)),
        ("parameters", ", ".join(f"{name} {said(value)}" for name, value in run.parameters.items())),
        ("figures", ", ".join(f"{called(name)} {said(value)}" for name, value in run.figures.items())),
        *(("note", note) for note in run.notes),
    ]
    return text.table(["", ""], [one for one in about if one[1]]).splitlines()[1:]


def used(data: Data) -> str:
    of = f" of {text.plural(data.people, 'person', 'people')}" if data.people else ""
    return f"{text.plural(data.photographs, 'photograph', 'photographs')}{of} (data set {data.sha256[:12]})"


def filed(file: File) -> str:
    return f"{file.path} ({file.sha256[:12]}, {file.size:,} bytes)"


def called(name: str) -> str:
    return name.replace("_", " ")


def said(value: Any) -> str:
    """An option's or figure's value."""
    if isinstance(value, list):
        return ",".join(map(said, value))
    return f"{value:.6g}" if isinstance(value, float) else "-" if value is None else str(value)


def pair(runs: Runs, a: str | None, b: str | None, kind: str | None) -> tuple[Run, Run]:
    """The two runs to compare, the earlier one first as it was asked for."""
    if a and b:
        return runs.find(a, kind), runs.find(b, kind)
    if a:
        old = runs.find(a, kind)
        return old, runs.find(NEWEST, old.kind)
    new = runs.find(NEWEST, kind)
    earlier = [one for one in runs.all(new.kind) if isinstance(one, Run) and one.id < new.id]
    if not earlier:
        raise FacesError(
            f"{runs.folder}: {new.short} is the only run of kind {new.kind}: there is none to compare it with"
        )
    return earlier[0], new


def compare(runs: Runs, old: Run, new: Run) -> None:
    found = lineage.difference(old, new, runs.folder)
    print(f"from {old.short} ({old.kind}, {moment(old)}) to {new.short} ({new.kind}, {moment(new)})\n")
    lines = []
    for role, photographs in found.photographs.items():
        for what in ("added", "gone", "changed"):
            lines += listed(f"{role} {what}", list(getattr(photographs, what)))
        lines += listed(f"{role} moved", [f"{was} -> {is_}" for was, is_ in photographs.moved])
        if photographs == lineage.Photographs():
            lines.append(f"{role}: the same, but other people's, or left out for other reasons")
    lines += [f"{role}: others, but which is not known any more" for role in found.unknown]
    if found.code[0] != found.code[1]:
        lines.append(f"code: {found.code[0]} -> {found.code[1]}")
    for what in ("models", "packages", "parameters"):
        lines += listed(what, [f"{called(n)}: {said(a)} -> {said(b)}" for n, (a, b) in getattr(found, what).items()])
    print("\n".join(lines) if lines else "the same photographs, code, models, packages and parameters")
    names = list({**old.figures, **new.figures})
    if names:
        rows = [(called(name), said(old.figures.get(name)), said(new.figures.get(name))) for name in names]
        print("\n" + text.table(["figure", old.short, new.short], rows))


def listed(title: str, rows: Sequence[str]) -> list[str]:
    """A title with how many, and the first of them, indented; nothing where there are none."""
    more = [f"  and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
    return [f"{title} ({len(rows)}):", *(f"  {row}" for row in rows[:SHOWN]), *more] if rows else []


def explain(file: Path, folder: Path, person: str | None) -> None:
    """Which run made a file, and from which photographs. Raises FacesError where that is not known."""
    made = File.of(file)
    makers = list(Runs(folder).makers(made.sha256))
    if not makers:
        raise FacesError(nobody_made(file, folder))
    run = makers[0]
    print(f"{file}: made by run {by(run)}")
    if len(makers) > 1:
        print(f"the same, bit for bit, was made by {text.plural(len(makers) - 1, 'run', 'runs')} before")
    chain = [run, *lineage.ancestors(run, folder)]
    makers_of = {made.sha256: one for one in reversed(chain) for made in one.artefacts}
    for one in chain:
        for read in one.inputs if one.kind != "extract" else ():
            maker = makers_of.get(read.sha256)
            print(f"from {read.path}: {f'made by run {by(maker)}' if maker else 'no run that is recorded made it'}")
    for note in dict.fromkeys(note for one in chain for note in one.notes):
        print(f"note: {note}")
    source = next((one for one in chain if one.data), None)
    if source is None:
        raise FacesError(f"{file}: which photographs it was made from is not recorded")
    for data in source.data:
        show_photographs(Manifest.load(folder, data.sha256), data.role, data.sha256, person)


def by(run: Run) -> str:
    return f"{run.short} ({run.kind}, {moment(run)} UTC, code {run.code}): {run.command}"


def nobody_made(file: Path, folder: Path) -> str:
    """Why it is not known who made a file."""
    wrote = [
        one
        for one in Runs(folder).all()
        if isinstance(one, Run) and any(Path(each.path).resolve() == file.resolve() for each in one.artefacts)
    ]
    if wrote:
        last = wrote[0]
        return f"{file}: changed since run {last.short} wrote it ({moment(last)} UTC); no run made what is in it now"
    if not Runs(folder).all():
        return f"{folder}: no runs yet; what was made before records were kept is not known"
    return f"{file}: none of the runs in {folder} made it"


def show_photographs(manifest: Manifest, role: str, sha256: str, person: str | None) -> None:
    number, people = manifest.used
    out = len(manifest) - number
    print(f"\n{used(Data(role, sha256, number, people))}{f', {out} left out' if out else ''}")
    if person is None:
        each = Counter(name or "(erased)" for _, name, _, reason in manifest.rows() if not reason)
        rows = sorted(each.items()) if people else []
        print(text.table(["person", "photographs"], rows[: 4 * SHOWN]) if rows else "")
        print(f"and {len(rows) - 4 * SHOWN} others; --person shows one" if len(rows) > 4 * SHOWN else "", end="")
        return
    mine = [
        (path or "(erased)", sha256[:12], reason or "used")
        for path, name, sha256, reason in manifest.rows()
        if name == person
    ]
    if not mine:
        raise FacesError(f"nobody called {person!r} is among them")
    print(text.table(["photograph", "SHA-256", ""], mine))
