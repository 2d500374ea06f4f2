"""From a data set to its gallery, embedding only photographs whose content is new."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple

import numpy as np

from faces.datasets import Dataset, Photograph
from faces.errors import PickleError
from faces.extraction.checkpoints import Checkpoint
from faces.files.writing import write_bytes
from faces.pipeline import Enrolment
from faces.recognition.gallery import Gallery, LeftOut, is_nobody
from faces.types import Fingerprint, Floats

RULES = 2  # raised whenever a photograph's best face, its crop or what counts as too poor is told in another way
READERS = 8  # photographs read at once for their hashes: a network folder answers many as fast as one

Enrol = Callable[[Sequence[str]], Generator[tuple[Sequence[str], list[Enrolment]], None, None]]
"""Enrols photographs by their paths, as ``workers.enrol`` does."""


class _Entry(NamedTuple):
    """A photograph that was enrolled before.

    where: from 0 a row of the gallery, from -1 down one of what it left out, or a path in the checkpoint.
    """

    path: str
    size: int
    stamp: str
    sha256: str
    where: int | str


@dataclass(frozen=True, slots=True)
class Extraction:
    """A data set's gallery, and how it came about, in photographs.

    people: everybody with a folder. photographs: what is in the data set. lost: path and reason of those that could not
    be read this time; nothing is remembered of them. new: looked at in this run. known: unchanged. moved: known from
    another path. gone: no longer in the data set. changed: people with photographs that are new, moved or gone.
    nobody: folders of strangers (``is_nobody``), which are left out, and in none of the others.
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
    """What decides, besides the models, which faces are enrolled."""
    return f"confidence {confidence:g}, rules {RULES}"


def remembered(path: Path, fingerprint: Fingerprint, made_with: str) -> tuple[Gallery | None, str]:
    """The gallery in a file, if it is of use to an extraction, otherwise a copy of it is kept; and why it is not.

    Raises FacesError when the copy cannot be written.
    """
    if not path.exists():
        return None, ""
    try:
        gallery = Gallery.load(path)
    except PickleError as error:
        return None, f"{str(error).rpartition(';')[0]}: kept as {_keep(path)}, every photograph is embedded anew"
    parts = (gallery.paths, gallery.hashes, gallery.sizes, gallery.stamps, gallery.boxes, gallery.scores)
    complete = all(part is not None and len(part) == len(gallery) for part in parts)
    if gallery.fingerprint is None or not gallery.settings or not complete:
        kept = _keep(path)
        return None, f"{path}: of another version: kept as {kept}, every photograph is embedded anew"
    if different := gallery.fingerprint.difference(fingerprint):
        return None, f"{path}: made with {different}: every photograph is embedded anew"
    if gallery.settings != made_with:
        different = f"{gallery.settings}, but this run uses {made_with}"
        return None, f"{path}: made with {different}: every photograph is embedded anew"
    return gallery, ""


def _keep(path: Path) -> Path:
    """A copy beside a file, under a name that nothing else has."""
    data = path.read_bytes()
    for copy in (path.with_name(f"{path.name}.kept-{number}") for number in count(1)):
        if not copy.exists():
            write_bytes(copy, data)
        if copy.is_file() and copy.read_bytes() == data:  # perhaps by a run that did not come to its end
            break
    return copy


def extract(
    dataset: Dataset,
    listing: tuple[list[str], list[Photograph]],
    old: Gallery | None,
    checkpoint: Checkpoint,
    enrol: Enrol,
    fingerprint: Fingerprint,
    made_with: str,
) -> Extraction:
    """The gallery of a data set, of which ``listing`` is one; ``old`` and ``checkpoint`` say what was done before.

    Raises FacesError as ``enrol`` and the checkpoint do; the checkpoint then keeps what was done.
    """
    nobody = tuple(name for name in listing[0] if is_nobody(name))
    people = [name for name in listing[0] if name not in nobody]
    photographs = [one for one in listing[1] if one.person not in nobody]
    entries = _entries(old, checkpoint)
    found, new = _look_up(dataset, photographs, entries)
    lost = []
    with closing(enrol(list(new))) as work:
        for path, enrolment in chain.from_iterable(zip(*some, strict=True) for some in work):
            if enrolment.sha256:
                checkpoint.add(new[path], enrolment)
                found[path] = _Entry(path, new[path].size, new[path].stamp, enrolment.sha256, path)
            else:  # vanished, not readable, or its worker died: the next run tries again
                lost.append((path, enrolment.reason))
    gallery = _assemble(photographs, found, old, checkpoint, fingerprint, made_with)

    persons = {one.path: one.person for one in photographs}
    moved = [path for path, entry in found.items() if entry.path != path]
    used = {entry.path for entry in found.values()}
    gone = {entry.path for entry in entries} - {*persons, *used}
    was = dict(zip(old.paths, old.names, strict=True)) if old else {}
    left = {was[path] for path in (*gone, *(found[path].path for path in moved)) if path in was}
    return Extraction(
        gallery,
        people,
        photographs,
        sorted(lost),
        new=len(new) - len(lost),
        moved=len(moved),
        known=len(photographs) - len(new) - len(moved),
        gone=len(gone),
        changed={persons[path] for path in (*new, *moved)} | left,
        nobody=nobody,
    )


def _entries(old: Gallery | None, checkpoint: Checkpoint) -> list[_Entry]:
    """Everything that was enrolled before."""
    entries = []
    if old is not None:
        out = old.left_out
        faces = zip(old.paths, old.sizes, old.stamps, old.hashes, range(len(old)), strict=True)
        others = zip(out.paths, out.sizes, out.stamps, out.hashes, range(-1, -1 - len(out), -1), strict=True)
        entries = [_Entry(*one) for one in (*faces, *others)]
    return entries + [_Entry(*one, where=one[0]) for one in checkpoint]


def _look_up(
    dataset: Dataset, photographs: Iterable[Photograph], entries: list[_Entry]
) -> tuple[dict[str, _Entry], dict[str, Photograph]]:
    """What was enrolled before and what was not, by path, of the photographs of a data set."""
    by_path = {entry.path: entry for entry in entries}
    by_hash = {entry.sha256: entry for entry in entries}
    sizes = {entry.size for entry in entries}
    found, new, unsure = {}, {}, []
    for one in photographs:
        entry = by_path.get(one.path)
        if entry and one.stamp and (entry.size, entry.stamp) == (one.size, one.stamp):
            found[one.path] = entry
            continue
        new[one.path] = one
        if one.size in sizes:  # touched, moved, copied, or as long as another by chance: the content tells
            unsure.append(one.path)
    with ThreadPoolExecutor(READERS) as readers:
        for path, sha256 in zip(unsure, readers.map(partial(_sha256, dataset), unsure), strict=True):
            entry = by_path.get(path)
            if entry is None or entry.sha256 != sha256:
                entry = by_hash.get(sha256)
            if entry:
                found[path] = entry
                del new[path]
    return found, new


def _sha256(dataset: Dataset, path: str) -> str:
    """A photograph's hash; nothing when it cannot be read, which its worker will say."""
    try:
        return hashlib.sha256(dataset.read(path)).hexdigest()
    except OSError:
        return ""


def _assemble(
    photographs: list[Photograph],
    found: dict[str, _Entry],
    old: Gallery | None,
    checkpoint: Checkpoint,
    fingerprint: Fingerprint,
    made_with: str,
) -> Gallery:
    """The gallery, in the order of the data set, whatever the order of the work."""
    enrolled, left_out = [], []
    embeddings: list[Floats] = []
    boxes: list[Floats] = []
    scores: list[float] = []
    for one in photographs:
        if (entry := found.get(one.path)) is None:
            continue
        about = one.path, entry.sha256, one.size, one.stamp
        if isinstance(entry.where, str):
            enrolment = checkpoint[entry.where]
            if enrolment.face is None or enrolment.embedding is None:
                left_out.append((*about, enrolment.reason))
                continue
            embedding, box, score = enrolment.embedding, enrolment.face.xyxy[0], enrolment.face.score[0]
        else:
            assert old is not None and old.boxes is not None and old.scores is not None
            if entry.where < 0:
                left_out.append((*about, old.left_out.reasons[-1 - entry.where]))
                continue
            embedding, box, score = (part[entry.where] for part in (old.embeddings, old.boxes, old.scores))
        enrolled.append((one.person, *about))
        embeddings.append(embedding)
        boxes.append(box)
        scores.append(float(score))
    names, paths, hashes, sizes, stamps = zip(*enrolled, strict=True) if enrolled else [()] * 5
    return Gallery(
        np.stack(embeddings) if enrolled else np.zeros((0, 0), np.float32),
        names,
        paths,
        hashes,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        fingerprint,
        sizes,
        stamps,
        made_with,
        LeftOut(*zip(*left_out, strict=True)) if left_out else LeftOut(),
    )
