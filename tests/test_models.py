"""The classic and the modern pair through the loaders: real files where there are some, else some like them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from benchmarks.photographs import DATA
from faces import detection
from faces.cli import running
from faces.commands import extract
from faces.detection import SsdDetector, YuNetDetector
from faces.embedding import embedders
from faces.embedding.aligners import TEMPLATES, Aligner
from faces.embedding.landmarks import ShapePredictor
from faces.errors import ModelError
from faces.evaluation.searches.trials import by_person
from faces.geometry import iou, similarity
from faces.images import read_image, write_image
from faces.models.torch7.file import write_t7
from faces.models.torch7.modules import relu, sequential
from faces.pipeline import Pipeline
from faces.synthetic.people import CAST
from faces.synthetic.scenes import group, portrait
from faces.types import Faces, Floats, Image
from tests.caffe_files import write_small_ssd
from tests.conftest import RunScript
from tests.dlib_models import needs_dlib_models
from tests.test_classic_files import reads_caffe, reads_torch
from tests.torch7_files import nn4_small2

SHARED = DATA.parent / "models"
SSD = ("opencv_face_detector_uint8.pb", "opencv_face_detector.pbtxt")
YUNET = SHARED / "face_detection_yunet_2026may.onnx"
needs_models = pytest.mark.skipif(not YUNET.is_file(), reason=f"no models to test with: {SHARED} is not here")
needs_photographs = pytest.mark.skipif(not DATA.is_dir(), reason=f"no photographs to test on: {DATA} is not here")

LOAD: dict[str, Callable[[Path], object]] = {
    ".t7": lambda path: embedders.load(str(path)),
    ".caffemodel": lambda path: detection.load(str(path.parent)),
    ".pb": lambda path: detection.load(str(path.parent)),
    ".onnx": lambda path: (detection.load if path.stem == "yunet" else embedders.load)(str(path)),
}


@pytest.fixture(scope="module")
def openface(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OpenFace's network with random weights."""
    path = tmp_path_factory.mktemp("openface") / "openface_nn4.small2.v1.t7"
    write_t7(path, nn4_small2(seed=5))
    return path


@pytest.fixture
def tensorflow_ssd(tmp_path: Path) -> Path:
    """A folder with OpenCV's SSD for TensorFlow, and nothing else."""
    folder = tmp_path / "face_detection_model"
    folder.mkdir()
    for name in SSD:
        shutil.copy(SHARED / name, folder)
    return folder


def photographs() -> list[Path]:
    """One of each of the people, and larger ones of other shapes with several faces."""
    paths = [paths[0] for paths in by_person(DATA / "people").values()]
    paths += [DATA / "family" / "identification1.jpg", DATA / "family" / "Family1-Son1.jpg"]
    names = ("two_people.jpg", "obama_small.jpg", "obama-240p.jpg", "lin-manuel-miranda.png")
    return paths + [DATA / "photos" / f"examples__{name}" for name in names]


def crops(count: int) -> Image:
    """Aligned as OpenFace wants them, of drawn people."""
    detector, predictor = detection.load("built-in"), ShapePredictor.load()
    aligner = Aligner(TEMPLATES["openface"])
    images = [portrait(person, 5, 1).image for person in CAST[:count]]
    return np.concatenate([aligner.crop(i, predictor.predict(i, detector.detect(i).largest())) for i in images])


def write_arcface(path: Path, batch: int | str = "n", dimension: int = 512) -> None:
    """A small network with the input and output of insightface's: strided convolution, mean, matrix."""
    rng = np.random.default_rng(1)
    filters = rng.normal(0, 0.2, (32, 3, 7, 7)).astype(np.float32)
    matrix = rng.normal(0, 1, (dimension, 32)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["input.1", "filters"], ["maps"], strides=[7, 7]),
        helper.make_node("Relu", ["maps"], ["positive"]),
        helper.make_node("GlobalAveragePool", ["positive"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Gemm", ["flat", "matrix"], ["683"], transB=1),
    ]
    weights = [numpy_helper.from_array(filters, "filters"), numpy_helper.from_array(matrix, "matrix")]
    given = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [batch, 3, 112, 112])
    wanted = helper.make_tensor_value_info("683", TensorProto.FLOAT, [batch, dimension])
    graph = helper.make_graph(nodes, "arcface", [given], [wanted], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, path)


def damaged(data: bytes) -> dict[str, bytes]:
    rng = np.random.default_rng(3)
    return {
        "empty": b"",
        "one byte": data[:1],
        "a tenth": data[: len(data) // 10],
        "half": data[: len(data) // 2],
        "all but one byte": data[:-1],
        "random": rng.bytes(50_000),
        "zeros": bytes(50_000),
        "random after a sound start": data[:300] + rng.bytes(50_000),
        "a web page": b"<!DOCTYPE html><html><body><h1>404 Not Found</h1></body></html>\n" * 20,
    }


# -- the classic pair --------------------------------------------------------------------------------------------------


@reads_caffe
def test_a_folder_with_the_caffe_pair(tmp_path: Path) -> None:
    write_small_ssd(tmp_path)
    loaded = detection.load(str(tmp_path), confidence=0.01)
    assert isinstance(loaded, SsdDetector)
    image = portrait(CAST[0], 5, 1).image
    found = loaded.detect(image)
    net = cv2.dnn.readNetFromCaffe(str(tmp_path / "deploy.prototxt"), str(tmp_path / "small_ssd.caffemodel"))
    net.setInput(cv2.dnn.blobFromImage(image, 1.0, (300, 300), (104, 177, 123)))
    rows = net.forward()[0, 0]
    rows = rows[rows[:, 2] >= 0.01]
    assert 1 <= len(found) <= len(rows)
    expected = rows[:, 3:] * np.tile(image.shape[1::-1], 2)
    for box, score in zip(found.xyxy, found.score, strict=True):
        assert np.abs(expected - box).max(axis=1).min() < 1e-3
        assert np.abs(rows[:, 2] - score).min() < 1e-6


@needs_models
def test_the_tensorflow_pair_finds_drawn_people(tensorflow_ssd: Path) -> None:
    detector = detection.load(str(tensorflow_ssd))
    assert isinstance(detector, SsdDetector)
    pictures = [portrait(person, 5, 1) for person in CAST] + [group(CAST[:3], 5, 1)]
    found = [detector.detect(picture.image) for picture in pictures]
    pairs = zip(pictures, found, strict=True)
    hits = [iou(box, faces.xyxy).max(initial=0) > 0.4 for picture, faces in pairs for box in picture.xyxy]
    assert np.mean(hits) >= 0.9
    assert sum(len(faces) for faces in found) <= 1.2 * len(hits)


@pytest.mark.accuracy
@needs_models
@needs_photographs
def test_the_tensorflow_pair_finds_real_faces(tensorflow_ssd: Path) -> None:
    detector, ours = detection.load(str(tensorflow_ssd)), detection.load("built-in", min_face=80)
    paths = [*photographs()[:24], *sorted((DATA / "photos").iterdir())]
    pairs = [(path, detector.detect(read_image(path)), ours.detect(read_image(path))) for path in paths]
    agree = [bool(len(b)) and iou(b.xyxy[0], a.xyxy).max(initial=0) > 0.4 for _, a, b in pairs if len(b)]
    assert len(agree) >= 45
    assert np.mean(agree) >= 0.95, [path.name for path, a, b in pairs if len(a) == 0]


@needs_models
@reads_caffe
def test_of_several_models_in_a_folder_caffe_then_tensorflow_then_yunet(tensorflow_ssd: Path) -> None:
    shutil.copy(YUNET, tensorflow_ssd)
    write_small_ssd(tensorflow_ssd)
    digests = []
    for leaves in ("small_ssd.caffemodel", SSD[0], YUNET.name):
        loaded = detection.load(str(tensorflow_ssd))
        digests.append(loaded.model.sha256)
        assert isinstance(loaded, YuNetDetector if leaves == YUNET.name else SsdDetector)
        (tensorflow_ssd / leaves).unlink()
    assert len(set(digests)) == 3
    with pytest.raises(ModelError, match=r"no \.caffemodel, \.pb or \.onnx file in it; run: faces download-models"):
        detection.load(str(tensorflow_ssd))


@reads_torch
@needs_dlib_models  # for the landmarks that its crops are aligned by
def test_openface_is_what_opencv_computes(openface: Path) -> None:
    embedder = embedders.load(str(openface))
    cut = crops(3)
    assert cut.shape == (3, 96, 96, 3)
    assert (embedder.spec.name, embedder.spec.dimension) == ("openface", 128)
    assert embedder.aligner.crop(cut[0], Faces.empty()).shape == (0, 96, 96, 3)
    net = cv2.dnn.readNetFromTorch(str(openface))
    for crop, ours in zip(cut, embedder.forward(cut), strict=True):
        net.setInput(cv2.dnn.blobFromImage(crop, 1 / 255, (96, 96), (0, 0, 0), swapRB=True, crop=False))  # the recipe's
        np.testing.assert_allclose(ours, net.forward()[0], atol=1e-4)
    both = embedder.forward(cut) + embedder.forward(cut[:, :, ::-1])
    expected = both / np.linalg.norm(both, axis=1, keepdims=True)
    np.testing.assert_allclose(embedder.embed(cut), expected, atol=1e-5)


def test_another_torch_network_is_no_embedder(tmp_path: Path) -> None:
    write_t7(tmp_path / "relu.t7", sequential(relu()))
    with pytest.raises(ModelError, match=r"relu\.t7: its output is .* not one embedding a face"):
        embedders.load(str(tmp_path / "relu.t7"))


def test_opencv_5_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delattr(cv2.dnn, "readNetFromCaffe", raising=False)
    monkeypatch.chdir(tmp_path)
    write_image(tmp_path / "dataset" / "Ada" / "1.jpg", portrait(CAST[0], 5, 1).image)
    write_small_ssd(tmp_path)
    with pytest.raises(SystemExit) as end:
        running.run(lambda: extract.main(["--detector", str(tmp_path)]))
    said = capsys.readouterr()
    assert (end.value.code, said.out) == (1, "")
    assert said.err.count("\n") == 1
    assert "cannot read" in said.err
    assert "pip install 'opencv-python<5'" in said.err
    assert not (tmp_path / "output" / "embeddings.pickle").exists()


@pytest.mark.slow
@needs_models
def test_the_recipes_commands_with_the_recipes_models(
    tensorflow_ssd: Path, openface: Path, tmp_path: Path, run_script: RunScript
) -> None:
    # random weights: nobody is recognised, but everything is passed on
    shutil.copy(openface, tmp_path)
    for person in CAST:
        for number in (1, 2):
            write_image(tmp_path / "dataset" / person.name / f"{number}.jpg", portrait(person, 5, number).image)
    (tmp_path / "images").mkdir()
    write_image(tmp_path / "images" / "group.jpg", group(CAST[:3], 5, 1).image)
    models = ["--detector", "face_detection_model", "--embedding-model", openface.name]
    files = ["--recognizer", "output/recognizer.pickle", "--le", "output/le.pickle"]
    embeddings = ["--embeddings", "output/embeddings.pickle"]

    def run(script: str, *words: str) -> str:
        result = run_script(script, *words, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        return str(result.stdout)

    assert "embeddings of 8 people" in run("extract_embeddings.py", "--dataset", "dataset", *embeddings, *models)
    assert "of 8 people" in run("train_model.py", *embeddings, *files)
    said = json.loads(run("recognize_image.py", *models, *files, "--image", "images/group.jpg", "--json"))
    assert len(said["faces"]) == 3
    assert {face["candidate"] for face in said["faces"]} <= {person.name for person in CAST}
    assert (tmp_path / "output" / "annotated" / "group_annotated.jpg").is_file()

    refused = run_script("recognize_image.py", *files, "--image", "images/group.jpg", cwd=tmp_path)
    assert refused.returncode == 1
    assert "made with other models" in refused.stderr and "--detector FILE" in refused.stderr
    assert refused.stderr.count("\n") == 1


# -- the modern pair ---------------------------------------------------------------------------------------------------


def opencvs_yunet(image: Image, confidence: float) -> Floats:
    """float32 (N, 15) rows of cv2.FaceDetectorYN: x, y, width, height, five points, score."""
    detector = cv2.FaceDetectorYN.create(str(YUNET), "", image.shape[1::-1], confidence, 0.3)
    rows = detector.detect(image)[1]
    return np.zeros((0, 15), np.float32) if rows is None else np.asarray(rows, np.float32)


@pytest.mark.accuracy
@needs_models
@needs_photographs
def test_yunet_agrees_with_opencvs() -> None:
    detector, total = detection.load(str(YUNET)), 0
    for path in photographs():
        image = read_image(path)
        found, rows = detector.detect(image), opencvs_yunet(image, 0.5)
        rows = rows[np.argsort(-rows[:, 14], kind="stable")]
        assert len(found) == len(rows), path.name
        assert found.landmarks is not None
        total += len(found)
        theirs = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        np.testing.assert_allclose(found.xyxy, theirs, atol=0.05, err_msg=path.name)
        np.testing.assert_allclose(found.landmarks.reshape(-1, 10), rows[:, 4:14], atol=0.05, err_msg=path.name)
        np.testing.assert_allclose(found.score, rows[:, 14], atol=1e-3, err_msg=path.name)
    assert total >= 35


@needs_models
def test_yunet_of_2023_states_a_size_and_takes_any(tmp_path: Path) -> None:
    network = onnx.load(YUNET)
    for dimension in network.graph.input[0].type.tensor_type.shape.dim[2:]:
        dimension.Clear()
        dimension.dim_value = 640
    for output in network.graph.output:
        stride = int(output.name.rpartition("_")[2])
        output.type.tensor_type.shape.dim[1].Clear()
        output.type.tensor_type.shape.dim[1].dim_value = (640 // stride) ** 2
    path = tmp_path / "face_detection_yunet_2023mar.onnx"
    onnx.save(network, path)
    image = group(CAST[:3], 5, 1, wh=(660, 440)).image
    fixed, free = detection.load(str(path)).detect(image), detection.load(str(YUNET)).detect(image)
    assert len(fixed) == 3
    np.testing.assert_allclose(fixed.xyxy, free.xyxy, atol=1e-3)


@pytest.mark.parametrize("batch", ["n", 1])
def test_an_arcface_network(tmp_path: Path, batch: int | str) -> None:
    write_arcface(tmp_path / "w600k_tiny.onnx", batch)
    pipeline = Pipeline.load(embedding_model=str(tmp_path / "w600k_tiny.onnx"))
    embedder = pipeline.embedder
    assert (embedder.spec.name, embedder.spec.dimension) == ("arcface", 512)
    image = group(CAST[:3], 5, 1).image
    faces = pipeline.detect(image)
    cut = embedder.aligner.crop(image, faces)
    assert cut.shape == (3, 112, 112, 3)
    net = cv2.dnn.readNetFromONNX(str(tmp_path / "w600k_tiny.onnx"))
    expected = []
    for crop in (*cut, *cut[:, :, ::-1]):
        net.setInput(cv2.dnn.blobFromImage(crop, 1 / 127.5, (112, 112), (127.5, 127.5, 127.5), swapRB=True))
        expected.append(net.forward()[0])
    np.testing.assert_allclose(embedder.forward(cut), expected[:3], atol=1e-3)
    units = np.array(expected) / np.linalg.norm(expected, axis=1, keepdims=True)
    both = units[:3] + units[3:]
    both /= np.linalg.norm(both, axis=1, keepdims=True)
    np.testing.assert_allclose(pipeline.embed(image, faces), both, atol=1e-4)


@pytest.mark.accuracy
@needs_models
@needs_photographs
def test_both_kinds_of_landmarks_give_arcface_the_same_crop() -> None:
    yunet, mmod, predictor = detection.load(str(YUNET)), detection.load("built-in", min_face=80), ShapePredictor.load()
    template = TEMPLATES["arcface"]
    ratios, shifts = [], []
    for path in [path for paths in by_person(DATA / "people").values() for path in paths[:4]]:
        image = read_image(path)
        by = [yunet.detect(image).best(250, 250), predictor.predict(image, mmod.detect(image).best(250, 250))]
        if all(len(faces) for faces in by) and iou(by[0].xyxy[0], by[1].xyxy)[0] > 0.3:
            to_image = []
            for faces in by:
                assert faces.scheme is not None
                assert faces.landmarks is not None
                used, points = template.points[faces.scheme]
                to_image.append(similarity(points, faces.landmarks[0][used].astype(np.float64)))
            a, b = (complex(matrix[0, 0], matrix[1, 0]) for matrix in to_image)
            ratios.append(b / a)
            middles = [matrix[:, :2] @ (56, 56) + matrix[:, 2] for matrix in to_image]
            shifts.append((middles[1] - middles[0]) / abs(a))
    assert len(ratios) >= 80
    assert abs(np.median(np.abs(ratios)) - 1) < 0.03  # size
    assert abs(np.median(np.angle(ratios))) < np.radians(1)
    assert np.abs(np.median(shifts, axis=0)).max() < 1  # px in the crop


# -- files that are none -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", list(damaged(b"")))
@pytest.mark.parametrize(
    "suffix",
    [
        ".t7",
        pytest.param(".caffemodel", marks=reads_caffe),
        pytest.param(".pb", marks=needs_models),
        ".onnx",
        pytest.param("yunet.onnx", marks=needs_models),
    ],
)
def test_a_damaged_file_is_refused_when_it_is_loaded(suffix: str, how: str, openface: Path, tmp_path: Path) -> None:
    path = tmp_path / (suffix if suffix[0] != "." else f"model{suffix}")
    if suffix == ".t7":
        whole = openface.read_bytes()
    elif suffix == ".caffemodel":
        write_small_ssd(tmp_path)
        whole = (tmp_path / "small_ssd.caffemodel").read_bytes()
        (tmp_path / "small_ssd.caffemodel").unlink()
    elif suffix == ".pb":
        shutil.copy(SHARED / SSD[1], tmp_path)
        whole = (SHARED / SSD[0]).read_bytes()
    elif suffix == ".onnx":
        write_arcface(path)
        whole = path.read_bytes()
    else:
        whole = YUNET.read_bytes()
    path.write_bytes(whole)
    assert LOAD[path.suffix](path) is not None
    path.write_bytes(damaged(whole)[how])
    with pytest.raises(ModelError) as refused:
        LOAD[path.suffix](path)
    message = str(refused.value)
    assert message.startswith(str(path))
    assert "\n" not in message


@needs_models
@pytest.mark.parametrize("how", ["random", "half", "a web page"])
def test_the_runtimes_add_nothing_to_our_line(
    how: str, tensorflow_ssd: Path, tmp_path: Path, run_script: RunScript
) -> None:
    write_image(tmp_path / "dataset" / "Ada" / "1.jpg", portrait(CAST[0], 5, 1).image)
    weights = tensorflow_ssd / SSD[0]
    weights.write_bytes(damaged(weights.read_bytes())[how])
    result = run_script("extract_embeddings.py", "--detector", tensorflow_ssd.name, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: {Path(tensorflow_ssd.name, SSD[0])}: ")
    assert result.stderr.count("\n") == 1


def test_a_detector_is_no_embedder_and_the_other_way_round(tmp_path: Path) -> None:
    write_arcface(tmp_path / "arcface.onnx")
    with pytest.raises(ModelError, match="not a YuNet face detector"):
        detection.load(str(tmp_path / "arcface.onnx"))
    if YUNET.is_file():
        with pytest.raises(ModelError, match="known embedders take"):
            embedders.load(str(YUNET))
