"""The gallery: the embeddings of everyone enrolled, and the file they live in (``output/embeddings.pickle``)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faces import pickles
from faces.errors import PickleError
from faces.types import Fingerprint, Floats

REMEDY = "run: python extract_embeddings.py"


@dataclass(frozen=True, slots=True)
class Gallery:
    """M enrolled faces, as parallel arrays.

    embeddings: float32 (M, D), unit length. names: M. paths and hashes (SHA-256 of the file): M, or none in a recipe's.
    boxes: float32 (M, 4), xyxy, px. scores: float32 (M,). fingerprint: None in a recipe's file.
    Raises ValueError when the lengths do not agree or an embedding is not finite.
    """

    embeddings: Floats
    names: tuple[str, ...]
    paths: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    boxes: Floats | None = None
    scores: Floats | None = None
    fingerprint: Fingerprint | None = None

    def __post_init__(self) -> None:
        if self.embeddings.ndim != 2 or len(self.embeddings) != len(self.names):
            raise ValueError(f"embeddings {self.embeddings.shape} for {len(self.names)} names")
        if not np.isfinite(self.embeddings).all():
            raise ValueError("an embedding is not finite")
        for name in ("paths", "hashes", "boxes", "scores"):
            value = getattr(self, name)
            if value is not None and len(value) not in (0, len(self.names)):
                raise ValueError(f"{len(value)} {name} for {len(self.names)} names")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def people(self) -> list[str]:
        """Every name once, sorted."""
        return sorted(set(self.names))

    def save(self, path: Path) -> None:
        """Write it; the keys ``embeddings`` and ``names`` are the recipe's. Raises FacesError."""
        content = {
            "embeddings": self.embeddings,
            "names": list(self.names),
            "paths": list(self.paths),
            "hashes": list(self.hashes),
            "boxes": self.boxes,
            "scores": self.scores,
            "fingerprint": None if self.fingerprint is None else self.fingerprint.to_dict(),
        }
        pickles.dump(path, content)

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
        rows = [np.ravel(row) for row in content["embeddings"]]
        return cls(
            np.asarray(rows, np.float32) if rows else np.zeros((0, 0), np.float32),
            names,
            tuple(content.get("paths", ())),
            tuple(content.get("hashes", ())),
            content.get("boxes"),
            content.get("scores"),
            Fingerprint.from_dict(content["fingerprint"]) if content.get("fingerprint") else None,
        )
