"""The four kinds of collection: their names in the API and their capacity."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of collection.

    route: the word in the URL.
    code: the prefix of the kind's error codes and the name of its schema.
    title: the name in messages.
    needs_training: whether a face is searched only after the collection has been trained.
    max_collections: the number of collections of this kind that a server holds.
    capacity: the number of persons in a group, or of faces in a list.
    """

    route: str
    code: str
    title: str
    needs_training: bool
    max_collections: int
    capacity: int

    @property
    def id_name(self) -> str:
        """The name of the id in JSON, such as ``personGroupId``."""
        return f"{self.code[0].lower()}{self.code[1:]}Id"

    @property
    def has_persons(self) -> bool:
        """Whether faces belong to persons; otherwise the collection is a list of faces."""
        return self.code.endswith("PersonGroup")

    @property
    def is_large(self) -> bool:
        """Whether this is the large variant of a group or a list."""
        return self.code.startswith("Large")


PERSON_GROUP = Kind(
    route="persongroups",
    code="PersonGroup",
    title="Person group",
    needs_training=True,
    max_collections=1_000_000,
    capacity=10_000,
)
LARGE_PERSON_GROUP = Kind(
    route="largepersongroups",
    code="LargePersonGroup",
    title="Large person group",
    needs_training=True,
    max_collections=1_000_000,
    capacity=1_000_000,
)
FACE_LIST = Kind(
    route="facelists",
    code="FaceList",
    title="Face list",
    needs_training=False,
    max_collections=64,
    capacity=1_000,
)
LARGE_FACE_LIST = Kind(
    route="largefacelists",
    code="LargeFaceList",
    title="Large face list",
    needs_training=True,
    max_collections=1_000_000,
    capacity=1_000_000,
)

KINDS = {kind.route: kind for kind in (PERSON_GROUP, LARGE_PERSON_GROUP, FACE_LIST, LARGE_FACE_LIST)}
