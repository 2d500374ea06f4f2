"""Name groups without a browser: a contact sheet for each group, and a table to fill in."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faces.errors import FacesError, UsageError, reason_of
from faces.files.reading import read_file
from faces.files.tables import BOM, require_commas, write_csv
from faces.images import write_image
from faces.photos import answers, groups
from faces.photos.finding import best_faces
from faces.photos.library import Library
from faces.photos.pictures import sheet
from faces.photos.questions import WHO, Question, questions

TABLE = "answers.csv"
HEADINGS = ("sheet", "group", "faces", "perhaps", "name", "same_as", "not_these")
SHOWN = 24  # faces on a sheet, the best ones
IGNORE = "-"  # in the column ``name``
LIKELY = 0.5  # probability from which a name is suggested
LARGEST = 2**24  # bytes of a table
MOST_DIGITS = 18  # of a number that SQLite takes


@dataclass(frozen=True, slots=True)
class Applied:
    """How many answers a table had: names, groups that are ignored, groups united with others, faces taken out."""

    named: int = 0
    ignored: int = 0
    same: int = 0
    taken_out: int = 0


def write_sheets(
    library: Library, folder: Path, most: int | None = None, progress: Callable[[int, int], object] = lambda a, b: None
) -> int:
    """Write a JPEG for each group without a name, those first that settle most, and the table; return their number.

    Files are readable by their owner only. most: at most so many groups.
    Raises FacesError if they cannot be written, and UsageError if the table is there already: it may be filled in.
    """
    table = folder / TABLE
    if table.exists():
        raise UsageError(f"{table} is there, perhaps with answers: apply it with --answers, then delete it")
    asked = [question for question in questions(library) if question.kind == WHO and question.group][:most]
    rows = []
    for number, question in enumerate(asked, 1):
        group = question.group or 0
        image, shown = sheet(best_faces(library, group, SHOWN))
        name = f"{number:04}-group-{group}.jpg"
        if shown:
            write_image(folder / name, image)
        rows.append((name if shown else "", group, int(question.settles), perhaps(question), "", "", ""))
        progress(number, len(asked))
    write_csv(table, HEADINGS, rows, "replace")
    return len(rows)


def perhaps(question: Question) -> str:
    """Return who a group likely is, for people to confirm; empty if nobody is likely."""
    return question.person if question.probability >= LIKELY else ""


def apply_answers(library: Library, path: Path) -> Applied:
    """Take the answers of a table; either all of them or, with an error in one line, none.

    Raises UsageError, which names the line, and FacesError if the file cannot be read.
    """
    named = ignored = same = taken_out = 0
    with library.write():
        for line, row in _rows(path):
            where = f"{path}, line {line}"
            faces = groups.faces_of(library, _whole(row["group"], where))
            name, other = row["name"].strip().removeprefix("'"), row["same_as"].strip()
            out = [_whole(text, where) for text in row["not_these"].replace(",", " ").split()]
            if not name and not other and not out:
                continue
            if not faces:
                raise UsageError(f"{where}: there is no group {row['group']}; write new sheets: --sheets FOLDER")
            if wrong := set(out) - set(faces):
                raise UsageError(f"{where}: face {min(wrong)} is not in group {row['group']}")
            rest = [face for face in faces if face not in out]
            if out and rest:
                answers.different(library, out, rest)
                taken_out += len(out)
            try:
                if other:
                    others = groups.faces_of(library, _whole(other, where))
                    if not others:
                        raise UsageError(f"there is no group {other}")
                    answers.same(library, [*rest, *others])
                    same += 1
                if name == IGNORE:
                    answers.ignore(library, rest)
                    ignored += 1
                elif name:
                    answers.name(library, rest, name)
                    named += 1
            except UsageError as error:
                raise UsageError(f"{where}: {error}") from error
    return Applied(named, ignored, same, taken_out)


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a table with the numbers of their lines."""
    try:
        content = read_file(path, LARGEST).decode("utf-8")
    except OSError as error:
        raise FacesError(f"{path}: cannot be read ({reason_of(error)})") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8; save it as CSV UTF-8") from error
    content = content.removeprefix(BOM)
    require_commas(path, content.partition("\n")[0])
    reader = csv.DictReader(io.StringIO(content, newline=""))
    try:
        return _read(path, reader)
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num}: {error}") from error


def _read(path: Path, reader: csv.DictReader[str]) -> list[tuple[int, dict[str, str]]]:
    missing = [name for name in ("group", "name", "same_as", "not_these") if name not in (reader.fieldnames or ())]
    if missing:
        raise UsageError(f"{path}: it has no column {missing[0]!r}; keep the first line that --sheets wrote")
    return [(reader.line_num, {key: value or "" for key, value in row.items() if key}) for row in reader]


def _whole(text: str, where: str) -> int:
    if not text.strip().isdecimal() or len(text.strip()) > MOST_DIGITS:
        raise UsageError(f"{where}: {text[:40]!r} is not a number")
    return int(text)
