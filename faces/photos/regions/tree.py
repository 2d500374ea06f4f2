"""XML with the places of its elements in the text, so that one of them is changed and all else stays as it was.

A document type is refused, so there are no entities: nothing grows, and nothing is fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat
from xml.sax.saxutils import escape

MOST_ELEMENTS, DEEPEST = 100_000, 100  # of one document: more is damage or an attack
START_TAG = re.compile(rb"""<[^>"']*(?:(?:"[^"]*"|'[^']*')[^>"']*)*>""")
ATTRIBUTE = re.compile(rb"""\s+([^\s=]+)\s*=\s*("[^"]*"|'[^']*')""")
NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # characters that XML cannot hold


class XmlError(ValueError):
    """The text is not XML that is read."""


class Edit(NamedTuple):
    """Bytes to put in place of those from ``start`` to ``end``."""

    start: int
    end: int
    new: bytes


@dataclass(slots=True)
class Element:
    """An element; names are the namespace and the local name in one, as RDF has them.

    start, end: of the whole element in the document.
    inner: where its content begins. closing: where its end tag begins.
    """

    name: str
    attributes: dict[str, str]
    start: int
    inner: int
    closing: int = 0
    end: int = 0
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def child(self, name: str) -> Element | None:
        """Return the first child of a name, or None."""
        return next((child for child in self.children if child.name == name), None)


class Document:
    """An XML document in UTF-8, UTF-16 or UTF-32.

    root: its outermost element.
    data: the document in UTF-8, which the places of elements refer to.
    Raises XmlError with the reason.
    """

    def __init__(self, data: bytes) -> None:
        self.encoding = json.detect_encoding(data)
        try:
            self.data = data if self.encoding.startswith("utf-8") else data.decode(self.encoding).encode()
        except UnicodeError as error:
            raise XmlError(f"no {self.encoding.upper()}") from error
        self.root = self._parsed()

    def _parsed(self) -> Element:
        parser = expat.ParserCreate("utf-8", "")  # "": names of namespaces and elements are joined
        outside = Element("", {}, 0, 0)
        opened, texts, count = [outside], [list[str]()], 0
        data = self.data

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal count
            count += 1
            if count > MOST_ELEMENTS or len(opened) > DEEPEST:
                raise XmlError(f"more than {MOST_ELEMENTS} elements, or nested too deeply")
            place = parser.CurrentByteIndex
            tag = START_TAG.match(data, place)
            element = Element(name, attributes, place, tag.end() if tag else place)
            opened[-1].children.append(element)
            opened.append(element)
            texts.append([])

        def end(name: str) -> None:
            element = opened.pop()
            element.text = "".join(texts.pop())
            element.closing = parser.CurrentByteIndex
            empty = data[element.inner - 2 : element.inner] == b"/>"
            element.end = element.inner if empty else data.index(b">", element.closing) + 1

        def text(characters: str) -> None:
            texts[-1].append(characters)

        def document_type(*_: object) -> None:
            raise XmlError("it declares a document type, which no photo program writes")

        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, document_type
        try:
            parser.Parse(data.rstrip(b"\0"), True)
        except expat.ExpatError as error:
            raise XmlError(f"{expat.ErrorString(error.code)}, line {error.lineno}") from error
        return outside.children[0]

    def edited(self, edits: Iterable[Edit]) -> bytes:
        """Return the document with edits that do not overlap, in its own encoding."""
        data = self.data
        for edit in sorted(edits, reverse=True):
            data = data[: edit.start] + edit.new + data[edit.end :]
        return data if self.encoding.startswith("utf-8") else data.decode().encode(self.encoding)

    def append(self, element: Element, content: str) -> Edit:
        """Return the edit that adds content at the end of an element."""
        if element.inner < element.end:
            return Edit(element.closing, element.closing, content.encode())
        tag = self.data[element.start : element.inner]
        name = re.split(rb"[\s/>]", tag[1:], maxsplit=1)[0]
        return Edit(element.inner - 2, element.inner, b">" + content.encode() + b"</" + name + b">")

    def attributes(self, element: Element) -> dict[str, tuple[bytes, int, int]]:
        """Return, for each attribute's full name, its prefixed name and where it stands, with the space before it."""
        found = (
            match
            for match in ATTRIBUTE.finditer(self.data, element.start, element.inner)
            if not re.match(rb"xmlns(:|$)", match[1])
        )
        return {name: (match[1], *match.span()) for name, match in zip(element.attributes, found, strict=True)}


def quoted(text: str) -> str:
    """Return a text as the content of an element or attribute; characters that XML cannot hold are left out."""
    return escape(NO_XML.sub("", text), {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
