"""The API's ``faceAttributes``.

Every attribute that a client asks for is in the answer, since clients read it without a look whether it is there. What
nothing measures is false or zero: ``UNMEASURED``, ``mouthOccluded`` and, without the face mesh, the head's pitch.
``serve.py --strict-attributes`` refuses requests for ``UNMEASURED``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from faces.server.vision.quality import Quality
from faces.server.vision.vision import Vision
from faces.types import Faces, Floats, Image

Plain = dict[str, Any]
"""The result of ``Answers.plain``."""

PITCH = 0.0  # without the face mesh: five landmarks do not determine it, and the service gave 0 for years
SEEN = 0.5  # a thing of this probability is said to be there
HAIR_COLORS = ("black", "blond", "brown", "gray")
NO_MASK = {"type": "noMask", "noseAndMouthCovered": False}


def _gender(plain: Plain) -> str:
    """Return the likelier one: the API has no way to say that it is uncertain."""
    probabilities: dict[str, float] = plain["gender"]["probabilities"]
    return max(probabilities, key=probabilities.__getitem__)


def _emotion(plain: Plain) -> dict[str, float]:
    return dict(sorted({"contempt": 0.0, **plain["emotion"]["probabilities"]}.items()))


def _glasses(plain: Plain) -> str:
    glasses: str = plain["glasses"]["value"]
    return glasses[0].upper() + glasses[1:]


def _accessories(plain: Plain) -> list[Plain]:
    glasses = 1 - plain["glasses"]["probabilities"]["noGlasses"]
    worn = {"headWear": plain["hat"], "glasses": glasses if plain["glasses"]["value"] != "noGlasses" else 0.0}
    return [{"type": name, "confidence": round(share, 2)} for name, share in worn.items() if share >= SEEN]


def _occlusion(plain: Plain) -> Plain:
    return {
        "foreheadOccluded": max(plain["hat"], plain["fringe"]) >= SEEN,
        "eyeOccluded": plain["glasses"]["value"] == "sunglasses",
        "mouthOccluded": False,
    }


def _hair(plain: Plain) -> Plain:
    """Return how bald, whether hair is hidden by a hat, and the colours, the likeliest first; none if there is no hair.

    Clients take no colour and not invisible for bald.
    """
    invisible = plain["hat"] >= SEEN
    shares = {color: plain[f"{color}_hair"] for color in HAIR_COLORS}
    order = sorted(shares, key=shares.__getitem__, reverse=True) if not invisible and plain["bald"] < SEEN else []
    colors = [{"color": color, "confidence": round(shares[color], 2)} for color in order]
    return {"bald": round(plain["bald"], 2), "invisible": invisible, "hairColor": colors}


def _head_pose(plain: Plain) -> Plain:
    return {"pitch": plain.get("pitch", PITCH), "roll": plain["roll"], "yaw": plain["yaw"]}


def _is_covered(plain: Plain, has_mesh: bool) -> bool:
    """Return whether a face wears sunglasses, or has no mesh though meshes are looked for, such as half a face."""
    no_mesh = has_mesh and "yaw" in plain and "pitch" not in plain
    return no_mesh or ("glasses" in plain and plain["glasses"]["value"] == "sunglasses")


def _facial_hair(plain: Plain) -> Plain:
    """Return what there is of each; 0 where it is unlikely, since Microsoft's samples take all above 0 for a beard."""
    shares = {name: plain[name] for name in ("moustache", "beard", "sideburns")}
    return {name: round(share, 2) if share >= SEEN else 0.0 for name, share in shares.items()}


def _makeup(plain: Plain) -> Plain:
    return {"eyeMakeup": plain["eye_makeup"] >= SEEN, "lipMakeup": plain["lip_makeup"] >= SEEN}


PREDICTED: dict[str, tuple[tuple[str, ...], Callable[[Plain], object]]] = {
    # By the API's name: names in ``faces.attributes.registry.NAMES``, and what follows from their answers.
    "age": (("age",), lambda plain: plain["age"]),
    "gender": (("gender",), _gender),
    "headPose": (("head_pose",), _head_pose),
    "smile": (("smile",), lambda plain: plain["smile"]),
    "facialHair": (("facial_hair",), _facial_hair),
    "glasses": (("glasses",), _glasses),
    "emotion": (("emotion",), _emotion),
    "hair": (("hair", "hat"), _hair),
    "makeup": (("makeup",), _makeup),
    "occlusion": (("glasses", "hair", "hat"), _occlusion),
    "accessories": (("glasses", "hat"), _accessories),
}
MEASURED: dict[str, Callable[[Quality], object]] = {
    "blur": lambda quality: {"blurLevel": quality.blur_level, "value": round(quality.blur, 2)},
    "exposure": lambda quality: {"exposureLevel": quality.exposure_level, "value": round(quality.exposure, 2)},
    "noise": lambda quality: {"noiseLevel": quality.noise_level, "value": round(quality.noise, 2)},
    "qualityForRecognition": lambda quality: quality.recognition,
}
UNMEASURED: dict[str, object] = {"mask": NO_MASK}
NAMES = (*PREDICTED, *MEASURED, *UNMEASURED)


def describe(
    vision: Vision, image: Image, faces: Faces, embeddings: Floats | None, requested: Collection[str]
) -> list[dict[str, object]]:
    """Return ``faceAttributes`` of each of N >= 0 faces.

    vision: the models.
    image: the photograph that the faces are in.
    faces: N detected faces.
    embeddings: float32 (N, D) of the faces, or None if they were not computed.
    requested: names from ``NAMES``.
    """
    wanted = {ours for name in requested for ours in PREDICTED.get(name, ((), None))[0]}
    with_quality = any(name in MEASURED for name in requested)
    wanted |= {"head_pose", "glasses"} if "qualityForRecognition" in requested else set()
    plain: list[Plain] = [{} for _ in range(len(faces))]
    if wanted and len(faces):
        answers = vision.attributes(image, faces, embeddings, wanted)
        plain = [answers.plain(row) for row in range(len(faces))]
    qualities: list[Quality] = []
    if with_quality:
        covered = [_is_covered(each, vision.has_mesh) for each in plain]
        qualities = vision.qualities(image, faces, [each.get("yaw", 0.0) for each in plain], covered)
    described = []
    for row, each in enumerate(plain):
        values = {name: of(each) for name, (_, of) in PREDICTED.items() if name in requested}
        values |= {name: of(qualities[row]) for name, of in MEASURED.items() if name in requested}
        described.append(values | {name: value for name, value in UNMEASURED.items() if name in requested})
    return described
