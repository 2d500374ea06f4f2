"""Bring an embeddings file up to date with its data set: ``update_embeddings``."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from itertools import chain
from pathlib import Path

import numpy as np

from faces.datasets import REMOTE, Dataset, Listing, Photograph, open_dataset
from faces.errors import PickleError
from faces.extraction.checkpoints import Checkpoint
from faces.extraction.dask import Cluster
from faces.extraction.known import KnownPhotograph, Previous, PreviousGallery, load_previous, look_up, settings
from faces.extraction.results import EmbeddingsUpdate, Extraction, NoFaceError, record, write_tables
from faces.extraction.workers import BATCH_SIZE, Processes, Task, enrol
from faces.files import locks
from faces.files.writing import check_writable, require_distinct
from faces.model_choice import choose
from faces.pipeline import Enrolment, Pipeline
from faces.recognition import duplicates
from faces.recognition.gallery import Gallery, LeftOut, is_nobody
from faces.recognition.recognizer_files import models_of
from faces.records import Recorder
from faces.types import Fingerprint, Floats

Progress = Callable[[int, int], object]
"""Gets the number of photographs done and their total."""

Enrol = Callable[[Sequence[str]], Generator[tuple[Sequence[str], list[Enrolment]], None, None]]
"""Enrols photographs by their paths, as ``workers.enrol`` does."""


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
    embeddings: the file to write; ``skipped.csv`` and ``duplicates.csv`` are written beside it.
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
    skipped_csv, duplicates_csv = (path.with_name(name) for name in ("skipped.csv", "duplicates.csv"))
    require_distinct(path, skipped_csv, duplicates_csv)
    for file in (path, skipped_csv, duplicates_csv):
        check_writable(file)

    with locks.only_one(path), recording or nullcontext() as recorder:
        chosen = choose(detector, embedding_model, accuracy, _models_of(path), path)
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
            skipped_csv=skipped_csv,
            duplicates_csv=duplicates_csv,
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


def build_gallery(
    dataset: Dataset,
    listing: Listing,
    previous: Previous,
    checkpoint: Checkpoint,
    enrol: Enrol,
    fingerprint: Fingerprint,
    made_with: str,
) -> Extraction:
    """Make the gallery of a data set, enrolling only photographs with new content.

    listing: of the data set.
    previous, checkpoint: what the last run left, and what a stopped run has done. The faces that were enrolled on the
        server stay; erasing them there removes them.
    enrol: enrols new photographs.
    fingerprint, made_with: the models and settings of this run.
    Raises FacesError as ``enrol`` and the checkpoint do; the checkpoint then keeps what was done.
    """
    folders = listing.people
    nobody = tuple(name for name in folders if is_nobody(name))
    photographs = [photograph for photograph in listing.photographs if photograph.person not in nobody]
    sources: list[PreviousGallery | Checkpoint] = [checkpoint]
    if previous.gallery is not None:
        sources.insert(0, PreviousGallery(previous.gallery))
    enrolled = [KnownPhotograph(*file, source) for source in sources for file in source]
    known, new = look_up(dataset, photographs, enrolled)
    lost = []
    with closing(enrol(list(new))) as work:
        for path, enrolment in chain.from_iterable(zip(*batch, strict=True) for batch in work):
            if enrolment.sha256:
                checkpoint.add(new[path], enrolment)
                known[path] = KnownPhotograph(path, new[path].size, new[path].stamp, enrolment.sha256, checkpoint)
            else:  # not readable, or its worker died: the next run tries again
                lost.append((path, enrolment.reason))
    gallery = _gallery(photographs, known, fingerprint, made_with)
    if previous.on_server is not None:
        gallery = gallery.with_faces(previous.on_server.without(gallery))

    persons = {photograph.path: photograph.person for photograph in photographs}
    moved = [path for path, before in known.items() if before.path not in (path, "")]
    used = {before.path for before in known.values()}
    gone = {before.path for before in enrolled} - {*persons, *used, ""}  # "": of one that was erased
    old = previous.gallery
    old_persons = dict(zip(old.paths, old.names, strict=True)) if old else {}
    left = {old_persons[path] for path in (*gone, *(known[path].path for path in moved)) if path in old_persons}
    return Extraction(
        gallery=gallery,
        people=[name for name in folders if name not in nobody],
        photographs=photographs,
        lost=sorted(lost),
        left_out=listing.left_out,
        new=len(new) - len(lost),
        moved=len(moved),
        known=len(photographs) - len(new) - len(moved),
        gone=len(gone),
        changed={persons[path] for path in (*new, *moved)} | left,
        nobody=nobody,
    )


def _gallery(
    photographs: list[Photograph], known: dict[str, KnownPhotograph], fingerprint: Fingerprint, made_with: str
) -> Gallery:
    """Return the gallery in the order of the data set, whatever the order of the work."""
    enrolled, left_out = [], []
    embeddings: list[Floats] = []
    boxes: list[Floats] = []
    scores: list[float] = []
    for photograph in photographs:
        if (before := known.get(photograph.path)) is None:
            continue
        file, enrolment = (photograph.path, before.sha256, photograph.size, photograph.stamp), before.enrolment()
        if enrolment.face is None or enrolment.embedding is None:
            left_out.append((*file, enrolment.reason))
            continue
        enrolled.append((photograph.person, *file))
        embeddings.append(enrolment.embedding)
        boxes.append(enrolment.face.xyxy[0])
        scores.append(float(enrolment.face.score[0]))
    names, paths, hashes, sizes, stamps = zip(*enrolled, strict=True) if enrolled else [()] * 5
    return Gallery(
        embeddings=np.stack(embeddings) if enrolled else np.zeros((0, 0), np.float32),
        names=names,
        paths=paths,
        hashes=hashes,
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.array(scores, np.float32),
        fingerprint=fingerprint,
        sizes=sizes,
        stamps=stamps,
        settings=made_with,
        left_out=LeftOut(*zip(*left_out, strict=True)) if left_out else LeftOut(),
    )
