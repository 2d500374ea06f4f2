"""Write the names of faces into photographs' metadata, where other programs read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faces.errors import FacesError, reason_of
from faces.files.writing import copy_access
from faces.photos.regions import jpeg
from faces.photos.regions.merging import merged
from faces.photos.regions.places import Photograph, opened, read_sidecar, sidecar_to_write
from faces.photos.regions.rdf import Packet
from faces.photos.regions.region import Region
from faces.photos.regions.schemas import MWG
from faces.photos.regions.tree import Edit
from faces.photos.regions.undo import Journal

SIDECAR, EMBED = PLACES = "sidecar", "embed"


@dataclass(frozen=True, slots=True)
class Written:
    """What was written for a photograph, or would be.

    target: the file; None if nothing is new. digest: SHA-256 of its content.
    notes: one line each: names that were not written, or another place than asked for.
    failed: whether the photograph could not be written; the notes have the reason.
    """

    target: Path | None
    digest: str
    notes: tuple[str, ...]
    failed: bool = False


class Plan:
    """What is to be written for a photograph: look first, then ``write``.

    path: of the photograph. faces: with names; boxes in the picture as displayed.
    place: ``sidecar``, or ``embed``: into the file itself if it is a JPEG whose metadata have room, else a sidecar.
    replace: whether names that regions already have are replaced.
    Raises FacesError with the reason if nothing can be written; nothing is changed.
    """

    def __init__(self, path: Path, faces: Sequence[Region], place: str, replace: bool = False) -> None:
        self.photograph = opened(path)
        self.notes: list[str] = []
        self.target: Path | None = None
        self._before: bytes | None = None
        self._edit = Edit(0, 0, b"")
        if place == EMBED:
            try:
                return self._embed(self.photograph, faces, replace)
            except ValueError as error:
                self.notes.append(f"{path}: {error}; a sidecar is used instead")
        self._sidecar(sidecar_to_write(self.photograph.path), faces, replace)

    def _embed(self, photograph: Photograph, faces: Sequence[Region], replace: bool) -> None:
        """Raise ValueError with the reason if the metadata cannot be in the file."""
        if not photograph.is_jpeg:
            raise ValueError("only JPEG files are written into")
        main, more = next(iter(photograph.packets), None), photograph.packets[1:]
        if any(Packet(packet).get(f"{MWG}Regions") is not None for packet in more):
            raise ValueError("its regions are in an extension of its metadata")
        packet, notes = merged(main, faces, photograph.frame, replace)
        if packet is not None:
            self._edit = jpeg.embedding(photograph.data, packet)
            self.target, self._before = photograph.path, photograph.data
        self.notes += [f"{photograph.path}: {note}" for note in notes]

    def _sidecar(self, sidecar: Path, faces: Sequence[Region], replace: bool) -> None:
        try:
            self._before = read_sidecar(sidecar) if sidecar.exists() else None
            packet, notes = merged(self._before, faces, self.photograph.frame, replace)
        except (OSError, ValueError) as error:
            raise FacesError(f"{sidecar}: {reason_of(error)}; it stays as it is: mend it, or move it away") from error
        if packet is not None:
            self.target, self._edit = sidecar.resolve(), Edit(0, len(self._before or b""), packet)
        self.notes += [f"{sidecar}: {note}" for note in notes]

    def write(self, journal: Journal) -> Written:
        """Write what is planned, atomically, and return it.

        journal: keeps what was there before.
        Raises FacesError, with the file as it was, if it cannot be written or was changed since it was read.
        """
        if self.target is None:
            return Written(None, "", tuple(self.notes))
        try:
            now = self.target.read_bytes() if self.target.exists() else None
            if now != self._before:
                raise FacesError(f"{self.target}: another program has just changed it; try again")
            digest = journal.write(self.target, self._before, self._edit)
            if self._before is None:
                copy_access(self.photograph.path, self.target)  # whoever reads the photograph may read its sidecar
        except OSError as error:
            raise FacesError(f"cannot write {self.target}: {reason_of(error)}") from error
        return Written(self.target, digest, tuple(self.notes))
