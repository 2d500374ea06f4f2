"""Which photographs of a data set earlier runs enrolled: ``load_previous`` and ``look_up``."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple, Protocol

from faces.datasets import Dataset, Photograph
from faces.detection.registry import default_confidence
from faces.enrolment import Enrolment
from faces.errors import PickleError
from faces.extraction.checkpoints import Checkpoint
from faces.extraction.choosing import UNDECIDED
from faces.files.writing import write_bytes
from faces.recognition.gallery import Gallery
from faces.types import Faces, Fingerprint

READERS = 8  # photographs read in parallel for their hashes: a network folder answers many as fast as one
NAMED = 5  # people whom a message names
RULES = 4  # raised whenever the choice of a photograph's face, its crop or the least quality changes


class Enrolments(Protocol):
    """Enrolments by the paths of their photographs: a ``PreviousGallery``, a ``Checkpoint`` or a dict."""

    def __getitem__(self, path: str) -> Enrolment:
        """Return the enrolment of a photograph."""
        ...


class KnownPhotograph(NamedTuple):
    """A photograph that was enrolled: its file at that time, and who has its enrolment.

    path, size, stamp: as in ``datasets.Photograph``.
    """

    path: str
    size: int
    stamp: str
    sha256: str
    enrolments: Enrolments

    def enrolment(self) -> Enrolment:
        """Return the photograph's enrolment; its face has no landmarks."""
        return self.enrolments[self.path]

    @property
    def shows_several(self) -> bool:
        """Whether it shows several faces about as large: the person's other photographs decide which is theirs."""
        enrolment = self.enrolment()
        return enrolment.chosen or enrolment.reason in UNDECIDED


class PreviousGallery:
    """The enrolments in the gallery of the last run, which has all parts (``load_previous``)."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._rows = {path: row for row, path in enumerate(gallery.paths)}
        self._reasons = dict(zip(gallery.left_out.paths, gallery.left_out.reasons, strict=True))

    def __iter__(self) -> Iterator[tuple[str, int, str, str]]:
        """Yield path, size, stamp and SHA-256 of every photograph, with and without a face."""
        for part in (self._gallery, self._gallery.left_out):
            yield from zip(part.paths, part.sizes, part.stamps, part.hashes, strict=True)

    def __getitem__(self, path: str) -> Enrolment:
        """Return the enrolment of a photograph."""
        if path in self._reasons:
            return Enrolment(reason=self._reasons[path])
        row, gallery = self._rows[path], self._gallery
        assert gallery.boxes is not None and gallery.scores is not None
        face = Faces(gallery.boxes[row : row + 1], gallery.scores[row : row + 1])
        chosen = bool(gallery.chosen) and gallery.chosen[row]
        return Enrolment(face, gallery.embeddings[row], gallery.hashes[row], chosen=chosen)


def settings(detector: str, confidence: float | None = None) -> str:
    """Return what decides, besides the models, which faces are enrolled.

    detector: its name.
    confidence: least score of a face; None for the detector's own.
    """
    confidence = default_confidence(detector) if confidence is None else confidence
    return f"confidence {confidence:g}, rules {RULES}"


class Previous(NamedTuple):
    """What the last run left.

    gallery: the faces of the data set; None if they cannot be continued.
    on_server: the faces that were enrolled on the server, such as on its page; None if there are none of these models.
    why: why something of the file cannot be continued; empty if all of it can.
    """

    gallery: Gallery | None = None
    on_server: Gallery | None = None
    why: str = ""


def load_previous(path: Path, fingerprint: Fingerprint, made_with: str) -> Previous:
    """Load the gallery of the last run. A file that other programs made is copied first.

    path: of the file, which may be missing.
    made_with: the settings of this run.
    Raises FacesError when the copy cannot be written.
    """
    if not path.exists():
        return Previous()
    try:
        whole = Gallery.load(path)
    except PickleError as error:
        why = f"{str(error).rpartition(';')[0]}: kept as {_keep(path)}, every photograph is embedded again"
        return Previous(why=why)
    gallery, on_server = whole.split()
    parts = (whole.paths, whole.hashes, whole.sizes, whole.stamps, whole.boxes, whole.scores)
    complete = all(part is not None and len(part) == len(whole) for part in parts)
    if whole.fingerprint is None or not whole.settings or not complete:
        why = f"{path}: of another version: kept as {_keep(path)}, every photograph is embedded again"
        return Previous(why=why)
    if different := whole.fingerprint.difference(fingerprint):
        why = f"{path}: made with {different}: every photograph is embedded again"
        if len(on_server):
            people = ", ".join(on_server.people[:NAMED]) + (", ..." if len(on_server.people) > NAMED else "")
            why += f"; {people}, enrolled on the page, cannot be: faces move-database and serve.py --gallery add them"
        return Previous(why=why)
    kept = on_server if len(on_server) else None
    if whole.settings != made_with:
        different = f"{whole.settings}, but this run uses {made_with}"
        return Previous(None, kept, f"{path}: made with {different}: every photograph is embedded again")
    return Previous(gallery, kept)


def _keep(path: Path) -> Path:
    """Copy a file beside itself, under a name that no other file has."""
    data = path.read_bytes()
    for copy in (path.with_name(f"{path.name}.kept-{number}") for number in count(1)):
        if not copy.exists():
            write_bytes(copy, data)
        if copy.is_file() and copy.read_bytes() == data:  # a run that was stopped may have written it
            break
    return copy


class Known(NamedTuple):
    """What is known of the photographs of a data set, and what changed.

    known: the photographs that earlier runs enrolled, by path.
    new: the photographs with new content, by path.
    again: known photographs to enrol once more, by path: other photographs decide whose face they show, and these
        changed.
    moved: number of known photographs that had another path.
    gone: number of photographs that are no longer there.
    changed: people with photographs that are new, moved or gone.
    """

    known: dict[str, KnownPhotograph]
    new: dict[str, Photograph]
    again: dict[str, Photograph]
    moved: int
    gone: int
    changed: set[str]


def look_up(dataset: Dataset, photographs: list[Photograph], old: Gallery | None, checkpoint: Checkpoint) -> Known:
    """Look up what the last run, and one that was stopped, enrolled.

    photographs: of the data set.
    old: the last run's gallery.
    """
    enrolled = [] if old is None else _photographs_in(PreviousGallery(old))
    resumed = _photographs_in(checkpoint)
    enrolled += resumed
    known, new = _find(dataset, photographs, enrolled)
    persons = {photograph.path: photograph.person for photograph in photographs}
    moved = [path for path, before in known.items() if before.path not in (path, "")]
    used = {before.path for before in known.values()}
    gone = {before.path for before in enrolled} - {*persons, *used, ""}  # "": of one that was erased
    old_persons = dict(zip(old.paths, old.names, strict=True)) if old else {}
    left = {old_persons[path] for path in (*gone, *(known[path].path for path in moved)) if path in old_persons}
    changed = {persons[path] for path in (*new, *moved)} | left
    done = {before.path for before in resumed}
    undecided = {persons[path] for path, before in known.items() if before.path in done} | changed
    undecided |= {unicodedata.normalize("NFC", path.partition("/")[0]) for path in gone}  # also of one left out
    again = {
        photograph.path: photograph
        for photograph in photographs
        if photograph.person in undecided and photograph.path in known and known[photograph.path].shows_several
    }
    return Known(known, new, again, len(moved), len(gone), changed)


def _photographs_in(source: PreviousGallery | Checkpoint) -> list[KnownPhotograph]:
    return [KnownPhotograph(*file, source) for file in source]


def _find(
    dataset: Dataset, photographs: Iterable[Photograph], enrolled: list[KnownPhotograph]
) -> tuple[dict[str, KnownPhotograph], dict[str, Photograph]]:
    """Return the photographs that are known by path, size and time or by content, and those that are new, by path.

    photographs: of the data set.
    enrolled: the photographs of earlier runs; of two with the same path or content, the last one counts.
    """
    by_path = {photograph.path: photograph for photograph in enrolled}
    by_hash = {photograph.sha256: photograph for photograph in enrolled}
    sizes = {photograph.size for photograph in enrolled}
    known, new, unsure = {}, {}, []
    for photograph in photographs:
        path, size, stamp = photograph.path, photograph.size, photograph.stamp
        before = by_path.get(path)
        if before and stamp and (before.size, before.stamp) == (size, stamp):
            known[path] = before
            continue
        new[path] = photograph
        if size in sizes:  # touched, moved, copied, or of the same size by chance: compare the content
            unsure.append(path)
    with ThreadPoolExecutor(READERS) as readers:
        for path, sha256 in zip(unsure, readers.map(partial(_sha256, dataset), unsure), strict=True):
            before = by_path.get(path)
            if before is None or before.sha256 != sha256:
                before = by_hash.get(sha256)
            if before:
                known[path] = before
                del new[path]
    for path, before in known.items():
        if before.path in new:  # which takes its place in the checkpoint
            known[path] = before._replace(enrolments={before.path: before.enrolment()})
    return known, new


def _sha256(dataset: Dataset, path: str) -> str:
    """Return a photograph's hash; "" when it cannot be read: its worker will report that."""
    try:
        return hashlib.sha256(dataset.read(path)).hexdigest()
    except OSError:
        return ""
