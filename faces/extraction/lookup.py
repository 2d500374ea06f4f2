"""Look up which photographs of a data set were embedded before, by path, size and time, or by content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from faces.datasets import Dataset, Photograph
from faces.extraction.checkpoints import Checkpoint
from faces.recognition.gallery import Gallery

READERS = 8  # photographs read in parallel for their hashes: a network folder answers many as fast as one


class Entry(NamedTuple):
    """A photograph that was embedded before.

    where: a row of the gallery from 0 up, a row of its ``left_out`` from -1 down, or a path in the checkpoint.
    """

    path: str
    size: int
    stamp: str
    sha256: str
    where: int | str


def known_entries(old: Gallery | None, checkpoint: Checkpoint) -> list[Entry]:
    """Return every photograph that was embedded before."""
    entries = []
    if old is not None:
        out = old.left_out
        faces = zip(old.paths, old.sizes, old.stamps, old.hashes, range(len(old)), strict=True)
        others = zip(out.paths, out.sizes, out.stamps, out.hashes, range(-1, -1 - len(out), -1), strict=True)
        entries = [Entry(*row) for row in (*faces, *others)]
    return entries + [Entry(*row, where=row[0]) for row in checkpoint]


def look_up(
    dataset: Dataset, photographs: Iterable[Photograph], entries: list[Entry]
) -> tuple[dict[str, Entry], dict[str, Photograph]]:
    """Return the photographs that were embedded before and those that were not, both by path."""
    by_path = {entry.path: entry for entry in entries}
    by_hash = {entry.sha256: entry for entry in entries}
    sizes = {entry.size for entry in entries}
    known, new, unsure = {}, {}, []
    for photograph in photographs:
        path, size, stamp = photograph.path, photograph.size, photograph.stamp
        entry = by_path.get(path)
        if entry and stamp and (entry.size, entry.stamp) == (size, stamp):
            known[path] = entry
            continue
        new[path] = photograph
        if size in sizes:  # touched, moved, copied, or of the same size by chance: compare the content
            unsure.append(path)
    with ThreadPoolExecutor(READERS) as readers:
        for path, sha256 in zip(unsure, readers.map(partial(_sha256, dataset), unsure), strict=True):
            entry = by_path.get(path)
            if entry is None or entry.sha256 != sha256:
                entry = by_hash.get(sha256)
            if entry:
                known[path] = entry
                del new[path]
    return known, new


def _sha256(dataset: Dataset, path: str) -> str:
    """Return a photograph's hash; "" when it cannot be read: its worker will report that."""
    try:
        return hashlib.sha256(dataset.read(path)).hexdigest()
    except OSError:
        return ""
