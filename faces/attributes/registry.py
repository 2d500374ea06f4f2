"""The attributes that can be predicted: one entry each. Adding one is described in docs/add-a-model.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().with_name("weights")
APPEARANCE = "appearance.onnx"
HAIR = ("bald", "black_hair", "blond_hair", "brown_hair", "gray_hair", "fringe")


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute, and where its answers come from.

    name: what ``--attributes`` and JSON call it.
    file: the model in ``weights/`` that answers it; empty if ``faces.attributes.computed`` says what does.
    heads: the outputs of the model that answer it; by default the one called ``name``.
    probabilities: by answer, (head, class): the answer is the probability of this class, not the whole head.
    default: whether ``--attributes`` without a list includes it.
    changing: whether it changes within a second, so that only a track's last few frames are averaged.
    usual: the class that is not drawn on pictures, since most faces have it.
    certain: the lowest probability of a class that is given as an answer; below it the answer is "uncertain". Answers
        that are ``probabilities`` are drawn on pictures from it on.
    """

    name: str
    file: str = ""
    heads: tuple[str, ...] = ()
    probabilities: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    default: bool = False
    changing: bool = False
    usual: str = ""
    certain: float = 0.0

    @property
    def answers(self) -> tuple[str, ...]:
        """Names of its answers, in order."""
        return tuple(self.probabilities) or self.heads or (self.name,)

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the outputs of the model in ``weights/`` that it is made from; none if it has no such model."""
        if not self.file:
            return ()
        return tuple(dict.fromkeys(head for head, _ in self.probabilities.values())) or self.answers


def _yes(*heads: str) -> dict[str, tuple[str, str]]:
    """Return answers that are the probability of yes of the heads of their names."""
    return {head: (head, "yes") for head in heads}


ATTRIBUTES = {
    attribute.name: attribute
    for attribute in (
        Attribute("gender", "face_attributes.onnx", default=True, certain=0.8),
        Attribute("age", "face_attributes.onnx", heads=("age", "age_group"), default=True),
        Attribute("glasses", "glasses.onnx", default=True, usual="noGlasses"),
        Attribute("emotion", "expression.onnx", default=True, changing=True, usual="neutral", certain=0.5),
        Attribute("smile", APPEARANCE, probabilities={"smile": ("smiling", "yes")}, changing=True),
        Attribute("hair", APPEARANCE, probabilities=_yes(*HAIR), certain=0.5),
        Attribute("facial_hair", APPEARANCE, probabilities=_yes("beard", "moustache", "sideburns"), certain=0.5),
        Attribute("makeup", APPEARANCE, probabilities=_yes("eye_makeup", "lip_makeup"), certain=0.5),
        Attribute("hat", APPEARANCE, probabilities=_yes("hat"), certain=0.5),
        Attribute("mouth_open", APPEARANCE, probabilities=_yes("mouth_open"), changing=True, certain=0.5),
        Attribute("ethnicity", "face_attributes.onnx"),  # never by default: only on request
        Attribute("head_pose", heads=("roll", "yaw", "pitch"), changing=True),
        Attribute("live", changing=True),  # whoever holds up a photograph may do so at any time
    )
}
NAMES = tuple(ATTRIBUTES)
DEFAULT = tuple(name for name, attribute in ATTRIBUTES.items() if attribute.default)
FILES = tuple(sorted({attribute.file for attribute in ATTRIBUTES.values() if attribute.file}))


def is_changing(answer: str) -> bool:
    """Return whether an answer, such as ``emotion`` or ``yaw``, changes within a second."""
    return any(attribute.changing for attribute in ATTRIBUTES.values() if answer in attribute.answers)


def is_usual(answer: str, value: object) -> bool:
    """Return whether most faces have this class, such as ``noGlasses``."""
    return any(attribute.usual == value for attribute in ATTRIBUTES.values() if answer in attribute.answers)


def is_certain(answer: str, probability: float) -> bool:
    """Return whether the most probable class of an answer is probable enough to be given."""
    return all(probability >= each.certain for each in ATTRIBUTES.values() if answer in each.answers)


def is_probability(answer: str) -> bool:
    """Return whether a number is the probability of a class, such as ``smile``."""
    return any(answer in attribute.probabilities for attribute in ATTRIBUTES.values())
