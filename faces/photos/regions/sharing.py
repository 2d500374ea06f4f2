"""Write the names in a library into the metadata of its photographs, and take them back."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import groupby
from pathlib import Path

from faces.errors import FacesError, UsageError
from faces.photos import contents, groups
from faces.photos.library import Library, stored
from faces.photos.records import Face
from faces.photos.regions.naming import shares, stamp_of
from faces.photos.regions.region import Region
from faces.photos.regions.undo import Journal, Undone, digest
from faces.photos.regions.writing import EMBED, Plan, Written

JOURNAL = "photos-xmp.sqlite"


def journal_of(library: Library) -> Journal:
    """Return the journal of a library: beside it."""
    return Journal(library.path.with_name(JOURNAL))


def write_names(
    library: Library, people: Collection[str], place: str, *, replace: bool = False, dry_run: bool = False
) -> Iterator[tuple[Path, Written]]:
    """Write the names of faces into photographs' metadata; yield each photograph and what was done.

    people: only these; all if empty. place, replace: as for ``Plan``. dry_run: write nothing, and yield what would be.
    A photograph that cannot be written is told in its notes, and the next ones are written. Films are left out.
    Raises UsageError for a name that nobody in the library has, and FacesError if the library cannot be written.
    """
    known = groups.people(library)
    if unknown := [name for name in people if name not in known]:
        raise UsageError(f"nobody in {library.path} has the name {unknown[0]!r}")
    journal = journal_of(library)
    named = (face for face in contents.faces(library) if face.person and face.time is None)
    photographs = {path: list(faces) for path, faces in groupby(named, lambda face: face.path)}
    for path, faces in photographs.items():
        wanted = [face for face in faces if not people or face.person in people]
        if wanted:
            try:
                yield path, _write(library, journal, path, wanted, place, replace, dry_run)
            except FacesError as error:
                yield path, Written(None, "", (str(error),), failed=True)


def undo_names(library: Library) -> Iterator[Undone]:
    """Put back what the last run has written, as ``Journal.undo`` does; the library knows the files again."""
    for undone in journal_of(library).undo():
        if undone.restored and undone.digest:
            contents.rewritten(library, undone.path, undone.digest)
        yield undone


def _write(
    library: Library, journal: Journal, path: Path, faces: list[Face], place: str, replace: bool, dry_run: bool
) -> Written:
    plan = Plan(path, [Region(face.person or "", shares(face), str(library.path)) for face in faces], place, replace)
    if digest(plan.photograph.data) != faces[0].sha256:
        raise FacesError(f"{path}: changed since it was scanned; run: faces photos scan {path.parent}")
    if dry_run:
        return Written(plan.target, "", tuple(plan.notes))
    with library.write() as database:  # first: what is in the metadata and not here would count as an answer
        database.executemany(
            "INSERT OR IGNORE INTO regions_written VALUES (?, ?)", [(stored(path), face.person) for face in faces]
        )
    written = plan.write(journal)
    if written.target == plan.photograph.path and place == EMBED:
        contents.rewritten(library, path, written.digest)
    if written.target is not None:
        with library.write() as database:
            database.execute("UPDATE regions_read SET stamp = ? WHERE path = ?", (stamp_of(path), stored(path)))
    return written
