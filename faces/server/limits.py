"""The limits of the Face API: the routes check requests against them, and the OpenAPI description states them.

How much a collection holds depends on its kind: see ``kinds``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """The inclusive bounds of a number, or of the length of a list, and the default where there is one."""

    low: int
    high: int
    default: int | None = None

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


# Text, in characters
MAX_NAME = 128
MAX_USER_DATA = 16_384
MAX_FACE_USER_DATA = 1_024
MAX_COLLECTION_ID = 64
MAX_URL = 2_048

# Images
MIN_IMAGE_BYTES = 1 << 10
MAX_IMAGE_BYTES = 6 << 20
MAX_MEGAPIXELS = 50
MAX_DETECTED_FACES = 100

# Stored faces
MAX_FACES_OF_A_PERSON = 248
DETECTED_FACE_SECONDS = Range(60, 86_400, 86_400)

# Requests
CONFIDENCE = Range(0, 1)
LISTED = Range(1, 1_000, 1_000)
FACES_TO_IDENTIFY = Range(1, 10)
FACES_TO_COMPARE = Range(1, 1_000)
FACES_TO_GROUP = Range(2, 1_000)
IDENTIFY_CANDIDATES = Range(1, 100, 1)
SIMILAR_FACES = Range(1, 1_000, 20)
