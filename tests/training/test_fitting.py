"""Fitting: early stopping, the best weights, and continuing a killed run as if it had not been killed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faces.errors import FacesError
from faces.training import backend, fitting
from faces.training.fitting import STATE_FILE, History
from tests.conftest import contents
from tests.files.test_file_modes import open_ones, umask

pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'recognize-faces[train]'")
pytestmark = pytest.mark.training

Data = tuple[np.ndarray, np.ndarray]


class Killed(BaseException):
    """An exception that no handler of the package catches."""


def network(rate: float = 1e-2) -> Any:
    """A tiny one with everything that has a state: augmentation, normalization, dropout, Adam."""
    keras = backend.load_keras()
    layers = keras.layers
    backend.set_seed(1)
    image = keras.Input((8, 8, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3)(layers.RandomFlip("horizontal")(image)))
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(layers.ReLU()(x)))
    net = keras.Model(image, layers.Dense(2, activation="softmax")(x))
    net.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net


@pytest.fixture(scope="module")
def data() -> Data:
    random = np.random.default_rng(0)
    x = random.normal(size=(32, 8, 8, 3)).astype(np.float32)
    return x, (x.mean((1, 2, 3)) > 0).astype(np.intp)


def fit(net: Any, data: Data, folder: Path, lines: list[str], **options: Any) -> History:
    options = {"epochs": 4, "settings": {"seed": 0}, "patience": 9, **options}
    history = fitting.fit(net, data, data, folder=folder, log=lines.append, batch_size=8, **options)
    with fitting.kept_until_written(folder):
        return history


def kill_after(epoch: int, net: Any, data: Data, folder: Path, **options: Any) -> None:
    class Lines(list[str]):
        def append(self, line: str) -> None:
            if line.startswith(f"epoch {epoch}:"):
                raise Killed

    with pytest.raises(Killed):
        fit(net, data, folder, Lines(), **options)


def test_a_run_leaves_its_history_and_the_best_weights(data: Data, tmp_path: Path) -> None:
    lines: list[str] = []
    net = network()
    history = fit(net, data, tmp_path / "run", lines)
    assert set(history.metrics) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert [line.partition(":")[0] for line in lines] == [f"epoch {epoch}" for epoch in (1, 2, 3, 4)]
    least = min(history.metrics["val_loss"])
    assert history.metrics["val_loss"][history.best - 1] == least
    assert net.evaluate(*data, verbose=0)[0] == pytest.approx(least, rel=1e-4)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("error", [FacesError("the disk is full"), KeyboardInterrupt(), Killed()], ids=repr)
def test_what_could_not_be_written_is_written_by_the_next_run(data: Data, tmp_path: Path, error: BaseException) -> None:
    options: dict[str, Any] = {"epochs": 3, "settings": {}, "folder": tmp_path / "run", "batch_size": 8}
    first = network()
    history = fitting.fit(first, data, data, log=print, **options)
    with pytest.raises(type(error)) as caught, fitting.kept_until_written(tmp_path / "run"):
        raise error
    assert isinstance(error, Killed) or str(caught.value).endswith("; " + fitting.KEPT)
    again, lines = network(), list[str]()
    assert fitting.fit(again, data, data, log=lines.append, **options) == history
    assert lines == [f"{tmp_path / 'run' / STATE_FILE}: continuing after epoch 3"]
    assert all(np.array_equal(old, new) for old, new in zip(first.get_weights(), again.get_weights(), strict=True))
    with fitting.kept_until_written(tmp_path / "run"):
        assert (tmp_path / "run").exists()
    assert not (tmp_path / "run").exists()


def test_a_killed_run_ends_as_if_it_had_not_been(data: Data, tmp_path: Path) -> None:
    whole = network()
    history = fit(whole, data, tmp_path, [])
    kill_after(2, network(), data, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [STATE_FILE]
    lines: list[str] = []
    again = network()
    assert fit(again, data, tmp_path, lines) == history
    assert lines[0] == f"{tmp_path / STATE_FILE}: continuing after epoch 2"
    assert all(
        np.array_equal(first, second) for first, second in zip(whole.get_weights(), again.get_weights(), strict=True)
    )


def test_a_state_of_other_settings_is_not_continued(data: Data, tmp_path: Path) -> None:
    kill_after(1, network(), data, tmp_path)
    lines: list[str] = []
    assert len(fit(network(), data, tmp_path, lines, settings={"seed": 1}).metrics["loss"]) == 4
    assert lines[0] == f"{tmp_path / STATE_FILE}: from a run with other data or settings; starting again"


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\3\4 cut off"])
def test_a_damaged_state_is_not_continued(data: Data, tmp_path: Path, content: bytes) -> None:
    (tmp_path / STATE_FILE).write_bytes(content)
    lines: list[str] = []
    assert len(fit(network(), data, tmp_path, lines, epochs=1).metrics["loss"]) == 1
    assert lines[0] == f"{tmp_path / STATE_FILE}: damaged; starting again"


def test_it_stops_without_gain(data: Data, tmp_path: Path) -> None:
    history = fit(network(rate=0.0), data, tmp_path, [], epochs=50, patience=3)
    assert len(history.metrics["loss"]) < 50
    assert len(history.metrics["loss"]) - history.best == 3


def test_a_loss_that_is_no_number_is_said(data: Data, tmp_path: Path) -> None:
    with pytest.raises(FacesError, match="smaller learning rate"):
        fit(network(), (data[0] * math.nan, data[1]), tmp_path, [])


@pytest.mark.parametrize(
    ("error", "batch_size", "message"),
    [
        (MemoryError(), 8, "out of memory with batches of 8: use --batch-size 4"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), 8, "use --batch-size 4"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), 8, "use --batch-size 4"),
        (MemoryError(), 1, "one picture at a time: use a smaller --image-size"),
    ],
)
def test_out_of_memory_says_what_to_try(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, batch_size: int, message: str
) -> None:
    net = network()

    def fail(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(net, "fit", fail)
    with pytest.raises(FacesError, match=message):
        fitting.fit(net, data, data, epochs=1, folder=tmp_path, settings={}, log=lambda _: None, batch_size=batch_size)


def test_real_memory_runs_out(tmp_path: Path) -> None:
    """PyTorch's own error, of what no machine holds."""
    keras = backend.load_keras()
    image = keras.Input((1,))
    net = keras.Model(image, keras.layers.UpSampling1D(2**44)(keras.layers.Reshape((1, 1))(image)))
    net.compile("adam", "mse")
    ones = np.ones((1, 1), np.float32)
    with pytest.raises(FacesError, match="out of memory"):
        fitting.fit(net, (ones, ones), (ones, ones), epochs=1, folder=tmp_path, settings={}, log=lambda _: None)


def test_other_errors_stay_as_they_are(data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = network()
    monkeypatch.setattr(net, "fit", lambda *args, **options: (_ for _ in ()).throw(RuntimeError("else")))
    with pytest.raises(RuntimeError, match="else"):
        fit(net, data, tmp_path, [])


def test_ctrl_c_keeps_the_state_and_says_how_to_go_on(data: Data, tmp_path: Path) -> None:
    class Lines(list[str]):
        def append(self, line: str) -> None:
            if line.startswith("epoch 2"):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="stopped after epoch 2; run the same command again to continue"):
        fit(network(), data, tmp_path, Lines())
    assert list(contents(tmp_path)) == [STATE_FILE]


def test_tensorboard_gets_a_log(data: Data, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    with umask(0):
        fit(network(), data, tmp_path / "run", [], epochs=1, tensorboard=tmp_path / "log")
    assert open_ones(tmp_path) == {}
    assert [path.name.partition(".out")[0] for path in (tmp_path / "log").iterdir()] == ["events"]
