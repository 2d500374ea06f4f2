"""The gallery: the embeddings of everyone enrolled, and the file they live in (``output/embeddings.pickle``)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np

from faces.errors import PickleError
from faces.files import pickles
from faces.files.writing import write_bytes
from faces.records.manifests import Manifest
from faces.types import Fingerprint, Floats

UNKNOWN = "unknown"  # what strangers are called
NO_NEED = "strangers need no photographs, they are told by distance"
ERASED = "erased on the server"  # the reason why a photograph of the data set is left out, and nobody's in records
REMEDY = "run: python extract_embeddings.py"


def is_nobody(name: str) -> bool:
    """Whether it is what strangers are called, in any case: the recipe's data set has a folder for them, ``unknown``.

    Enrolled, they would be one person, who has a name: no stranger who is like one of them could be told from that.
    """
    return unicodedata.normalize("NFKC", name).casefold() == UNKNOWN


@dataclass(frozen=True, slots=True)
class LeftOut:
    """K photographs that have no face that helps, as parallel arrays; the same as in ``Gallery``, and the reasons."""

    paths: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    stamps: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len({len(getattr(self, name)) for name in self.__slots__}) > 1:
            raise ValueError("what was left out is not of one length")

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True, slots=True)
class Gallery:
    """M enrolled faces, as parallel arrays.

    embeddings: float32 (M, D), unit length. names: M. paths and hashes (SHA-256 of the file): M, or none in a recipe's.
    boxes: float32 (M, 4), xyxy, px. scores: float32 (M,). fingerprint: None in a recipe's file.
    sizes (bytes) and stamps: of the files, as ``datasets.Photograph`` has them. settings: what else decided which faces
    are in it, for people to read. left_out: photographs that were looked at as well.
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

    def __post_init__(self) -> None:
        if self.embeddings.ndim != 2 or len(self.embeddings) != len(self.names):
            raise ValueError(f"embeddings {self.embeddings.shape} for {len(self.names)} names")
        if not np.isfinite(self.embeddings).all():
            raise ValueError("an embedding is not finite")
        for name in ("paths", "hashes", "boxes", "scores", "sizes", "stamps"):
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
        """Without the faces whose name ``is_nobody``'s."""
        kept = np.array([not is_nobody(name) for name in self.names], np.bool_)
        if kept.all():
            return self
        parts: dict[str, Any] = {
            name: tuple(compress(getattr(self, name), kept)) for name in ("names", "paths", "hashes", "sizes", "stamps")
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
        known = ("" if reason == ERASED else path for path, reason in zip(out.paths, out.reasons, strict=True))
        left_out = [
            (path, unicodedata.normalize("NFC", path.partition("/")[0]), sha256, reason)
            for path, sha256, reason in zip(known, out.hashes, out.reasons, strict=True)
        ]
        return Manifest.sorted([*enrolled, *left_out])

    def save(self, path: Path) -> None:
        """Write it. Raises FacesError."""
        write_bytes(path, self.pickled())

    def pickled(self) -> bytes:
        """What its file holds; the keys ``embeddings`` and ``names`` are the recipe's."""
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
            "left_out": {name: list(getattr(self.left_out, name)) for name in LeftOut.__slots__},
        }
        return pickles.dumped(content)

    @classmethod
    def load(cls, path: Path) -> Gallery:
        """Read one of ours, or the recipe's (only ``embeddings`` and ``names``). Raises PickleError."""
        content = pickles.load(path, "embeddings", REMEDY)
        try:
            return cls._from_dict(content)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise PickleError(f"{path}: not embeddings ({type(error).__name__}: {error}); {REMEDY}") from error

    @classmethod
    def _from_dict(cls, content: dict[str, Any]) -> Gallery:
        names = tuple(str(name) for name in content["names"])
        rows = content["embeddings"]
        if not isinstance(rows, np.ndarray):  # the recipe's list of embeddings
            rows = np.asarray([np.ravel(row) for row in rows], np.float32) if rows else np.zeros((0, 0), np.float32)
        return cls(
            np.asarray(rows, np.float32).reshape(len(rows), -1) if len(rows) else rows,
            names,
            tuple(content.get("paths", ())),
            tuple(content.get("hashes", ())),
            content.get("boxes"),
            content.get("scores"),
            Fingerprint.from_dict(content["fingerprint"]) if content.get("fingerprint") else None,
            tuple(content.get("sizes", ())),
            tuple(content.get("stamps", ())),
            str(content.get("settings", "")),
            LeftOut(**{name: tuple(values) for name, values in content.get("left_out", {}).items()}),
        )
