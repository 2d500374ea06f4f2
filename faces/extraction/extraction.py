"""Make the gallery of a data set, embedding only photographs with new content."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

import numpy as np

from faces.datasets import Dataset, Photograph
from faces.errors import PickleError
from faces.extraction.checkpoints import Checkpoint
from faces.extraction.lookup import Entry, known_entries, look_up
from faces.files.writing import write_bytes
from faces.pipeline import Enrolment
from faces.recognition.gallery import Gallery, LeftOut, is_nobody
from faces.types import Fingerprint, Floats

RULES = 2  # raised whenever the choice of a photograph's face, its crop or the least quality changes

Enrol = Callable[[Sequence[str]], Generator[tuple[Sequence[str], list[Enrolment]], None, None]]
"""Embeds photographs by their paths, as ``workers.enrol`` does."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """The gallery of a data set, and what changed since the last run.

    people: everyone with a folder.
    photographs: the photographs of the data set.
    lost: path and reason of photographs that could not be read; the next run tries them again.
    new, known, moved, gone: numbers of photographs: embedded in this run, unchanged, known by another path, no longer
        in the data set.
    changed: people with photographs that are new, moved or gone.
    nobody: folders of strangers (``is_nobody``), which are left out of everything else.
    """

    gallery: Gallery
    people: list[str]
    photographs: list[Photograph]
    lost: list[tuple[str, str]]
    new: int
    known: int
    moved: int
    gone: int
    changed: set[str]
    nobody: tuple[str, ...] = ()


def settings(confidence: float) -> str:
    """Return what decides, besides the models, which faces are enrolled."""
    return f"confidence {confidence:g}, rules {RULES}"


def remembered(path: Path, fingerprint: Fingerprint, made_with: str) -> tuple[Gallery | None, str]:
    """Read the gallery of the last run.

    Returns the gallery, or None and why it cannot be continued. A file that other programs made is copied first.

    path: of the file; a missing one gives None and no reason.
    made_with: the settings of this run.
    Raises FacesError when the copy cannot be written.
    """
    if not path.exists():
        return None, ""
    try:
        gallery = Gallery.load(path)
    except PickleError as error:
        return None, f"{str(error).rpartition(';')[0]}: kept as {_keep(path)}, every photograph is embedded again"
    parts = (gallery.paths, gallery.hashes, gallery.sizes, gallery.stamps, gallery.boxes, gallery.scores)
    complete = all(part is not None and len(part) == len(gallery) for part in parts)
    if gallery.fingerprint is None or not gallery.settings or not complete:
        kept = _keep(path)
        return None, f"{path}: of another version: kept as {kept}, every photograph is embedded again"
    if different := gallery.fingerprint.difference(fingerprint):
        return None, f"{path}: made with {different}: every photograph is embedded again"
    if gallery.settings != made_with:
        different = f"{gallery.settings}, but this run uses {made_with}"
        return None, f"{path}: made with {different}: every photograph is embedded again"
    return gallery, ""


def _keep(path: Path) -> Path:
    """Copy a file beside itself, under a name that no other file has."""
    data = path.read_bytes()
    for copy in (path.with_name(f"{path.name}.kept-{number}") for number in count(1)):
        if not copy.exists():
            write_bytes(copy, data)
        if copy.is_file() and copy.read_bytes() == data:  # a run that was stopped may have written it
            break
    return copy


def build_gallery(
    dataset: Dataset,
    listing: tuple[list[str], list[Photograph]],
    old: Gallery | None,
    checkpoint: Checkpoint,
    enrol: Enrol,
    fingerprint: Fingerprint,
    made_with: str,
) -> Extraction:
    """Make the gallery of a data set.

    listing: the people and photographs of the data set.
    old, checkpoint: the gallery of the last run, and what a stopped run has done.
    enrol: embeds new photographs.
    fingerprint, made_with: the models and settings of this run.
    Raises FacesError as ``enrol`` and the checkpoint do; the checkpoint then keeps what was done.
    """
    nobody = tuple(name for name in listing[0] if is_nobody(name))
    people = [name for name in listing[0] if name not in nobody]
    photographs = [photograph for photograph in listing[1] if photograph.person not in nobody]
    entries = known_entries(old, checkpoint)
    known, new = look_up(dataset, photographs, entries)
    lost = []
    with closing(enrol(list(new))) as work:
        for path, enrolment in chain.from_iterable(zip(*batch, strict=True) for batch in work):
            if enrolment.sha256:
                checkpoint.add(new[path], enrolment)
                known[path] = Entry(path, new[path].size, new[path].stamp, enrolment.sha256, path)
            else:  # not readable, or its worker died: the next run tries again
                lost.append((path, enrolment.reason))
    gallery = _assemble(photographs, known, old, checkpoint, fingerprint, made_with)

    persons = {photograph.path: photograph.person for photograph in photographs}
    moved = [path for path, entry in known.items() if entry.path != path]
    used = {entry.path for entry in known.values()}
    gone = {entry.path for entry in entries} - {*persons, *used}
    old_persons = dict(zip(old.paths, old.names, strict=True)) if old else {}
    left = {old_persons[path] for path in (*gone, *(known[path].path for path in moved)) if path in old_persons}
    return Extraction(
        gallery=gallery,
        people=people,
        photographs=photographs,
        lost=sorted(lost),
        new=len(new) - len(lost),
        moved=len(moved),
        known=len(photographs) - len(new) - len(moved),
        gone=len(gone),
        changed={persons[path] for path in (*new, *moved)} | left,
        nobody=nobody,
    )


def _assemble(
    photographs: list[Photograph],
    known: dict[str, Entry],
    old: Gallery | None,
    checkpoint: Checkpoint,
    fingerprint: Fingerprint,
    made_with: str,
) -> Gallery:
    """Return the gallery in the order of the data set, whatever the order of the work."""
    enrolled, left_out = [], []
    embeddings: list[Floats] = []
    boxes: list[Floats] = []
    scores: list[float] = []
    for photograph in photographs:
        if (entry := known.get(photograph.path)) is None:
            continue
        file = photograph.path, entry.sha256, photograph.size, photograph.stamp
        if isinstance(entry.where, str):
            enrolment = checkpoint[entry.where]
            if enrolment.face is None or enrolment.embedding is None:
                left_out.append((*file, enrolment.reason))
                continue
            embedding, box, score = enrolment.embedding, enrolment.face.xyxy[0], enrolment.face.score[0]
        else:
            assert old is not None and old.boxes is not None and old.scores is not None
            if entry.where < 0:
                left_out.append((*file, old.left_out.reasons[-1 - entry.where]))
                continue
            embedding, box, score = (part[entry.where] for part in (old.embeddings, old.boxes, old.scores))
        enrolled.append((photograph.person, *file))
        embeddings.append(embedding)
        boxes.append(box)
        scores.append(float(score))
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
