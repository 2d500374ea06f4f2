"""The groups of a library: the faces of one person each, known or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from faces.photos.library import Library
from faces.photos.records import GROUP, IGNORED


@dataclass(frozen=True, slots=True)
class Group:
    """The faces of one person.

    faces: number of faces. photographs: number of different photographs and films.
    person: the name; None if unknown. ignored: whether people wish not to see it.
    """

    id: int
    faces: int
    photographs: int
    person: str | None
    ignored: bool


GROUPS = f"""
SELECT group_id, count(*) AS faces, count(DISTINCT sha256) AS photographs, people.name,
       sum(status = '{IGNORED}') = count(*) AS ignored
FROM faces LEFT JOIN groups ON groups.id = group_id LEFT JOIN people ON people.id = groups.person
WHERE group_id IS NOT NULL GROUP BY group_id HAVING {{}} ORDER BY faces DESC, group_id
"""


def groups(library: Library, unknown: bool = False) -> Iterator[Group]:
    """Yield the groups, largest first.

    unknown: only those that have no name and are not ignored.
    """
    condition = f"people.name IS NULL AND sum(status = '{GROUP}') > 0" if unknown else "1"
    for row in library.query(GROUPS.format(condition)):
        yield Group(row["group_id"], row["faces"], row["photographs"], row["name"], bool(row["ignored"]))


def people(library: Library) -> dict[str, int]:
    """Return the number of faces of each person who has a name."""
    sql = "SELECT name, count(faces.id) FROM people JOIN faces ON faces.person = people.id GROUP BY name ORDER BY name"
    return {str(name): int(faces) for name, faces in library.query(sql)}


def faces_of(library: Library, group: int) -> list[int]:
    """Return the numbers of the faces of a group, for an answer about it."""
    return [row[0] for row in library.query("SELECT id FROM faces WHERE group_id = ? ORDER BY id", group)]
