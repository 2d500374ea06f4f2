"""The API's ``faceAttributes``: those with a model or a measurement; others are left out, never invented."""

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
PREDICTED_FROM = {  # by the API's name: the name in ``faces.attributes.registry.NAMES`` that it is derived from
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
CONTEMPT = 0.0  # clients read it, but the model's training data has no such label; the service gave almost 0
PITCH = 0.0  # five landmarks do not determine it; the service gave 0 for years


def describe(
    vision: Vision, image: Image, faces: Faces, embeddings: Floats | None, requested: Collection[str]
) -> list[dict[str, object]]:
    """Return ``faceAttributes`` of each of N >= 0 faces.

    vision: the models.
    image: the photograph that the faces are in.
    faces: N detected faces.
    embeddings: float32 (N, D) of the faces, or None if they were not computed.
    requested: names from ``NAMES``; those that nothing predicts or measures are left out of the answer.
    """
    predicted = {PREDICTED_FROM[name] for name in requested if name in PREDICTED_FROM}
    if not predicted or len(faces) == 0:
        return [{} for _ in range(len(faces))]
    answers = vision.attributes(image, faces, embeddings, predicted)
    predictions = [answers.plain(row) for row in range(len(faces))]
    attributes = [_in_api_words(prediction) for prediction in predictions]
    if any(name in MEASURED for name in requested):
        qualities = vision.qualities(image, faces, [float(str(prediction["yaw"])) for prediction in predictions])
        for values, quality in zip(attributes, qualities, strict=True):
            values |= {
                "blur": {"blurLevel": quality.blur_level, "value": round(quality.blur, 2)},
                "exposure": {"exposureLevel": quality.exposure_level, "value": round(quality.exposure, 2)},
                "noise": {"noiseLevel": quality.noise_level, "value": round(quality.noise, 2)},
                "qualityForRecognition": quality.recognition,
            }
    return [{name: values[name] for name in NAMES if name in requested and name in values} for values in attributes]


def _in_api_words(prediction: dict[str, object]) -> dict[str, object]:
    """Translate the ``Answers.plain`` of a face into the API's names and forms."""
    attributes: dict[str, object] = {name: prediction[name] for name in ("age", "smile") if name in prediction}
    match prediction.get("gender"):
        case {"value": gender}:
            attributes["gender"] = gender
    match prediction.get("emotion"):
        case {"probabilities": dict(emotion)}:
            attributes["emotion"] = dict(sorted({**emotion, "contempt": CONTEMPT}.items()))
    match prediction.get("glasses"):
        case {"value": str(glasses), "probabilities": dict(probabilities)}:
            attributes["glasses"] = glasses[0].upper() + glasses[1:]
            worn = [{"type": "glasses", "confidence": round(1 - probabilities["noGlasses"], 2)}]
            attributes["accessories"] = [] if glasses == "noGlasses" else worn
    if "yaw" in prediction:
        attributes["headPose"] = {"pitch": PITCH, "roll": prediction["roll"], "yaw": prediction["yaw"]}
    return attributes
