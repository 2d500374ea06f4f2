"""Describe faces in the user's language. Ethnicity is never included."""

from __future__ import annotations

from collections.abc import Sequence

from faces.server.pages.language import percent, translate
from faces.server.vision.vision import Vision
from faces.types import Faces, Floats, Image

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
LIVE = {"live": "live {percent}", "spoof": "not live {percent}"}
LIVE_UNKNOWN = "cannot tell whether live"


def describe(
    vision: Vision, image: Image, faces: Faces, embeddings: Floats, names: Sequence[str]
) -> list[tuple[str, ...]]:
    """Return words for each of N >= 0 faces, such as ``female``, ``about 34``, ``glasses``, ``happy``, ``live 93%``.

    A gender that is uncertain is said to be, and so is liveness; an uncertain expression is left out.

    embeddings: float32 (N, D), unit length.
    names: gender, age, glasses, emotion or live, in order.
    """
    if len(faces) == 0:
        return []
    answers = vision.attributes(image, faces, embeddings, names)
    return [_words(answers.plain(row), names) for row in range(len(faces))]


def _words(values: dict[str, object], names: Sequence[str]) -> tuple[str, ...]:
    words = []
    for name in names:
        match values.get(name):
            case {"value": str(value), "probabilities": dict(shares)} if name == "live":
                words.append(translate(LIVE[value], percent=percent(shares[value])))
            case None if name == "live":
                words.append(translate(LIVE_UNKNOWN))
            case {"value": str(value), "probabilities": dict(shares)} if shares[value] >= MIN_PROBABILITY:
                words.append(translate(WORDS.get(value, value)))
            case {"value": None} if name == "gender":
                words.append(translate(GENDER_UNCERTAIN))
            case float(years):
                words.append(translate("about {years}", years=round(years)))
    return tuple(words)
