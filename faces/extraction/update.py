"""Bring an embeddings file up to date with its data set: ``update_embeddings``."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from functools import partial
from pathlib import Path

import numpy as np

from faces import model_choice
from faces.datasets import REMOTE, Dataset, Listing, Photograph, open_dataset
from faces.enrolment import Enrolment
from faces.errors import PickleError
from faces.extraction.checkpoints import Checkpoint
from faces.extraction.choosing import choose
from faces.extraction.dask import Cluster
from faces.extraction.known import KnownPhotograph, Previous, load_previous, look_up, settings
from faces.extraction.results import TABLES, EmbeddingsUpdate, Extraction, NoFaceError, record, write_tables
from faces.extraction.workers import Processes, Progress, Task, enrol_in_parallel
from faces.files import locks
from faces.files.writing import check_writable, require_distinct
from faces.pipeline import Pipeline
from faces.recognition import duplicates
from faces.recognition.gallery import Gallery, LeftOut, is_nobody
from faces.recognition.recognizer_files import models_of
from faces.records import Recorder
from faces.types import Fingerprint, Floats


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
        made_by = None
        with suppress(PickleError):  # ``load_previous`` says why the file cannot be continued
            made_by = models_of(path)
        chosen = model_choice.choose(detector, embedding_model, accuracy, made_by, path)
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
        enrol = partial(
            enrol_in_parallel,
            Task(source, models),
            fingerprint=fingerprint,
            most=workers or os.cpu_count() or 1,
            progress=progress,
            start=partial(Cluster, address=scheduler) if scheduler else Processes,
        )
        try:
            result = build_gallery(source, listing, previous, checkpoint, enrol, fingerprint, made_with)
        finally:
            checkpoint.save()
        update = EmbeddingsUpdate(
            embeddings=path,
            dataset=str(dataset).rstrip("/") if REMOTE in str(dataset) else Path(dataset).as_posix(),
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


def build_gallery(
    dataset: Dataset,
    listing: Listing,
    previous: Previous,
    checkpoint: Checkpoint,
    enrol: Callable[[Sequence[str]], Generator[tuple[str, Enrolment], None, None]],
    fingerprint: Fingerprint,
    made_with: str,
) -> Extraction:
    """Make the gallery of a data set, enrolling only photographs with new content.

    listing: of the data set.
    previous, checkpoint: what the last run left, and what a stopped run has done. The faces that were enrolled on the
        server stay; erasing them there removes them.
    enrol: yields the path and the enrolment of each photograph, by their paths.
    fingerprint, made_with: the models and settings of this run.
    Raises FacesError as ``enrol`` and the checkpoint do; the checkpoint then keeps what was done.
    """
    nobody = tuple(name for name in listing.people if is_nobody(name))
    photographs = [photograph for photograph in listing.photographs if photograph.person not in nobody]
    known, new, again, moved, gone, changed = look_up(dataset, photographs, previous.gallery, checkpoint)
    lost, several = [], {}
    with closing(enrol([*new, *again])) as enrolled:
        for path, enrolment in enrolled:
            file = new.get(path) or again[path]
            if enrolment.rivals:
                several[path] = enrolment
                known[path] = KnownPhotograph(path, file.size, file.stamp, enrolment.sha256, several)
            elif enrolment.sha256:
                checkpoint.add(file, enrolment)
                known[path] = KnownPhotograph(path, file.size, file.stamp, enrolment.sha256, checkpoint)
            elif path in new or known[path].path != path:  # of another person, where it was
                lost.append((path, enrolment.reason))  # the next run tries again
                known.pop(path, None)
    several.update(_choose_faces(photographs, known, several, fingerprint))
    gallery = _gallery(photographs, known, fingerprint, made_with)
    if previous.on_server is not None:
        gallery = gallery.with_faces(previous.on_server.without(gallery))
    return Extraction(
        gallery=gallery,
        people=[name for name in listing.people if name not in nobody],
        photographs=photographs,
        lost=sorted(lost),
        left_out=listing.left_out,
        new=sum(path in known for path in new),
        moved=moved,
        known=len(photographs) - len(new) - moved,
        gone=gone,
        changed=changed,
        nobody=nobody,
    )


def _choose_faces(
    photographs: list[Photograph],
    known: dict[str, KnownPhotograph],
    several: dict[str, Enrolment],
    fingerprint: Fingerprint,
) -> dict[str, Enrolment]:
    """Return the enrolments of the photographs with several faces, as ``choose`` decides them."""
    persons = {photograph.person for photograph in photographs if photograph.path in several}
    theirs = [one for one in photographs if one.person in persons and one.path in known]
    enrolments = [known[one.path].enrolment() for one in theirs]
    decided = choose([one.person for one in theirs], enrolments, fingerprint.embedder.name)
    return {one.path: enrolment for one, enrolment in zip(theirs, decided, strict=True) if one.path in several}


def _gallery(
    photographs: list[Photograph], known: dict[str, KnownPhotograph], fingerprint: Fingerprint, made_with: str
) -> Gallery:
    """Return the gallery in the order of the data set, whatever the order of the work."""
    enrolled, left_out = [], []
    embeddings: list[Floats] = []
    boxes: list[Floats] = []
    scores: list[float] = []
    chosen: list[bool] = []
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
        chosen.append(enrolment.chosen)
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
        chosen=tuple(chosen),
    )
