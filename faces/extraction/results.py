"""What an update of an embeddings file did: its numbers, its tables and its record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from faces.datasets import Photograph
from faces.errors import FacesError
from faces.extraction.choosing import CHOSEN, UNDECIDED
from faces.files.finding import NO_PHOTOGRAPH
from faces.files.tables import write_csv
from faces.recognition.duplicates import Duplicate
from faces.recognition.gallery import NO_NEED, Gallery
from faces.records import Recorder

TABLES = SKIPPED, DUPLICATES, SEVERAL = "skipped.csv", "duplicates.csv", "several_faces.csv"
"""The tables that are written beside an embeddings file."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """The gallery of a data set, and what changed since the last run.

    people: everyone with a folder.
    photographs: the photographs of the data set.
    lost: path and reason of photographs that could not be read; the next run tries them again.
    left_out: path and reason of what else is in the data set (``datasets.Listing``).
    new, known, moved, gone: numbers of photographs: enrolled in this run, unchanged, known by another path, no longer
        in the data set.
    changed: people with photographs that are new, moved or gone.
    nobody: folders of strangers (``is_nobody``), which are left out of everything else.
    """

    gallery: Gallery
    people: list[str]
    photographs: list[Photograph]
    lost: list[tuple[str, str]]
    left_out: list[tuple[str, str]]
    new: int
    known: int
    moved: int
    gone: int
    changed: set[str]
    nobody: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EmbeddingsUpdate:
    """What ``update_embeddings`` did.

    embeddings: the file.
    dataset: the folder or address of the data set, without a slash at its end.
    extraction: the gallery, and the numbers of photographs that are new, known, moved and gone.
    duplicates: photographs that are in the data set twice.
    continued: whether an earlier run had done a part.
    """

    embeddings: Path
    dataset: str
    extraction: Extraction
    duplicates: list[Duplicate]
    continued: bool

    @property
    def skipped_csv(self) -> Path:
        """The table of ``skipped``."""
        return self.embeddings.with_name(SKIPPED)

    @property
    def duplicates_csv(self) -> Path:
        """The table of ``twice``."""
        return self.embeddings.with_name(DUPLICATES)

    @property
    def several_csv(self) -> Path:
        """The table of ``several``."""
        return self.embeddings.with_name(SEVERAL)

    @property
    def skipped(self) -> list[tuple[str, str]]:
        """The path and the reason of each photograph without a usable face and each other file, sorted by path."""
        left_out = self.extraction.gallery.left_out
        rows = [*zip(left_out.paths, left_out.reasons, strict=True), *self.extraction.lost, *self.extraction.left_out]
        return [(f"{self.dataset}/{path}", reason) for path, reason in sorted(rows)]

    @property
    def no_photographs(self) -> list[str]:
        """The paths of those ``skipped`` that are not photographs at all, in order."""
        return [path for path, reason in self.skipped if reason == NO_PHOTOGRAPH]

    @property
    def twice(self) -> list[tuple[str, str, str]]:
        """The paths of each two photographs that are the same or nearly so, and why: of ``duplicates``, in order."""
        return [(f"{self.dataset}/{pair.first}", f"{self.dataset}/{pair.second}", pair.why) for pair in self.duplicates]

    @property
    def several(self) -> list[tuple[str, str]]:
        """The paths of photographs with several faces about as large, and what was done with each, sorted by path."""
        gallery = self.extraction.gallery
        rows = [(path, CHOSEN) for path, chosen in zip(gallery.paths, gallery.chosen, strict=False) if chosen]
        rows += [(path, reason) for path, reason in gallery.left_out.rows() if reason in UNDECIDED]
        return [(f"{self.dataset}/{path}", what) for path, what in sorted(rows)]

    @property
    def notes(self) -> list[str]:
        """A line for each folder that was left out as a whole, and one for the people who were enrolled on the page."""
        lines = [f"{self.dataset}/{name}: left out; {NO_NEED}" for name in self.extraction.nobody]
        _, on_server = self.extraction.gallery.split()
        if len(on_server):
            faces = "1 face was" if len(on_server) == 1 else f"{len(on_server)} faces were"
            lines.append(f"{faces} enrolled on the page: kept, until erased there")
        return lines


class NoFaceError(FacesError):
    """No photograph of the data set has a usable face; ``update`` has the reasons."""

    update: EmbeddingsUpdate


def write_tables(update: EmbeddingsUpdate) -> None:
    """Write the tables of photographs that were skipped, are there twice or show several faces. Raises FacesError."""
    any_bytes = "surrogateescape"  # on Linux a name may be any bytes
    write_csv(update.skipped_csv, ("photograph", "reason"), update.skipped, any_bytes)
    write_csv(update.duplicates_csv, ("photograph", "other photograph", "why"), update.twice, any_bytes)
    write_csv(update.several_csv, ("photograph", "what was done"), update.several, any_bytes)


def record(update: EmbeddingsUpdate, recorder: Recorder) -> None:
    """Add the files, numbers and photographs of an update to the record of the run."""
    result = update.extraction
    if len(result.gallery):
        for path in (update.embeddings, update.skipped_csv, update.duplicates_csv, update.several_csv):
            recorder.artefact(path)
    for name in ("new", "known", "moved", "gone"):
        recorder.figure(name, getattr(result, name))
    recorder.figure("not_read", len(result.lost))
    recorder.data(result.gallery.manifest())
