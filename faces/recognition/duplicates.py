"""Photographs that are in a gallery twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faces.recognition.gallery import Gallery

# No two different photographs of a person in ../shared/data/people are closer (the closest, 0.113, are of one speech),
# but copies are: nearly all that were saved again as JPEG of quality 70, resized to 50 to 200 % or cropped by 2 to 5 %;
# of quality 50 nine in ten, of 30 seven in ten. benchmarks/duplicates.py prints the table.
NEAR = 0.1
NEARLY = "nearly the same photograph"
BLOCK = 2000  # rows of one person that are compared with the others at once


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two photographs of the gallery, and what they have in common."""

    first: str
    second: str
    why: str

    @property
    def is_nearly_the_same(self) -> bool:
        """Whether both are photographs of one person that differ a little; else they are the same file."""
        return self.why == NEARLY


def find(gallery: Gallery) -> list[Duplicate]:
    """The same photograph in two people's folders, and the same or nearly the same twice in one's."""
    return [*_between_people(gallery), *_within_people(gallery)]


def _between_people(gallery: Gallery) -> list[Duplicate]:
    seen: dict[str, int] = {}
    found = []
    for row, sha256 in enumerate(gallery.hashes):
        first = seen.setdefault(sha256, row)
        if gallery.names[first] != gallery.names[row]:
            why = f"the same photograph, of {gallery.names[first]} and of {gallery.names[row]}"
            found.append(Duplicate(gallery.paths[first], gallery.paths[row], why))
    return found


def _within_people(gallery: Gallery) -> list[Duplicate]:
    """Each photograph with the first of its person's that it is nearly the same as."""
    found = []
    names = np.array(gallery.names)
    order = np.argsort(names, kind="stable")
    for rows in np.split(order, np.flatnonzero(names[order][1:] != names[order][:-1]) + 1):
        for start in range(0, len(rows), BLOCK):
            some = rows[start : start + BLOCK]
            squared = 2 - 2 * gallery.embeddings[some] @ gallery.embeddings[rows].T
            near = np.tril(squared < NEAR**2, start - 1)  # of each pair the later row
            for later in np.flatnonzero(near.any(axis=1)):
                first, second = rows[near[later].argmax()], some[later]
                same = gallery.hashes[first] == gallery.hashes[second]
                why = "the same photograph" if same else NEARLY
                found.append(Duplicate(gallery.paths[first], gallery.paths[second], why))
    return found
