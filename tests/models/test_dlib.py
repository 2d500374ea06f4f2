"""dlib's files: what is read from them, and the cache of what is made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from faces.commands.download_models import SETS
from faces.errors import ModelError
from faces.models import conversion, packages, zoo
from faces.models.conversion import converted
from faces.models.dlib.file import integers, pack, tensors
from faces.models.dlib.graph import Graph, bytes_to_planes, pad_to_eights, taking_bytes, wide_conv_to_one
from faces.models.dlib.shape_predictor import convert_shape_predictor
from faces.models.engine import OnnxEngine
from faces.models.spec import ModelFile, ModelSpec
from tests.fakes import noise

ORIGINAL = b"weights as dlib wrote them"
SPEC = ModelSpec(
    "fake", "embedder", "none", "here", (ModelFile("a.dat", "", f"sha256:{hashlib.sha256(ORIGINAL).hexdigest()}"),)
)


# -- parsing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "data"), [(0, b"\x01\x00"), (1, b"\x01\x01"), (255, b"\x01\xff"), (256, b"\x02\x00\x01")]
)
def test_pack_by_hand(value: int, data: bytes) -> None:
    assert pack(value) == data


def test_integers_come_back_from_any_place() -> None:
    values = [0, 1, 127, 128, 65_535, 65_536, 2**40, 2**63 - 1]
    data = b"".join(pack(value) for value in values)
    assert list(integers(data)) == values
    assert list(integers(data, len(pack(0)) + len(pack(1)))) == values[2:]
    assert list(integers(b"\x81\x05\x82\x00\x01\x01\x07")) == [-5, -256, 7]


def stored(shape: tuple[int, ...], values: np.ndarray) -> bytes:
    sizes = (*shape, 1, 1, 1)[:4]
    return pack(2) + b"".join(pack(size) for size in sizes) + values.astype("<f4").tobytes()


def test_tensors_are_found_between_other_things() -> None:
    first, second = np.arange(3.0), np.arange(600.0).reshape(300, 2)
    data = b"name\x01" + stored((3,), first) + b"\x07learning rate" + stored((300, 2), second) + b"end"
    found = list(tensors(data, [(3,), (300, 2)]))
    assert [tensor.dtype for tensor in found] == [np.float32] * 2
    assert np.array_equal(found[0], first)
    assert np.array_equal(found[1], second)


def test_tensors_are_looked_for_in_the_files_order() -> None:
    data = stored((3,), np.arange(3.0)) + stored((2,), np.ones(2))
    with pytest.raises(ModelError, match=r"no tensor of shape \(3,\) after byte"):
        list(tensors(data, [(2,), (3,)]))


def real(value: float) -> bytes:
    """A float as dlib writes it: mantissa and exponent, as integers."""
    return signed(int(value * 1024)) + signed(-10)


def signed(value: int) -> bytes:
    data = pack(abs(value))
    return bytes([data[0] | 0x80 * (value < 0)]) + data[1:]


def vector(values: np.ndarray) -> bytes:
    """A column as dlib writes it: minus its rows, minus its columns, and the numbers."""
    return signed(-len(values)) + signed(-1) + b"".join(real(value) for value in values)


@pytest.fixture
def forest() -> dict[str, np.ndarray]:
    """Two cascades of three trees, in numbers that are whole 1,024ths."""
    rng = np.random.default_rng(0)

    def reals(*shape: int) -> np.ndarray:
        return rng.integers(-2048, 2048, shape) / 1024

    return {
        "mean_shape": reals(10),
        "a": rng.integers(0, 800, (2, 3, 15)),
        "b": rng.integers(0, 800, (2, 3, 15)),
        "threshold": reals(2, 3, 15),
        "leaves": reals(2, 3, 16, 10),
        "anchor": rng.integers(0, 5, (2, 800)),
        "delta": reals(2, 800, 2),
    }


def serialized(forest: dict[str, np.ndarray]) -> Iterator[bytes]:
    cascades, trees = forest["a"].shape[:2]
    yield from (pack(1), vector(forest["mean_shape"]), pack(cascades))
    for step in range(cascades):
        yield pack(trees)
        for tree in range(trees):
            yield pack(15)
            for split in range(15):
                at = step, tree, split
                yield pack(int(forest["a"][at])) + pack(int(forest["b"][at])) + real(forest["threshold"][at])
            yield pack(16) + b"".join(vector(leaf) for leaf in forest["leaves"][step, tree])
    for name in ("anchor", "delta"):
        yield pack(cascades)
        for row in forest[name]:
            yield pack(800)
            yield b"".join(pack(int(x)) if name == "anchor" else real(x[0]) + real(x[1]) for x in row)


def test_shape_predictor_is_read_whole(tmp_path: Path, forest: dict[str, np.ndarray]) -> None:
    convert_shape_predictor(b"".join(serialized(forest)), tmp_path / "made.npz")
    with np.load(tmp_path / "made.npz") as made:
        assert set(made) == set(forest)
        for name, values in forest.items():
            assert np.array_equal(made[name], values), name


@pytest.mark.parametrize("begin", [pack(2) + vector(np.zeros(10)), pack(1) + vector(np.zeros(136))])
def test_another_predictor_is_refused(tmp_path: Path, begin: bytes) -> None:
    with pytest.raises(ModelError, match="not a 5-point shape predictor"):
        convert_shape_predictor(begin, tmp_path / "made.npz")
    assert list(tmp_path.iterdir()) == []


# -- networks ----------------------------------------------------------------------------------------------------------


def correlated(planes: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """(outputs, rows, columns): what a convolution without padding computes of (inputs, height, width)."""
    windows = np.lib.stride_tricks.sliding_window_view(planes, filters.shape[2:], axis=(1, 2))
    return np.einsum("ihwyx,oiyx->ohw", windows, filters)


@pytest.mark.parametrize(("height", "width"), [(9, 9), (14, 31)])
def test_rebuilt_layers_compute_what_dlibs_do(tmp_path: Path, height: int, width: int) -> None:
    """MMOD's first and last: on BGR bytes, and with one output; the last is rebuilt as a product and shifted sums."""
    rng = np.random.default_rng(0)
    first, last = (rng.normal(size=shape).astype(np.float32) for shape in ((5, 3, 3, 3), (1, 5, 5, 5)))
    biases, bias = rng.normal(size=5).astype(np.float32), np.array([0.7], np.float32)
    graph = Graph()
    bytes_to_planes(graph)
    graph.conv(*pad_to_eights(*taking_bytes(first, biases)), stride=1, padding=0)
    wide_conv_to_one(graph, last, bias)
    graph.save(tmp_path / "a.onnx", [1, "height", "width", 3], [1, 1, "rows", "columns"])
    image = noise(height, width)
    [found] = OnnxEngine(tmp_path / "a.onnx").run(image[None])
    planes = (image[:, :, ::-1].transpose(2, 0, 1) - np.array(zoo.DLIB_MEAN)[:, None, None]) / 256
    maps = correlated(planes, first) + biases[:, None, None]
    expected = correlated(np.pad(maps, ((0, 0), (2, 2), (2, 2))), last) + bias
    assert found.shape == (1, 1, height - 2, width - 2)
    assert np.allclose(found[0], expected, atol=1e-4)


# -- the cache ---------------------------------------------------------------------------------------------------------


class Converter:
    """Turns the original round, and counts."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None

    def __call__(self, data: bytes, path: Path) -> None:
        self.calls += 1
        path.write_bytes(data[::-1])
        if self.error:
            raise self.error


@pytest.fixture
def converter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Converter:
    """The only converter; the original is at ``tmp_path / "a.dat"``, and the cache at ``tmp_path / "cache"``."""
    made = Converter()
    (tmp_path / "a.dat").write_bytes(ORIGINAL)
    monkeypatch.setattr(conversion, "CONVERTERS", {"fake": (made, ".bin")})
    monkeypatch.setattr(packages, "unpacked", lambda file: tmp_path / file.path)
    monkeypatch.setenv("FACES_HOME", str(tmp_path / "cache"))
    return made


def test_converted_once_and_then_found(converter: Converter, tmp_path: Path) -> None:
    first, second = converted(SPEC), converted(SPEC)
    assert first == second
    assert first.parent == tmp_path / "cache"
    assert first.read_bytes() == ORIGINAL[::-1]
    assert converter.calls == 1
    assert sorted(path.suffix for path in first.parent.iterdir()) == [".bin", ".sha256"]


def test_the_original_is_not_needed_again(converter: Converter, tmp_path: Path) -> None:
    converted(SPEC)
    (tmp_path / "a.dat").unlink()
    assert converted(SPEC).read_bytes() == ORIGINAL[::-1]


@pytest.mark.parametrize("suffix", [".bin", ".sha256"])
@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", None])
def test_a_damaged_cache_is_made_again(converter: Converter, suffix: str, damage: bytes | None) -> None:
    part = converted(SPEC).with_suffix(suffix)
    if damage is None:
        part.unlink()
    else:
        part.write_bytes(damage)
    assert converted(SPEC).read_bytes() == ORIGINAL[::-1]
    assert converter.calls == 2
    converted(SPEC)
    assert converter.calls == 2


def test_another_format_leaves_the_older_file_alone(converter: Converter, monkeypatch: pytest.MonkeyPatch) -> None:
    older = converted(SPEC)
    monkeypatch.setattr(conversion, "FORMAT", conversion.FORMAT + 1)
    assert converted(SPEC) != older
    assert older.is_file()


def test_an_original_with_another_digest_is_refused(converter: Converter, tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_bytes(ORIGINAL + b"!")
    with pytest.raises(ModelError, match=r"a\.dat is damaged .* run: faces download-models all"):
        converted(SPEC)
    assert converter.calls == 0


def test_a_cache_that_cannot_be_written(converter: Converter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FACES_HOME", str(tmp_path / "a.dat" / "cache"))
    with pytest.raises(ModelError, match=r"cannot keep the converted model at .* set FACES_HOME to a folder you can"):
        converted(SPEC)


@pytest.mark.parametrize("error", [ModelError("no tensor"), OSError(28, "No space left on device")])
def test_a_conversion_that_fails_leaves_nothing(converter: Converter, tmp_path: Path, error: Exception) -> None:
    converter.error = error
    with pytest.raises(ModelError, match=r"no tensor|no space left"):
        converted(SPEC)
    assert list((tmp_path / "cache").iterdir()) == []


def test_every_packaged_model_has_a_converter() -> None:
    cached = {name for name, spec in zoo.MODELS.items() if any(file.package or file.models for file in spec.files)}
    sets = ("built-in", "dlib", "mesh", "liveness")
    assert set(conversion.CONVERTERS) == cached == {model for name in sets for model in SETS[name]}
