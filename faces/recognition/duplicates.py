"""Find photographs that are in a gallery twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faces.recognition.gallery import Gallery

# A distance. No two different photographs of a person in ../shared/data/people are closer (the closest, 0.113, are of
# one speech), but copies are: nearly all that were saved again as JPEG of quality 70, resized to 50 to 200 % or cropped
# by 2 to 5 %; nine in ten of quality 50, seven in ten of quality 30. benchmarks/duplicates.py prints the table.
NEAR = 0.1
NEARLY = "nearly the same photograph"
BLOCK_ROWS = 2000  # rows of one person that are compared with the others together: bounds memory


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The paths of two photographs, and what they have in common."""

    first: str
    second: str
    why: str

    @property
    def is_nearly_the_same(self) -> bool:
        """Whether both are photographs of one person that differ a little; else they are the same file."""
        return self.why == NEARLY


def find(gallery: Gallery) -> list[Duplicate]:
    """Return pairs: one photograph of two people, and the same or nearly the same photograph of one person."""
    return [*_between_people(gallery), *_within_people(gallery)]


def _between_people(gallery: Gallery) -> list[Duplicate]:
    seen: dict[str, int] = {}
    pairs = []
    for row, sha256 in enumerate(gallery.hashes):
        first = seen.setdefault(sha256, row)
        if gallery.names[first] != gallery.names[row]:
            why = f"the same photograph, of {gallery.names[first]} and of {gallery.names[row]}"
            pairs.append(Duplicate(gallery.paths[first], gallery.paths[row], why))
    return pairs


def _within_people(gallery: Gallery) -> list[Duplicate]:
    """Return each photograph with the first of its person that it is nearly the same as."""
    pairs = []
    names = np.array(gallery.names)
    order = np.argsort(names, kind="stable")
    for rows in np.split(order, np.flatnonzero(names[order][1:] != names[order][:-1]) + 1):
        for start in range(0, len(rows), BLOCK_ROWS):
            block = rows[start : start + BLOCK_ROWS]
            squared = 2 - 2 * gallery.embeddings[block] @ gallery.embeddings[rows].T
            near = np.tril(squared < NEAR**2, start - 1)  # each pair once, at its later row
            for later in np.flatnonzero(near.any(axis=1)):
                first, second = rows[near[later].argmax()], block[later]
                same = gallery.hashes[first] == gallery.hashes[second]
                why = "the same photograph" if same else NEARLY
                pairs.append(Duplicate(gallery.paths[first], gallery.paths[second], why))
    return pairs
