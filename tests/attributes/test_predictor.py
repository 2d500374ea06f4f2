"""Attributes: which models are asked what, what is wrong with models, how heads are turned, and real photographs."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.photographs import DATA
from faces.attributes import predictor
from faces.attributes.answers import Answers
from faces.attributes.computed import COMPUTED, LIVE
from faces.attributes.model import BATCH_FACES, AttributeModel
from faces.attributes.pose import _model, head_pose
from faces.attributes.predictor import DEFAULT, FOLDER, NAMES, Attributes, load
from faces.cli import values
from faces.embedding.aligners import TEMPLATES
from faces.embedding.embedders import Embedder
from faces.errors import ModelError
from faces.images import read_image
from faces.pipeline import Pipeline
from faces.types import Faces, Floats, Image, LandmarkScheme
from faces.video.follower import Follower
from tests.attribute_files import FILES, write_attributes, write_folder
from tests.commands.test_bad_input import assert_refused
from tests.conftest import ROOT, Result, environment, patience
from tests.crowd import ColourRecognizer, frame, pipeline, stage
from tests.dlib_models import needs_dlib_models
from tests.fakes import faces_at, write_embedder

GENDER = {"gender": {"classes": ["male", "female"]}}
shipped = pytest.mark.skipif(not FOLDER.is_dir(), reason="no weights here")
photographs = pytest.mark.skipif(not (DATA / "photos").is_dir(), reason="no ../shared/data here")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("models"))


def coloured(*colours: tuple[int, int, int]) -> tuple[Image, Faces]:
    """A picture with a square chip of each BGR colour, side by side, and the faces that they are."""
    _, points = TEMPLATES["attributes"].points["eye-corners"]
    image = np.concatenate([np.full((112, 112, 3), colour, np.uint8) for colour in colours], axis=1)
    shifts = np.array([[112 * k, 0] for k in range(len(colours))])[:, None]
    boxes = np.zeros((len(colours), 4), np.float32)
    return image, Faces(boxes, boxes[:, 0], (points + shifts).astype(np.float32), "eye-corners")


# What is asked


def test_all_faces_at_once_and_in_order(models: Path) -> None:
    image, faces = coloured((200, 10, 20), (20, 30, 200), (20, 200, 10))
    answers = load(("gender", "age", "glasses", "emotion", "ethnicity", "smile"), pipeline(), folder=models).of(
        image, faces
    )
    assert [head.name for head in answers.heads] == [
        "gender",
        "age",
        "age_group",
        "glasses",
        "emotion",
        "ethnicity",
        "smile",
    ]
    assert answers.values["age"].round().tolist() == [[10], [30], [200]]
    rows: list[dict[str, Any]] = [answers.plain(k) for k in range(3)]
    assert [row["gender"]["value"] for row in rows[:2]] == ["male", "female"]
    assert [row["glasses"]["value"] for row in rows] == ["noGlasses", "sunglasses", "readingGlasses"]
    assert [row["emotion"]["value"] for row in rows] == ["neutral", "happiness", "sadness"]
    assert rows[1]["smile"] > 0.99 > rows[0]["smile"]


class Liveness:
    """Says that faces are alive as far as they are to the right; of those at the very left it cannot tell."""

    def __init__(self, threads: int | None = None) -> None:
        self.heads = (LIVE,)

    def of(self, image: Image, faces: Faces) -> dict[str, Floats]:
        x = faces.xyxy[:, 0]
        share = np.where(x > 0, x / image.shape[1], np.nan).astype(np.float32)
        return {"live": np.stack([share, 1 - share], axis=1)}


@pytest.fixture
def liveness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMPUTED, "live", Liveness)


@pytest.mark.usefixtures("liveness")
def test_whether_a_face_is_alive(models: Path) -> None:
    image = np.zeros((100, 1000, 3), np.uint8)
    faces = faces_at((0, 0, 90, 90), (20, 0, 90, 90), (900, 0, 990, 90))
    answers = load(("live",), pipeline(), folder=models).of(image, faces)
    assert [answers.plain(k).get("live") for k in range(3)] == [
        None,
        {"value": "spoof", "probabilities": {"live": 0.02, "spoof": 0.98}},
        {"value": "live", "probabilities": {"live": 0.9, "spoof": 0.1}},
    ]


def test_liveness_without_its_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACES_HOME", str(tmp_path))
    with pytest.raises(ModelError, match=r"is not there; run: faces download-models liveness$"):
        load(("live",), pipeline())


@pytest.mark.usefixtures("liveness")
@pytest.mark.parametrize("wanted", [DEFAULT, NAMES, ("head_pose",), ("smile",), ("live",)])
def test_no_face(models: Path, wanted: tuple[str, ...]) -> None:
    answers = load(wanted, pipeline(), folder=models).of(np.zeros((9, 9, 3), np.uint8), Faces.empty())
    assert len(answers) == 0
    assert all(answers.values[head.name].shape == (0, head.width) for head in answers.heads)


def test_only_what_is_wanted_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACES_HOME", str(tmp_path / "no face mesh"))
    image, faces = coloured((1, 2, 3))
    assert [head.name for head in load(("head_pose",), pipeline(), folder=tmp_path).of(image, faces).heads] == [
        "roll",
        "yaw",
    ]
    write_attributes(tmp_path / "appearance.onnx")
    assert [head.name for head in load(("smile",), pipeline(), folder=tmp_path).of(image, faces).heads] == ["smile"]


def test_ethnicity_and_liveness_are_told_to_those_only_who_ask() -> None:
    assert {"ethnicity", "live"} <= set(NAMES)
    assert not {"ethnicity", "live"} & set(DEFAULT)


def test_a_crowd_is_asked_in_batches(tmp_path: Path) -> None:
    model = AttributeModel(write_attributes(tmp_path / "expression.onnx"))
    chips = np.random.default_rng(0).integers(0, 256, (BATCH_FACES + 3, 112, 112, 3), dtype=np.uint8)
    together = model.answer(chips)["emotion"]
    assert together.shape == (BATCH_FACES + 3, 8)
    assert together == pytest.approx(np.concatenate([model.answer(chip[None])["emotion"] for chip in chips]), abs=1e-6)


def test_a_model_of_smaller_chips(tmp_path: Path) -> None:
    model = AttributeModel(write_attributes(tmp_path / "small.onnx", {"age": {"unit": "years"}}, side=48))
    assert model.answer(np.full((2, 112, 112, 3), 77, np.uint8))["age"].tolist() == [[77], [77]]


def test_faces_without_landmarks_are_refused(models: Path) -> None:
    for wanted in ("age", "head_pose"):
        with pytest.raises(ValueError, match="landmarks"):
            load((wanted,), pipeline(), folder=models).of(np.zeros((9, 9, 3), np.uint8), faces_at((0, 0, 9, 9)))


@dataclass
class Embedding:
    """A pipeline whose every embedding says the same at first, and that counts how many it made."""

    name: str
    says: float
    made: int = 0

    @property
    def embedder(self) -> Any:
        return SimpleNamespace(spec=SimpleNamespace(name=self.name, dimension=128))

    def embed(self, image: Image, faces: Faces) -> Floats:
        self.made += len(faces)
        return embeddings_that_say(*[self.says] * len(faces))


def embeddings_that_say(*ages: float) -> Floats:
    embeddings = np.zeros((len(ages), 128), np.float32)
    embeddings[:, 0] = ages
    return embeddings


def test_a_model_is_given_embeddings_where_it_wants_them(tmp_path: Path) -> None:
    write_attributes(tmp_path / "face_attributes.onnx", embedding=True)
    image, faces = coloured((200, 10, 20), (20, 30, 200))
    recognition: Any = Embedding("sface-int8", says=40)
    asked = load(("age",), recognition, folder=tmp_path)
    known = asked.of(image, faces, embeddings_that_say(31, 62))  # the recognition's own
    assert known.values["age"].round().tolist() == [[31], [62]]
    assert recognition.made == 0
    assert asked.of(image, faces).values["age"].round().tolist() == [[40], [40]]
    assert recognition.made == 2
    write_attributes(tmp_path / "expression.onnx")
    load(("emotion",), recognition, folder=tmp_path).of(image, faces)
    assert recognition.made == 2


def test_another_embedders_embeddings_are_not_what_a_model_wants(tmp_path: Path) -> None:
    write_attributes(tmp_path / "face_attributes.onnx", embedding=True)
    image, faces = coloured((200, 10, 20), (20, 30, 200))
    built_in, loaded = Embedding("sface-int8", says=50), []

    class Other(Embedding):
        def with_embedder(self, embedder: Embedder) -> Embedding:
            loaded.append(embedder.spec.name)
            return built_in

    other: Any = Other("dlib-resnet", says=40)
    asked = load(("age",), other, folder=tmp_path)
    for embeddings in (None, embeddings_that_say(31, 62)):
        assert asked.of(image, faces, embeddings).values["age"].round().tolist() == [[50], [50]]
    assert (loaded, other.made, built_in.made) == (["sface-int8"], 0, 4)


def test_a_model_that_names_no_embedder_takes_dlibs(tmp_path: Path) -> None:
    path = write_attributes(tmp_path / "face_attributes.onnx", embedding=True, embedder=None)
    recognition: Any = Embedding("dlib-resnet", says=40)
    image, faces = coloured((200, 10, 20))
    assert load(("age",), recognition, folder=tmp_path).of(image, faces).values["age"].round().tolist() == [[40]]
    assert AttributeModel(path).embedder == "dlib-resnet"


@needs_dlib_models
def test_each_model_gets_the_embeddings_that_it_takes(tmp_path: Path) -> None:
    heads: dict[str, Any] = {"emotion": {"unit": "years"}}
    write_attributes(tmp_path / "face_attributes.onnx", embedding=True)
    write_attributes(tmp_path / "expression.onnx", heads, embedding=True, embedder="dlib-resnet")
    image, faces = coloured((200, 10, 20))
    dlib: Any = Embedding("dlib-resnet", says=50)

    class BuiltIn(Embedding):
        def with_embedder(self, embedder: Embedder) -> Embedding:
            assert embedder.spec.name == "dlib-resnet"
            return dlib

    built_in: Any = BuiltIn("sface-int8", says=30)
    answers = load(("age", "emotion"), built_in, folder=tmp_path).of(image, faces, embeddings_that_say(31))
    assert answers.values["age"].round().tolist() == [[31]]
    assert answers.values["emotion"].round().tolist() == [[50]]
    assert (built_in.made, dlib.made) == (0, 1)


def test_an_embedder_that_is_not_packaged_is_refused(tmp_path: Path) -> None:
    write_attributes(tmp_path / "face_attributes.onnx", embedding=True, embedder="arcface")
    with pytest.raises(ModelError, match="takes embeddings of arcface"):
        load(("age",), pipeline(), folder=tmp_path)


# Models that are none


def test_a_model_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"face_attributes\.onnx: no such model file; .* leave gender,age out"):
        load(("gender", "age", "head_pose"), pipeline(), folder=tmp_path)


@pytest.mark.parametrize("data", [b"", b"this is no network", b"\x08\x07" * 50])
def test_a_file_that_is_no_network(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "glasses.onnx").write_bytes(data)
    with pytest.raises(ModelError, match=r"glasses\.onnx: .*"):
        load(("glasses",), pipeline(), folder=tmp_path)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"side": 112, "cut": "attributes", "heads": {}}',
        '{"side": 112, "cut": "attributes", "heads": []}',
        '{"side": 0, "cut": "attributes", "heads": {"age": {}}}',
        '{"side": "x", "cut": "attributes", "heads": {"age": {}}}',
        '{"side": 112, "cut": "attributes", "heads": {"age": []}}',
        '{"side": 112, "cut": "attributes", "heads": {"gender": {"classes": ["male"]}}}',
        '{"side": 112, "cut": "attributes", "heads": {"gender": {"classes": ["male", "male"]}}}',
        '{"side": 112, "cut": "attributes", "heads": {"gender": {"classes": [1, 2]}}}',
        '{"side": 112, "cut": "attributes", "heads": {"gender": {"classes": "mf"}}}',
    ],
)
def test_a_network_that_does_not_say_what_it_answers(tmp_path: Path, said: str) -> None:
    path = write_attributes(tmp_path / "glasses.onnx", metadata=said)
    with pytest.raises(
        ModelError, match=r"glasses\.onnx: not an attribute model: its metadata (does not describe|describes no)"
    ):
        AttributeModel(path)


def test_a_network_of_somebody_elses(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not an attribute model"):
        AttributeModel(write_embedder(tmp_path / "sface.onnx"))
    with pytest.raises(ModelError, match="crops of type 'whole'"):
        AttributeModel(write_attributes(tmp_path / "animals.onnx", GENDER, cut="whole"))


@pytest.mark.parametrize(
    ("heads", "widths", "words"),
    [
        (GENDER, {"gender": 3}, "the output gender is 2 x 3 for 2 faces, which does not fit 2 classes"),
        ({"age": {"unit": "years"}}, {"age": 2}, "the output age is 2 x 2 for 2 faces, which does not fit a number"),
    ],
)
def test_outputs_that_do_not_fit_their_labels(
    tmp_path: Path, heads: dict[str, Any], widths: dict[str, int], words: str
) -> None:
    with pytest.raises(ModelError, match=words):
        AttributeModel(write_attributes(tmp_path / "m.onnx", heads, widths))


def test_an_output_that_is_not_there(tmp_path: Path) -> None:
    said = json.dumps({"side": 112, "cut": "attributes", "heads": {**GENDER, "age": {"unit": "years"}}})
    with pytest.raises(ModelError, match="it has no output age, only gender"):
        AttributeModel(write_attributes(tmp_path / "m.onnx", GENDER, metadata=said))


def test_outputs_that_are_no_probabilities(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="gender does not sum to 1"):
        AttributeModel(write_attributes(tmp_path / "m.onnx", GENDER, sum_to=3))


def test_a_model_that_does_not_answer_what_is_wanted(tmp_path: Path) -> None:
    write_attributes(tmp_path / "face_attributes.onnx", GENDER)
    with pytest.raises(ModelError, match="has no output age, only gender"):
        load(("gender", "age"), pipeline(), folder=tmp_path)
    write_attributes(tmp_path / "appearance.onnx", {"smiling": {"classes": ["bored", "neutral"]}})
    with pytest.raises(ModelError, match="smiling has no class yes, which smile needs"):
        load(("smile",), pipeline(), folder=tmp_path)


# How a head is turned


def seen(scheme: LandmarkScheme, roll: float, yaw: float, pitch: float) -> Faces:
    """The model's landmarks, turned, as a camera 1.2 m away sees them beside its middle."""
    r, y, p = np.radians([roll, yaw, pitch])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    points = _model(scheme) @ (about_z @ about_y @ about_x).T + np.array([20, 10, 1200])
    flat = points[None, :, :2] / points[None, :, 2:] * 1500 + [640, 360]
    return Faces(np.zeros((1, 4), np.float32), np.ones(1, np.float32), flat.astype(np.float32), scheme)


@pytest.mark.parametrize("scheme", ["eye-corners", "five-points"])
@pytest.mark.parametrize(
    ("roll", "yaw", "pitch"), [(0, 0, 0), (20, 0, 0), (-90, 0, 0), (170, 0, 0), (0, 40, 0), (0, -40, 0), (15, 25, -15)]
)
def test_the_pose_of_the_model_itself(scheme: LandmarkScheme, roll: float, yaw: float, pitch: float) -> None:
    assert head_pose(seen(scheme, roll, yaw, pitch))[0] == pytest.approx([roll, yaw], abs=3)


@dataclass(frozen=True)
class Limits:
    """Degrees by which roll and yaw may differ from those of the photograph as it was."""

    flipped: tuple[float, float]
    turned: tuple[float, float]


# The built-in points: what 95 % of faces of about this size keep (docs/attributes.md), and one more.
POSE_LIMITS = {"built-in": Limits((9.6, 9.5), (10.7, 13.4)), "dlib": Limits((3, 3), (3, 3))}


@pytest.mark.accuracy
@photographs
@pytest.mark.parametrize("name", ["examples__obama.jpg", "examples__biden.jpg", "tests__test_images__obama2.jpg"])
@pytest.mark.parametrize("models", ["built-in", pytest.param("dlib", marks=needs_dlib_models)])
def test_roll_turns_with_a_photograph_and_yaw_flips_with_it(models: str, name: str) -> None:
    found, image, limits = Pipeline.load(models, models), read_image(DATA / "photos" / name), POSE_LIMITS[models]

    def differ(of: Image, roll: float, yaw: float) -> Any:
        return np.abs(head_pose(found.detect(of).largest())[0] - [roll, yaw])

    height, width = image.shape[:2]
    roll, yaw = head_pose(found.detect(image).largest())[0]
    assert (differ(np.ascontiguousarray(image[:, ::-1]), -roll, -yaw) <= limits.flipped).all()
    for degrees in (20, -20):
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)  # OpenCV counts against the clock
        turned = np.asarray(cv2.warpAffine(image, turn, (width, height)), np.uint8)
        assert (differ(turned, roll + degrees, yaw) <= limits.turned).all()


# The option


def test_the_options_list() -> None:
    assert values.attribute_names("gender, age,gender") == ("gender", "age")
    for text in ("gender,beauty", "", ","):
        with pytest.raises(ArgumentTypeError, match=r"the attributes are gender, age, .*head_pose"):
            values.attribute_names(text)


# The scripts


@pytest.fixture(scope="module")
def run(models: Path) -> Callable[..., Result]:
    """Runs a script whose attribute models are the made ones, or those of another folder."""

    def run(script: str, *args: object, cwd: Path, folder: Path = models) -> Result:
        code = (
            "from pathlib import Path; from faces.attributes import predictor; from faces.cli import running;"
            f" import {script} as script; predictor.FOLDER = Path({str(folder)!r}); running.run(script.main)"
        )
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, args)],
            cwd=cwd,
            env=environment(PYTHONPATH=str(ROOT)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=patience(120),
            check=False,
        )

    return run


@pytest.mark.slow
def test_a_photograph_in_every_output(project: Path, run: Callable[..., Result]) -> None:
    photograph = next((project / "sample").glob("*.jpg"))
    plain = run("recognize_image", "-i", photograph, "--json", "-o", "plain", cwd=project)
    result = run("recognize_image", "-i", photograph, "--json", "--attributes", cwd=project)
    assert result.returncode == 0, result.stderr
    faces, without = json.loads(result.stdout)["faces"], json.loads(plain.stdout)["faces"]
    assert faces
    for face in faces:
        assert tuple(face.pop("attributes")) == ("gender", "age", "age_group", "glasses", "emotion")
    assert faces == without
    name = f"{photograph.stem}_annotated.jpg"
    assert (project / "output" / "annotated" / name).read_bytes() != (project / "plain" / name).read_bytes()
    told = run("recognize_image", "-i", photograph, "--attributes", "age,head_pose", cwd=project).stdout
    assert len(told.splitlines()) == len(faces)
    for line in told.splitlines():
        names = [part.split()[0] for part in line.split("  ")]
        assert [name for name in names[names.index("age") :] if name != "pitch"] == ["age", "age_group", "roll", "yaw"]


@pytest.mark.slow
def test_a_video_in_every_output(project: Path, run: Callable[..., Result]) -> None:
    video = ("recognize_video", "--no-display", "-s", "sample/video.mp4", "--max-frames", 50)
    result = run(*video, "--attributes", "gender,age", "--boxes", "boxes.csv", "-o", "a.mp4", cwd=project)
    assert result.returncode == 0, result.stderr
    with (project / "boxes.csv").open(encoding="utf-8-sig") as stream:
        boxes = list(csv.DictReader(stream))
    columns = ["gender", "gender_probability", "age", "age_group", "age_group_probability"]
    for rows in (list(csv.DictReader(io.StringIO(result.stdout))), boxes):
        assert list(rows[0])[-5:] == columns
        assert all(row["age"] and row["gender"] in ("male", "female") for row in rows)
    events = run(*video, "--attributes", "smile", "--json", "-o", "b.mp4", cwd=project).stdout.splitlines()
    assert all(tuple(json.loads(event)["attributes"]) == ("smile",) for event in events)
    assert (project / "a.mp4").read_bytes() != (project / "b.mp4").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("script", ["recognize_image", "recognize_video"])
def test_bad_models_and_lists_end_a_script_in_one_line(
    project: Path, tmp_path: Path, run: Callable[..., Result], script: str
) -> None:
    source = ("-i", "sample") if script == "recognize_image" else ("--no-display", "-s", "sample/video.mp4")
    folder = tmp_path / "bad"
    before = sorted(project.rglob("*"))
    missing = run(script, *source, "--attributes", "glasses", cwd=project, folder=folder)
    assert_refused(missing, folder / "glasses.onnx", "no such model file")
    write_attributes(folder / "glasses.onnx", widths={"glasses": 2})
    assert_refused(run(script, *source, "--attributes", "glasses", cwd=project, folder=folder), "2 x 2", "3 classes")
    (folder / "glasses.onnx").write_bytes(b"nothing")
    assert_refused(run(script, *source, "--attributes", "glasses", cwd=project, folder=folder), "glasses.onnx")
    unknown = run(script, *source, "--attributes", "glasses,beauty", cwd=project)
    assert unknown.returncode == 2
    assert "no attribute 'beauty'; the attributes are gender," in unknown.stderr.splitlines()[-1]
    assert sorted(project.rglob("*")) == before


# Tracks


class Colours(Attributes):
    """Asks faces of ``crowd`` how red they are, and counts how many it asked."""

    def __init__(self, models: dict[str, AttributeModel]) -> None:
        super().__init__(("age",), models, pipeline())
        self.asked = 0

    def of(self, image: Image, faces: Faces, embeddings: Floats | None = None) -> Answers:
        self.asked += len(faces)
        red = np.array([image[int(t) : int(b), int(x) : int(r), 2].mean() for x, t, r, b in faces.xyxy], np.float32)
        group = np.tile(np.array([0, 1, 0], np.float32), (len(faces), 1))
        return Answers(self.heads, {"age": red[:, None], "age_group": group})


@pytest.mark.parametrize("live", [False, True])
def test_tracks_are_asked_when_they_are_embedded_and_no_more(models: Path, live: bool) -> None:
    asked = Colours({"face_attributes.onnx": AttributeModel(models / "face_attributes.onnx")})
    parts = pipeline()
    follower = Follower(parts, ColourRecognizer("Ada", "Bob"), live, attributes=asked)
    people = {"Ada": (60.0, 60.0), "Cleo": (200.0, 130.0)}

    def film() -> Any:
        for index in range(150):
            if live:
                time.sleep(0.005)
            yield frame(stage(people), index)

    *_, (_, tracks) = follower.follow(film())
    assert tracks.answers is not None and len(tracks.answers) == 2
    cleo, ada = (tracks.answers.values["age"][tracks.names.index(name), 0] for name in (None, "Ada"))
    assert cleo > ada + 50
    embedder: Any = parts.embedder
    assert 0 < asked.asked == embedder.embedded < 40  # of 300 faces


def test_tracks_that_nobody_asks_have_no_answers() -> None:
    film = (frame(stage({"Ada": (60.0, 60.0)}), index) for index in range(30))
    *_, (_, tracks) = Follower(pipeline(), ColourRecognizer("Ada"), False).follow(film)
    assert len(tracks) == 1 and tracks.answers is None


# The models that are shipped


@pytest.fixture(scope="module")
def look() -> Callable[[str], dict[str, Any]]:
    """What a photograph's face looks like."""
    found = Pipeline.load()
    asked = load((*DEFAULT, "ethnicity", "smile"), found)

    def look(name: str) -> dict[str, Any]:
        image = read_image(DATA / name)
        return asked.of(image, found.detect(image).largest()).plain(0)

    return look


@pytest.mark.accuracy
@shipped
@photographs
@pytest.mark.parametrize(
    ("gender", "names"),
    [
        (
            "male",
            [
                "photos/examples__obama.jpg",
                "photos/examples__biden.jpg",
                "photos/examples__obama2.jpg",
                "family/Family1-Dad1.jpg",
                "family/Family1-Dad2.jpg",
                "family/Family2-Man1.jpg",
            ],
        ),
        ("female", ["family/Family1-Mom1.jpg", "family/Family1-Mom2.jpg", "family/Family2-Lady1.jpg"]),
    ],
)
def test_the_gender_of_grown_ups(look: Callable[[str], dict[str, Any]], gender: str, names: list[str]) -> None:
    values = [look(name)["gender"]["value"] for name in names]
    assert set(values) <= {gender, None}
    assert values.count(None) <= 1  # of a smiling man it is not sure enough


@pytest.mark.accuracy
@shipped
@photographs
def test_parents_are_older_than_their_children(look: Callable[[str], dict[str, Any]]) -> None:
    ages = {
        who: np.mean([look(f"family/Family1-{who}{k}.jpg")["age"] for k in (1, 2)])
        for who in ("Dad", "Mom", "Son", "Daughter")
    }
    assert min(ages["Dad"], ages["Mom"]) > max(ages["Son"], ages["Daughter"]) + 5, ages
    assert look("photos/examples__biden.jpg")["age"] > 45


@pytest.mark.accuracy
@shipped
@photographs
def test_the_shipped_models_answer_as_their_names_say(look: Callable[[str], dict[str, Any]]) -> None:
    face = look("photos/examples__obama.jpg")
    for file, heads in FILES.items():
        assert {name: what["classes"] for name, what in heads.items() if "classes" in what} == {
            head.name: list(head.classes) for head in AttributeModel(FOLDER / file).heads if head.classes
        }
    assert face["glasses"]["value"] == "noGlasses"
    assert 0 <= face["smile"] <= 1
    assert predictor.FOLDER == ROOT / "faces" / "attributes" / "weights"
