"""Find photographs that are in a gallery twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faces.recognition.gallery import Gallery

# Distances, by embedder. No two different photographs of a person in ../shared/data/people are closer (the closest are
# 0.346 apart with SFace, 0.113 with dlib's network), but copies are. With SFace: 99 % of those saved again as JPEG of
# quality 70, eight in ten of quality 50, half of quality 30, four to seven in ten of those resized to 50 to 200 % or
# cropped by 2 to 5 %. benchmarks/duplicates.py prints the table.
NEAR = {"sface-int8": 0.3, "dlib-resnet": 0.1}
NEAR_UNKNOWN = 0.1  # of embedders that were not measured, and of galleries that do not name theirs
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


def near(gallery: Gallery) -> float:
    """Return the distance below which two photographs of a person are nearly the same, for the gallery's embedder."""
    name = gallery.fingerprint.embedder.name if gallery.fingerprint else ""
    return NEAR.get(name.partition(",")[0], NEAR_UNKNOWN)  # a name ends with the views, after a comma


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
    pairs, limit = [], near(gallery)
    names = np.array(gallery.names)
    order = np.argsort(names, kind="stable")
    for rows in np.split(order, np.flatnonzero(names[order][1:] != names[order][:-1]) + 1):
        for start in range(0, len(rows), BLOCK_ROWS):
            block = rows[start : start + BLOCK_ROWS]
            squared = 2 - 2 * gallery.embeddings[block] @ gallery.embeddings[rows].T
            close = np.tril(squared < limit**2, start - 1)  # each pair once, at its later row
            for later in np.flatnonzero(close.any(axis=1)):
                first, second = rows[close[later].argmax()], block[later]
                same = gallery.hashes[first] == gallery.hashes[second]
                why = "the same photograph" if same else NEARLY
                pairs.append(Duplicate(gallery.paths[first], gallery.paths[second], why))
    return pairs
