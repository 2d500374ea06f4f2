"""Training on live faces and attacks: what is learnt, by whose threshold, and what the data must be."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faces.errors import FacesError, UsageError
from faces.liveness.trained import TrainedLiveness
from faces.models import cache
from faces.training.liveness import attempts, network, training
from faces.training.liveness.attempts import Attempts, find
from faces.training.liveness.figures import Figures, threshold_of
from faces.types import Floats
from tests.fakes import faces_at, noise

PEOPLE = [f"p{k}" for k in range(6)]


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((8, 8, 3), 90, np.uint8))


def shown(shift: float = 3.0, kinds: tuple[str, ...] = ("print", "real")) -> Attempts:
    """Twenty photographs of each kind of each person; live faces differ by ``shift`` in the first feature."""
    random = np.random.default_rng(0)
    rows = [(kind, person) for kind in kinds for person in PEOPLE for _ in range(20)]
    features = random.normal(size=(len(rows), 4)).astype(np.float32)
    live = np.array([kind == "real" for kind, _ in rows])
    features[live, 0] += shift
    return Attempts(
        tuple(Path(f"{k}.jpg") for k in range(len(rows))),
        np.array([kind for kind, _ in rows]),
        np.array([person for _, person in rows]),
        features,
    )


def test_what_differs_is_learnt() -> None:
    figures = training.measure(shown(shift=6.0))
    assert figures.share("real").value < 0.02
    assert figures.share("print").value < 0.15


def test_what_does_not_differ_is_not() -> None:
    assert training.measure(shown(shift=0.0)).share("real").value > 0.8


def test_nobody_is_judged_by_their_own_photographs() -> None:
    """What tells one person's live faces only is of no use to judge that person."""
    data = shown(shift=0.0)
    own = data.live[:, None] * (data.persons[:, None] == np.array(PEOPLE)) * 50
    marked = Attempts(data.paths, data.kinds, data.persons, np.hstack([data.features, own]).astype(np.float32))
    assert training.measure(marked).share("real").value > 0.8


def test_the_threshold_comes_from_the_other_people() -> None:
    figures = training.measure(shown())
    for person in PEOPLE:
        assert len(set(figures.thresholds[figures.persons == person].tolist())) == 1
    assert len(set(figures.thresholds.tolist())) > 1


def test_a_person_who_cannot_be_judged_is_counted() -> None:
    data = shown()
    features = data.features.copy()
    features[0] = np.nan
    figures = training.measure(Attempts(data.paths, data.kinds, data.persons, features))
    share = figures.share("print", "p0")
    assert (share.count, share.unknown) == (19, 1)
    assert figures.share("print").count == 119


def test_each_kind_of_attack_has_a_say() -> None:
    live = np.concatenate([np.linspace(0, 0.1, 100), np.linspace(0, 0.5, 40), [np.nan]]).astype(np.float32)
    kinds = np.array(["print"] * 100 + ["screen"] * 40 + ["print"])
    threshold = threshold_of(live, kinds)
    assert (live[100:140] >= threshold).sum() == 2
    assert not (live[:100] >= threshold).any()


def test_errors_by_hand() -> None:
    kinds = np.array(["print", "print", "real", "real"])
    persons = np.array(["a", "b", "a", "b"])
    live = np.array([0.2, 0.6, 0.7, 0.4], np.float32)
    figures = Figures(kinds, persons, live, np.array([0.5, 0.7, 0.5, 0.3]), 0.5)
    assert figures.share("print").wrong == figures.share("real").wrong == 0
    assert figures.share("print", own=True).wrong == figures.share("real", own=True).wrong == 1
    assert figures.share("print", "b", own=True).value == 1


# The folders


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ((), r"no folder 'real' in it"),
        (("print/a/1.jpg",), r"no folder 'real' in it"),
        (("real/a/1.jpg",), r"no folder of attacks beside 'real', such as 'print'$"),
    ],
)
def test_folders_that_are_missing(tmp_path: Path, files: tuple[str, ...], message: str) -> None:
    for name in files:
        write(tmp_path / name)
    with pytest.raises(FacesError, match=message):
        find(tmp_path)


@pytest.mark.parametrize("empty", ["real", "print"])
def test_an_empty_folder(tmp_path: Path, empty: str) -> None:
    for kind in ("real", "print"):
        write(tmp_path / kind / "a" / "1.jpg")
    (tmp_path / empty / "a" / "1.jpg").unlink()
    with pytest.raises(FacesError, match=rf"{empty}: no photographs in this folder; fill it, or remove it$"):
        find(tmp_path)


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        find(tmp_path / "none")


def test_who_and_what(tmp_path: Path) -> None:
    for name in ("real/a/1.jpg", "real/b/deep/2.jpg", "print/a/3.jpg", "screen/b/4.jpg"):
        write(tmp_path / name)
    listing = find(tmp_path)
    assert listing.kinds == ("print", "real", "real", "screen")
    assert listing.persons == ("a", "a", "b", "b")
    write(tmp_path / "real" / "5.jpg")
    assert find(tmp_path).persons is None


class Looking:
    """A pipeline that finds a face in pictures with noise; the embedding says who it is, by the brightness."""

    def candidates(self, image: np.ndarray) -> object:
        return faces_at((150, 150, 250, 250)) if image.std() > 1 else faces_at()

    def embed(self, image: np.ndarray, faces: object) -> Floats:
        angle = image[0, 0, 0] / 40  # 1.5 from one to the next
        return np.array([[np.cos(angle), np.sin(angle)]], np.float32)


class Constant:
    def run(self, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        return [np.array([[blob.mean() for blob in inputs.values()]], np.float32)]


def photograph(path: Path, brightness: int, face: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((400, 400, 3), brightness, np.uint8)
    if face:
        image[150:250, 150:250] = noise(100, 100, brightness)
    cv2.imwrite(str(path), image)


def look(folder: Path, warnings: list[str], lines: list[str] | None = None) -> Attempts:
    return attempts.look(find(folder), Looking(), Constant(), (lines or []).append, warnings.append)  # type: ignore[arg-type]


def folders(folder: Path, people: int, below: bool = True) -> Path:
    for kind in ("print", "real"):
        for person in range(people):
            name = f"p{person}/1.png" if below else f"{person}.png"
            photograph(folder / kind / name, 60 * person)
    return folder


def test_photographs_that_cannot_be_used(tmp_path: Path) -> None:
    folders(tmp_path, 3)
    (tmp_path / "real" / "p0" / "bad.jpg").write_bytes(b"no picture")
    photograph(tmp_path / "real" / "p1" / "wall.png", 50, face=False)
    warnings: list[str] = []
    assert len(look(tmp_path, warnings).paths) == 6
    assert [line.removeprefix(f"{tmp_path}/") for line in warnings] == [
        "real/p0/bad.jpg: left out: not an image",
        "real/p1/wall.png: left out: no face detected",
    ]


def test_none_that_can_be_used(tmp_path: Path) -> None:
    for kind in ("print", "real"):
        photograph(tmp_path / kind / "a" / "1.png", 50, face=False)
    with pytest.raises(FacesError, match="no photograph of it can be used; see the lines above"):
        look(tmp_path, [])


@pytest.mark.parametrize("people", [1, 2])
def test_too_few_people(tmp_path: Path, people: int) -> None:
    with pytest.raises(
        FacesError, match=rf"'real' shows only {people} pe(rson|ople) who can be judged; give 3 people or more"
    ):
        look(folders(tmp_path, people), [])


def test_faces_are_grouped_by_person(tmp_path: Path) -> None:
    lines: list[str] = [""]
    made = look(folders(tmp_path, 4, below=False), [], lines)
    assert lines[-1] == "not all photographs are in folders of people: by their faces, they show 4"
    assert made.persons[:4].tolist() == made.persons[4:].tolist()
    assert len(set(made.persons.tolist())) == 4


# The network


@pytest.fixture(scope="module")
def trunk() -> bytes:
    """Silent-Face's networks without their last layers."""
    originals = cache.home() / "originals"
    if not any(originals.glob("*MiniFASNet*.pth")):
        pytest.skip("Silent-Face's files were not fetched: faces download-models liveness")
    return network.features()


def test_the_file_answers_as_the_layer(trunk: bytes, tmp_path: Path) -> None:
    from faces.liveness.pixels import SCALES, SIDE
    from faces.liveness.squares import blob
    from faces.models.engine import OnnxEngine

    random = np.random.default_rng(0)
    layer = training.Layer(random.normal(size=256) / 50, 0.3)
    (tmp_path / "trunk.onnx").write_bytes(trunk)
    made = network.finished(trunk, layer.weights.astype(np.float32), layer.bias, {"threshold": 0.4})
    (tmp_path / "liveness.onnx").write_bytes(made)
    image, faces = noise(400, 400), faces_at((150, 150, 250, 250), (120, 120, 260, 270), (0, 0, 20, 20))
    inputs = {name: blob(image, faces.xyxy[:2], scale, SIDE) for name, scale in SCALES.items()}
    features = OnnxEngine(tmp_path / "trunk.onnx").run(inputs)[0]
    trained = TrainedLiveness(tmp_path / "liveness.onnx")
    live = trained.of(image, faces)
    assert features.shape == (2, 256)
    assert trained.threshold == 0.4
    assert live[:2] == pytest.approx(layer.live(features), abs=1e-5)
    assert np.isnan(live[2])
