"""Libraries of made-up faces: directions in space, no photographs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faces.embedding.embedders import unit
from faces.photos import contents
from faces.photos.library import Library, stored
from faces.photos.records import READ, Content, FoundFace
from faces.types import Fingerprint, Floats, ModelId

MODELS = Fingerprint(*(ModelId(name, name[0] * 64) for name in ("yunet-int8", "five-points", "sface-int8, mirrored")))


def person(seed: int, number: int, scatter: float = 0.06) -> Floats:
    """The embeddings of photographs of one person: float32 (number, 128), unit length."""
    rng = np.random.default_rng(seed)
    centre = unit(rng.normal(size=(1, 128)).astype(np.float32))
    return unit((centre + scatter * rng.normal(size=(number, 128))).astype(np.float32))


def add(library: Library, path: Path, embeddings: Floats, quality: float = 0.8, times: Sequence[float] = ()) -> None:
    """Add a photograph with faces side by side; with times, a film with one track."""
    sha256 = hashlib.sha256(str(path).encode()).hexdigest()
    faces = tuple(
        FoundFace(
            np.array([100 * k, 10, 100 * k + 80, 110], np.float32),
            0.9,
            None,
            embedding,
            quality,
            times[k] if times else None,
            0 if times else None,
        )
        for k, embedding in enumerate(embeddings)
    )
    with library.write() as database:
        contents.store(
            library, Content(sha256, "film" if times else "photo", (1000, 200), "2020-05-01T12:00:00", "", faces)
        )
        row = (stored(path), 1, 1, sha256, READ, "")
        database.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)", row)


def library_of(folder: Path, *people: Floats) -> Library:
    """A library with one photograph for each face: ``/album/<person>-<number>.jpg``."""
    library = Library(folder / "output" / "photos.sqlite", create=True)
    library.set_models(MODELS, "")
    with library.write():
        for number, embeddings in enumerate(people):
            for k in range(len(embeddings)):
                add(library, Path(f"/album/{number}-{k:02}.jpg"), embeddings[k : k + 1])
    return library
