"""Group all faces of a library again, with everything that people said and whom the recognizer knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from faces.errors import FacesError
from faces.photos.grouping import FALSE_MERGE, Known, Labels, Scores, group, likeness
from faces.photos.knowledge import known_of
from faces.photos.library import SCAN, Library
from faces.photos.records import ENROLLED, GROUP, IGNORED, MATCHED, NAMED, NOBODY, POOR
from faces.recognition.impostors import Impostors, impostors_of
from faces.recognition.recognizers import Recognizer, identify_together
from faces.types import Floats

MAJORITY = 2 / 3  # of the faces of a group that the recognizer gives one name: then all are that person's


@dataclass(frozen=True, slots=True)
class Regrouped:
    """How many faces there are, and of them: with a name, in groups of unknown people, ignored, and poor.

    groups: number of groups of unknown people.
    """

    faces: int
    named: int
    grouped: int
    groups: int
    ignored: int
    poor: int


@dataclass(slots=True)
class _All:
    """All faces of a library, as parallel arrays; what is known about each; who is named or ignored by an answer."""

    ids: list[int]
    pictures: list[Hashable]
    before: list[int | None]
    poor: list[bool]
    embeddings: Floats
    known: list[Known]


def regroup(library: Library, false_merge: float = FALSE_MERGE, recognizer: Recognizer | None = None) -> Regrouped:
    """Give every face a group, a person and a status; return how many have which.

    Names and numbers of groups stay with the faces that had them. What is answered meanwhile counts, too.
    false_merge: share of faces that may be put beside another person's, in (0, 1).
    recognizer: names enrolled people; of the library's models. None: there are none.
    Raises FacesError if the embedder of the library was not measured.
    """
    impostors = _impostors(library)
    while True:
        said = _said(library)
        every = _read(library)
        usable = np.flatnonzero(~np.array(every.poor, np.bool_))
        scores = Scores.of(impostors, every.embeddings[usable])
        known = [every.known[row] for row in usable]
        enrolled = _enrolled(scores.embeddings, [every.pictures[row] for row in usable], recognizer)
        for one, name in zip(known, enrolled, strict=True):
            one.has |= {("like", name)} if name else set()
        labels = group(scores, known, false_merge)
        labels, people = _unite(labels, known, enrolled)
        with library.write():
            if _said(library) == said:
                return _write(library, every, usable, labels, people, likeness(scores, labels))


def _impostors(library: Library) -> Impostors:
    fingerprint = library.fingerprint
    if fingerprint is None:
        raise FacesError(f"{library.path}: nothing was scanned yet; {SCAN}")
    if (impostors := impostors_of(fingerprint.embedder)) is None:
        raise FacesError(
            f"how similar different people are was not measured for {fingerprint.embedder.name}, so faces cannot be"
            " grouped; use the built-in models, or run: faces evaluate operating-points --centroids"
        )
    return impostors


def _said(library: Library) -> list[tuple[object, ...]]:
    """Return what changes with every answer, and with every face."""
    sql = "SELECT max(id), count(undone), (SELECT max(id) FROM faces), (SELECT count(*) FROM faces) FROM answers"
    return [tuple(row) for row in library.query(sql)]


def _read(library: Library) -> _All:
    rows = library.query("SELECT id, sha256, time, track, quality, group_id, embedding FROM faces ORDER BY id")
    known = known_of(library, [row["id"] for row in rows])
    for row, one in zip(rows, known, strict=True):
        one.has.add(picture := (row["sha256"], row["time"]))
        one.refuses.add(picture)
        if row["track"] is not None:
            one.together.append(("track", row["sha256"], row["track"]))
    embeddings = [np.frombuffer(row["embedding"], np.float32) for row in rows]
    return _All(
        ids=[row["id"] for row in rows],
        pictures=[(row["sha256"], row["time"]) for row in rows],
        before=[row["group_id"] for row in rows],
        poor=[not row["quality"] for row in rows],
        embeddings=np.stack(embeddings) if embeddings else np.zeros((0, 0), np.float32),
        known=known,
    )


def _enrolled(embeddings: Floats, pictures: Sequence[Hashable], recognizer: Recognizer | None) -> list[str | None]:
    """Return whom the recognizer takes each face for; nobody twice in a picture."""
    if recognizer is None or len(embeddings) == 0:
        return [None] * len(embeddings)
    names = list(recognizer.identify(embeddings).names)
    rows: dict[Hashable, list[int]] = {}
    for row, picture in enumerate(pictures):
        rows.setdefault(picture, []).append(row)
    for together in rows.values():
        seen = [names[row] for row in together if names[row] is not None]
        if len(seen) > len(set(seen)):
            for row, name in zip(together, identify_together(recognizer, embeddings[together]).names, strict=True):
                names[row] = name
    return names


def _unite(labels: Labels, known: Sequence[Known], enrolled: Sequence[str | None]) -> tuple[Labels, list[Known]]:
    """Find the person of each group, and unite the groups of one person; return the labels, and what is known of each.

    A group without an answer is the person that the recognizer finds in most of its faces, unless faces of the same
    pictures are that person already. Groups with answers come first, then large ones.
    """
    number = int(labels.max(initial=-1)) + 1
    groups, votes, sizes = [Known() for _ in range(number)], [Counter[str]() for _ in range(number)], [0] * number
    for label, one, name in zip(labels.tolist(), known, enrolled, strict=True):
        groups[label].take(one)
        sizes[label] += 1
        if name is not None:
            votes[label][name] += 1
    became = list(range(number))
    owners = {one.person: label for label, one in enumerate(groups) if one.person}
    for label in sorted(range(number), key=lambda label: -sizes[label]):
        one = groups[label]
        name, most = next(iter(votes[label].most_common(1)), ("", 0))
        if one.person is not None or most < MAJORITY * sizes[label] or ("is", name) in one.refuses:
            continue
        owner = owners.setdefault(name, label)
        if owner == label:
            one.person, one.enrolled = name, True
        elif not one.conflicts(groups[owner]):
            groups[owner].take(one)
            became[label] = owner
    kept, joined = np.unique(np.array(became, np.intp)[labels], return_inverse=True)
    return joined.astype(np.intp), [groups[label] for label in kept]


def _write(
    library: Library, every: _All, usable: Labels, labels: Labels, groups: list[Known], alike: Floats
) -> Regrouped:
    sizes = np.bincount(labels, minlength=len(groups)).tolist()
    label_of = dict(zip(usable.tolist(), labels.tolist(), strict=True))
    alike_of = dict(zip(usable.tolist(), alike.tolist(), strict=True))
    of_person = {one.person: label for label, one in enumerate(groups) if one.person}
    counts = Counter[str]()
    with library.write() as database:
        names = {one.person for one in (*groups, *every.known) if one.person}
        database.executemany("INSERT OR IGNORE INTO people (name) VALUES (?)", [[name] for name in sorted(names)])
        person_ids = {row["name"]: row["id"] for row in library.query("SELECT id, name FROM people")}
        wanted = [label for label, one in enumerate(groups) if sizes[label] > 1 or one.person]
        numbers = _numbers(library, wanted, labels, [every.before[row] for row in usable])
        for label in wanted:
            person = person_ids.get(groups[label].person or "")
            database.execute(
                "INSERT INTO groups VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET person = excluded.person",
                (numbers[label], person),
            )
        updates = []
        for row, face in enumerate(every.ids):
            said = every.known[row].person
            of_face = label_of.get(row, of_person.get(said) if said else None)
            person = said if of_face is None else groups[of_face].person
            number = None if of_face is None else numbers.get(of_face)
            is_enrolled = of_face is not None and groups[of_face].enrolled
            status = _status(said, person, is_enrolled, number is not None, every.poor[row])
            counts[status] += 1
            mean = alike_of.get(row, np.nan)
            updates.append((status, number, person_ids.get(person or ""), None if np.isnan(mean) else mean, face))
        database.executemany(
            "UPDATE faces SET status = ?, group_id = ?, person = ?, likeness = ? WHERE id = ?", updates
        )
        database.execute("DELETE FROM groups WHERE id NOT IN (SELECT group_id FROM faces WHERE group_id IS NOT NULL)")
        database.execute("DELETE FROM people WHERE id NOT IN (SELECT person FROM faces WHERE person IS NOT NULL)")
    named = counts[NAMED] + counts[MATCHED] + counts[ENROLLED]
    unknown = sum(groups[label].person is None for label in wanted)
    return Regrouped(len(every.ids), named, counts[GROUP], unknown, counts[IGNORED], counts[POOR])


def _status(said: str | None, person: str | None, is_enrolled: bool, in_group: bool, is_poor: bool) -> str:
    if said:
        return NAMED
    if said == "" or person == "":
        return IGNORED
    if person:
        return ENROLLED if is_enrolled else MATCHED
    return POOR if is_poor else GROUP if in_group else NOBODY


def _numbers(library: Library, wanted: Sequence[int], labels: Labels, before: Sequence[int | None]) -> dict[int, int]:
    """Return a number for each wanted group: the one that most of its faces had, else a new one."""
    shared = Counter((label, number) for label, number in zip(labels.tolist(), before, strict=True) if number)
    numbers: dict[int, int] = {}
    taken, listed = set[int](), set(wanted)
    for (label, number), _ in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
        if label in listed and label not in numbers and number not in taken:
            numbers[label] = number
            taken.add(number)
    (last,) = library.query("SELECT COALESCE(max(seq), 0) FROM sqlite_sequence WHERE name = 'groups'")[0]
    sizes = Counter(labels.tolist())
    for new, label in enumerate(sorted(listed - numbers.keys(), key=lambda label: (-sizes[label], label)), last + 1):
        numbers[label] = new
    return numbers
