"""What the answers say about each face: who it is, with whom it belongs together, and with whom not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from faces.photos.answers import DIFFERENT, IGNORE, NAME, NOT, PERSON, SAME, Answer, answers
from faces.photos.grouping import Known
from faces.photos.library import Library


def known_of(library: Library, ids: Sequence[int]) -> list[Known]:
    """Return what the answers that were not undone say about each face.

    A later answer about a face replaces earlier ones that it contradicts; names in the regions of files count less than
    what people answer.
    ids: numbers of the faces.
    """
    said = [answer for answer in answers(library) if not answer.undone]
    said.sort(key=lambda answer: answer.source == PERSON)  # stable: people's answers last
    names: dict[int, str] = {}
    same: dict[int, set[int]] = {}
    known = defaultdict[int, Known](Known)
    for face in ids:
        known[face] = Known()
    for answer in said:
        _apply(answer, names, same, known)
    for face, one in known.items():
        one.person = names.get(face)
        one.together += [("same", number) for number in sorted(same.get(face, ()))]
        if one.person:
            one.together.append(("is", one.person))
            one.has |= {("is", one.person), ("like", one.person)}
    return [known[face] for face in ids]


def _apply(answer: Answer, names: dict[int, str], same: dict[int, set[int]], known: defaultdict[int, Known]) -> None:
    """Add an answer.

    names: of faces, "" for those to be ignored. same: of faces, the answers that unite them with others.
    """
    if answer.kind in (NAME, IGNORE):
        for face in answer.faces:
            names[face] = answer.person
            known[face].refuses -= {("is", answer.person), ("like", answer.person)}
    if answer.kind in (SAME, IGNORE):
        for face in answer.faces:
            same.setdefault(face, set()).add(answer.id)
    if answer.kind == NOT:
        for face in answer.faces:
            same.pop(face, None)
            if names.get(face) == answer.person:
                del names[face]
            known[face].refuses |= {("is", answer.person), ("like", answer.person)}
    if answer.kind == DIFFERENT:
        theirs = {names[face] for face in answer.others if face in names}
        for side, faces in enumerate((answer.faces, answer.others)):
            for face in faces:
                known[face].has.add((DIFFERENT, answer.id, side))
                known[face].refuses.add((DIFFERENT, answer.id, 1 - side))
        for face in answer.faces:
            same.pop(face, None)
            if names.get(face) in theirs:
                del names[face]
