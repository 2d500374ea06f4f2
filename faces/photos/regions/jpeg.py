"""XMP in JPEG files: found and replaced without touching another byte.

XMP Specification Part 3, "JPEG": the packet is in a segment APP1; what does not fit follows in segments of its own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from faces.photos.regions.tree import Edit

START, SCAN, APP0, APP1, APP2 = 0xD8, 0xDA, 0xE0, 0xE1, 0xE2
XMP, EXTENSION = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
EXIF, MORE_PICTURES = b"Exif\0", b"MPF\0"
LARGEST_PACKET = 65533 - len(XMP)  # bytes
PICTURES = 0xB002  # the tag of the entries of MORE_PICTURES
EXTENSION_HEADER = struct.Struct(">32sII")  # which packet, its length, the place of this part


class Segment(NamedTuple):
    """A segment of the header: its marker, where it starts and ends, and what it holds."""

    marker: int
    start: int
    end: int
    body: bytes


def segments(data: bytes) -> Iterator[Segment]:
    """Yield the segments before the picture. Raises ValueError if the file is damaged."""
    place = 2
    if data[:2] != b"\xff\xd8":
        raise ValueError("not a JPEG")
    while True:
        start = place
        while data[place : place + 2] == b"\xff\xff":  # padding
            place += 1
        if len(data) < place + 4 or data[place] != 0xFF:
            raise ValueError("a damaged JPEG")
        marker, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == SCAN:
            return
        place += 2 + length
        if length < 2 or place > len(data):
            raise ValueError("a damaged JPEG")
        yield Segment(marker, start, place, data[place - length + 2 : place])


def packets(data: bytes) -> list[bytes]:
    """Return the XMP packets of a JPEG: the main one, and what did not fit into it. Raises ValueError."""
    found, extended = [], dict[bytes, bytearray]()
    for segment in segments(data):
        if segment.marker == APP1 and segment.body.startswith(XMP):
            found.append(segment.body[len(XMP) :])
        elif segment.marker == APP1 and segment.body.startswith(EXTENSION):
            part = segment.body[len(EXTENSION) :]
            if len(part) >= EXTENSION_HEADER.size:
                packet, length, place = EXTENSION_HEADER.unpack_from(part)
                content = part[EXTENSION_HEADER.size :]
                whole = extended.setdefault(packet, bytearray())
                if place == len(whole) and place + len(content) <= length:  # parts are written in order
                    whole += content
    main = found[0] if found else b""
    return found[:1] + [bytes(packet) for name, packet in extended.items() if name in main]


def embedding(data: bytes, packet: bytes) -> Edit:
    """Return the edit that puts a packet in place of the main one of a JPEG, or after its EXIF.

    Raises ValueError with the reason if it does not fit.
    """
    if len(packet) > LARGEST_PACKET:
        raise ValueError(f"the metadata would be longer than a JPEG holds ({LARGEST_PACKET} bytes)")
    header = list(segments(data))
    old = next((each for each in header if each.marker == APP1 and each.body.startswith(XMP)), None)
    body = XMP + packet
    new = bytes((0xFF, APP1)) + (len(body) + 2).to_bytes(2, "big") + body
    first = [each for each in header if each.marker == APP0 or (each.marker == APP1 and each.body.startswith(EXIF))]
    place = first[-1].end if first else 2
    edit = Edit(old.start, old.end, new) if old else Edit(place, place, new)
    index = next((each for each in header if each.marker == APP2 and each.body.startswith(MORE_PICTURES)), None)
    return _with_longer_picture(data, edit, index) if index else edit


def _with_longer_picture(data: bytes, edit: Edit, index: Segment) -> Edit:
    """Return an edit that also tells the index of a file with several pictures how long the first one becomes.

    The others keep their places, which are counted from the index (CIPA DC-007, "Multi-Picture Format").
    Raises ValueError if they do not.
    """
    start = index.end - len(index.body) + len(MORE_PICTURES)
    order = "<" if data[start : start + 2] == b"II" else ">"
    try:
        (directory,) = struct.unpack_from(f"{order}I", data, start + 4)
        (count,) = struct.unpack_from(f"{order}H", data, start + directory)
        entries = [struct.unpack_from(f"{order}HHII", data, start + directory + 2 + 12 * each) for each in range(count)]
        place = start + next(value for tag, _, _, value in entries if tag == PICTURES) + 4
        (length,) = struct.unpack_from(f"{order}I", data, place)
        if not edit.end <= start < place < index.end:
            raise ValueError
    except (struct.error, StopIteration, ValueError):
        raise ValueError("the file holds further pictures, whose places would change") from None
    longer = struct.pack(f"{order}I", length + len(edit.new) - (edit.end - edit.start))
    return Edit(edit.start, place + 4, edit.new + data[edit.end : place] + longer)
