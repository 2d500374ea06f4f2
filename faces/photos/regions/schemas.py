"""The schemas that programs write people into XMP with: MWG's regions, Microsoft's, and keywords.

MWG: Metadata Working Group, Guidelines for Handling Image Metadata 2.0, "Image Regions". Microsoft: People Tagging
Overview, Windows Imaging Component. Both place a face in the picture as it is stored, before its EXIF orientation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from faces.photos.regions.labels import Labels, clean
from faces.photos.regions.rdf import Packet, Value, get, items, text
from faces.photos.regions.region import UPRIGHT, Box, Frame, Region, of_centre, of_corner, turned, within_picture
from faces.photos.regions.tree import Element

MWG = "http://www.metadataworkinggroup.com/schemas/regions/"
AREA, DIMENSIONS = "http://ns.adobe.com/xmp/sType/Area#", "http://ns.adobe.com/xap/1.0/sType/Dimensions#"
MP = "http://ns.microsoft.com/photo/1.2/"
MP_INFO, MP_REGION = f"{MP}t/RegionInfo#", f"{MP}t/Region#"
DIGIKAM, LIGHTROOM = "http://www.digikam.org/ns/1.0/", "http://ns.adobe.com/lightroom/1.0/"
DUBLIN_CORE, IPTC = "http://purl.org/dc/elements/1.1/", "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"

T = TypeVar("T")

FACE = "Face"
NOBODY = "ffffffffffffffff"  # the name of faces that users of Windows and Picasa ignore
PEOPLE = frozenset(("people", "person", "persons", "faces", "personen", "personas", "personnes", "persone"))
"""Keywords, in lower case, below which programs file the names of people."""


def read(packet: Packet, frame: Frame, place: str) -> list[Labels]:
    """Return the labels of a packet: of MWG's regions, of Microsoft's, and of keywords.

    place: the name of the file that holds the packet, for messages.
    """
    return [_mwg(packet, frame, place), _microsoft(packet, frame, place), _keywords(packet)]


def dimensions(regions: Value | None) -> tuple[float, float] | None:
    """Return width and height, px, of the picture that MWG's regions are for, or None if they do not say."""
    size = get(regions, f"{MWG}AppliedToDimensions")
    try:
        width, height = (float(text(get(size, f"{DIMENSIONS}{side}"))) for side in "wh")
    except ValueError:
        return None
    return (width, height) if width > 0 and height > 0 else None


def mwg_items(regions: Value | None) -> list[Element]:
    """Return the items of MWG's regions that are faces."""
    listed = items(get(regions, f"{MWG}RegionList"))
    return [item for item in listed if text(get(item, f"{MWG}Type")).casefold() in ("", FACE.casefold())]


def mwg_box(item: Element, size: tuple[float, float], orientation: int) -> Box:
    """Return the box of one of MWG's regions in the displayed picture.

    size: width and height that the regions are for, px. orientation: how they turn for display.
    Raises ValueError with the reason if it is none.
    """
    area = get(item, f"{MWG}Area")
    sides = [text(get(area, f"{AREA}{name}")) for name in "xywh"]
    if text(get(area, f"{AREA}d")) or not any(sides[2:]):
        raise ValueError("is a circle or a point, not a box")
    x, y, width, height = map(_number, sides)
    if text(get(area, f"{AREA}unit")) == "pixel":
        x, width, y, height = x / size[0], width / size[0], y / size[1], height / size[1]
    return turned(within_picture(of_centre(x, y, width, height)), orientation)


def _mwg(packet: Packet, frame: Frame, place: str) -> Labels:
    regions = packet.get(f"{MWG}Regions")
    source, faces = f"MWG regions of {place}", mwg_items(regions)
    names = [clean(text(get(face, f"{MWG}Name"))) for face in faces]
    size = dimensions(regions) or (frame.width, frame.height)
    orientation = frame.orientation_for(*size)
    if orientation is None and faces:
        sizes = f"{size[0]:.0f} x {size[1]:.0f}, but it has {frame.width} x {frame.height}"
        note = f"{source}: made for a picture of {sizes}; only their names are used"
        return Labels(people=tuple(filter(None, names)), notes=(note,))
    return placed(source, names, faces, lambda face: mwg_box(face, size, orientation or UPRIGHT))


def _microsoft(packet: Packet, frame: Frame, place: str) -> Labels:
    faces = items(get(packet.get(f"{MP}RegionInfo"), f"{MP_INFO}Regions"))
    names = [clean(text(get(face, f"{MP_REGION}PersonDisplayName"))) for face in faces]
    listed = [(name, face) for name, face in zip(names, faces, strict=True) if name.casefold() != NOBODY]

    def box(face: Element) -> Box:
        rectangle = text(get(face, f"{MP_REGION}Rectangle"))
        parts = re.split(r",\s+", rectangle)
        if len(parts) != 4:
            parts = rectangle.split(",")
        if len(parts) != 4:
            raise ValueError("has no numbers as its place")
        left, top, width, height = (_number(part.replace(",", ".")) for part in parts)
        return turned(within_picture(of_corner(left, top, width, height)), frame.orientation)

    source = f"Microsoft's regions of {place}"
    return placed(source, [name for name, _ in listed], [face for _, face in listed], box)


def placed(source: str, names: Sequence[str], faces: Sequence[T], box: Callable[[T], Box]) -> Labels:
    """Return faces as labels; one whose box cannot be used is told, and its name stays without a place.

    box: returns the box of a face in the displayed picture; raises ValueError with the reason if it has none.
    """
    regions, people, notes = [], [], []
    for number, (name, face) in enumerate(zip(names, faces, strict=True), 1):
        try:
            regions.append(Region(name, box(face), source))
        except ValueError as error:
            people += [name] if name else []
            notes.append(f"{source}: {repr(name) if name else f'region {number}'} {error}; its place is not used")
    return Labels(tuple(regions), tuple(people), notes=tuple(notes))


def _keywords(packet: Packet) -> Labels:
    people = [text(item) for item in items(packet.get(f"{IPTC}PersonInImage"))]
    words = [text(item) for item in items(packet.get(f"{DUBLIN_CORE}subject"))]
    for name, separator in ((f"{DIGIKAM}TagsList", "/"), (f"{LIGHTROOM}hierarchicalSubject", "|")):
        for item in items(packet.get(name)):
            *above, word = text(item).split(separator)
            (people if any(each.casefold() in PEOPLE for each in above) else words).append(word)
    return Labels(people=_unique(people), keywords=_unique(words))


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(clean, words))))


def _number(digits: str) -> float:
    try:
        return float(digits)
    except ValueError:
        raise ValueError("has no numbers as its place") from None
