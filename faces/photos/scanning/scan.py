"""Scan a folder: look at every photograph and film with new content, and keep the faces in the library."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from faces import model_choice
from faces.errors import UsageError
from faces.extraction.known import settings
from faces.extraction.workers import Models, Processes, Progress, in_parallel
from faces.files import locks
from faces.photos import contents
from faces.photos.library import Library, stored
from faces.photos.records import RAW, READ, UNREADABLE, WAITING, Content
from faces.photos.scanning.listing import Scanned, forget_gone, list_files, recognize_moved, waiting
from faces.photos.scanning.looking import Look, is_film
from faces.pipeline import Pipeline
from faces.types import Fingerprint

SAVE_INTERVAL = 2  # s: the most work that a kill can lose
ALIKE = 0.9  # cosine: a face of an edited photograph is the one from before
DIED_OF = Content("", "photo", reason="its worker died of it")


def scan(
    library: Library,
    folder: Path,
    *,
    named: model_choice.Named | None = None,
    confidence: float | None = None,
    workers: int = 1,
    rebuild: bool = False,
    progress: Progress = lambda done, total: None,
    warn: Callable[[str], object] = lambda line: None,
) -> Scanned:
    """Bring the library up to date with a folder, at any depth; no file is written there.

    Only files with new content are looked at. A scan that was stopped continues where it was.
    named, confidence: the models; default: those of the library, else the built-in ones.
    workers: number of processes.
    rebuild: look at all files again, also those of other folders at their next scan.
    progress: called with the number of files done and their total. warn: called with each warning.
    Raises UsageError for a folder that is not there or has nothing to look at, and FacesError, also if another scan is
    running.
    """
    require_folder(folder)
    folder = folder.absolute()
    with locks.only_one(library.path):
        models, fingerprint = _models(library, named or model_choice.Named(), confidence, rebuild, warn)
        scanned = Scanned()
        list_files(library, folder, scanned)
        recognize_moved(library, folder, scanned)
        paths = [str(path) for path in sorted(waiting(library, folder), key=is_film)]

        def start(count: int) -> Processes[Content]:
            return Processes(Look(models), count)

        with closing(in_parallel(start, paths, fingerprint, workers, progress, DIED_OF)) as results:
            _keep(library, results, scanned)
        forget_gone(library, folder, scanned)
    return scanned


def require_folder(folder: Path) -> None:
    """Raise UsageError unless there is such a folder."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: {'a file, not a folder' if folder.exists() else 'no such folder'}")


def _models(
    library: Library,
    named: model_choice.Named,
    confidence: float | None,
    rebuild: bool,
    warn: Callable[[str], object],
) -> tuple[Models, Fingerprint]:
    """Return the models to use, and store them. Raises FingerprintError if the faces were found with others."""
    made_by = None if rebuild else library.fingerprint
    chosen = model_choice.choose(**named, made_by=made_by, file=library.path, how_to_move="scan it with --rebuild")
    models = chosen.detector, chosen.embedding_model, confidence, chosen.accuracy
    fingerprint, setting = Pipeline.load(*models).fingerprint, settings(chosen.detector, confidence)
    if chosen.note:
        warn(chosen.note)
    if made_by is not None:
        fingerprint.require(made_by, str(library.path), "name the same models, or look at all again: --rebuild")
    with library.write() as database:
        if rebuild:  # answers stay: they know faces by content and box
            database.execute("DELETE FROM contents")
            database.execute("UPDATE files SET state = ? WHERE state <> ?", (WAITING, RAW))
        library.set_models(fingerprint, setting)
    return models, fingerprint


def _keep(library: Library, results: Iterator[tuple[str, Content]], scanned: Scanned) -> None:
    """Store the results while they come."""
    pending: list[tuple[Path, Content]] = []
    saved = time.monotonic()

    def save() -> None:
        with library.write():
            for path, content in pending:
                _keep_one(library, path, content, scanned)
        pending.clear()

    try:
        for name, content in results:
            pending.append((Path(name), content))
            if time.monotonic() - saved > SAVE_INTERVAL:
                save()
                saved = time.monotonic()
    finally:
        save()


def _keep_one(library: Library, path: Path, content: Content, scanned: Scanned) -> None:
    with library.write() as database:
        if content.reason and not path.exists() and not path.is_symlink():  # it vanished meanwhile
            database.execute("DELETE FROM files WHERE path = ?", [stored(path)])
            scanned.gone += 1
            return
        scanned.new += 1
        before = contents.file_of(library, path)
        if content.sha256:
            contents.store(library, content)
            scanned.faces += len(content.faces)
            if before is not None and before.sha256 != content.sha256 and not _others(library, path, before.sha256):
                _carry_answers(library, before.sha256, content.sha256)
        if content.reason:
            scanned.unreadable.append((path, content.reason))
        database.execute(
            "UPDATE files SET state = ?, reason = ?, sha256 = ? WHERE path = ?",
            (UNREADABLE if content.reason else READ, content.reason, content.sha256 or None, stored(path)),
        )


def _others(library: Library, path: Path, sha256: str) -> bool:
    """Return whether another file has this content."""
    return bool(library.query("SELECT 1 FROM files WHERE sha256 = ? AND path <> ?", sha256, stored(path)))


def _carry_answers(library: Library, old: str, new: str) -> None:
    """Let the answers about the faces of a photograph hold for the same faces after it was edited."""
    sql = "SELECT id, embedding FROM faces WHERE sha256 = ?"
    before, after = library.query(sql, old), library.query(sql, new)
    if not before or not after:
        return
    one, other = (np.stack([np.frombuffer(row[1], np.float32) for row in rows]) for rows in (before, after))
    cosine = one @ other.T
    with library.write() as database:
        for row, nearest in enumerate(cosine.argmax(axis=1)):
            if cosine[row, nearest] >= ALIKE:
                database.execute(
                    "UPDATE answered SET (sha256, x1, y1, x2, y2, time, face) ="
                    " (SELECT sha256, x1, y1, x2, y2, time, id FROM faces WHERE id = ?) WHERE face = ?",
                    (after[int(nearest)][0], before[row][0]),
                )
