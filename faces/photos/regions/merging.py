"""Add names and regions to an XMP packet, in MWG's schema; everything else in it stays byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from faces.photos.regions.labels import clean, folded
from faces.photos.regions.rdf import RDF, Packet, get, holder, listing, text
from faces.photos.regions.region import Box, Frame, Region, centre, overlap, same_face, turned_back, within_picture
from faces.photos.regions.schemas import AREA, DIMENSIONS, FACE, MWG, dimensions, mwg_box, mwg_items
from faces.photos.regions.tree import Edit, Element, quoted

DECLARED = f'xmlns:rdf="{RDF}" xmlns:mwg-rs="{MWG}" xmlns:stArea="{AREA}" xmlns:stDim="{DIMENSIONS}"'
EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    f'<rdf:RDF xmlns:rdf="{RDF}">\n</rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>'
).encode()  # the frame of a packet, as the XMP Specification has it


class Merged(NamedTuple):
    """A packet with the regions of faces.

    packet: None if nothing is new. notes: which names were not written, and why; one line each.
    """

    packet: bytes | None
    notes: list[str]


def merged(data: bytes | None, faces: Sequence[Region], frame: Frame, replace: bool = False) -> Merged:
    """Add the names of faces to a packet.

    A region in the place of a face gets its name; a face without a region gets one.
    data: the packet; None if there is none yet.
    faces: with names. frame: of the picture.
    replace: whether names that regions already have are replaced; otherwise such a face is told.
    Raises ValueError with the reason if the packet is damaged, or its regions are for another picture.
    """
    packet = Packet(data or EMPTY)
    regions = packet.get(f"{MWG}Regions")
    if not isinstance(regions, Element) or (listed := get(regions, f"{MWG}RegionList")) is None:
        return _with_new_list(packet, regions, faces, frame)
    if (bag := listing(listed)) is None:
        raise ValueError("its list of regions is damaged")
    size = dimensions(regions) or (frame.width, frame.height)
    if (orientation := frame.orientation_for(*size)) is None:
        raise ValueError(f"its regions are for a picture of {size[0]:.0f} x {size[1]:.0f}, which was cropped since")
    boxes: list[tuple[Element, Box]] = []
    for item in mwg_items(regions):
        try:
            boxes.append((item, mwg_box(item, size, orientation)))
        except ValueError:
            continue  # stays as it is
    edits, new, notes = list[Edit](), list[Region](), list[str]()
    for face in faces:
        near = [(overlap(face.box, box), item) for item, box in boxes if same_face(face.box, box)]
        if not near:
            new.append(face)
            continue
        item = max(near, key=lambda pair: pair[0])[1]
        boxes = [(other, box) for other, box in boxes if other is not item]
        name = clean(text(get(item, f"{MWG}Name")))
        if name and folded(name) != folded(face.name) and not replace:
            notes.append(f"a face is {name!r} there, not {face.name!r}; --replace writes the new name")
        elif name != face.name and (not name or replace):
            edits += _renamed(packet, item, face.name)
    if new:
        edits.append(packet.append(bag, "".join(_item(face, orientation, DECLARED) for face in new)))
    return Merged(packet.edited(edits) if edits else None, notes)


def _with_new_list(packet: Packet, regions: object, faces: Sequence[Region], frame: Frame) -> Merged:
    """Add all regions, in place of what has no list of them."""
    if not faces:
        return Merged(None, [])
    abouts = (each.attributes.get(f"{RDF}about") for each in packet.descriptions)
    about = next((each for each in abouts if each is not None), "")
    size = f'<mwg-rs:AppliedToDimensions stDim:w="{frame.width}" stDim:h="{frame.height}" stDim:unit="pixel"/>'
    items = "\n".join(_item(face, frame.orientation) for face in faces)
    description = (
        f'<rdf:Description rdf:about="{quoted(about)}" {DECLARED}>\n<mwg-rs:Regions rdf:parseType="Resource">\n{size}\n'
        f"<mwg-rs:RegionList>\n<rdf:Bag>\n{items}\n</rdf:Bag>\n</mwg-rs:RegionList>\n</mwg-rs:Regions>\n"
        "</rdf:Description>\n"
    )
    edits = [Edit(regions.start, regions.end, b"")] if isinstance(regions, Element) else []
    return Merged(packet.edited([*edits, packet.append(packet.rdf, description)]), [])


def _item(face: Region, orientation: int, declared: str = "") -> str:
    x, y, width, height = centre(turned_back(within_picture(face.box), orientation))
    area = f'stArea:x="{x:.6f}" stArea:y="{y:.6f}" stArea:w="{width:.6f}" stArea:h="{height:.6f}"'
    start = f'<rdf:li {declared}{" " * bool(declared)}rdf:parseType="Resource">'
    return (
        f"{start}<mwg-rs:Name>{quoted(face.name)}</mwg-rs:Name>"
        f'<mwg-rs:Type>{FACE}</mwg-rs:Type><mwg-rs:Area {area} stArea:unit="normalized"/></rdf:li>'
    )


def _renamed(packet: Packet, item: Element, name: str) -> list[Edit]:
    """Return the edits that set the name of a region, in the spelling that it is written in."""
    fields, full = holder(item), f"{MWG}Name"
    attributes = packet.attributes(fields)
    if full in attributes:
        prefixed, start, end = attributes[full]
        return [Edit(start, end, b" " + prefixed + b'="' + quoted(name).encode() + b'"')]
    if (old := fields.child(full)) is not None:
        return [Edit(old.start, old.end, _name(name))]
    own = next((prefixed for key, (prefixed, _, _) in attributes.items() if key.startswith(MWG)), None)
    if own is not None:  # a region that is written as attributes may hold no elements
        prefix = own.partition(b":")[0]
        place = fields.inner - (2 if fields.inner == fields.end else 1)
        return [Edit(place, place, b" " + prefix + b':Name="' + quoted(name).encode() + b'"')]
    return [Edit(fields.inner, fields.inner, _name(name))]


def _name(name: str) -> bytes:
    return f'<mwg-rs:Name xmlns:mwg-rs="{MWG}">{quoted(name)}</mwg-rs:Name>'.encode()
