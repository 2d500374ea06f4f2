"""Make the gallery of a data set from what is known and what is new: ``build_gallery``."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from itertools import chain

import numpy as np

from faces.datasets import Dataset, Listing, Photograph
from faces.enrolment import Enrolment
from faces.extraction.checkpoints import Checkpoint
from faces.extraction.choosing import choose
from faces.extraction.known import KnownPhotograph, Previous, PreviousGallery, look_up
from faces.extraction.results import Extraction
from faces.recognition.gallery import Gallery, LeftOut, is_nobody
from faces.types import Fingerprint, Floats

Enrol = Callable[[Sequence[str]], Generator[tuple[Sequence[str], list[Enrolment]], None, None]]
"""Enrols photographs by their paths, as ``workers.enrol`` does."""


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
    moved, gone, changed = _changes(photographs, known, new, enrolled, previous.gallery)
    undecided = changed | _changed_before(photographs, known, gone, {path for path, *_ in checkpoint})
    again = {  # other photographs decide whose face they show, and these changed
        photograph.path: photograph
        for photograph in photographs
        if photograph.person in undecided and photograph.path in known and known[photograph.path].shows_several
    }
    lost, several = [], {}
    with closing(enrol([*new, *again])) as work:
        for path, enrolment in chain.from_iterable(zip(*batch, strict=True) for batch in work):
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
    several.update(_choose(photographs, known, several, fingerprint))
    gallery = _gallery(photographs, known, fingerprint, made_with)
    if previous.on_server is not None:
        gallery = gallery.with_faces(previous.on_server.without(gallery))
    return Extraction(
        gallery=gallery,
        people=[name for name in folders if name not in nobody],
        photographs=photographs,
        lost=sorted(lost),
        left_out=listing.left_out,
        new=sum(path in known for path in new),
        moved=moved,
        known=len(photographs) - len(new) - moved,
        gone=len(gone),
        changed=changed,
        nobody=nobody,
    )


def _changes(
    photographs: list[Photograph],
    known: dict[str, KnownPhotograph],
    new: dict[str, Photograph],
    enrolled: list[KnownPhotograph],
    old: Gallery | None,
) -> tuple[int, set[str], set[str]]:
    """Return the number of photographs that moved, those that are gone, and the people with new, moved or gone ones.

    photographs: of the data set.
    known, new: from ``look_up``.
    enrolled, old: the photographs and the gallery of earlier runs.
    """
    persons = {photograph.path: photograph.person for photograph in photographs}
    moved = [path for path, before in known.items() if before.path not in (path, "")]
    used = {before.path for before in known.values()}
    gone = {before.path for before in enrolled} - {*persons, *used, ""}  # "": of one that was erased
    old_persons = dict(zip(old.paths, old.names, strict=True)) if old else {}
    left = {old_persons[path] for path in (*gone, *(known[path].path for path in moved)) if path in old_persons}
    return len(moved), gone, {persons[path] for path in (*new, *moved)} | left


def _changed_before(
    photographs: list[Photograph], known: dict[str, KnownPhotograph], gone: set[str], done: set[str]
) -> set[str]:
    """Return the people of whom a stopped run has enrolled photographs, or of whom one that was left out is gone.

    gone: paths of photographs that are no longer there.
    done: paths in the checkpoint.
    """
    resumed = {one.person for one in photographs if one.path in known and known[one.path].path in done}
    return resumed | {unicodedata.normalize("NFC", path.partition("/")[0]) for path in gone}


def _choose(
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
