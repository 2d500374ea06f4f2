"""Name the groups: on a page in the browser, with contact sheets and a table, or in one line."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from faces.cli import options, values
from faces.cli.progress import progress_bar
from faces.cli.text import escaped, plural, table
from faces.commands.photos import page, shared
from faces.errors import UsageError
from faces.photos import answers, groups
from faces.photos.library import Library
from faces.photos.questions import WHO, questions
from faces.photos.sheets import TABLE, apply_answers, perhaps, write_sheets

LISTED = 20


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.subparser(
        commands,
        "name",
        "name the groups of unknown people",
        "--sheets sheets",
        "--answers sheets/answers.csv",
    )
    files = options.group(parser, options.FILES)
    shared.add_library(parser)
    files.add_argument(
        "--sheets", type=Path, metavar="FOLDER", help="write a picture of each group and a table to fill in"
    )
    files.add_argument("--answers", type=Path, metavar="FILE", help="take the answers of this table")
    shared.add_grouping(parser)
    naming = options.group(parser, "answers")
    naming.add_argument("--group", type=values.count, metavar="N", help="a group, for --as or --ignore")
    naming.add_argument("--face", type=values.count, metavar="N", help="a face, for --as, --not or --ignore")
    naming.add_argument("--as", dest="person", metavar="NAME", help="say who it is")
    naming.add_argument("--not", dest="not_person", metavar="NAME", help="say who it is not")
    naming.add_argument("--ignore", action="store_true", help="say that it is nobody of interest")
    naming.add_argument("--undo", action="store_true", help="take back the last answer")
    page.add(parser)
    naming.add_argument("--most", type=values.count, metavar="N", help="at most so many sheets")


def run(args: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    with Library(args.library) as library:
        if args.sheets:
            with progress_bar("sheet") as progress:
                number = write_sheets(library, args.sheets, args.most, progress)
            print(
                f"{plural(number, 'group', 'groups')} -> {args.sheets}; fill in {args.sheets / TABLE}, then --answers"
            )
            return 0
        if not take(library, args):
            if page.is_wanted(args):
                return page.serve(library, args)
            show(library)
            return 0
        shared.group_again(library, args, shared.recognizer(library, args))
        answers.write_corrections(library)
        print(left(library))
    return 0


def take(library: Library, args: argparse.Namespace) -> bool:
    """Take the answer of the command line; return whether there was one."""
    if args.undo:
        said = answers.undo(library)
        print(f"taken back: {said.kind} {said.person}".rstrip())
        return True
    if args.answers:
        done = apply_answers(library, args.answers)
        out = plural(done.taken_out, "face", "faces")
        print(f"{done.named} named, {done.ignored} ignored, {done.same} united, {out} taken out")
        return True
    if not (args.person or args.not_person or args.ignore):
        if args.group or args.face:
            raise UsageError("who is it? Add --as NAME, --not NAME or --ignore")
        return False
    if (args.group is None) == (args.face is None):
        raise UsageError("which one? Give --group N or --face N; faces photos list shows the numbers")
    shown = [args.face] if args.face else groups.faces_of(library, args.group)
    if not shown:
        raise UsageError(f"there is no group {args.group}; faces photos list shows the numbers")
    if args.person:
        answers.name(library, shown, args.person)
    elif args.not_person:
        answers.not_person(library, shown, args.not_person)
    else:
        answers.ignore(library, shown)
    return True


def show(library: Library) -> None:
    """Print the people, and the groups that have no name."""
    if known := groups.people(library):
        print(table(("person", "faces"), list(known.items())), end="\n\n")
    asked = [question for question in questions(library) if question.kind == WHO]
    rows = [(question.group, int(question.settles), perhaps(question)) for question in asked[:LISTED]]
    if rows:
        print(table(("group", "faces", "perhaps"), rows), end="\n\n")
    print(left(library))


def left(library: Library) -> str:
    """Return how many questions are left, and how to answer the first one."""
    asked = [question for question in questions(library) if question.kind == WHO]
    if not asked:
        return "every group has an answer"
    first = asked[0].group
    return escaped(
        f"{plural(len(asked), 'group has', 'groups have')} no name; next:"
        f" faces photos name --group {first} --as NAME, or --sheets FOLDER"
    )
