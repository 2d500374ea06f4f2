"""Records of enrolled people, and the results of operations on them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """An enrolled face.

    id: the id of the persisted face.
    picture: whether a cut-out of the face is stored.
    """

    id: str
    picture: bool


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """An enrolled person.

    id: the person id.
    name: "" for a person without a name.
    faces: in the order of enrolment.
    """

    id: str
    name: str
    faces: tuple[FaceRecord, ...]


@dataclass(frozen=True, slots=True)
class PersonMatch:
    """The person that a face was identified as.

    person_id: "" for a person whom the recognizer knows but who is not enrolled here.
    name: the person's name.
    confidence: in [0.5, 1], of a candidate in [0, 1]; or the recognizer's probability.
    """

    person_id: str
    name: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a face may not be the person as whom it is to be enrolled.

    match: the other person whom it looks like; None if it looks like nobody, though the person has faces.
    """

    match: PersonMatch | None


@dataclass(frozen=True, slots=True)
class SyncResult:
    """The result of synchronizing the database with the gallery file.

    models: paths of recognizers that were erased because they contained an erased face.
    dataset: photographs of erased faces that are still in the data set.
    pending: why the gallery file is not up to date; "" if it is.
    faces: number of faces that were added to the database from the file.
    """

    models: tuple[str, ...] = ()
    dataset: tuple[str, ...] = ()
    pending: str = ""
    faces: int = 0


@dataclass(frozen=True, slots=True)
class Removal:
    """The result of erasing or removing a person or a face.

    name: the person's name.
    faces: number of erased or removed faces, each with its embedding.
    photographs: number of erased photographs.
    models, dataset, pending: see ``SyncResult``.
    until: when a removal can no longer be undone, s since 1970; 0 if it was erased at once.
    """

    name: str
    faces: int
    photographs: int
    models: tuple[str, ...] = ()
    dataset: tuple[str, ...] = ()
    pending: str = ""
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Removed:
    """A removed person, or removed faces of a person, who can be brought back.

    id: of the person, or of a stand-in for the person of the faces.
    name: the person's name.
    faces: number of faces that return.
    until: when they are erased, s since 1970.
    is_merged: whether the person was merged into another one, who keeps the faces.
    """

    id: str
    name: str
    faces: int
    until: float
    is_merged: bool


@dataclass(frozen=True, slots=True)
class OtherGroup:
    """A group or list of the Face API that a person is in, too.

    collection: its kind and id, such as ``persongroups/family``.
    names: of the persons in it who look like this one or have the same name; "" for a person without a name.
    faces: the number of faces in a list that look like this person.
    """

    collection: str
    names: tuple[str, ...] = ()
    faces: int = 0


@dataclass(frozen=True, slots=True)
class RemovalPreview:
    """What goes if a person or a face is erased, and what stays elsewhere.

    models: paths of the recognizers that contain the face and go, too.
    same_photographs: (id, name) of the other people who are enrolled from the same photographs.
    groups: where the same person is, too.
    """

    models: tuple[str, ...] = ()
    same_photographs: tuple[tuple[str, str], ...] = ()
    groups: tuple[OtherGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The result of an import.

    people: number of new people.
    faces: number of added faces.
    known: number of faces that were already enrolled.
    left_out: (path, reason) of each face or photograph that was not added.
    """

    people: int = 0
    faces: int = 0
    known: int = 0
    left_out: tuple[tuple[str, str], ...] = ()

    def __add__(self, other: ImportResult) -> ImportResult:
        return ImportResult(
            self.people + other.people,
            self.faces + other.faces,
            self.known + other.known,
            self.left_out + other.left_out,
        )


@dataclass(frozen=True, slots=True)
class ExportResult:
    """The result of exporting a data set.

    photographs: number of photographs written.
    without: names of the people without a stored photograph.
    """

    photographs: int
    without: tuple[str, ...]
