"""The attributes that can be predicted: one entry each. Adding one is described in docs/add-a-model.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().with_name("weights")


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute, and where its answers come from.

    name: what ``--attributes`` and JSON call it.
    file: the model in ``weights/`` that answers it; empty if ``faces.attributes.computed`` says what does.
    heads: the outputs of the model that answer it; by default the one called ``name``.
    probability_of: (head, class): the answer is the probability of this class, not the whole head.
    default: whether ``--attributes`` without a list includes it.
    changing: whether it changes within a second, so that only a track's last few frames are averaged.
    usual: the class that is not drawn on pictures, since most faces have it.
    """

    name: str
    file: str = ""
    heads: tuple[str, ...] = ()
    probability_of: tuple[str, str] | None = None
    default: bool = False
    changing: bool = False
    usual: str = ""

    @property
    def answers(self) -> tuple[str, ...]:
        """Names of its answers, in order."""
        return self.heads or (self.name,)

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the outputs of the model in ``weights/`` that it is made from; none if it has no such model."""
        if not self.file:
            return ()
        return self.probability_of[:1] if self.probability_of else self.answers


ATTRIBUTES = {
    attribute.name: attribute
    for attribute in (
        Attribute("gender", "face_attributes.onnx", default=True),
        Attribute("age", "face_attributes.onnx", heads=("age", "age_group"), default=True),
        Attribute("glasses", "glasses.onnx", default=True, usual="noGlasses"),
        Attribute("emotion", "expression.onnx", default=True, changing=True, usual="neutral"),
        Attribute("smile", "expression.onnx", probability_of=("emotion", "happiness"), changing=True),
        Attribute("ethnicity", "face_attributes.onnx"),  # never by default: only on request
        Attribute("head_pose", heads=("roll", "yaw"), changing=True),
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


def is_probability(answer: str) -> bool:
    """Return whether a number is the probability of a class, such as ``smile``."""
    return any(attribute.probability_of is not None for attribute in ATTRIBUTES.values() if answer in attribute.answers)
