"""Fitting a network: it stops when it learns no more, and goes on where a killed run was."""

from __future__ import annotations

import io
import json
import math
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from faces.errors import FacesError
from faces.files.writing import make_folder, write_bytes
from faces.training import backend

STATE = "training_state.npz"
NO_MEMORY = ("not enough memory", "DefaultCPUAllocator", "out of memory")  # in PyTorch's RuntimeErrors


@dataclass(frozen=True)
class History:
    """How it went: of each metric a value per epoch, and the epoch, from 1, whose weights were kept."""

    metrics: dict[str, list[float]]
    best: int


@dataclass
class _Run:
    """What a killed run is continued from, apart from the weights."""

    metrics: dict[str, list[float]] = field(default_factory=dict)
    best: int = 0
    least: float = math.inf

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
    tell: Callable[[str], None],
    patience: int = 5,
    batch_size: int | None = None,
    seed: int = 0,
    tensorboard: Path | None = None,
    monitor: str = "val_loss",
) -> History:
    """Fit a compiled Keras network, and leave it with the weights of the epoch with the least ``monitor``.

    training, validation: a ``keras.utils.PyDataset``, or arrays (x, y) or (x, y, weights), which are taken
    ``batch_size`` at a time (32).
    folder: where the state is kept after each epoch, until the run is done. settings: what the run depends on, as
    JSON; a state of others is not continued. patience: epochs without a lower ``monitor`` before it stops.
    tensorboard: a folder for TensorBoard's log.
    Every epoch has random numbers of its own, from ``seed``: a run that was killed ends as if it had not been.
    Raises FacesError when memory does not suffice or the loss is no number, and KeyboardInterrupt with a text.
    """
    keras = backend.keras()
    state = _State(folder / STATE, network, settings)
    run = state.load(tell)
    writer = _writer(tensorboard)

    class EveryEpoch(keras.callbacks.Callback):  # type: ignore[name-defined, misc]
        def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            backend.seed((seed + epoch) % 2**32)
            self.began = time.monotonic()

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            values = {name: float(value) for name, value in (logs or {}).items()}
            for name, value in values.items():
                run.metrics.setdefault(name, []).append(value)
                if writer is not None:
                    writer.add_scalar(name, value, epoch + 1)
            if values[monitor] < run.least:
                run.least, run.best = values[monitor], epoch + 1
                state.keep_best()
            if not math.isfinite(values["loss"]):
                raise FacesError("the loss is no longer a number: try a smaller learning rate")
            state.save(run)
            seconds = time.monotonic() - self.began
            tell(f"epoch {epoch + 1}: loss {values['loss']:.4f}  {monitor} {values[monitor]:.4f}  {seconds:.0f} s")
            self.model.stop_training = run.epochs - run.best >= patience

    if run.epochs < epochs and run.epochs - run.best < patience:
        given = training if isinstance(training, tuple) else (training,)
        size = batch_size if isinstance(training, tuple) else None
        try:
            network.fit(
                **dict(zip(("x", "y", "sample_weight"), given, strict=False)),
                validation_data=validation,
                batch_size=size,
                epochs=epochs,
                initial_epoch=run.epochs,
                callbacks=[EveryEpoch()],
                verbose=0,
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"stopped after epoch {run.epochs}; the same command goes on from there") from None
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError) and not any(text in str(error) for text in NO_MEMORY):
                raise
            size = batch_size or getattr(training, "batch_size", None) or 32
            raise FacesError(_too_large(size)) from error
        finally:
            if writer is not None:
                writer.close()
    if not run.best:
        raise FacesError(f"{monitor} was never a number: try a smaller learning rate")
    state.restore_best()
    state.remove()
    return History(run.metrics, run.best)


class _State:
    """A run's state in one file, written whole after each epoch: numbers alone, so that nothing in it can run."""

    def __init__(self, path: Path, network: Any, settings: dict[str, Any]) -> None:
        network.optimizer.build(network.trainable_variables)
        self._path = path
        self._now = [*network.variables, *network.optimizer.variables]
        self._weights = network.weights
        self._settings = json.dumps(settings, sort_keys=True)
        self._best: list[Any] = []

    def load(self, tell: Callable[[str], None]) -> _Run:
        """The run so far, with its weights in the network; an empty one when there is none that fits."""
        if not self._path.exists():
            return _Run()
        try:
            with np.load(self._path, allow_pickle=False) as state:
                about = json.loads(str(state["about"]))
                fits = about.pop("settings") == self._settings
                now = [state[f"now_{index}"] for index in range(len(self._now))] if fits else []
                best = [state[f"best_{index}"] for index in range(len(self._weights))] if fits else []
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            tell(f"{self._path}: damaged; starting anew")
            return _Run()
        if not fits or [value.shape for value in now] != [tuple(variable.shape) for variable in self._now]:
            tell(f"{self._path}: of a run with other data or settings; starting anew")
            return _Run()
        _assign(self._now, now)
        self._best = best
        run = _Run(**about)
        tell(f"{self._path}: going on after epoch {run.epochs}")
        return run

    def keep_best(self) -> None:
        self._best = _values(self._weights)

    def restore_best(self) -> None:
        _assign(self._weights, self._best)

    def save(self, run: _Run) -> None:
        arrays = {f"now_{index}": value for index, value in enumerate(_values(self._now))}
        arrays |= {f"best_{index}": value for index, value in enumerate(self._best or _values(self._weights))}
        about = {"metrics": run.metrics, "best": run.best, "least": run.least, "settings": self._settings}
        file = io.BytesIO()
        np.savez(file, about=np.array(json.dumps(about)), **arrays)
        write_bytes(self._path, file.getvalue())

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
        with suppress(OSError):  # the folder holds other things
            self._path.parent.rmdir()


def _values(variables: list[Any]) -> list[Any]:
    return [np.array(backend.keras().ops.convert_to_numpy(variable)) for variable in variables]


def _assign(variables: list[Any], values: list[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _too_large(batch: int) -> str:
    if batch == 1:
        return "out of memory with one picture at a time: try a smaller --image-size"
    return f"out of memory with batches of {batch}: try --batch-size {batch // 2}"


def _writer(folder: Path | None) -> Any:
    """PyTorch's writer: Keras' own callback would need TensorFlow."""
    if folder is None:
        return None
    backend.needed("tensorboard", "TensorBoard")
    make_folder(folder)
    return backend.needed("torch.utils.tensorboard", "TensorBoard").SummaryWriter(str(folder))
