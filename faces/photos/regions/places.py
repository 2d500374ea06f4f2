"""Where the metadata of a photograph are: in its file, and in sidecars beside it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from faces.errors import FacesError, ImageError, reason_of
from faces.files.finding import suffix_of
from faces.files.reading import read_file
from faces.images import read_header
from faces.photos.regions import jpeg
from faces.photos.regions.region import Frame

LARGEST_SIDECAR = 20_000_000  # bytes


class Photograph(NamedTuple):
    """A photograph's file, undecoded.

    path: without links. packets: XMP in the file.
    """

    path: Path
    data: bytes
    frame: Frame
    packets: list[bytes]

    @property
    def is_jpeg(self) -> bool:
        """Whether it is a JPEG, whatever its name."""
        return suffix_of(self.data) == ".jpg"


def opened(path: Path) -> Photograph:
    """Open a photograph. Raises FacesError, which names it."""
    try:
        file = path.resolve(strict=True)
        data = read_file(file)
        header = read_header(data)
    except (ImageError, OSError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
        raise FacesError(f"{path}: {reason_of(error)}") from error
    packets = [header.xmp] if header.xmp else []
    if suffix_of(data) == ".jpg":
        try:
            packets = jpeg.packets(data)
        except ValueError as error:
            raise FacesError(f"{path}: {error}") from error
    return Photograph(file, data, Frame(header.width, header.height, header.orientation), packets)


def sidecars(photograph: Path) -> list[Path]:
    """Return the sidecars of a photograph: ``photo.jpg.xmp`` of most programs, ``photo.xmp`` of Adobe's."""
    places = (photograph.with_name(f"{photograph.name}.xmp"), photograph.with_suffix(".xmp"))
    return [place for place in places if place.is_file()]


def sidecar_to_write(photograph: Path) -> Path:
    """Return the sidecar that regions are written to: the one that there is, if it is of no other photograph, too."""
    own = photograph.with_name(f"{photograph.name}.xmp")
    existing = sidecars(photograph)
    if not existing or existing[0] == own:
        return own
    of_stem = [path for path in photograph.parent.iterdir() if path.stem == photograph.stem and path != existing[0]]
    return existing[0] if of_stem == [photograph] else own


def read_sidecar(path: Path) -> bytes:
    """Return the content of a sidecar. Raises OSError."""
    return read_file(path, LARGEST_SIDECAR)
