"""Bring an embeddings file up to date with its data set: ``update_embeddings``."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path

from faces import model_choice
from faces.datasets import REMOTE, open_dataset
from faces.enrolment import Enrolment
from faces.errors import PickleError
from faces.extraction.building import Enrol, build_gallery
from faces.extraction.checkpoints import Checkpoint
from faces.extraction.dask import Cluster
from faces.extraction.known import load_previous, settings
from faces.extraction.results import TABLES, EmbeddingsUpdate, NoFaceError, record, write_tables
from faces.extraction.workers import BATCH_SIZE, Processes, Task, enrol
from faces.files import locks
from faces.files.writing import check_writable, require_distinct
from faces.pipeline import Pipeline
from faces.recognition import duplicates
from faces.recognition.recognizer_files import models_of
from faces.records import Recorder
from faces.types import Fingerprint

Progress = Callable[[int, int], object]
"""Gets the number of photographs done and their total."""


def update_embeddings(
    dataset: str | Path = "dataset",
    embeddings: str | Path = "output/embeddings.pickle",
    *,
    detector: str | None = None,
    embedding_model: str | None = None,
    confidence: float | None = None,
    accuracy: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    rebuild: bool = False,
    progress: Progress = lambda done, total: None,
    warn: Callable[[str], object] = warnings.warn,
    recording: AbstractContextManager[Recorder] | None = None,
) -> EmbeddingsUpdate:
    """Bring an embeddings file up to date with its data set, and return what changed.

    Only photographs with new content are enrolled. A run that was stopped continues where it was.

    dataset: a folder with one folder of photographs per person, or its address (``s3://...``).
    embeddings: the file to write; the tables ``TABLES`` are written beside it.
    detector, embedding_model, confidence, accuracy: as for ``Pipeline.load``; None: as in the embeddings file, if it is
        there, else the built-in ones.
    workers: number of processes; default: the number of cores.
    scheduler: address of a Dask scheduler, or "local", to run the workers there.
    rebuild: enrol every photograph again.
    progress: called with the number of photographs done and their total.
    warn: called with each warning.
    recording: entered while the work goes on; its recorder gets the models, files and figures.
    Raises NoFaceError when no photograph has a usable face, UsageError for a data set that is not there, and
    FacesError.
    """
    path, source = Path(embeddings), open_dataset(str(dataset))
    listing = source.listing()
    tables = [path.with_name(name) for name in TABLES]
    require_distinct(path, *tables)
    for file in (path, *tables):
        check_writable(file)

    with locks.only_one(path), recording or nullcontext() as recorder:
        chosen = model_choice.choose(detector, embedding_model, accuracy, _models_of(path), path)
        models = chosen.detector, chosen.embedding_model, confidence, chosen.accuracy
        made_with = settings(chosen.detector, confidence)
        fingerprint = Pipeline.load(*models).fingerprint
        if chosen.note:
            warn(chosen.note)
        previous = load_previous(path, fingerprint, made_with)
        if rebuild:
            previous = previous._replace(gallery=None)
        if previous.why:
            warn(previous.why)
        if recorder:
            recorder.models(fingerprint)
            if previous.gallery is not None:
                recorder.input(path)
        checkpoint = Checkpoint(path.with_name(f".{path.name}.checkpoint"), f"{fingerprint} {made_with}", rebuild)
        enrol_new = _enroller(Task(source, models), fingerprint, workers or os.cpu_count() or 1, scheduler, progress)
        try:
            result = build_gallery(source, listing, previous, checkpoint, enrol_new, fingerprint, made_with)
        finally:
            checkpoint.save()
        update = EmbeddingsUpdate(
            embeddings=path,
            dataset=_place(str(dataset)),
            extraction=result,
            duplicates=duplicates.find(result.gallery.split()[0]),
            continued=previous.gallery is not None or bool(result.known),
        )
        write_tables(update)
        if len(result.gallery):
            result.gallery.save(path)
            checkpoint.remove()
        if recorder:
            record(update, recorder)
        if len(result.gallery) == 0:
            error = NoFaceError(
                f"no usable face in any of the {len(result.photographs)} photographs; {embeddings} is not written"
            )
            error.update = update
            raise error
    return update


def _models_of(embeddings: Path) -> Fingerprint | None:
    """Return the models of an embeddings file; None if there is none that can be continued."""
    try:
        return models_of(embeddings)
    except PickleError:  # ``load_previous`` says why
        return None


def _place(dataset: str) -> str:
    """Return the folder or address of a data set without a slash at its end."""
    return dataset.rstrip("/") if REMOTE in dataset else Path(dataset).as_posix()


def _enroller(task: Task, fingerprint: Fingerprint, most: int, scheduler: str | None, progress: Progress) -> Enrol:
    """Return a function that enrols photographs by their paths, in processes that it starts and stops.

    most: number of processes; fewer when there is less work.
    """

    def enrol_new(paths: Sequence[str]) -> Generator[tuple[Sequence[str], list[Enrolment]], None, None]:
        if not paths:
            return
        count, done = min(most, -(-len(paths) // BATCH_SIZE)), 0
        progress(done, len(paths))
        with closing(Cluster(task, scheduler, count) if scheduler else Processes(task, count)) as processes:
            for batch, enrolments in enrol(processes, paths, fingerprint):
                yield batch, enrolments
                done += len(batch)
                progress(done, len(paths))

    return enrol_new
