"""Record in a model which photographs it was validated and tested with, and find them again.

The split depends on the embedder, which may change. The record keeps a model's test photographs out of any later
training that starts from it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

HELD_OUT = "held_out"  # key in the model's metadata
PARTS = ("validation", "test")
DIGITS = 12  # of a fingerprint: 48 bits tell a million photographs apart

Masks = tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]


def record(fingerprints: NDArray[np.bytes_], parts: tuple[NDArray[np.bool_], ...]) -> dict[str, str]:
    """Return the validation and the test photographs as JSON values.

    fingerprints: S64 (N,), of ``near_duplicates.scan``.
    parts: bool (N,) masks of the training, the validation and the test part.
    """
    return {name: _pack(fingerprints[part]) for name, part in zip(PARTS, parts[1:], strict=True)}


def find(about: Mapping[str, Any], fingerprints: NDArray[np.bytes_]) -> Masks | None:
    """Return the training, the validation and the test part (N,) of photographs according to a model.

    Photographs that the model has no record of are in the training part. None if it has a record of none of them.

    about: the model's metadata.
    fingerprints: S64 (N,), of ``near_duplicates.scan``.
    """
    recorded = about.get(HELD_OUT)
    if not isinstance(recorded, Mapping):
        return None
    known = _prefixes(fingerprints)
    validation, test = (np.isin(known, _unpack(recorded.get(name))) for name in PARTS)
    if not test.any():
        return None
    return ~(validation | test), validation & ~test, test


def _prefixes(fingerprints: NDArray[np.bytes_]) -> NDArray[np.bytes_]:
    return np.array([fingerprint[:DIGITS] for fingerprint in fingerprints.tolist()], f"S{DIGITS}")


def _pack(fingerprints: NDArray[np.bytes_]) -> str:
    prefixes = b"".join(sorted(_prefixes(fingerprints).tolist()))
    return base64.b64encode(bytes.fromhex(prefixes.decode())).decode()


def _unpack(text: Any) -> NDArray[np.bytes_]:
    """Return the prefixes; none if the text is not a record."""
    try:
        digits = base64.b64decode(text, validate=True).hex().encode()
    except (TypeError, ValueError):
        digits = b""
    whole = len(digits) - len(digits) % DIGITS
    return np.frombuffer(digits[:whole], f"S{DIGITS}")
