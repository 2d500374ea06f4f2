"""Bring an embeddings file up to date with its data set: ``update_embeddings``."""

from __future__ import annotations

import csv
import io
import os
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

from faces.datasets import REMOTE, open_dataset
from faces.detection import BUILT_IN
from faces.embedding.embedders import FAST
from faces.errors import FacesError
from faces.extraction import extraction
from faces.extraction.checkpoints import Checkpoint
from faces.extraction.extraction import Extraction
from faces.extraction.workers import EMBEDDED_TOGETHER, Task, enrol, start
from faces.files import locks
from faces.files.writing import check_writable, require_distinct, write_bytes
from faces.pipeline import Enrolment, Pipeline
from faces.recognition import duplicates
from faces.recognition.duplicates import Duplicate
from faces.recognition.gallery import NO_NEED
from faces.records import Recorder

Progress = Callable[[int, int], object]
"""Gets the number of photographs done and their total."""


@dataclass(frozen=True, slots=True)
class EmbeddingsUpdate:
    """What ``update_embeddings`` did.

    embeddings, skipped_csv, duplicates_csv: the files.
    dataset: the folder or address of the data set, without a slash at its end.
    extraction: the gallery, and the numbers of photographs that are new, known, moved and gone.
    skipped: the path and the reason of each photograph without a usable face.
    duplicates: photographs that are in the data set twice.
    continued: whether an earlier run had done a part.
    """

    embeddings: Path
    skipped_csv: Path
    duplicates_csv: Path
    dataset: str
    extraction: Extraction
    skipped: list[tuple[str, str]]
    duplicates: list[Duplicate]
    continued: bool

    @property
    def notes(self) -> list[str]:
        """A line for each folder that was left out as a whole: a folder of strangers."""
        return [f"{self.dataset}/{name}: left out; {NO_NEED}" for name in self.extraction.nobody]


class NoFaceError(FacesError):
    """No photograph of the data set has a usable face; ``update`` has the reasons."""

    update: EmbeddingsUpdate


def update_embeddings(
    dataset: str | Path = "dataset",
    embeddings: str | Path = "output/embeddings.pickle",
    *,
    detector: str = BUILT_IN,
    embedding_model: str = BUILT_IN,
    confidence: float = 0.5,
    accuracy: str = FAST,
    workers: int | None = None,
    scheduler: str | None = None,
    rebuild: bool = False,
    progress: Progress = lambda done, total: None,
    warn: Callable[[str], object] = warnings.warn,
    recording: AbstractContextManager[Recorder] | None = None,
) -> EmbeddingsUpdate:
    """Bring an embeddings file up to date with its data set, and return what changed.

    Only photographs with new content are embedded. A run that was stopped continues where it was.

    dataset: a folder with one folder of photographs per person, or its address (``s3://...``).
    embeddings: the file to write; ``skipped.csv`` and ``duplicates.csv`` are written beside it.
    detector, embedding_model, confidence, accuracy: as for ``Pipeline.load``.
    workers: number of processes; default: the number of cores.
    scheduler: address of a Dask scheduler, or "local", to run the workers there.
    rebuild: embed every photograph again.
    progress: called with the number of photographs done and their total.
    warn: called with each warning.
    recording: entered while the work goes on; its recorder gets the models, files and figures.
    Raises NoFaceError when no photograph has a usable face, UsageError for a data set that is not there, and
    FacesError.
    """
    place, path = _place(str(dataset)), Path(embeddings)
    source = open_dataset(str(dataset))
    listing = source.listing()
    skipped_csv, duplicates_csv = (path.with_name(name) for name in ("skipped.csv", "duplicates.csv"))
    require_distinct(path, skipped_csv, duplicates_csv)
    for file in (path, skipped_csv, duplicates_csv):
        check_writable(file)
    models, settings = (detector, embedding_model, confidence, accuracy), extraction.settings(confidence)

    with locks.only_one(path), recording or nullcontext() as recorder:
        fingerprint = Pipeline.load(*models).fingerprint
        old, why = (None, "") if rebuild else extraction.remembered(path, fingerprint, settings)
        if why:
            warn(why)
        if recorder:
            recorder.models(fingerprint)
            if old is not None:
                recorder.input(path)
        checkpoint = Checkpoint(path.with_name(f".{path.name}.checkpoint"), f"{fingerprint} {settings}", rebuild)

        def embed(paths: Sequence[str]) -> Generator[tuple[Sequence[str], list[Enrolment]], None, None]:
            if not paths:
                return
            count = min(workers or os.cpu_count() or 1, -(-len(paths) // EMBEDDED_TOGETHER))
            done = 0
            progress(done, len(paths))
            with closing(start(Task(source, models), count, scheduler)) as processes:
                for batch, enrolments in enrol(processes, paths, fingerprint):
                    yield batch, enrolments
                    done += len(batch)
                    progress(done, len(paths))

        try:
            result = extraction.build_gallery(source, listing, old, checkpoint, embed, fingerprint, settings)
        finally:
            checkpoint.save()
        update = EmbeddingsUpdate(
            embeddings=path,
            skipped_csv=skipped_csv,
            duplicates_csv=duplicates_csv,
            dataset=place,
            extraction=result,
            skipped=_skipped(result, place),
            duplicates=duplicates.find(result.gallery),
            continued=old is not None or bool(result.known),
        )
        _write(update)
        if len(result.gallery):
            checkpoint.remove()
        if recorder:
            _record(update, recorder)
        if len(result.gallery) == 0:
            count = len(result.photographs)
            error = NoFaceError(f"no usable face in any of the {count} photographs; {embeddings} is not written")
            error.update = update
            raise error
    return update


def _place(dataset: str) -> str:
    """Return the folder or address of a data set without a slash at its end."""
    return dataset.rstrip("/") if REMOTE in dataset else Path(dataset).as_posix()


def _skipped(result: Extraction, place: str) -> list[tuple[str, str]]:
    """Return the photographs without a usable face, and the reason of each."""
    left_out = result.gallery.left_out
    rows = zip(left_out.paths, left_out.reasons, strict=True)
    return [(f"{place}/{path}", reason) for path, reason in sorted([*rows, *result.lost])]


def _write(update: EmbeddingsUpdate) -> None:
    """Write the two tables and, unless it is empty, the gallery."""
    pairs = [(pair.first, pair.second, pair.why) for pair in update.duplicates]
    _write_csv(update.skipped_csv, ("photograph", "reason"), update.skipped)
    _write_csv(update.duplicates_csv, ("photograph", "other photograph", "why"), pairs)
    if len(update.extraction.gallery):
        update.extraction.gallery.save(update.embeddings)


def _write_csv(path: Path, headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([headings, *rows])
    write_bytes(path, table.getvalue().encode(errors="surrogateescape"))  # on Linux a name may be any bytes


def _record(update: EmbeddingsUpdate, recorder: Recorder) -> None:
    result = update.extraction
    if len(result.gallery):
        for path in (update.embeddings, update.skipped_csv, update.duplicates_csv):
            recorder.artefact(path)
    for name in ("new", "known", "moved", "gone"):
        recorder.figure(name, getattr(result, name))
    recorder.figure("not_read", len(result.lost))
    recorder.data(result.gallery.manifest())
