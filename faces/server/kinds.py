"""The four kinds of collection: what each is called on the wire, and how much it holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of collection.

    route: in addresses. code: what its error codes begin with. words: what its messages do.
    trains: whether faces count only once the collection was trained. number: of such collections, at most.
    capacity: of persons, or in a list of faces, at most.
    """

    route: str
    code: str
    words: str
    trains: bool
    number: int
    capacity: int

    @property
    def id_name(self) -> str:
        """Of its id in JSON, such as ``personGroupId``."""
        return f"{self.code[0].lower()}{self.code[1:]}Id"

    @property
    def has_persons(self) -> bool:
        return self.code.endswith("PersonGroup")

    @property
    def is_large(self) -> bool:
        return self.code.startswith("Large")


PERSON_GROUP = Kind("persongroups", "PersonGroup", "Person group", True, 1_000_000, 10_000)
LARGE_PERSON_GROUP = Kind("largepersongroups", "LargePersonGroup", "Large person group", True, 1_000_000, 1_000_000)
FACE_LIST = Kind("facelists", "FaceList", "Face list", False, 64, 1_000)
LARGE_FACE_LIST = Kind("largefacelists", "LargeFaceList", "Large face list", True, 1_000_000, 1_000_000)

KINDS = {kind.route: kind for kind in (PERSON_GROUP, LARGE_PERSON_GROUP, FACE_LIST, LARGE_FACE_LIST)}
FACES_OF_A_PERSON = 248
