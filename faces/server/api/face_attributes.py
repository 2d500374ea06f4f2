"""Attributes in the API's words: what there is a model or a measurement for; the rest is left out, never invented."""

from __future__ import annotations

from collections.abc import Collection

from faces.server.vision.vision import Vision
from faces.types import Faces, Floats, Image

NAMES = (
    "age",
    "gender",
    "headPose",
    "smile",
    "facialHair",
    "glasses",
    "emotion",
    "hair",
    "makeup",
    "occlusion",
    "accessories",
    "blur",
    "exposure",
    "noise",
    "mask",
    "qualityForRecognition",
)
MODELS = {  # which of ``faces.attributes.predictor.NAMES`` each needs
    "age": "age",
    "gender": "gender",
    "headPose": "head_pose",
    "smile": "smile",
    "glasses": "glasses",
    "emotion": "emotion",
    "accessories": "glasses",
    "blur": "head_pose",
    "exposure": "head_pose",
    "noise": "head_pose",
    "qualityForRecognition": "head_pose",
}
MEASURED = ("blur", "exposure", "noise", "qualityForRecognition")
CONTEMPT = 0.0  # nobody labelled it in what the model learnt from; clients read it, and the service had it nearly so
PITCH = 0.0  # five points do not tell it; the service gave 0 for years, too


def describe(
    vision: Vision, image: Image, faces: Faces, embeddings: Floats | None, wanted: Collection[str]
) -> list[dict[str, object]]:
    """``faceAttributes`` of N >= 0 faces: of ``wanted``, those that are known."""
    models = {MODELS[name] for name in wanted if name in MODELS}
    if not models or len(faces) == 0:
        return [{} for _ in range(len(faces))]
    answers = vision.looks(image, faces, embeddings, models)
    plain = [answers.plain(row) for row in range(len(faces))]
    looks = [_looks(one) for one in plain]
    if any(name in MEASURED for name in wanted):
        qualities = vision.qualities(image, faces, [float(str(one["yaw"])) for one in plain])
        for look, quality in zip(looks, qualities, strict=True):
            look |= {
                "blur": {"blurLevel": quality.blur_level, "value": round(quality.blur, 2)},
                "exposure": {"exposureLevel": quality.exposure_level, "value": round(quality.exposure, 2)},
                "noise": {"noiseLevel": quality.noise_level, "value": round(quality.noise, 2)},
                "qualityForRecognition": quality.recognition,
            }
    return [{name: look[name] for name in NAMES if name in wanted and name in look} for look in looks]


def _looks(plain: dict[str, object]) -> dict[str, object]:
    """What ``Answers.plain`` says of a face, as the API says it."""
    look: dict[str, object] = {name: plain[name] for name in ("age", "smile") if name in plain}
    match plain.get("gender"):
        case {"value": gender}:
            look["gender"] = gender
    match plain.get("emotion"):
        case {"probabilities": dict(emotion)}:
            look["emotion"] = dict(sorted({**emotion, "contempt": CONTEMPT}.items()))
    match plain.get("glasses"):
        case {"value": str(glasses), "probabilities": dict(shares)}:
            look["glasses"] = glasses[0].upper() + glasses[1:]
            worn = [{"type": "glasses", "confidence": round(1 - shares["noGlasses"], 2)}]
            look["accessories"] = [] if glasses == "noGlasses" else worn
    if "yaw" in plain:
        look["headPose"] = {"pitch": PITCH, "roll": plain["roll"], "yaw": plain["yaw"]}
    return look
