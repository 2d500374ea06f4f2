"""Read RDF as XMP writes it: properties are elements or attributes, structures have several spellings, lists one."""

from __future__ import annotations

from faces.photos.regions.tree import Document, Element, XmlError

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
LISTS = (f"{RDF}Bag", f"{RDF}Seq", f"{RDF}Alt")

Value = Element | str
"""Of a property: its element, or the text of its attribute."""


class Packet(Document):
    """An XMP packet.

    rdf: its element ``rdf:RDF``.
    Raises XmlError with the reason.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        places = (self.root, *self.root.children)
        rdf = next((element for element in places if element.name == f"{RDF}RDF"), None)
        if rdf is None:
            raise XmlError("it holds no RDF")
        self.rdf = rdf

    @property
    def descriptions(self) -> list[Element]:
        """The elements that hold the photograph's properties."""
        return [element for element in self.rdf.children if element.name == f"{RDF}Description"]

    def get(self, name: str) -> Value | None:
        """Return the photograph's property of a name, or None."""
        return next((value for each in self.descriptions if (value := get(each, name)) is not None), None)


def holder(structure: Element) -> Element:
    """Return the element that has a structure's fields: itself, or the ``rdf:Description`` in it."""
    return structure.child(f"{RDF}Description") or structure


def get(structure: Value | None, name: str) -> Value | None:
    """Return a field of a structure, or None."""
    if not isinstance(structure, Element):
        return None
    fields = holder(structure)
    return fields.attributes.get(name, fields.child(name))


def text(value: Value | None) -> str:
    """Return the text of a property, without space around it; empty if there is none."""
    if isinstance(value, Element):
        value = text(get(value, f"{RDF}value")) or value.text
    return (value or "").strip()


def listing(value: Value | None) -> Element | None:
    """Return the element that holds the items of a list, or None."""
    children = value.children if isinstance(value, Element) else []
    return next((child for child in children if child.name in LISTS), None)


def items(value: Value | None) -> list[Element]:
    """Return the items of a list; none of what is no list."""
    listed = listing(value)
    return [child for child in listed.children if child.name == f"{RDF}li"] if listed else []
