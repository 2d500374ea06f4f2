"""The networks: dlib's is dlib's, what is frozen stays, and augmentation is for training alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from faces.errors import ModelError
from faces.models import conversion, zoo
from faces.training import backend, exporting, image_augmentation, networks

pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'recognize-faces[train]'")
pytestmark = pytest.mark.training

HEADS = {"gender": 2, "age": 0}
RANGES = {"age": (0.0, 100.0)}


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, 150, 150, 3)).astype(np.uint8)


def values(tensor: object) -> np.ndarray:
    ops = backend.load_keras().ops
    return np.asarray(ops.convert_to_numpy(ops.stop_gradient(tensor)))


def test_all_blocks_are_dlibs_network(images: np.ndarray) -> None:
    keras = backend.load_keras()
    core = networks.pretrained(150, HEADS, RANGES, blocks=len(networks.BLOCKS), frozen=len(networks.BLOCKS))
    pooled = next(layer for layer in core.layers if isinstance(layer, keras.layers.GlobalAveragePooling2D))
    session = ort.InferenceSession(conversion.converted(zoo.MODELS["dlib-resnet"]))
    embeddings = session.run(None, {"image": images})[0]

    features = values(keras.Model(core.input, pooled.output)(images))
    # The last layer is a matrix (256, 128) without bias: the same features give the same embeddings.
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(conversion.converted(zoo.MODELS["dlib-resnet"])).graph
    last = next(node for node in graph.node if node.op_type == "MatMul").input[1]
    matrix = next(numpy_helper.to_array(constant) for constant in graph.initializer if constant.name == last)
    assert features @ matrix == pytest.approx(embeddings, abs=1e-4)


def test_frozen_blocks_stay_and_others_learn() -> None:
    core = networks.pretrained(64, {"gender": 2}, {}, blocks=4, frozen=2)
    before = [np.array(weight) for weight in core.get_weights()]
    core.compile("adam", {"gender": "sparse_categorical_crossentropy"})
    images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3)).astype(np.uint8)
    core.train_on_batch(images, {"gender": np.array([0, 1, 0, 1])})
    learning = {id(weight) for weight in core.trainable_weights}
    for weight, old, new in zip(core.weights, before, core.get_weights(), strict=True):
        assert (id(weight) in learning) != np.array_equal(old, new)
    assert len(learning) == 2 * 2 * 2 + 2  # filters and biases of two blocks' two convolutions, and the head


@pytest.mark.parametrize(
    ("architecture", "blocks"),
    [("cnn3", 0), ("residual", 0), *(("pretrained", blocks) for blocks in (1, 3, 4, 7, 8, 11, 13, 14))],
)
def test_the_least_side_is_enough_and_no_more_than_that(architecture: str, blocks: int) -> None:
    side, options = networks.min_side(architecture, blocks), {"blocks": blocks} if blocks else {}
    core = networks.ARCHITECTURES[architecture](side, {"gender": 2}, {}, **options)
    assert values(core(np.zeros((1, side, side, 3), np.uint8))["gender"]).shape == (1, 2)
    if side > 1:
        with pytest.raises(ValueError, match=r"zero or negative|smaller"):
            networks.ARCHITECTURES[architecture](side - 1, {"gender": 2}, {}, **options)


@pytest.mark.parametrize("architecture", networks.ARCHITECTURES)
@pytest.mark.parametrize("side", [64, 97])
def test_every_architecture_answers_within_bounds(architecture: str, side: int) -> None:
    core = networks.ARCHITECTURES[architecture](side, HEADS, RANGES)
    images = np.random.default_rng(0).integers(0, 256, (3, side, side, 3)).astype(np.uint8)
    answers = {name: values(answer) for name, answer in core(images).items()}
    assert answers["gender"].shape == (3, 2)
    assert answers["gender"].sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert answers["age"].shape == (3, 1)
    assert (answers["age"] >= 0).all()
    assert (answers["age"] <= 100).all()


@pytest.mark.parametrize("strong", [False, True])
def test_augmentation_changes_training_alone(strong: bool) -> None:
    core = networks.cnn3(32, {"gender": 2}, {})
    network = image_augmentation.augmented(core, strong)
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3)).astype(np.uint8)
    assert np.array_equal(values(network(images, training=False)["gender"]), values(core(images)["gender"]))
    layers = image_augmentation.augmentation(32, strong)
    changed = images.astype(np.float32)
    for layer in layers:
        changed = values(layer(changed, training=True))
    assert changed.shape == images.shape
    assert not np.array_equal(changed, images)
    assert changed.min() >= 0
    assert changed.max() <= 255


def test_a_warp_of_nothing_but_the_mirror() -> None:
    backend.set_seed(0)
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3)).astype(np.uint8)
    warped = values(image_augmentation._warp(32, turn=0, scale=0, shift=0)(images, training=True))
    mirrored = [not np.allclose(*pair, atol=1) for pair in zip(warped, images, strict=True)]
    assert 0 < sum(mirrored) < 8
    for row, flipped in enumerate(mirrored):
        assert warped[row] == pytest.approx(images[row][:, :: -1 if flipped else 1], abs=0.1)


def test_a_warp_moves_each_image_otherwise_but_not_far() -> None:
    backend.set_seed(0)
    spot = np.zeros((64, 48, 48, 3), np.uint8)
    spot[:, 20:28, 20:28] = 255
    warped = values(image_augmentation._warp(48, turn=0, scale=0, shift=0.1)(spot, training=True))[..., 0]
    ys, xs = (np.tensordot(warped, np.arange(48), ((axis,), (0,))).sum(1) / warped.sum((1, 2)) for axis in (1, 2))
    assert np.abs([ys - 23.5, xs - 23.5]).max() == pytest.approx(4.8, abs=0.6)
    assert len(np.unique(ys.round(2))) > 50


def test_the_filters_of_a_trained_model_are_what_a_start_continues(tmp_path: Path) -> None:
    core = networks.pretrained(64, HEADS, RANGES, blocks=5, frozen=3, embedding=128)
    core.set_weights([weight + 0.01 for weight in core.get_weights()])
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.uint8)
    example: dict[str, np.ndarray] = {"image": images, "embedding": np.eye(2, 128, dtype=np.float32)}
    file = tmp_path / "trained.onnx"
    exporting.export(core, file, {"heads": {"gender": {"classes": ["male", "female"]}, "age": {}}}, example)
    again = networks.pretrained(64, {"glasses": 3}, {}, blocks=4, frozen=3, start=file)
    started, trained = (
        [layer.get_weights() for layer in model.layers if layer.name.startswith("conv2d") and layer.use_bias]
        for model in (again, core)
    )
    assert (len(started), len(trained)) == (1 + 2 * 4, 1 + 2 * 5)
    for mine, theirs in zip(started, trained, strict=False):
        for weight, other in zip(mine, theirs, strict=True):
            assert weight == pytest.approx(other, abs=1e-6)
    with pytest.raises(ModelError, match=r"trained\.onnx: not an attribute model .* with 6 blocks or more"):
        networks.pretrained(64, {"glasses": 3}, {}, blocks=6, start=file)


@pytest.mark.parametrize("embedding", [0, 128])
def test_the_two_halves_are_the_network(embedding: int) -> None:
    core = networks.pretrained(64, HEADS, RANGES, blocks=5, frozen=5, embedding=embedding)
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3)).astype(np.uint8)
    pixels, last = networks.halves(core)
    features, identity = values(pixels(images)), np.eye(3, 128, dtype=np.float32)
    whole = core({"image": images, "embedding": identity} if embedding else images)
    parts = last({"features": features, "embedding": identity} if embedding else features)
    for name in HEADS:
        assert values(whole[name]) == pytest.approx(values(parts[name]), abs=1e-5)
    assert all("conv2d" in weight.path for weight in pixels.weights)
    assert {id(weight) for weight in last.trainable_weights} == {id(weight) for weight in core.trainable_weights}


def test_the_embedding_is_a_second_input() -> None:
    core = networks.pretrained(64, HEADS, RANGES, blocks=5, frozen=3, embedding=128)
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3)).astype(np.uint8)
    embeddings = np.eye(3, 128, dtype=np.float32)
    network = image_augmentation.augmented(core)
    answers = [
        values(network({"image": images, "embedding": given}, training=False)["gender"])
        for given in (embeddings, embeddings[::-1].copy())
    ]
    assert answers[0].shape == (3, 2)
    assert answers[0][1] == pytest.approx(answers[1][1], abs=1e-6)
    assert not np.allclose(answers[0], answers[1])
