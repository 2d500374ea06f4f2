"""Describe faces in the user's language. Ethnicity is never included."""

from __future__ import annotations

from faces.server.pages.language import translate
from faces.server.vision.vision import Vision
from faces.types import Faces, Floats, Image

ATTRIBUTES = ("gender", "age", "glasses", "emotion")  # of ``faces.attributes.predictor.NAMES``
MIN_PROBABILITY = 0.5  # a less probable value is not shown
GENDER_UNCERTAIN = "gender uncertain"
WORDS = {
    "male": "male",
    "female": "female",
    "noGlasses": "no glasses",
    "readingGlasses": "glasses",
    "sunglasses": "sunglasses",
    "anger": "angry",
    "contempt": "contemptuous",
    "disgust": "disgusted",
    "fear": "afraid",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprise": "surprised",
}


def describe(vision: Vision, image: Image, faces: Faces, embeddings: Floats) -> list[tuple[str, ...]]:
    """Return words for each of N >= 0 faces, such as ``female``, ``about 34``, ``glasses``, ``happy``.

    A gender that is uncertain is said to be; an uncertain expression is left out.

    embeddings: float32 (N, D), unit length.
    """
    if len(faces) == 0:
        return []
    answers = vision.attributes(image, faces, embeddings, ATTRIBUTES)
    return [_words(answers.plain(row)) for row in range(len(faces))]


def _words(values: dict[str, object]) -> tuple[str, ...]:
    words = []
    for name in ATTRIBUTES:
        match values.get(name):
            case {"value": str(value), "probabilities": dict(shares)} if shares[value] >= MIN_PROBABILITY:
                words.append(translate(WORDS.get(value, value)))
            case {"value": None} if name == "gender":
                words.append(translate(GENDER_UNCERTAIN))
            case float(years):
                words.append(translate("about {years}", years=round(years)))
    return tuple(words)
