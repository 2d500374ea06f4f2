"""The people of the pages as the pages see them, and what became of what was done with them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """A face. picture: whether its cut-out is kept."""

    id: str
    picture: bool


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """Somebody, with their faces in the order in which they came."""

    id: str
    name: str
    faces: tuple[FaceRecord, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who a face is.

    person_id: empty for somebody whom a recognizer knows and who is not enrolled here. confidence: from 0.5 to 1, or a
    recognizer's probability.
    """

    person_id: str
    name: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Shared:
    """What bringing the file of ``--gallery`` up to date did.

    models: recognizers that knew somebody who was erased, and were erased, too. dataset: photographs of who was erased
    that the data set still has. pending: why the file is not up to date yet; empty when it is. faces: how many were
    in it that were not known.
    """

    models: tuple[str, ...] = ()
    dataset: tuple[str, ...] = ()
    pending: str = ""
    faces: int = 0


@dataclass(frozen=True, slots=True)
class Removal:
    """What was erased. faces, each with its embedding, and photographs: how many. The rest is as in ``Shared``."""

    name: str
    faces: int
    photographs: int
    models: tuple[str, ...] = ()
    dataset: tuple[str, ...] = ()
    pending: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """people: how many are new. faces: that were added. known: that were there already. left_out: (what, why)."""

    people: int = 0
    faces: int = 0
    known: int = 0
    left_out: tuple[tuple[str, str], ...] = ()

    def __add__(self, other: Imported) -> Imported:
        return Imported(
            self.people + other.people,
            self.faces + other.faces,
            self.known + other.known,
            self.left_out + other.left_out,
        )


@dataclass(frozen=True, slots=True)
class Exported:
    """photographs: how many were written. without: the names of those of whom no photograph is kept."""

    photographs: int
    without: tuple[str, ...]
