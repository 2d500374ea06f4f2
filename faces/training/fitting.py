"""Fit a network with early stopping, and continue a stopped run."""

from __future__ import annotations

import io
import json
import math
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from faces.errors import FacesError
from faces.files import typed_json
from faces.files.writing import make_folder, private, write_bytes
from faces.training import backend

STATE_FILE = "training_state.npz"
KEPT = "the trained weights are kept: run the same command again to write them"
OUT_OF_MEMORY = ("not enough memory", "DefaultCPUAllocator", "out of memory")  # in PyTorch's RuntimeErrors


@dataclass(frozen=True)
class History:
    """The metrics of a run, one value per epoch.

    best: the epoch, from 1, whose weights were kept.
    """

    metrics: dict[str, list[float]]
    best: int


@dataclass
class _Run:
    """What a stopped run is continued from, apart from the weights."""

    metrics: dict[str, list[float]] = field(default_factory=dict)
    best: int = 0
    lowest: float = math.inf

    @property
    def epochs(self) -> int:
        return len(next(iter(self.metrics.values()), []))


def fit(
    network: Any,
    training: Any,
    validation: Any,
    *,
    epochs: int,
    folder: Path,
    settings: dict[str, Any],
    log: Callable[[str], None],
    patience: int = 5,
    batch_size: int | None = None,
    seed: int = 0,
    tensorboard: Path | None = None,
    monitor: str = "val_loss",
) -> History:
    """Fit a compiled Keras network, and restore the weights of the epoch with the lowest ``monitor``.

    The state is saved after each epoch, and each epoch has its own random seed: a stopped run continues, with the same
    result as an uninterrupted one.

    training, validation: a ``keras.utils.PyDataset``, or arrays (x, y) or (x, y, weights).
    epochs: maximum number of passes.
    folder: keeps the state; see ``kept_until_written``.
    settings: JSON values that the result depends on; a state with other settings is not continued.
    log: called with a line per epoch.
    patience: epochs without a lower ``monitor`` before training stops.
    batch_size: of arrays; None: 32.
    tensorboard: folder for TensorBoard's log.

    Raises FacesError if memory does not suffice or the loss is not a number, and KeyboardInterrupt with a message.
    """
    keras = backend.load_keras()
    state = _State(folder / STATE_FILE, network, settings)
    run = state.load(log)
    writer = _writer(tensorboard)

    class EveryEpoch(keras.callbacks.Callback):  # type: ignore[name-defined, misc]
        def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            backend.set_seed((seed + epoch) % 2**32)
            self.started = time.monotonic()

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            values = {name: float(value) for name, value in (logs or {}).items()}
            for name, value in values.items():
                run.metrics.setdefault(name, []).append(value)
                if writer is not None:
                    writer.add_scalar(name, value, epoch + 1)
            if values[monitor] < run.lowest:
                run.lowest, run.best = values[monitor], epoch + 1
                state.keep_best()
            if not math.isfinite(values["loss"]):
                raise FacesError("the loss is not a number: use a smaller learning rate")
            state.save(run)
            seconds = time.monotonic() - self.started
            log(f"epoch {epoch + 1}: loss {values['loss']:.4f}  {monitor} {values[monitor]:.4f}  {seconds:.0f} s")
            self.model.stop_training = run.epochs - run.best >= patience

    if run.epochs < epochs and run.epochs - run.best < patience:
        arrays = training if isinstance(training, tuple) else (training,)
        size = batch_size if isinstance(training, tuple) else None
        try:
            network.fit(
                **dict(zip(("x", "y", "sample_weight"), arrays, strict=False)),
                validation_data=validation,
                batch_size=size,
                epochs=epochs,
                initial_epoch=run.epochs,
                callbacks=[EveryEpoch()],
                verbose=0,
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"stopped after epoch {run.epochs}; run the same command again to continue"
            ) from None
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError) and not any(text in str(error) for text in OUT_OF_MEMORY):
                raise
            size = batch_size or getattr(training, "batch_size", None) or 32
            raise FacesError(_out_of_memory(size)) from error
        finally:
            if writer is not None:
                writer.close()
    if not run.best:
        raise FacesError(f"{monitor} was never a number: use a smaller learning rate")
    state.restore_best()
    return History(run.metrics, run.best)


@contextmanager
def kept_until_written(folder: Path) -> Iterator[None]:
    """Delete the state of a run that is over when what is made of it is written in this block; keep it otherwise.

    folder: as for ``fit``.
    A FacesError and a KeyboardInterrupt get a text that says what to do.
    """
    try:
        yield
    except FacesError as error:
        raise type(error)(f"{error}; {KEPT}") from error
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"stopped; {KEPT}") from None
    (folder / STATE_FILE).unlink(missing_ok=True)
    with suppress(OSError):  # the folder holds other things
        folder.rmdir()


class _About(TypedDict):
    """What a state says besides the arrays. least: the lowest ``monitor``."""

    settings: str
    metrics: dict[str, list[float]]
    best: int
    least: float


class _State:
    """The state of a run in one file, without pickled objects, replaced after each epoch."""

    def __init__(self, path: Path, network: Any, settings: dict[str, Any]) -> None:
        network.optimizer.build(network.trainable_variables)
        self._path = path
        self._variables = [*network.variables, *network.optimizer.variables]
        self._weights = network.weights
        self._settings = json.dumps(settings, sort_keys=True)
        self._best: list[Any] = []

    def load(self, log: Callable[[str], None]) -> _Run:
        """Restore the run and the network's weights; return a new run if there is no state that fits."""
        if not self._path.exists():
            return _Run()
        try:
            with np.load(self._path, allow_pickle=False) as state:
                about = typed_json.parse(str(state["about"]), _About)
                fits = about["settings"] == self._settings
                current = [state[f"now_{index}"] for index in range(len(self._variables))] if fits else []
                best = [state[f"best_{index}"] for index in range(len(self._weights))] if fits else []
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            log(f"{self._path}: damaged; starting again")
            return _Run()
        if not fits or [value.shape for value in current] != [tuple(variable.shape) for variable in self._variables]:
            log(f"{self._path}: from a run with other data or settings; starting again")
            return _Run()
        _assign(self._variables, current)
        self._best = best
        run = _Run(about["metrics"], about["best"], about["least"])
        log(f"{self._path}: continuing after epoch {run.epochs}")
        return run

    def keep_best(self) -> None:
        self._best = _values(self._weights)

    def restore_best(self) -> None:
        _assign(self._weights, self._best)

    def save(self, run: _Run) -> None:
        arrays = {f"now_{index}": value for index, value in enumerate(_values(self._variables))}
        arrays |= {f"best_{index}": value for index, value in enumerate(self._best or _values(self._weights))}
        about = {"metrics": run.metrics, "best": run.best, "least": run.lowest, "settings": self._settings}
        file = io.BytesIO()
        np.savez(file, about=np.array(json.dumps(about)), **arrays)
        write_bytes(self._path, file.getvalue())


def _values(variables: list[Any]) -> list[Any]:
    return [np.array(backend.load_keras().ops.convert_to_numpy(variable)) for variable in variables]


def _assign(variables: list[Any], values: list[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _out_of_memory(batch_size: int) -> str:
    if batch_size == 1:
        return "out of memory with one picture at a time: use a smaller --image-size"
    return f"out of memory with batches of {batch_size}: use --batch-size {batch_size // 2}"


def _writer(folder: Path | None) -> Any:
    """Create PyTorch's writer; Keras' own callback needs TensorFlow."""
    if folder is None:
        return None
    backend.require("tensorboard")
    make_folder(folder)
    with private():
        return backend.require("torch.utils.tensorboard").SummaryWriter(str(folder))
