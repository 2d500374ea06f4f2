"""The gallery: the embeddings of all enrolled faces, and their file (``output/embeddings.pickle``)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np

from faces.embedding import encodings
from faces.errors import PickleError
from faces.files import pickles
from faces.files.writing import write_bytes
from faces.records.manifests import Manifest
from faces.types import Fingerprint, Floats

UNKNOWN = "unknown"  # the name of strangers
NO_NEED = "strangers need no photographs, they are told by distance"
ERASED = "erased on the server"  # the reason of a photograph that is left out, and has no person in records
SERVER_PATH = "serve.py/"  # start of the path of each face that was enrolled on the server
REMEDY = "run: faces extract"


def is_nobody(name: str) -> bool:
    """Return whether a name is that of strangers, in any case: the recipe's data set has a folder ``unknown``.

    They are not enrolled: as one person they would have a name, and other strangers would be given it.
    """
    return unicodedata.normalize("NFKC", name).casefold() == UNKNOWN


@dataclass(frozen=True, slots=True)
class LeftOut:
    """K photographs without a usable face, as parallel arrays.

    paths, hashes, sizes, stamps: as in ``Gallery``; the path of one that was erased may be "".
    reasons: why each has none.
    Raises ValueError when the lengths differ.
    """

    paths: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    stamps: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len({len(getattr(self, name)) for name in self.__slots__}) > 1:
            raise ValueError("the arrays of the photographs left out differ in length")

    def __len__(self) -> int:
        return len(self.paths)

    def rows(self) -> Iterator[tuple[str, str]]:
        """Return rows of path and reason."""
        return zip(self.paths, self.reasons, strict=True)


@dataclass(frozen=True, slots=True)
class Gallery:
    """M enrolled faces, as parallel arrays.

    embeddings: float32 (M, D), unit length.
    names: M names.
    paths, hashes: M paths below the data set and SHA-256 of the files; empty in the recipe's file.
    boxes: float32 (M, 4), xyxy, px.
    scores: float32 (M,), of the detected faces, in [0, 1].
    fingerprint: the models that made it; None in the recipe's file.
    sizes, stamps: of the M files, as in ``datasets.Photograph``; sizes in bytes.
    settings: what else decided which faces are in it, as text.
    left_out: the photographs without a usable face.
    chosen: M values: whether the face was chosen from several that are about as large; empty in older files.
    Raises ValueError when the lengths do not agree or an embedding is not finite.
    """

    embeddings: Floats
    names: tuple[str, ...]
    paths: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    boxes: Floats | None = None
    scores: Floats | None = None
    fingerprint: Fingerprint | None = None
    sizes: tuple[int, ...] = ()
    stamps: tuple[str, ...] = ()
    settings: str = ""
    left_out: LeftOut = LeftOut()
    chosen: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        if self.embeddings.ndim != 2 or len(self.embeddings) != len(self.names):
            raise ValueError(f"embeddings {self.embeddings.shape} for {len(self.names)} names")
        if not np.isfinite(self.embeddings).all():
            raise ValueError("an embedding is not finite")
        for name in ("paths", "hashes", "boxes", "scores", "sizes", "stamps", "chosen"):
            value = getattr(self, name)
            if value is not None and len(value) not in (0, len(self.names)):
                raise ValueError(f"{len(value)} {name} for {len(self.names)} names")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def people(self) -> list[str]:
        """Every name once, sorted."""
        return sorted(set(self.names))

    def of_people(self) -> Gallery:
        """Return the gallery without the faces of strangers (``is_nobody``)."""
        return self._of([not is_nobody(name) for name in self.names])

    def split(self) -> tuple[Gallery, Gallery]:
        """Return the faces of the data set, with ``left_out``, and those that were enrolled on the server."""
        on_server = [path.startswith(SERVER_PATH) for path in self.paths] or [False] * len(self)
        others = replace(self._of(on_server), left_out=LeftOut())
        return self._of([not is_on_server for is_on_server in on_server]), others

    def without(self, other: Gallery) -> Gallery:
        """Return the gallery without the faces of photographs that another one has of the same people."""
        known = set(zip(other.names, other.hashes, strict=True))
        return self._of([row not in known for row in zip(self.names, self.hashes, strict=True)])

    def with_faces(self, other: Gallery) -> Gallery:
        """Return the gallery with the faces of another one after its own; both have all parts."""
        if not len(self) or not len(other):
            return replace(self if len(self) else other, left_out=self.left_out, settings=self.settings)
        parts: dict[str, Any] = {
            name: (*getattr(self, name), *getattr(other, name))
            for name in ("names", "paths", "hashes", "sizes", "stamps")
        }
        parts["chosen"] = tuple(chosen for one in (self, other) for chosen in one.chosen or (False,) * len(one))
        for name in ("embeddings", "boxes", "scores"):
            parts[name] = np.concatenate([getattr(self, name), getattr(other, name)])
        return replace(self, **parts)

    def _of(self, chosen: Sequence[bool]) -> Gallery:
        """Return the gallery with the chosen faces alone."""
        kept = np.array(chosen, np.bool_)
        if kept.all():
            return self
        parts: dict[str, Any] = {
            name: tuple(compress(getattr(self, name), kept))
            for name in ("names", "paths", "hashes", "sizes", "stamps", "chosen")
        }
        for name in ("embeddings", "boxes", "scores"):
            rows = getattr(self, name)
            parts[name] = rows if rows is None or not len(rows) else rows[kept]
        return replace(self, **parts)

    def manifest(self) -> Manifest | None:
        """Return the photographs that the gallery was made from; None for the recipe's file, which lists none.

        A photograph that was erased has an empty path.
        """
        if len(self) and not (self.paths and self.hashes):
            return None
        enrolled = zip(self.paths, self.names, self.hashes, ("" for _ in self.paths), strict=True)
        out = self.left_out
        known = ("" if reason == ERASED else path for path, reason in out.rows())
        left_out = [
            (path, unicodedata.normalize("NFC", path.partition("/")[0]), sha256, reason)
            for path, sha256, reason in zip(known, out.hashes, out.reasons, strict=True)
        ]
        return Manifest.sorted([*enrolled, *left_out])

    def save(self, path: Path) -> None:
        """Write the gallery's file. Raises FacesError."""
        write_bytes(path, self.pickled())

    def pickled(self) -> bytes:
        """Return the content of the file; the keys ``embeddings`` and ``names`` are the recipe's.

        Photographs of people who were erased have no path in it, which has their names: their hashes tell them.
        """
        left_out = {name: list(getattr(self.left_out, name)) for name in LeftOut.__slots__}
        left_out["paths"] = ["" if reason == ERASED else path for path, reason in self.left_out.rows()]
        content = {
            "embeddings": self.embeddings,
            "names": list(self.names),
            "paths": list(self.paths),
            "hashes": list(self.hashes),
            "boxes": self.boxes,
            "scores": self.scores,
            "fingerprint": None if self.fingerprint is None else self.fingerprint.to_dict(),
            "sizes": list(self.sizes),
            "stamps": list(self.stamps),
            "settings": self.settings,
            "left_out": left_out,
            "chosen": list(self.chosen),
        }
        return pickles.dumped(content)

    @classmethod
    def load(cls, path: Path) -> Gallery:
        """Read a file of ours, the recipe's, which has only ``embeddings`` and ``names``, or face_recognition's.

        Raises PickleError.
        """
        content = pickles.load(path, "embeddings", REMEDY)
        try:
            return cls._from_dict(encodings.as_gallery(content))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise PickleError(f"{path}: not embeddings ({type(error).__name__}: {error}); {REMEDY}") from error

    @classmethod
    def _from_dict(cls, content: dict[str, Any]) -> Gallery:
        names = tuple(str(name) for name in content["names"])
        rows = content["embeddings"]
        if not isinstance(rows, np.ndarray):  # the recipe's list of embeddings
            rows = np.asarray([np.ravel(row) for row in rows], np.float32) if rows else np.zeros((0, 0), np.float32)
        return cls(
            embeddings=np.asarray(rows, np.float32).reshape(len(rows), -1) if len(rows) else rows,
            names=names,
            paths=tuple(content.get("paths", ())),
            hashes=tuple(content.get("hashes", ())),
            boxes=content.get("boxes"),
            scores=content.get("scores"),
            fingerprint=Fingerprint.from_dict(content["fingerprint"]) if content.get("fingerprint") else None,
            sizes=tuple(content.get("sizes", ())),
            stamps=tuple(content.get("stamps", ())),
            settings=str(content.get("settings", "")),
            left_out=LeftOut(**{name: tuple(values) for name, values in content.get("left_out", {}).items()}),
            chosen=tuple(bool(chosen) for chosen in content.get("chosen", ())),
        )
