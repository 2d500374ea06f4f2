"""Digests of files."""

from __future__ import annotations

import hashlib
from pathlib import Path


def digest(path: Path, algorithm: str = "sha256") -> str:
    """Return the digest of a file: ``"<algorithm>:<hex>"``.

    algorithm: a name for ``hashlib.new``.
    """
    hasher = hashlib.new(algorithm)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            hasher.update(block)
    return f"{algorithm}:{hasher.hexdigest()}"
