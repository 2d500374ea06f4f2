"""What faces look like, in the reader's words. Never ethnicity."""

from __future__ import annotations

from faces.server.pages.language import say
from faces.server.vision.vision import Vision
from faces.types import Faces, Floats, Image

ASKED = ("gender", "age", "glasses", "emotion")  # of ``faces.attributes.predictor.NAMES``
SURE = 0.5  # probability below which nothing is said
WORDS = {
    "male": "male",
    "female": "female",
    "noGlasses": "no glasses",
    "readingGlasses": "glasses",
    "sunglasses": "sunglasses",
    "anger": "angry",
    "disgust": "disgusted",
    "fear": "afraid",
    "happiness": "happy",
    "neutral": "calm",
    "sadness": "sad",
    "surprise": "surprised",
}


def of(vision: Vision, image: Image, faces: Faces, embeddings: Floats) -> list[tuple[str, ...]]:
    """For each of N >= 0 faces, words such as ``female``, ``about 34``, ``glasses``, ``happy``."""
    if len(faces) == 0:
        return []
    answers = vision.looks(image, faces, embeddings, ASKED)
    return [_words(answers.plain(row)) for row in range(len(faces))]


def _words(plain: dict[str, object]) -> tuple[str, ...]:
    words = []
    for name in ASKED:
        match plain.get(name):
            case {"value": str(value), "probabilities": dict(shares)} if shares[value] >= SURE:
                words.append(say(WORDS.get(value, value)))
            case float(years):
                words.append(say("about {years}", years=round(years)))
    return tuple(words)
