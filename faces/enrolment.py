"""What becomes of a photograph that is enrolled: its main face and those about as large, or why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from faces.crops import LEAST_SHARPNESS, sharpness
from faces.embedding import embedders
from faces.types import Faces, Floats, Image

SMALLEST_FACE = 24  # px: smaller faces have too little detail to embed (docs/models.md, "What can be enrolled")
NO_FACE, NOT_A_FACE = "no face", "not a face"  # why a photograph is left out: nothing detected, or refused by the check


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The result of enrolling a photograph.

    face: N = 1, or None.
    embedding: float32 (D,), or None.
    sha256: of the file.
    reason: why there is no embedding.
    rivals: the other faces that are about as large, each as an enrolment of the same file.
    chosen: whether the face was chosen from several that are about as large.
    """

    face: Faces | None = None
    embedding: Floats | None = None
    sha256: str = ""
    reason: str = ""
    rivals: tuple[Enrolment, ...] = ()
    chosen: bool = False

    @classmethod
    def of_faces(cls, faces: Sequence[Enrolment]) -> Enrolment:
        """Return the enrolment of a photograph from those of its faces, the main face first.

        What is not a face does not count, if there is another one. The faces that could be enrolled are rivals of the
        main face; a main face that could not be has none.
        """
        main, *others = [face for face in faces if face.reason != NOT_A_FACE] or faces
        if main.embedding is None:
            return main
        return replace(main, rivals=tuple(face for face in others if face.embedding is not None))

    def embedded(self, embedding: Floats, is_face: bool) -> Enrolment:
        """Return the enrolment with the embedding of its face, or with the reason why that is not a face."""
        if is_face:
            return replace(self, embedding=embedding)
        reason = NOT_A_FACE if embedders.usable(embedding[None]).all() else embedders.NOT_USABLE
        return Enrolment(sha256=self.sha256, reason=reason)


def poor_quality(size: float, crop: Image) -> str:
    """Return why a face is not good enough to be enrolled, or "".

    size: of the face, px.
    crop: uint8 (side, side, 3), BGR.
    """
    if size < SMALLEST_FACE:
        return f"face too small: {int(size)} px, at least {SMALLEST_FACE}"
    if (sharp := sharpness(crop)) < LEAST_SHARPNESS:
        return f"too blurred to help: sharpness {sharp:.1f}, at least {LEAST_SHARPNESS}"
    return ""
