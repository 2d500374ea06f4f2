"""Read who is in a photograph, and where, as other programs have marked it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from faces.errors import reason_of
from faces.photos.regions import picasa, schemas
from faces.photos.regions.labels import Labels, joined
from faces.photos.regions.places import Photograph, opened, read_sidecar, sidecars
from faces.photos.regions.rdf import Packet
from faces.photos.regions.region import Frame
from faces.photos.regions.tree import XmlError


def read_labels(path: Path) -> Labels:
    """Return the labels of a photograph: from its sidecars, then its own metadata, then Picasa's file of the folder.

    What is damaged is left out and told in the notes.
    path: of the photograph.
    Raises FacesError if the photograph itself cannot be read.
    """
    photograph = opened(path)
    return joined(_each(photograph))


def _each(photograph: Photograph) -> Iterator[Labels]:
    for sidecar in sidecars(photograph.path):
        try:
            data = read_sidecar(sidecar)
        except OSError as error:
            yield Labels(notes=(f"{sidecar.name}: {reason_of(error)}; not used",))
        else:
            yield from _of_packet(data, photograph.frame, sidecar.name)
    for packet in photograph.packets:
        yield from _of_packet(packet, photograph.frame, photograph.path.name)
    yield picasa.read_faces(photograph.path, photograph.frame)


def _of_packet(data: bytes, frame: Frame, place: str) -> list[Labels]:
    try:
        return schemas.read(Packet(data), frame, place)
    except XmlError as error:
        return [Labels(notes=(f"{place}: damaged XMP ({error}); not used",))]
