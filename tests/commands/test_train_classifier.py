"""``faces train-classifier``: train a classifier, or convert one that Keras saved."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faces import image_classifier
from faces.commands import classify, train_classifier
from faces.errors import FacesError, ModelError, UsageError
from faces.images import read_image
from faces.training import backend, exporting, fitting
from faces.training.classifier import keras_files, pictures, report, training
from faces.training.data import labelled
from faces.types import Image
from tests.conftest import contents
from tests.drawn_pictures import draw, drawn

pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'recognize-faces[train]'")
pytestmark = pytest.mark.training

SMALL = ("--image-size", "32", "--architecture", "residual", "--batch-size", "8")
FILES = {
    "classifier.onnx",
    "classes.json",
    "classifier_report.json",
    "classifier_report.md",
    "classifier_curves.png",
    "classifier_confusion.png",
    "model.keras",
}


def run(dataset: Path, output: Path, *options: object) -> int:
    return train_classifier.main(["--dataset", str(dataset), "--output", str(output), *SMALL, *map(str, options)])


def visible(folder: Path) -> dict[str, bytes]:
    """What is in it, apart from the lock."""
    return {name: data for name, data in contents(folder).items() if not name.startswith(".")}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = draw(tmp_path_factory.mktemp("drawn"), 20)
    (folder / "frames" / "bad.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two epochs leave."""
    output = tmp_path_factory.mktemp("trained")
    assert run(dataset, output, "--epochs", 2, "--keep-keras", output / "model.keras") == 0
    return output


def test_what_training_leaves(trained: Path, dataset: Path) -> None:
    assert set(visible(trained)) == FILES
    assert json.loads((trained / "classes.json").read_text()) == ["discs", "frames"]
    report = json.loads((trained / "classifier_report.json").read_text(encoding="utf-8"))
    assert report["pictures"] == {"training": 28, "validation": 4, "test": 8}
    assert report["test"]["support"] == [4, 4]
    assert np.array(report["test"]["confusion"]).sum() == 8
    assert [len(values) for values in report["history"].values()] == [2, 2, 2, 2]
    assert report["left_out"] == [{"path": str(dataset / "frames" / "bad.jpg"), "reason": "not an image"}]
    assert "8 pictures that it was not trained on" in (trained / "classifier_report.md").read_text(encoding="utf-8")
    assert read_image(trained / "classifier_confusion.png").size


def test_names_of_any_bytes(tmp_path: Path) -> None:
    odd = tmp_path / "data" / os.fsdecode(b"Ren\xe9")  # no Unicode
    try:
        odd.mkdir(parents=True)
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    draw(tmp_path / "data", 8, ("discs", "frames"))
    for path in (tmp_path / "data" / "discs").iterdir():
        path.rename(odd / path.name)
    (tmp_path / "data" / "discs").rmdir()
    (odd / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"no picture")
    assert run(tmp_path / "data", tmp_path / "out", "--epochs", 1) == 0
    names = image_classifier.read_classes(tmp_path / "out" / "classes.json")
    assert names == image_classifier.ImageClassifier(tmp_path / "out" / "classifier.onnx").classes
    assert names == keras_files.class_names(tmp_path / "data") == ("Ren\\udce9", "frames")
    report = json.loads((tmp_path / "out" / "classifier_report.json").read_text(encoding="utf-8"))
    assert os.fsencode(report["left_out"][0]["path"]).endswith(b"caf\xe9.jpg")


def test_what_it_leaves_is_used(trained: Path, dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(trained / "classifier.onnx")
    assert classify.main(["-i", str(dataset / "discs"), "-m", model, "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(found) == 20
    assert all(sum(one["probabilities"].values()) == pytest.approx(1, abs=1e-3) for one in found)


def test_keras_own_file_becomes_the_same_classifier(trained: Path, tmp_path: Path) -> None:
    kept = trained / "model.keras"
    options = ["--from-keras", str(kept), "--classes", "discs", "frames", "--bgr", "-o", str(tmp_path)]
    assert train_classifier.main(options) == 0
    assert set(visible(tmp_path)) == {"classifier.onnx", "classes.json"}
    images = [drawn("discs", 50), drawn("frames", 50)]
    first, second = (image_classifier.ImageClassifier(path / "classifier.onnx") for path in (trained, tmp_path))
    np.testing.assert_allclose(first.probabilities(images), second.probabilities(images), atol=1e-4)


def test_transfer_learns_from_few(tmp_path: Path) -> None:
    folder = draw(tmp_path / "data", 20)
    options = ["--dataset", str(folder), "-o", str(tmp_path / "output"), "--epochs", "12", "--batch-size", "8"]
    assert train_classifier.main(options) == 0
    report = json.loads((tmp_path / "output" / "classifier_report.json").read_text(encoding="utf-8"))
    assert report["test"]["accuracy"] == 1


def save_network(
    path: Path, *, outputs: int = 1, activation: str = "sigmoid", scaled: bool = False, side: int = 16
) -> Any:
    """A Keras file such as tutorials leave, and the network."""
    keras = backend.load_keras()
    layers = keras.layers
    backend.set_seed(2)
    net = keras.Sequential(
        [
            layers.Input((side, side, 3)),
            *([layers.Rescaling(1 / 255)] if scaled else []),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(outputs, activation=activation),
        ]
    )
    net.compile("adam", "binary_crossentropy")
    net.save(path)
    return net


def squares() -> tuple[list[Image], np.ndarray]:
    """Pictures of 16 px, and what Keras would read of them: RGB."""
    images: list[Image] = [np.asarray(cv2.resize(drawn(kind, 7), (16, 16)), np.uint8) for kind in ("discs", "frames")]
    return images, np.stack(images)[..., ::-1].astype(np.float32)


@pytest.mark.filterwarnings("ignore::UserWarning")  # that .h5 is an old format
@pytest.mark.parametrize("name", ["model.h5", "model.keras"])
def test_a_binary_network_gives_both_probabilities(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    net = save_network(tmp_path / name)
    draw(tmp_path / "data", 0)
    options = ["--from-keras", str(tmp_path / name), "--dataset", str(tmp_path / "data"), "-o", str(tmp_path / "out")]
    assert train_classifier.main(options) == 0
    assert "16 px, pixels 0..1, RGB, classes discs, frames" in capsys.readouterr().out
    images, rgb = squares()
    second = net.predict(rgb / 255, verbose=0)
    found = image_classifier.ImageClassifier(tmp_path / "out" / "classifier.onnx").probabilities(images)
    np.testing.assert_allclose(found, np.hstack([1 - second, second]), atol=1e-4)


@pytest.mark.parametrize(("scaled", "pixels", "factor"), [(True, None, 1), (False, None, 255), (True, "0..1", 255)])
def test_pixels_are_what_the_network_takes(tmp_path: Path, scaled: bool, pixels: str | None, factor: int) -> None:
    net = save_network(tmp_path / "m.keras", outputs=3, activation="softmax", scaled=scaled)
    network, _ = keras_files.convert(tmp_path / "m.keras", ["a", "b", "c"], pixels, bgr=False)
    images, rgb = squares()
    found = network.predict(np.stack(images), verbose=0)
    np.testing.assert_allclose(found, net.predict(rgb / factor, verbose=0), atol=1e-5)


@pytest.mark.parametrize(
    ("network", "classes", "message"),
    [
        ({"outputs": 3, "activation": "softmax"}, "ab", "does not fit 2 classes"),
        ({}, "abc", "one output fits two classes, not 3"),
        ({"outputs": 2, "activation": "linear"}, "ab", "no probabilities; it must end in a sigmoid or softmax"),
        ({"outputs": 2}, "ab", "no probabilities"),
    ],
)
def test_a_keras_file_that_does_not_fit(tmp_path: Path, network: dict[str, Any], classes: str, message: str) -> None:
    save_network(tmp_path / "m.keras", **network)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "classifier.onnx").write_bytes(b"before")
    options = ["--from-keras", str(tmp_path / "m.keras"), "--classes", *classes, "-o", str(tmp_path / "out")]
    with pytest.raises(ModelError, match=message):
        train_classifier.main(options)
    assert visible(tmp_path / "out") == {"classifier.onnx": b"before"}


@pytest.mark.filterwarnings("ignore::UserWarning")  # that .h5 is an old format
@pytest.mark.parametrize("name", ["m.h5", "m.keras"])
def test_a_keras_file_with_code_in_it_is_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    keras = backend.load_keras()
    layers, ran = keras.layers, tmp_path / "ran"
    code = layers.Lambda(lambda x: (__import__("pathlib").Path("ran").touch(), x)[1])
    output = layers.Dense(2, activation="softmax")
    keras.Sequential([layers.Input((16, 16, 3)), code, layers.Flatten(), output]).save(name)
    ran.unlink()  # it ran as the network was made
    with pytest.raises(ModelError, match="not a network that Keras can read"):
        keras_files.convert(Path(name), ["a", "b"], None, bgr=False)
    assert not ran.exists()
    monkeypatch.setattr(keras, "__version__", "3.11.2")
    with pytest.raises(UsageError, match=r"Keras 3\.11\.2 would run code .*recognize-faces\[train\]"):
        keras_files.convert(Path(name), ["a", "b"], None, bgr=False)
    assert not ran.exists()


@pytest.mark.filterwarnings("ignore::UserWarning")  # that .h5 is an old format
def test_a_file_of_keras_2_with_groups(tmp_path: Path) -> None:
    """Teachable Machine's ``keras_model.h5``: a DepthwiseConv2D has ``groups``, which Keras 3 does not know."""
    h5py = pytest.importorskip("h5py")
    keras = backend.load_keras()
    layers = keras.layers
    depthwise = layers.DepthwiseConv2D(3, name="depthwise")
    output = [layers.GlobalAveragePooling2D(), layers.Dense(2, activation="softmax")]
    net = keras.Sequential([layers.Input((16, 16, 3)), depthwise, *output])
    net.save(tmp_path / "keras_model.h5")
    with h5py.File(tmp_path / "keras_model.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            if layer["class_name"] == "DepthwiseConv2D":
                layer["config"]["groups"] = 1
        file.attrs["model_config"] = json.dumps(config)
    network, _ = keras_files.convert(tmp_path / "keras_model.h5", ["a", "b"], None, bgr=False)
    images, rgb = squares()
    found = network.predict(np.stack(images), verbose=0)
    np.testing.assert_allclose(found, net.predict(rgb / 255, verbose=0), atol=1e-5)
    options = ["--from-keras", str(tmp_path / "keras_model.h5"), "--classes", "a", "b", "-o", str(tmp_path / "out")]
    assert train_classifier.main(options) == 0


def test_a_folder_of_tensorflow(tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    options = ["--from-keras", str(folder), "--classes", "a", "b", "-o", str(tmp_path / "out")]
    with pytest.raises(ModelError, match="saved: a folder, not a Keras file"):
        train_classifier.main(options)
    (folder / "saved_model.pb").write_bytes(b"")
    with pytest.raises(ModelError, match=r"a SavedModel folder of TensorFlow, .*\.save\('model.h5'\)"):
        train_classifier.main(options)


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.txt"])
def test_a_file_that_is_not_keras(tmp_path: Path, name: str) -> None:
    options = ["--from-keras", str(tmp_path / name), "--classes", "a", "b", "-o", str(tmp_path / "out")]
    with pytest.raises(ModelError, match="no such Keras file"):
        train_classifier.main(options)
    (tmp_path / name).write_bytes(b"nothing of Keras")
    with pytest.raises(ModelError, match="not a network that Keras can read") as error:
        train_classifier.main(options)
    assert "\n" not in str(error.value)
    assert visible(tmp_path / "out") == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "give --dataset"),
        (["--dataset", "d", "--classes", "a", "b"], "go with --from-keras"),
        (["--dataset", "d", "--keep-keras", "model.h5"], r"the name must end in \.keras"),
        (["--from-keras", "m.keras"], "give --classes"),
        (["--from-keras", "m.keras", "--classes", "a"], "two or more"),
        (["--from-keras", "m.keras", "--classes", "a", "a"], "each one once"),
    ],
)
def test_options_that_do_not_go_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        train_classifier.main(options)


@pytest.mark.parametrize(
    ("number", "kinds", "message"),
    [
        (0, ("discs", "frames"), "no photographs in it"),
        (5, ("discs",), "all photographs are 'discs'"),
        (1, ("discs", "frames"), "only 1 photograph of 'discs'"),
    ],
)
def test_too_little_to_learn_from(tmp_path: Path, number: int, kinds: tuple[str, ...], message: str) -> None:
    folder = draw(tmp_path / "data", number, kinds)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "classifier.onnx").write_bytes(b"before")
    with pytest.raises(FacesError, match=message):
        run(folder, tmp_path / "out")
    assert visible(tmp_path / "out") == {"classifier.onnx": b"before"}


def test_a_data_set_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FacesError, match="no such file or directory"):
        run(tmp_path / "data", tmp_path / "out")


def test_more_pictures_than_memory_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = draw(tmp_path / "data", 6)
    monkeypatch.setattr(pictures, "MAX_BYTES", 11 * 32 * 32 * 3)
    with pytest.raises(FacesError, match="more than 11 pictures, which at 32 px take over"):
        run(folder, tmp_path / "out")
    monkeypatch.setattr(pictures, "MAX_BYTES", 12 * 32 * 32 * 3)
    pictures.require_memory(folder, 32)


def test_a_million_pictures_are_refused_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting ends where memory does: later folders are not even listed."""
    folder = draw(tmp_path / "data", 3, ("a", "b"))
    million = (folder / "a" / f"{index}.png" for index in range(1_000_000))
    monkeypatch.setattr(pictures, "find_images", lambda _: million)
    with pytest.raises(FacesError, match="more than 133,333 pictures, which at 100 px take over 4 GB"):
        train_classifier.main(["--dataset", str(folder), "-o", str(tmp_path / "out")])
    assert next(million).name == "133334.png"


def test_out_of_memory_says_what_to_try(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(backend.load_keras().Model, "fit", fail)
    with pytest.raises(FacesError, match="out of memory with batches of 8: use --batch-size 4"):
        run(dataset, tmp_path / "out")
    assert visible(tmp_path / "out") == {}


def test_less_to_learn_from_leaves_the_test_as_it_is() -> None:
    random = np.random.default_rng(0)
    classes = np.arange(1000) % 2
    data = labelled.LabelledImages(
        tuple(Path(f"{index}.png") for index in range(1000)), {"class": classes}, {"class": ("a", "b")}
    )
    part = random.choice(3, 1000, p=training.SHARES)
    parts = tuple(part == index for index in range(3))
    few = training.limit_per_class(data, parts, 40, 0)
    assert [[int((mask & (classes == index)).sum()) for index in (0, 1)] for mask in few[:2]] == [[35, 35], [5, 5]]
    assert (few[2] == parts[2]).all()
    assert not any((small & ~large).any() for small, large in zip(few, parts, strict=True))


def test_without_keras_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(UsageError, match=r"training commands need torch: pip install .recognize-faces\[train\]"):
        run(tmp_path, tmp_path / "out")


def test_a_disk_that_is_full_at_the_end_costs_no_training(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(train_classifier, "log", lines.append)

    def fail(*args: object) -> None:
        raise FacesError("cannot write it: no space left on device")

    for step in (exporting, report):
        with monkeypatch.context() as patched:
            patched.setattr(step, "write_bytes", fail)
            with pytest.raises(
                FacesError, match=r"no space left on device; the trained weights are kept: run the same"
            ):
                run(dataset, tmp_path, "--epochs", 2)
    trained = len([line for line in lines if line.startswith("epoch ")])
    assert run(dataset, tmp_path, "--epochs", 2) == 0
    assert len([line for line in lines if "continuing after epoch 2" in line]) == 2
    assert len([line for line in lines if line.startswith("epoch ")]) == trained == 2
    assert (tmp_path / "classifier.onnx").exists() and not (tmp_path / "classifier_training").exists()


def test_the_state_is_beside_the_classifier(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed run goes on with the same command."""

    class Killed(BaseException):
        pass

    def log(line: str) -> None:
        if line.startswith("epoch 1"):
            raise Killed

    monkeypatch.setattr(train_classifier, "log", log)
    with pytest.raises(Killed):
        run(dataset, tmp_path, "--epochs", 2)
    assert list(visible(tmp_path)) == [str(Path("classifier_training", fitting.STATE_FILE))]
