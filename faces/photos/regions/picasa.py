"""Picasa's faces: a file in each folder, with the faces of its photographs and the names of their people."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

from faces.errors import reason_of
from faces.files.reading import read_file
from faces.photos.regions.labels import Labels, clean
from faces.photos.regions.region import Box, Frame, turned, within_picture
from faces.photos.regions.schemas import NOBODY, placed

NAMES = (".picasa.ini", "Picasa.ini", "picasa.ini")  # the last two are of older versions
LARGEST = 50_000_000  # bytes
CONTACTS = ("Contacts2", "Contacts")
FACE = re.compile(r"rect64\(([0-9a-f]{1,16})\),([0-9a-f]{1,16})", re.IGNORECASE)
WHOLE = 0xFFFF  # the right and bottom edge


def read_faces(photograph: Path, frame: Frame) -> Labels:
    """Return the faces of a photograph in the Picasa file of its folder, if there is one.

    As in other metadata, they are places in the picture as it is stored.
    """
    for name in NAMES:
        try:
            return _faces(_parsed(read_file(photograph.with_name(name), LARGEST)), photograph.name, frame, name)
        except FileNotFoundError:
            continue
        except OSError as error:
            return Labels(notes=(f"{name}: {reason_of(error)}; its faces are not used",))
        except configparser.Error:
            return Labels(notes=(f"{name}: damaged; its faces are not used",))
    return Labels()


def _parsed(data: bytes) -> configparser.RawConfigParser:
    """Return the sections of a Picasa file. Raises configparser.Error."""
    parser = configparser.RawConfigParser(
        strict=False, delimiters=("=",), comment_prefixes=(), allow_no_value=True, default_section="\0"
    )
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # keys as they are written
    parser.read_string(data.decode("utf-8-sig", "replace"))
    return parser


def _faces(parser: configparser.RawConfigParser, photograph: str, frame: Frame, source: str) -> Labels:
    found = FACE.findall(parser.get(photograph, "faces", fallback=None) or "")
    marked = [(place, person.lower()) for place, person in found if person.lower() != NOBODY]
    names = [_name(parser, person) for _, person in marked]
    labels = placed(f"Picasa's regions of {source}", names, marked, lambda face: _box(face[0], frame))
    unknown = len(names) - sum(map(bool, names))
    note = f"{source}: {unknown} of the people in its faces have no name there; Picasa keeps it in contacts.xml"
    return Labels(labels.regions, labels.people, notes=(*labels.notes, *((note,) if unknown else ())))


def _name(parser: configparser.RawConfigParser, person: str) -> str:
    for section in CONTACTS:
        contact = parser.get(section, person, fallback=None) or ""
        if name := clean(contact.partition(";")[0]):
            return "" if "_lh," in name else name  # an account and a number in place of a name
    return ""


def _box(place: str, frame: Frame) -> Box:
    """Return the box of ``rect64``: left, top, right and bottom, 16 bits each, without leading zeros."""
    digits = place.zfill(16)
    left, top, right, bottom = (int(digits[start : start + 4], 16) / WHOLE for start in (0, 4, 8, 12))
    return turned(within_picture((left, top, right, bottom)), frame.orientation)
